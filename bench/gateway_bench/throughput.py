"""Many requests over a few connections: who answers how many, at what cost, for bodies of four sizes."""

import json
import time

from bench.gateway_bench import figures
from bench.gateway_bench.answers import body
from bench.gateway_bench.contenders import Contender
from bench.gateway_bench.field import Entry, Field, Plan, say
from bench.gateway_bench.load import CONNECTIONS, Load, Round

SIZES = (1_000, 50_000, 100_000, 400_000)
MAIN_SIZE = 50_000
WARM_UP_SECONDS = 2
COUNTED_SECONDS = 5.0


def measure(field: Field, plan: Plan, load: Load) -> None:
    """Fills in `throughput`. The size that has limits gets all rounds, the others about half of them."""
    for entry in field.running():
        load.run(entry.contender, MAIN_SIZE, WARM_UP_SECONDS)
    for size in SIZES:
        rounds: dict[str, list[Round]] = {entry.found.name: [] for entry in field.running()}
        for number in range(plan.rounds if size == MAIN_SIZE else (plan.rounds + 1) // 2):
            say(f"throughput, {size // 1000} KB, round {number + 1}")
            for entry in field.shuffled():
                rounds[entry.found.name].append(one_round(entry, load, size, plan.seconds, first=number == 0))
        for entry in field.running():
            entry.found.throughput[size] = figures.throughput(rounds[entry.found.name])


def one_round(entry: Entry, load: Load, size: int, seconds: int, *, first: bool) -> Round:
    """A round, and whether all that happened in it was right. The first one looks at memory."""
    result = load.run(entry.contender, size, seconds, look_at_memory=first)
    if wrong := what_was_wrong(result, entry.contender):
        entry.found.wrong[place(size)] = wrong
    return result


def what_was_wrong(result: Round, contender: Contender, patience: float = COUNTED_SECONDS) -> str:
    """Every answer must be a good one, of full length, and be written down once by who writes down."""
    if result.errors or not result.requests:
        return f"{result.errors} errors in {result.requests} requests"
    if result.bytes < result.requests * len(body("streamed")):
        return f"answers of {result.bytes // result.requests} bytes, too few"
    most = result.requests + CONNECTIONS  # those that were under way at the end
    counted = count(contender, result.requests, patience)
    if counted is not None and not result.requests <= counted <= most:
        return f"{counted} calls in the ledger after {result.requests} requests"
    return ""


def count(contender: Contender, expected: int, patience: float) -> int | None:
    """The calls that were written down, as soon as all of them are; -1 where it does not tell."""
    deadline = time.monotonic() + patience
    try:
        while (counted := contender.counted()) is not None and counted < expected and time.monotonic() < deadline:
            time.sleep(0.05)
    except (OSError, LookupError, json.JSONDecodeError):
        return -1
    return counted


def place(size: int) -> str:
    """What a size is called in the table."""
    return f"{size // 1000} KB"
