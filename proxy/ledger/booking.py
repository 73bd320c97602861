"""Writes down how calls ended: the hold goes, the call comes, its accounts have paid, its hour is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, NamedTuple

from proxy.ledger.database import Statements
from proxy.ledger.holding import storable
from proxy.ledger.records import Settlement
from proxy.ledger.schema import BUCKETS, COUNTS, OF_A_CALL
from proxy.usage import Usage

MOST = 10**12  # of anything that a call is counted with: a provider may report any number, and sums must stay in range

_ENDED = ("seconds", "first_seconds", "status", "outcome", "streamed", "tried", "fallbacks", "reason")
_HOUR = ("hour", "route", "provider", "model", "role", "outcome")
_SUMS = ("calls", *COUNTS, "fallbacks", "seconds", "first_seconds", *(f"within_{bucket}" for bucket in BUCKETS))


def _insert(table: str, *columns: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


_CALL = _insert("calls", *OF_A_CALL, *COUNTS, *_ENDED)
_ADD_TO_HOUR = _insert("hours", *_HOUR, *_SUMS) + (
    f" ON CONFLICT ({', '.join(_HOUR)}) DO UPDATE SET "
    f"{', '.join(f'{name} = hours.{name} + excluded.{name}' for name in _SUMS)}"
)
_PAY = "UPDATE accounts SET spent = spent + ?, held = held - ? WHERE account = ?"


class Held(NamedTuple):
    """A row of `holds`, its worker left out."""

    id: int
    accounts: str
    held: int
    least: int
    least_input: int
    at: float
    run: str
    task: str
    attempt: int
    person: str
    role: str
    client: str
    session: str
    route: str
    asked: str
    provider: str
    model: str


_AT, _PROVIDER = Held._fields.index("at"), Held._fields.index("provider")


@dataclass(frozen=True, slots=True)
class Release:
    """A hold whose call was never made: to be forgotten."""

    hold: int


Ending = Settlement | Release


def book(statements: Statements, endings: Sequence[Ending]) -> None:
    """Writes down what of `endings` is not written down yet: each hold ends once, and what ended before is skipped."""
    first = {ending.hold: ending for ending in reversed(endings)}
    marks = ", ".join("?" * len(first))
    found = take_holds(statements, f"id IN ({marks})", tuple(first))
    held = {row.id: row for row in found}
    _write(statements, [(held[number], ending) for number, ending in reversed(first.items()) if number in held])


def book_lost(statements: Statements, found: Sequence[Held]) -> None:
    """Writes down calls of which nobody knows how they ended."""
    _write(statements, [(row, _lost(row)) for row in found])


def take_holds(statements: Statements, condition: str, parameters: Sequence[object]) -> list[Held]:
    """Deletes the holds that the condition is true of, and returns them."""
    sql = f"DELETE FROM holds WHERE {condition} RETURNING {', '.join(Held._fields)}"  # noqa: S608
    return [Held(*row) for row in statements.execute(sql, parameters)]


def _lost(row: Held) -> Settlement:
    return Settlement(
        hold=row.id,
        provider=row.provider,
        model=row.model,
        usage=Usage(input=row.least_input),
        micro_dollars=row.least,
        seconds=0.0,
        first_seconds=None,
        status=0,
        outcome="lost",
    )


def _write(statements: Statements, pairs: Sequence[tuple[Held, Ending]]) -> None:
    """Rows that others write to as well are written in sorted order: so nobody waits for one who waits for him."""
    calls = [_Call(held, ending) for held, ending in pairs if isinstance(ending, Settlement)]
    for sql, rows in (
        (_CALL, [call.row for call in calls]),
        (_PAY, [(*sums, account) for account, sums in sorted(_paid(pairs).items())]),
        (_ADD_TO_HOUR, [(*hour, *sums) for hour, sums in sorted(_by_hour(calls).items())]),
    ):
        if rows:
            statements.execute_many(sql, rows)


def _paid(pairs: Sequence[tuple[Held, Ending]]) -> dict[str, list[int]]:
    """For each account what it has paid, and what it holds no longer."""
    accounts: dict[str, list[int]] = {}
    for held, ending in pairs:
        cost = _bounded(ending.micro_dollars) if isinstance(ending, Settlement) else 0
        for account in filter(None, held.accounts.split("\n")):
            sums = accounts.setdefault(account, [0, 0])
            sums[0] += cost
            sums[1] += held.held
    return accounts


class _Call:
    """A call that ended, as rows have it."""

    __slots__ = ("hour", "row", "sums")

    def __init__(self, held: Held, end: Settlement) -> None:
        provider, model, tried, reason = storable(
            end.provider or held.provider, end.model or held.model, end.tried, end.reason
        )
        counts, seconds = _counts(end), _seconds(end.seconds)
        first = None if end.first_seconds is None else _seconds(end.first_seconds)
        of_a_call = (*held[_AT:_PROVIDER], provider, model)
        ended = (
            seconds, first, end.status, end.outcome, int(end.streamed), tried, end.fallbacks, reason,
        )  # fmt: skip
        within = (int(seconds <= bucket) for bucket in BUCKETS)
        self.row = (*of_a_call, *counts, *ended)
        self.hour = (int(held.at // 3600), held.route, provider, model, held.role, end.outcome)
        self.sums = (1, *counts, end.fallbacks, seconds, first or 0.0, *within)


def _counts(end: Settlement) -> tuple[int, ...]:
    """In the order of COUNTS."""
    used = end.usage
    counts = (
        used.input, used.output, used.cache_read, used.cache_write, used.cache_write_1h, used.web_searches,
        end.micro_dollars,
    )  # fmt: skip
    return counts if min(counts) >= 0 and max(counts) <= MOST else tuple(map(_bounded, counts))


def _bounded(count: int) -> int:
    return min(max(count, 0), MOST)


def _seconds(seconds: float) -> float:
    """Also what is no number must not get into a sum: 0, which `max` prefers to it."""
    return min(max(0.0, seconds), float(MOST))


def _by_hour(calls: Sequence[_Call]) -> dict[tuple[Any, ...], tuple[float, ...]]:
    hours: dict[tuple[Any, ...], tuple[float, ...]] = {}
    for call in calls:
        old = hours.get(call.hour)
        hours[call.hour] = tuple(map(add, old, call.sums)) if old else call.sums
    return hours
