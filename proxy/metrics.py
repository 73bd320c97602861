"""The metrics in Prometheus' text format: counters from the ledger's sums by hour, gauges of what goes on now.

Counters are those of the ledger, so they survive a restart and are the same from every worker. What began more than
SETTLED_HOURS ago is summed once an hour, the rest at each reading: a reading costs the same in a ledger of any age.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from proxy.ledger.database import Row
from proxy.ledger.reports import HOUR, MEASURES, Reports
from proxy.ledger.schema import BUCKETS, TOKENS
from proxy.prices import MICRO

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SETTLED_HOURS = 48  # what began before is over: a call that is settled later is counted within the hour
NAMES = ("route", "provider", "model", "role", "outcome")

Sums = dict[tuple[str, ...], Row]


class Metrics:
    """Readings of one ledger; several threads may take them at once. `clock` is in seconds since the epoch."""

    def __init__(self, reports: Reports, *, clock: Callable[[], float] = time.time) -> None:
        self._reports = reports
        self._clock = clock
        self._settled: tuple[int, Sums] = (-1, {})

    def text(self, providers: Sequence[str] = ()) -> str:
        """The metrics. `providers` are those of the set-up, which have a breaker to tell of. Raises LedgerAway."""
        sums = self._sums()
        lines = [*_counters(sums), *_histogram(sums), *self._gauges(providers)]
        return "\n".join(lines) + "\n"

    def _sums(self) -> Sums:
        hour = int(self._clock()) // HOUR
        boundary = hour - SETTLED_HOURS
        until, settled = self._settled
        if until != boundary:
            settled = _added({}, self._reports.totals(0, boundary))
            self._settled = boundary, settled
        # a clock that was set back must not hide what is already written
        return _added(settled, self._reports.totals(boundary, hour + SETTLED_HOURS))

    def _gauges(self, providers: Sequence[str]) -> Iterable[str]:
        under_way = self._reports.under_way()
        open_ones = {row["provider"] for row in self._reports.breakers()}
        yield from _head("gateway_calls_under_way", "gauge", "Calls that have begun and not ended.")
        for row in under_way:
            labels = _labels(route=row["route"], provider=row["provider"])
            yield f"gateway_calls_under_way{labels} {row['calls']}"
        yield from _head("gateway_held_dollars", "gauge", "The most that the calls under way can cost.")
        yield f"gateway_held_dollars {_dollars(sum(row['held'] for row in under_way))}"
        yield from _head("gateway_breaker_open", "gauge", "1 where a worker leaves a provider alone after failures.")
        for provider in sorted({*providers, *open_ones}):
            yield f"gateway_breaker_open{_labels(provider=provider)} {int(provider in open_ones)}"


def _added(sums: Sums, rows: Iterable[Row]) -> Sums:
    """`sums`, which stays as it is, and what the rows add to it."""
    found = dict(sums)
    for row in rows:
        key = tuple(row[name] for name in NAMES)
        old = found.get(key)
        found[key] = {name: row[name] + old[name] for name in MEASURES} if old else row
    return found


def _counters(sums: Sums) -> Iterable[str]:
    yield from _counter(sums, "gateway_calls_total", "calls", "Calls that ended.")
    yield from _counter(sums, "gateway_fallbacks_total", "fallbacks", "Targets that were passed over for the next one.")
    yield from _head("gateway_cost_dollars_total", "counter", "What calls cost by the table of prices.")
    for key, row in sorted(sums.items()):
        yield f"gateway_cost_dollars_total{_of(key)} {_dollars(row['micro_dollars'])}"
    yield from _head(
        "gateway_tokens_total", "counter", "Tokens by kind; input leaves out what the cache read or wrote."
    )
    for key, row in sorted(sums.items()):
        for kind in TOKENS:
            yield f"gateway_tokens_total{_of(key, kind=kind.removesuffix('_tokens'))} {row[kind]}"


def _counter(sums: Sums, name: str, measure: str, said: str) -> Iterable[str]:
    yield from _head(name, "counter", said)
    for key, row in sorted(sums.items()):
        yield f"{name}{_of(key)} {row[measure]}"


def _histogram(sums: Sums) -> Iterable[str]:
    """How long calls took, by route and provider alone: eleven lines for each pair are enough."""
    name = "gateway_call_seconds"
    yield from _head(name, "histogram", "How long calls took, from their admission to the last byte.")
    pairs: dict[tuple[str, str], dict[str, float]] = {}
    for key, row in sums.items():
        pair = pairs.setdefault((key[0], key[1]), dict.fromkeys(MEASURES, 0))
        for measure in MEASURES:
            pair[measure] += row[measure]
    for (route, provider), pair in sorted(pairs.items()):
        names = {"route": route, "provider": provider}
        for bucket in BUCKETS:
            yield f"{name}_bucket{_labels(**names, le=str(bucket))} {pair[f'within_{bucket}']}"
        yield f"{name}_bucket{_labels(**names, le='+Inf')} {pair['calls']}"
        yield f"{name}_sum{_labels(**names)} {float(pair['seconds'])!r}"
        yield f"{name}_count{_labels(**names)} {pair['calls']}"


def _head(name: str, kind: str, said: str) -> tuple[str, str]:
    return f"# HELP {name} {said}", f"# TYPE {name} {kind}"


def _of(key: tuple[str, ...], **more: str) -> str:
    return _labels(**dict(zip(NAMES, key, strict=True)), **more)


def _labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _dollars(micro: int) -> str:
    """Exactly so many micro-dollars: no float in between."""
    return f"{micro // MICRO}.{micro % MICRO:06d}"
