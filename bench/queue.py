"""`bench/queue`: 200 runs asked for at once, for two slots: all end, in the order that the rule says, none by waiting.

Three people, four priorities, limits set. Everything is real but Claude Code, which is scripted. With `--jump` the
clock of all our Python processes is set forward by twelve hours in the middle (libfaketime, of the distribution).
"""

import argparse
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from native.desk import wait_until
from native.processes import ROOT, end_in_order_on_sigterm, start_all
from native.stack import Stack
from orchestrator.tasks.order import RANKS, Waiting, in_order
from sim.not_github.client import example
from sim.not_telegram.person import Person
from stack.api import RunDetail, RunsApi
from stack.init import make_secrets
from stack.messages import ENDED, Priority
from stack.roles import ROLES

FOLDER = ROOT / ".run/bench-queue"
PEOPLE = (1001, 1002, 1003)
PRIORITIES: Sequence[Priority] = ("low", "normal", "high", "urgent")
SLOTS = 2
CLAUDE = Path(__file__).parent / "scripted_claude.sh"
LIMITS = '{"pr_reviewer": {"at_once": 2, "per_person": 1, "ahead": 2}}'
SECONDS = 600.0
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


def main() -> int:
    """Prints the figures, exits 1 where a run was lost or the order is another."""
    parser = argparse.ArgumentParser(prog="bench/queue", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("-n", "--runs", type=int, default=200, help="runs that are asked for at once (%(default)s)")
    parser.add_argument("--jump", action="store_true", help="set the clock forward by 12 h when a third has ended")
    options = parser.parse_args()
    end_in_order_on_sigterm()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    clock = FOLDER / "clock"
    clock.write_text("+0\n")
    stack = Stack(FOLDER, extra=settings())
    if options.jump:
        fake_clocks(stack, clock)
    try:
        return measure(stack, options.runs, clock if options.jump else None)
    finally:
        stack.stop()


def settings() -> dict[str, dict[str, str]]:
    """What is set by service."""
    return {
        "bot": {"ALLOWED_USERS": ",".join(map(str, PEOPLE))},
        "orchestrator": {"ROLE_LIMITS": LIMITS},
        "agents": {"CLAUDE_CLI": str(CLAUDE), "AGENT_SLOTS": str(SLOTS)},
    }


def fake_clocks(stack: Stack, clock: Path) -> None:
    """Has each service take the time from `clock`. The monotonic clock is the kernel's, as where a real one is set."""
    if not FAKETIME.exists():
        raise SystemExit("libfaketime is not installed: apt-get install libfaketime")
    fake = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(Path(__file__).parent / "faketime"),
    }
    for process in stack.services.values():
        process.environment = {**process.environment, **fake}


def measure(stack: Stack, runs: int, clock: Path | None) -> int:
    """Asks for the runs while no reviewer is there, starts it, waits for all to end. Returns the exit status."""
    make_secrets(stack.secrets, broker=f"127.0.0.1:{stack.ports.broker}")
    start_all(list(stack.simulators.values()))
    stack.broker.start()
    reviewer = stack.services["pr-reviewer"]
    start_all([process for process in stack.services.values() if process is not reviewer])
    example(stack.ports.url("not_github"))
    chats = [Person(stack.ports.url("not_telegram"), user) for user in PEOPLE]
    for chat in chats:
        chat.say("/start")
    api = RunsApi(stack.ports.url("orchestrator"), stack.secret("cli", "API_TOKEN"))
    begun = time.monotonic()
    asked = [ask_for(api, number) for number in range(runs)]
    wait_until(lambda: all(fetched(api.run(run)) for run in asked), seconds=SECONDS)
    print(f"{runs} runs asked for and fetched in {time.monotonic() - begun:.1f} s; now {SLOTS} slots")
    begun = time.monotonic()
    start_all([reviewer])
    if clock:
        wait_until(lambda: count_ended(api, asked) > runs / 3, seconds=SECONDS)
        clock.write_text("+12h\n")
        print("the clock was set forward by 12 h")
    wait_until(lambda: count_ended(api, asked) == runs, seconds=SECONDS)
    seconds = time.monotonic() - begun
    time.sleep(3)
    return report([api.run(run) for run in asked], chats, seconds)


def ask_for(api: RunsApi, number: int) -> str:
    """Asks for one run; people and priorities take turns."""
    person, priority = PEOPLE[number % len(PEOPLE)], PRIORITIES[number // len(PEOPLE) % len(PRIORITIES)]
    ask = {"verb": "review", "repository": "acme/shop", "number": 12}
    return str(api.start(ask, key=f"run {number}", person=f"telegram:{person}", priority=priority).id)


def fetched(run: RunDetail) -> bool:
    """Whether the run waits for its reviewer."""
    return any(task.step == "review" for task in run.tasks)


def count_ended(api: RunsApi, asked: list[str]) -> int:
    """How many have ended."""
    return sum(api.run(run).state in ENDED for run in asked)


def report(runs: list[RunDetail], chats: list[Person], seconds: float) -> int:
    """Prints what came of it. Returns the exit status."""
    states = Counter(run.state for run in runs)
    finals = sum("✅ verified" in event["message"]["text"] for chat in chats for event in sent(chat))
    attempts = Counter(task.attempt for run in runs for task in run.tasks if task.step == "review")
    wrong = out_of_order(runs)
    print(f"{dict(states)} in {seconds:.1f} s: {len(runs) / seconds:.1f} a second; final messages: {finals}")
    print(f"attempts of a review: {dict(attempts)}; taken out of order: {len(wrong)} {wrong[:5]}")
    return 0 if states == {"verified": len(runs)} and finals == len(runs) and not wrong else 1


def sent(chat: Person) -> list[dict[str, Any]]:
    """The messages that the bot sent to a person."""
    return [event for event in chat.events() if (event["kind"], event["who"]) == ("sent", "bot")]


def out_of_order(runs: list[RunDetail]) -> list[int]:
    """The reviews, by their place, that were taken though others should have been by the rule of admission.

    The first ones had been sent before the others were there. Where one slot is free, who is at work in the other is
    one of the last that were taken; where both are, two are sent at once, and either may be taken first.
    """
    role = replace(ROLES["pr_reviewer"], per_person=1)
    claimed = [(event.at, run) for run in runs for event in run.events if event.text == "review.claimed"]
    taken = [waiting(run) for _, run in sorted(claimed, key=lambda one: one[0])]
    wrong = []
    for place in range(SLOTS, len(taken)):
        could = set(islice(in_order(role, taken[place:], {}), SLOTS))
        for other in taken[place - SLOTS : place]:
            could |= set(islice(in_order(role, taken[place:], {other.person: 1}), 1))
        if taken[place] not in could:
            wrong.append(place)
    return wrong


def waiting(run: RunDetail) -> Waiting:
    """The review of a run, as it waited."""
    task = next(task for task in run.tasks if task.step == "review")
    return Waiting(str(task.id), run.person, RANKS[run.priority])


if __name__ == "__main__":
    sys.exit(main())
