"""What a start takes, and whether memory grows: each with a server of its own, started afresh."""

import time
from statistics import median

from bench.gateway_bench.contenders import LiteLLM
from bench.gateway_bench.field import Entry, Field, Plan, say
from bench.gateway_bench.footprint import megabytes
from bench.gateway_bench.load import Load
from bench.gateway_bench.ours import Ours
from bench.gateway_bench.running import NotStarted

SIZE = 50_000
SETTLE_SECONDS = 1.0
GROWTH_SECONDS = 120
PLACE = "growth"


def measure_starts(field: Field, plan: Plan) -> None:
    """Fills in `cold`, with nothing else running. LiteLLM's first start counts: its starts take half a minute."""
    for entry in field.running():
        if isinstance(entry.contender, LiteLLM) or entry is field.entries[0]:
            continue
        say(f"{plan.starts} cold starts of {entry.found.name}")
        entry.found.cold = median(start_and_stop(entry) for _ in range(plan.starts))


def start_and_stop(entry: Entry) -> float:
    """Seconds until the first good answer."""
    try:
        return entry.contender.start()
    finally:
        entry.contender.stop()


def measure_growth(field: Field, plan: Plan, load: Load) -> None:
    """Fills in `growth` of ours: megabytes more after `more` requests than after `warm_up`."""
    try:
        field.direct.start()
        for entry in field.running():
            if isinstance(entry.contender, Ours):
                say(f"memory of {entry.found.name} over {plan.more} requests")
                entry.found.growth = growth(entry, plan, load)
    finally:
        field.direct.stop()


def growth(entry: Entry, plan: Plan, load: Load) -> float | None:
    """Megabytes; None, and why, where it did not get through the requests."""
    try:
        entry.contender.start()
        before = memory_after(plan.warm_up, entry, plan, load)
        return memory_after(plan.more, entry, plan, load) - before
    except (NotStarted, TimeoutError) as error:
        entry.found.wrong[PLACE] = str(error)
        return None
    finally:
        entry.contender.stop()


def memory_after(requests: int, entry: Entry, plan: Plan, load: Load) -> float:
    """Megabytes after so many requests, at rest. Raises TimeoutError where they take too long."""
    deadline = time.monotonic() + GROWTH_SECONDS
    while requests > 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{requests} requests are still missing after {GROWTH_SECONDS} s")
        requests -= load.run(entry.contender, SIZE, plan.seconds).requests
    time.sleep(SETTLE_SECONDS)
    return megabytes(entry.contender.pid)
