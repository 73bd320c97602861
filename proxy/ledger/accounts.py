"""Which accounts pay for a call, and how much each may pay. Days and months are those of UTC in which it began."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from urllib.parse import quote

from proxy.gateway import Limits
from proxy.ledger.keys import ClientKey
from proxy.ledger.records import Caller, Charge
from proxy.prices import MICRO

DAY_SECONDS = 86_400


def charges(
    at: float, caller: Caller, limits: Limits, *, budget: int | None = None, key: ClientKey | None = None
) -> tuple[Charge, ...]:
    """The charges of a call that begins `at`, in seconds since the epoch; the narrowest limit first.

    `budget` is the task's, in micro-dollars. Every account that fits is there, limited or not: a limit that is set
    later counts what was spent before.
    """
    return tuple(_charges(day_and_month(at), caller, limits, budget, key))


def of_task(task: str) -> str:
    """The account of a task, over all its attempts."""
    return f"task/{_part(task)}"


def _charges(
    days: tuple[str, str], caller: Caller, limits: Limits, budget: int | None, key: ClientKey | None
) -> Iterator[Charge]:
    day, month = days
    if caller.task:
        yield Charge(of_task(caller.task), budget, "this task's budget")
    if caller.run:
        yield Charge(f"run/{_part(caller.run)}", _micro(limits.run_usd), "this run's limit")
    if key:
        yield Charge(f"key/{key.name}", key.total_micro, "this key's limit")
        yield Charge(f"key/{key.name}/{day}", key.day_micro, "this key's limit for today")
        yield Charge(f"key/{key.name}/{month}", key.month_micro, "this key's limit for this month")
    if caller.person:
        person = f"person/{_part(caller.person)}"
        yield Charge(f"{person}/{day}", _micro(limits.person_day_usd), "your limit for today")
        yield Charge(f"{person}/{month}", _micro(limits.person_month_usd), "your limit for this month")
    yield Charge(f"day/{day}", _micro(limits.day_usd), "the gateway's limit for today")
    yield Charge(f"month/{month}", _micro(limits.month_usd), "the gateway's limit for this month")


def day_and_month(at: float) -> tuple[str, str]:
    """The day of a time, in seconds since the epoch, and its month: `2026-11-21`, `2026-11`."""
    return _days(int(at // DAY_SECONDS))


@lru_cache(maxsize=8)
def _days(number: int) -> tuple[str, str]:
    """Those of the day with this number since the epoch."""
    day = datetime.fromtimestamp(number * DAY_SECONDS, UTC).strftime("%Y-%m-%d")
    return day, day[:7]


@lru_cache(maxsize=1024)
def _part(text: str) -> str:
    """`text` as one part of a name: without a slash or the end of a line."""
    return quote(text, safe="", errors="replace")


def _micro(usd: Decimal | None) -> int | None:
    return None if usd is None else int(usd * MICRO)
