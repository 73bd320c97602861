"""Figures of a period, folded from the sums of `Reports.parts`: totals, a series over time, and sums by name."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal

from proxy.ledger.database import Row
from proxy.ledger.reports import MEASURES, Period
from proxy.ledger.schema import BUCKETS, TOKENS

FAILED = ("error", "lost")  # a caller that hung up is no error
SHOWN = 12  # names in one table; the others are one row
PROVIDERS_IN_SERIES = 3

Figures = dict[str, Any]


def totals(parts: Iterable[Row]) -> Figures:
    """Sums of everything: calls, errors, fallbacks, micro-dollars, tokens of each kind, and how long calls took."""
    return _figures(_Sum().add(parts))


def by(parts: Iterable[Row], dimension: Literal["route", "provider", "model", "role"]) -> list[Figures]:
    """The same for each `name`, the dearest first; what is beyond SHOWN names is the last, named None."""
    sums = _grouped(parts, lambda row: row[dimension])
    ranked = sorted(sums, key=lambda name: (-sums[name].of["micro_dollars"], -sums[name].of["calls"], name))
    found = [{"name": name, **_figures(sums[name])} for name in ranked[:SHOWN] if name]
    if rest := ranked[SHOWN:]:
        found.append({"name": None, "names": len(rest), **_figures(_Sum().merge(sums[name] for name in rest))})
    return found


def series(parts: list[Row], period: Period, since: int) -> Figures:
    """A bucket for each `at` of the period, empty ones too: `calls`, `errors`, `tokens` by kind, `spent` by provider.

    `providers` names those of `spent`: the dearest few, and None for all others where there are more.
    """
    dear = _dearest(parts)
    buckets = [_bucket(since + number * period.width, dear) for number in range(period.count)]
    for row in parts:
        # Postgres rounds where SQLite cuts off: half a second may fall beyond the end
        bucket = buckets[min(max((row["began"] - since) // period.width, 0), period.count - 1)]
        _add_to(bucket, row, dear)
    return {"width": period.width, "providers": dear, "kinds": list(TOKENS), "buckets": buckets}


def _dearest(parts: list[Row]) -> list[str | None]:
    spent: dict[str, int] = defaultdict(int)
    for row in parts:
        spent[row["provider"]] += row["micro_dollars"]
    ranked = sorted(spent, key=lambda name: (-spent[name], name))
    others: list[str | None] = [None] if len(ranked) > PROVIDERS_IN_SERIES else []
    return [*ranked[:PROVIDERS_IN_SERIES], *others]


def _bucket(at: int, providers: list[str | None]) -> Figures:
    return {"at": at, "calls": 0, "errors": 0, "tokens": [0] * len(TOKENS), "spent": [0] * len(providers)}


def _add_to(bucket: Figures, row: Row, providers: list[str | None]) -> None:
    bucket["calls"] += row["calls"]
    bucket["errors"] += row["calls"] if row["outcome"] in FAILED else 0
    place = providers.index(row["provider"] if row["provider"] in providers else None)
    bucket["spent"][place] += row["micro_dollars"]
    for number, kind in enumerate(TOKENS):
        bucket["tokens"][number] += row[kind]


class _Sum:
    """What rows add up to; `ok` counts those alone that ended well, which say how long a call takes."""

    def __init__(self) -> None:
        self.of: dict[str, Any] = dict.fromkeys(MEASURES, 0)
        self.ok: dict[str, Any] = dict.fromkeys(MEASURES, 0)
        self.errors = 0

    def add(self, rows: Iterable[Row]) -> "_Sum":
        for row in rows:
            _plus(self.of, row)
            if row["outcome"] == "ok":
                _plus(self.ok, row)
            if row["outcome"] in FAILED:
                self.errors += row["calls"]
        return self

    def merge(self, others: Iterable["_Sum"]) -> "_Sum":
        for other in others:
            _plus(self.of, other.of)
            _plus(self.ok, other.ok)
            self.errors += other.errors
        return self


def _plus(sums: dict[str, Any], row: Row) -> None:
    for name in MEASURES:
        sums[name] += row[name]


def _grouped(parts: Iterable[Row], key: Callable[[Row], str]) -> dict[str, _Sum]:
    found: dict[str, _Sum] = defaultdict(_Sum)
    for row in parts:
        found[key(row)].add((row,))
    return found


def _figures(sums: _Sum) -> Figures:
    of, ok = sums.of, sums.ok
    return {
        "calls": of["calls"],
        "errors": sums.errors,
        "fallbacks": of["fallbacks"],
        "micro_dollars": of["micro_dollars"],
        "web_searches": of["web_searches"],
        **{kind: of[kind] for kind in TOKENS},
        "first_seconds": ok["first_seconds"] / ok["calls"] if ok["calls"] else None,
        "median_seconds": _quantile(ok, 0.5),
        "p95_seconds": _quantile(ok, 0.95),
    }


def _quantile(sums: dict[str, Any], share: float) -> float | None:
    """About how many seconds this share of the calls kept to, as if those of a bucket were spread over it evenly.

    None where there are no calls, or where it is more than the last bucket.
    """
    wanted, below, start = sums["calls"] * share, 0, 0
    for end in BUCKETS:
        within = sums[f"within_{end}"]
        if wanted and within >= wanted:
            return float(start + (end - start) * (wanted - below) / (within - below))
        below, start = within, end
    return None
