"""`bench/gateway`: our model proxy beside nginx (the limit), LiteLLM and claude-code-router, with a mock upstream.

Contenders are installed by the command itself, below ~/.cache/claude-stack-bench. First every contender's answers are
checked whole; then come throughput, one connection, paced streams, the checks again, cold starts and growth of memory,
in rounds of random order, medians. Exits 1 where a limit is missed or an answer was wrong.
"""

import argparse
import fcntl
import json
import resource
import shutil
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

from bench.gateway_bench import answering, limits, paced, report, single, starts, throughput
from bench.gateway_bench.checks import Wrong
from bench.gateway_bench.contenders import ClaudeCodeRouter, Contender, Direct, LiteLLM, Nginx
from bench.gateway_bench.field import FULL, QUICK, Entry, Field, Plan, say
from bench.gateway_bench.figures import Found
from bench.gateway_bench.load import Load
from bench.gateway_bench.machine import Machine
from bench.gateway_bench.ours import Ours
from bench.gateway_bench.running import NotStarted
from native.processes import ROOT, end_in_order_on_sigterm

FOLDER = ROOT / ".run/gateway"  # on the real disk: the ledger is written there
OPEN_FILES = 8192
OURS = "ours"
NAMES = ("nginx", OURS, "LiteLLM", "CCR")


def main() -> int:
    """Measures, prints, and says by its status whether all limits hold."""
    arguments = parsed()
    machine = Machine()
    end_in_order_on_sigterm()
    allow_many_connections()
    alone = only_one()
    shutil.rmtree(FOLDER, ignore_errors=True)
    field, plan = the_field(arguments), the_plan(arguments)
    try:
        measure(field, plan, Load(FOLDER / "load"))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (NotStarted, Wrong) as error:
        raise SystemExit(f"bench/gateway cannot begin: {error}") from error
    finally:
        alone.close()
    return tell(field, arguments, [machine.note(), plan.note()])


def allow_many_connections() -> None:
    """For this process and all that it starts: 500 streams take two files each in whoever passes them on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def only_one() -> IO[bytes]:
    """A lock on the folder, until it is closed. Raises SystemExit where another run has it."""
    FOLDER.parent.mkdir(exist_ok=True)
    lock = FOLDER.with_suffix(".lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("bench/gateway runs already: two at once would measure each other") from None
    return lock


def parsed() -> argparse.Namespace:
    """The command line."""
    first, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="bench/gateway", description=first, epilog=rest)
    parser.add_argument("--quick", action="store_true", help="short rounds, for a look: the figures are rough")
    parser.add_argument("--only", default="", metavar="NAMES", help=f"some of {','.join(NAMES)}; ours is always there")
    parser.add_argument("--rounds", type=int, help=f"rounds of the main measurements ({FULL.rounds})")
    parser.add_argument("--seconds", type=int, help=f"length of a round of throughput ({FULL.seconds})")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="measure this checkout as ours (this one)")
    parser.add_argument("--also", type=Path, action="append", default=[], help="one more checkout, to compare with")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    arguments = parser.parse_args()
    arguments.only = [name for name in arguments.only.split(",") if name]
    if unknown := {*arguments.only} - {*NAMES}:
        parser.error(f"--only knows {', '.join(NAMES)}, not {', '.join(sorted(unknown))}")
    return arguments


def the_plan(arguments: argparse.Namespace) -> Plan:
    """How much is measured."""
    plan = QUICK if arguments.quick else FULL
    changes = {name: value for name in ("rounds", "seconds") if (value := getattr(arguments, name))}
    return replace(plan, **changes)


def the_field(arguments: argparse.Namespace) -> Field:
    """Who takes part. The mock upstream is needed by all, and is started here: raises NotStarted where it cannot be."""
    direct = Direct(FOLDER / "direct")
    contenders: list[Contender] = [direct, Nginx(direct.port, FOLDER / "nginx")]
    contenders.append(Ours(direct.port, FOLDER / OURS, name=OURS, checkout=arguments.checkout.resolve()))
    for number, path in enumerate(arguments.also, 1):
        checkout = path.resolve()
        contenders.append(
            Ours(direct.port, FOLDER / f"also-{number}", name=f"{OURS} at {checkout.name}", checkout=checkout)
        )
    contenders += [LiteLLM(direct.port, FOLDER / "litellm"), ClaudeCodeRouter(direct.port, FOLDER / "ccr")]
    wanted = {*(arguments.only or NAMES), direct.name}
    taking_part = [one for one in contenders if one.name in wanted or isinstance(one, Ours)]
    return Field([Entry(one, Found(one.name)) for one in taking_part])


def measure(field: Field, plan: Plan, load: Load) -> None:
    """All of it. Whatever was started is stopped, also on Ctrl-C."""
    with ExitStack() as stack:
        start_all(field, stack)
        say("checking answers")
        answering.check_all(field, plan.checks)
        throughput.measure(field, plan, load)
        single.measure(field, plan)
        paced.measure(field, plan, FOLDER / "streams")
        answering.check_all(field, plan.checks)
    starts.measure_starts(field, plan)
    starts.measure_growth(field, plan, load)


def start_all(field: Field, stack: ExitStack) -> None:
    """Starts everyone; who cannot be started is absent from then on. Raises NotStarted without the mock upstream."""
    for entry in field.entries:
        say(f"starting {entry.found.name}")
        stack.callback(entry.contender.stop)
        try:
            entry.found.cold = entry.contender.start()
        except NotStarted as error:
            if isinstance(entry.contender, Direct):
                raise
            entry.found.absent = str(error)
        entry.found.note = entry.contender.note


def tell(field: Field, arguments: argparse.Namespace, notes: list[str]) -> int:
    """Prints and writes what was found; the exit status."""
    all_found = [entry.found for entry in field.entries]
    judged = limits.judge({one.name: one for one in all_found}, OURS)
    tables, notes = list(report.tables(all_found, judged)), [*notes, *report.notes(all_found)]
    print("\n\n".join([*(table.text() for table in tables), "\n".join(notes)]))
    if arguments.markdown:
        lines = [*(table.markdown() for table in tables), "\n".join(f"- {note}" for note in notes)]
        arguments.markdown.write_text("\n\n".join(lines) + "\n")
    if arguments.json:
        found = {
            "notes": notes,
            "contenders": [asdict(one) for one in all_found],
            "limits": [asdict(one) for one in judged],
        }
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return status(all_found, judged, some_left_out=bool(arguments.only))


def status(all_found: list[Found], judged: list[limits.Limit], *, some_left_out: bool) -> int:
    """0 if all answers were right and all limits hold; what nobody wanted measured does not count."""
    wrong = any(one.wrong for one in all_found)
    unproven = any(one.holds is None for one in judged) and not some_left_out
    return 1 if wrong or unproven or any(one.holds is False for one in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
