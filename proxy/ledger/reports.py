"""What the ledger tells of itself: reads for the dashboard and the metrics. Micro-dollars, seconds, tokens throughout.

Sums over a period come from `hours`, or, for a single hour, from its `calls`. What `hours` does not know (runs, people,
kinds of errors) is read from the latest calls of the period, at most WINDOW of them: no read grows with the ledger.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import unquote

from proxy.ledger.database import Row
from proxy.ledger.schema import BUCKETS, COUNTS, TOKENS

Kind = Literal["total", "day", "month"]

HOUR = 3600
WINDOW = 20_000  # a fifteenth of a second for SQLite
ERRORS_READ = 500

DIMENSIONS = ("route", "provider", "model", "role", "outcome")
_WITHIN = tuple(f"within_{bucket}" for bucket in BUCKETS)
_WHOLE = ("calls", *COUNTS, "fallbacks", *_WITHIN)
_SPANS = ("seconds", "first_seconds")
MEASURES = (*_WHOLE, *_SPANS)

_OF_A_CALL = ("at", "run", "task", "attempt", "person", "role", "client", "route", "asked", "provider", "model")
_ENDED = ("seconds", "first_seconds", "status", "outcome", "streamed", "tried", "fallbacks", "reason")
_CALL = ", ".join(("id", *_OF_A_CALL, *COUNTS, *_ENDED))
_HOLD = ", ".join(("id", *_OF_A_CALL, "held"))

# every name in the queries below comes from the tuples above or is written out: nothing from outside
_HOURS = f"SELECT hour * {HOUR} AS began, {', '.join((*DIMENSIONS, *MEASURES))} FROM hours WHERE hour >= ? AND hour < ?"  # noqa: S608
_CALLS = f"""SELECT CAST(at AS BIGINT) AS began, {", ".join(DIMENSIONS)}, 1 AS calls, {", ".join(COUNTS)}, fallbacks,
    {", ".join(f"CASE WHEN seconds <= {b} THEN 1 ELSE 0 END AS within_{b}" for b in BUCKETS)},
    seconds, coalesce(first_seconds, 0) AS first_seconds
    FROM calls WHERE at >= ? AND at < ?"""  # noqa: S608
_SUMS = ", ".join(  # Postgres makes a sum of integers a decimal
    [*(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in _WHOLE), *(f"sum({name}) AS {name}" for name in _SPANS)]
)
_LATEST = f"(SELECT {_CALL} FROM calls WHERE at >= ? ORDER BY at DESC LIMIT ?) AS latest"  # noqa: S608
_ALL_TOKENS = " + ".join(TOKENS)


class Rows(Protocol):
    """A database that can be read; `?` stands for a parameter."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows, by the names of their columns. Raises LedgerAway where they cannot be read now."""
        ...


@dataclass(frozen=True, slots=True)
class Period:
    """A span up to now in `count` buckets, each `width` seconds wide; the last one is the current one, not yet full."""

    name: str
    width: int
    count: int

    def since(self, now: float) -> int:
        """Where the first bucket begins: buckets begin at whole multiples of their width, in UTC."""
        return (int(now) // self.width - self.count + 1) * self.width


_SPANS_OF_TIME = (
    Period("1h", 300, 12),
    Period("24h", HOUR, 24),
    Period("7d", 6 * HOUR, 28),
    Period("30d", 24 * HOUR, 30),
)
PERIODS = {period.name: period for period in _SPANS_OF_TIME}


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """The most that an account may pay, in micro-dollars, and how to name it to people: `today`.

    One `*` in `account` stands for any text: each account that fits has this limit for itself; a `*` in `said` is
    replaced by that text, as it was before it was quoted for the account's name.
    """

    said: str
    account: str
    limit: int


class Reports:
    """Reads of a ledger. Any of them may raise LedgerAway. `window`: how many calls are read one by one at most."""

    def __init__(self, ledger: Rows, *, clock: Callable[[], float] = time.time, window: int = WINDOW) -> None:
        self._rows = ledger.rows
        self._clock = clock
        self._window = window

    def parts(self, period: Period) -> list[Row]:
        """Sums of MEASURES by DIMENSIONS and `began`, the second at which the bucket of the period begins."""
        since, hour = period.since(self._clock()), period.width >= HOUR
        unit, source = (HOUR, _HOURS) if hour else (1, _CALLS)
        bucket = f"began / {period.width} * {period.width}"
        names = ", ".join(DIMENSIONS)
        sql = f"SELECT {bucket} AS began, {names}, {_SUMS} FROM ({source}) AS parts GROUP BY {bucket}, {names}"  # noqa: S608
        end = since + period.width * period.count
        return self._rows(sql, (since // unit, end // unit))

    def totals(self, first_hour: int, end_hour: int) -> list[Row]:
        """Sums of MEASURES by DIMENSIONS over the hours from the first up to, not including, the end."""
        names = ", ".join(DIMENSIONS)
        return self._rows(
            f"SELECT {names}, {_SUMS} FROM ({_HOURS}) AS parts GROUP BY {names} ORDER BY {names}",  # noqa: S608
            (first_hour, end_hour),
        )

    def latest(self, count: int = 12) -> list[Row]:
        """The calls that ended last, the newest first."""
        return self._rows(f"SELECT {_CALL} FROM calls ORDER BY id DESC LIMIT ?", (count,))  # noqa: S608

    def holds(self, count: int = 24) -> list[Row]:
        """Calls under way, the newest first."""
        return self._rows(f"SELECT {_HOLD} FROM holds ORDER BY id DESC LIMIT ?", (count,))  # noqa: S608

    def under_way(self) -> list[Row]:
        """How many calls are under way and what they hold, by route and provider."""
        return self._rows(
            "SELECT route, provider, count(*) AS calls, CAST(sum(held) AS BIGINT) AS held FROM holds "
            "GROUP BY route, provider ORDER BY route, provider"
        )

    def breakers(self) -> list[Row]:
        """Breakers that are not closed, one a provider: the one of all workers' that stays open longest."""
        found = self._rows("SELECT provider, state, until, reason FROM breakers ORDER BY provider, until")
        return list({row["provider"]: row for row in found}.values())

    def is_whole(self, period: Period) -> bool:
        """Whether the latest calls that are read one by one are all calls of the period."""
        found = self._latest(period, "SELECT count(*) AS calls FROM {latest}")
        return bool(found[0]["calls"] < self._window)

    def spenders(self, period: Period, by: Literal["run", "person", "client"], count: int = 10) -> list[Row]:
        """Who paid most among the latest calls: `name`, `calls`, `micro_dollars`, `tokens`, `last` (when)."""
        return self._latest(
            period,
            f"""SELECT {by} AS name, count(*) AS calls, CAST(sum(micro_dollars) AS BIGINT) AS micro_dollars,
            CAST(sum({_ALL_TOKENS}) AS BIGINT) AS tokens, max(at) AS last FROM {{latest}}
            WHERE {by} <> '' GROUP BY {by} ORDER BY 3 DESC, 1 LIMIT ?""",  # noqa: S608
            count,
        )

    def failures(self, period: Period, count: int = 12) -> list[Row]:
        """Calls that did not end well, by `provider`, `outcome`, `status` and `reason`.

        The most common come first, and after all errors the callers that left, which are nobody's mistake.
        """
        return self._latest(
            period,
            """SELECT provider, outcome, status, reason, count(*) AS calls, max(at) AS last FROM {latest}
            WHERE outcome <> 'ok' GROUP BY provider, outcome, status, reason
            ORDER BY CASE outcome WHEN 'aborted' THEN 1 ELSE 0 END, 5 DESC, 6 DESC LIMIT ?""",
            count,
        )

    def fallbacks(self, period: Period, count: int = 8) -> list[Row]:
        """What was `tried` in vain before `provider` answered, or failed as the last."""
        return self._latest(
            period,
            """SELECT tried, provider, count(*) AS calls, max(at) AS last FROM {latest}
            WHERE tried <> '' GROUP BY tried, provider ORDER BY 3 DESC, 4 DESC LIMIT ?""",
            count,
        )

    def slowest(self, period: Period, count: int = 6) -> list[Row]:
        """The slowest of the latest calls."""
        return self._latest(period, f"SELECT {_CALL} FROM {{latest}} ORDER BY seconds DESC LIMIT ?", count)  # noqa: S608

    def last_errors(self, period: Period) -> dict[str, Row]:
        """The last error of each provider that had one lately: `at` and `error`, such as `529` or `timeout`."""
        found: dict[str, Row] = {}
        for row in self._latest(
            period,
            "SELECT at, provider, outcome, status, reason, tried FROM {latest} "
            "WHERE outcome = 'error' OR tried <> '' ORDER BY at DESC LIMIT ?",
            ERRORS_READ,
        ):
            for provider, error in _errors_of(row):
                found.setdefault(provider, {"at": row["at"], "error": error})
        return found

    def spent(self, limit: AccountLimit, count: int = 3) -> list[Row]:
        """The accounts that a limit is for, those that used most of it first: `said`, `limit`, `spent`, `held`."""
        before, star, after = limit.account.partition("*")
        if star:
            sql = "SELECT account, spent, held FROM accounts WHERE account LIKE ? ESCAPE '!' "
            pattern = f"{_literal(before)}%{_literal(after)}"
            found = self._rows(sql + "ORDER BY spent + held DESC LIMIT ?", (pattern, count))
        else:
            found = self._rows("SELECT account, spent, held FROM accounts WHERE account = ?", (before,))
            found = found or [{"account": before, "spent": 0, "held": 0}]
        for row in found:
            name = unquote(row.pop("account")[len(before) :].removesuffix(after))
            row.update(said=limit.said.replace("*", name), limit=limit.limit)
        return found

    def client_limits(self, accounts: dict[Kind, str], count: int = 20) -> list[AccountLimit]:
        """The limits of client keys still good; `accounts` names the account of each kind, `*` being the key's name."""
        found = self._rows(
            """SELECT name, total_micro AS total, day_micro AS day, month_micro AS month FROM client_keys
            WHERE revoked IS NULL AND (expires IS NULL OR expires > ?) ORDER BY name LIMIT ?""",
            (self._clock(), count),
        )
        said = {"total": "in all", "day": "today", "month": "this month"}
        return [
            AccountLimit(f"key {row['name']}, {said[kind]}", account.replace("*", row["name"]), row[kind])
            for row in found for kind, account in accounts.items() if row[kind] is not None
        ]  # fmt: skip

    def _latest(self, period: Period, sql: str, *parameters: object) -> list[Row]:
        return self._rows(sql.replace("{latest}", _LATEST), (period.since(self._clock()), self._window, *parameters))


def _errors_of(row: Row) -> list[tuple[str, str]]:
    tried = (one.partition(" ") for one in row["tried"].split(", ") if one)
    found = [(provider, error) for provider, _, error in tried]
    if row["outcome"] == "error":
        found.append((row["provider"], " ".join(str(part) for part in (row["status"], row["reason"]) if part)))
    return found


def _literal(text: str) -> str:
    """`text` as it stands, for LIKE."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
