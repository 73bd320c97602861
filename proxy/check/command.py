"""`python -m proxy check`: its arguments, what it is to check, and its exit status."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO
from urllib.parse import urlsplit

from proxy.check.catalogue import checks
from proxy.check.checking import TIMEOUT_SECONDS, check
from proxy.check.finding import cleaned
from proxy.check.plan import CannotCheck, Launch, plan
from proxy.check.report import Subject, announcement, as_json, ending, line, verdicts
from proxy.check.verdict import Verdict
from proxy.default_prices import default_prices
from proxy.gateway import TIERS, Gateway, Provider, Target, Tier
from proxy.prices import PriceTable

FIT, UNFIT, NOT_CHECKED = 0, 1, 2
ORDER: tuple[Tier, ...] = ("sonnet", "opus", "haiku")  # whose model is checked, where no tier is named

ABOUT = """\
Checks whether a model provider can serve Claude Code: streaming, tools,
parallel tools, thinking, images, the cache, token counts, errors and more.

It starts a gateway of its own on this machine, with the provider behind it,
asks as Claude Code would ask, and tells what works, what a tier would miss,
and which tiers the model is fit for."""

TRY = """\
examples:
  python -m proxy check zai                  with the model that is set up
  python -m proxy check zai --model glm-4.6  another model of it, set up or not
  python -m proxy check zai --tier haiku     as the haiku tier, with its model
  python -m proxy check zai --long           long prompts too: it says the price
  python -m proxy check zai --json >zai.json for programs

It says what it will cost before it starts. Ctrl-C ends it at any time.

exit status:
  0  each tier asked about can be served, perhaps with limits
  1  one cannot
  2  it could not be checked: no key, not reachable, no answer where it matters"""


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `check` to the commands of a program."""
    parser = subparsers.add_parser(
        "check",
        help="check whether a provider can serve Claude Code",
        description=ABOUT,
        epilog=TRY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("provider", metavar="PROVIDER", help="its name in gateway.toml or in a setting, or a preset's")
    parser.add_argument("--model", default="", help="the model, as the provider names it; else the one that is set up")
    parser.add_argument("--tier", choices=TIERS, help="the tier that it shall serve; else all are judged")
    parser.add_argument("--long", action="store_true", help="also check long prompts, which cost more")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--timeout", type=_seconds, default=TIMEOUT_SECONDS, metavar="SECONDS",
        help=f"give a call up after so much silence ({TIMEOUT_SECONDS:g})",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where words go: the report, and what is no part of it."""

    out: TextIO
    err: TextIO


def run(
    arguments: argparse.Namespace,
    *,
    gateway: Gateway | None,
    presets: Mapping[str, Provider],
    launch: Launch,
    terminal: Terminal | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Does what `add_to` promises; the exit status. `gateway` is None where nothing is set up yet."""
    terminal = terminal or Terminal(sys.stdout, sys.stderr)
    try:
        target = found(arguments.provider, arguments.tier, arguments.model, gateway, presets)
        subject = _subject(target, gateway, long=arguments.long)
        return _checked(arguments, target, subject, terminal, launch, sleep)
    except CannotCheck as error:
        print(error, file=terminal.err)
    except KeyboardInterrupt:
        print("stopped", file=terminal.err)
    return NOT_CHECKED


def _subject(target: Target, gateway: Gateway | None, *, long: bool) -> Subject:
    provider, prices = target.provider, gateway.prices if gateway else PriceTable(default_prices())
    price = target.price or prices.find(target.model)
    where = cleaned(urlsplit(provider.base_url).hostname or "an address without a host")
    return Subject(
        provider=cleaned(provider.name),
        model=cleaned(target.model),
        where=where,
        price=price,
        is_priced=price is not prices.otherwise,
        long=long,
    )


def _checked(
    arguments: argparse.Namespace,
    target: Target,
    subject: Subject,
    terminal: Terminal,
    launch: Launch,
    sleep: Callable[[float], None],
) -> int:
    said = terminal.err if arguments.json else terminal.out
    planned = plan(checks(long=arguments.long, needs_key=target.provider.needs_key), subject.price)
    print(announcement(subject, planned, arguments.timeout), file=said, flush=True)
    result = check(
        target.provider,
        target.model,
        launch=launch,
        price=subject.price,
        long=arguments.long,
        timeout=arguments.timeout,
        sleep=sleep,
        tell=lambda finding: None if arguments.json else print(line(finding), file=said, flush=True),
    )
    judged = verdicts([arguments.tier] if arguments.tier else TIERS, result)
    if arguments.json:
        print(json.dumps(as_json(subject, result, judged), indent=2), file=terminal.out)
    else:
        print(ending(subject, result, judged), file=said)
    return NOT_CHECKED if result.obstacle else _status(judged)


def _status(judged: list[Verdict]) -> int:
    fitness = {one.fitness for one in judged}
    if "unfit" in fitness:
        return UNFIT
    return NOT_CHECKED if "unknown" in fitness else FIT


def found(name: str, tier: Tier | None, model: str, gateway: Gateway | None, presets: Mapping[str, Provider]) -> Target:
    """The provider of that name with the model to check. Raises CannotCheck.

    It is looked for among the tiers, then among routes of single models, then among the presets.
    """
    targets = [target for target in _targets(gateway, tier) if target.provider.name == name]
    if not targets and name not in presets:
        known = sorted({target.provider.name for target in _targets(gateway, tier)} | set(presets))
        raise CannotCheck(f"{cleaned(name)} is neither set up nor a preset. There are: {', '.join(known)}")
    target = next((one for one in targets if one.model == model or (not model and one.model)), None)
    if target is None:  # a price belongs to the model that it was set for
        target = Target(targets[0].provider if targets else presets[name], model)
    if not target.provider.base_url:
        raise CannotCheck(f"{name} has no address of its own: set it up in gateway.toml first.")
    if not target.model:
        raise CannotCheck(f"Which model of {name}? Add --model NAME, as the provider names it.")
    if target.provider.needs_key and not any(target.provider.keys):
        setting = target.provider.key_setting or "its keys in gateway.toml"
        raise CannotCheck(f"There is no key for {name}: set {setting}.")
    return target


def _targets(gateway: Gateway | None, tier: Tier | None) -> Iterator[Target]:
    """All that is set up, those of `tier` first."""
    if gateway:
        routes = [gateway.tiers[name] for name in ((tier, *ORDER) if tier else ORDER)]
        for route in (*routes, *gateway.models.values()):
            yield from route.targets


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("say a number of seconds, more than 0 and at most 3600")
    return seconds
