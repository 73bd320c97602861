"""The metrics: in the format to the letter, the ledger's sums to the micro-dollar, never going back."""

from collections.abc import Sequence
from typing import Any

import pytest

from proxy.ledger.reports import Reports
from proxy.metrics import SETTLED_HOURS, Metrics
from tests.proxy.dashboard.conftest import Clock
from tests.proxy.dashboard.exposition import parsed
from tests.proxy.dashboard.month import fill
from tests.proxy.dashboard.sample import SampleLedger

HOUR = 3600
NAMES = {
    "gateway_calls_total", "gateway_fallbacks_total", "gateway_cost_dollars_total", "gateway_tokens_total",
    "gateway_call_seconds", "gateway_calls_under_way", "gateway_held_dollars", "gateway_breaker_open",
}  # fmt: skip


class Spy:
    """A ledger that remembers what was asked of it."""

    def __init__(self, ledger: SampleLedger) -> None:
        self.asked: list[tuple[str, Sequence[object]]] = []
        self._ledger = ledger

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        self.asked.append((sql, parameters))
        return self._ledger.rows(sql, parameters)


@pytest.fixture
def metrics(reports: Reports, clock: Clock) -> Metrics:
    return Metrics(reports, clock=clock)


def test_a_month_of_calls_is_told_in_the_format_and_to_the_micro_dollar(
    ledger: SampleLedger, metrics: Metrics, clock: Clock
) -> None:
    fill(ledger, clock.now, a_day=20)
    found = parsed(metrics.text(("anthropic", "zai", "deepseek", "ollama")))
    (sums,) = ledger.rows("SELECT count(*) AS calls, sum(micro_dollars) AS cost, sum(seconds) AS seconds FROM calls")
    assert found.keys() == NAMES
    assert sum(found["gateway_calls_total"].samples.values()) == sums["calls"]
    assert round(sum(found["gateway_cost_dollars_total"].samples.values()) * 1_000_000) == sums["cost"]
    of_times = found["gateway_call_seconds"].samples
    assert sum(value for (end, _), value in of_times.items() if end == "_count") == sums["calls"]
    assert sum(value for (end, _), value in of_times.items() if end == "_sum") == pytest.approx(sums["seconds"])
    assert found["gateway_breaker_open"].value(provider="zai") == 1
    assert found["gateway_breaker_open"].value(provider="anthropic") == 0


def test_a_ledger_without_calls_is_in_the_format_too(metrics: Metrics) -> None:
    found = parsed(metrics.text())
    assert found.keys() == NAMES
    assert found["gateway_held_dollars"].value() == 0


def test_every_measure_has_its_labels(ledger: SampleLedger, metrics: Metrics, clock: Clock) -> None:
    labels = {"route": "opus", "provider": "zai", "model": "glm-5", "role": "planner", "outcome": "error"}
    counts = {"input_tokens": 1, "output_tokens": 2, "cache_read_tokens": 3, "cache_write_tokens": 4}
    for at in (clock.now, clock.now - 100 * 24 * HOUR):
        ledger.call(at=at, **labels, **counts, cache_write_1h_tokens=5, micro_dollars=1, fallbacks=2, seconds=7.5)
    ledger.hold(route="opus", provider="zai", held=1_500_000)
    found = parsed(metrics.text())
    assert found["gateway_calls_total"].value(**labels) == 2
    assert found["gateway_fallbacks_total"].value(**labels) == 4
    assert found["gateway_cost_dollars_total"].value(**labels) == 0.000002
    kinds = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
    assert [found["gateway_tokens_total"].value(**labels, kind=kind) for kind in kinds] == [2, 4, 6, 8, 10]
    seconds = found["gateway_call_seconds"]
    pair = {"route": "opus", "provider": "zai"}
    assert [seconds.value("_bucket", le=le, **pair) for le in ("5", "10", "300", "+Inf")] == [0, 2, 2, 2]
    assert (seconds.value("_sum", **pair), seconds.value("_count", **pair)) == (15, 2)
    assert found["gateway_calls_under_way"].value(**pair) == 1
    assert found["gateway_held_dollars"].value() == 1.5


def test_no_name_can_break_out_of_its_label(ledger: SampleLedger, metrics: Metrics, clock: Clock) -> None:
    name = 'a"} 1\nb{c="d\\",\\n 鉄 <script>'
    ledger.call(at=clock.now, model=name, provider=name, role=name, route=name)
    ledger.hold(provider=name, route=name)
    ledger.insert("breakers", provider=name, worker="w", state="open", until=clock.now, reason="")
    found = parsed(metrics.text())
    assert found["gateway_calls_total"].value(model=name, provider=name, role=name, route=name) == 1
    assert found["gateway_calls_under_way"].value(provider=name, route=name) == 1
    assert found["gateway_breaker_open"].value(provider=name) == 1


def test_counters_never_go_back_while_hours_become_old_and_calls_are_settled_late(
    ledger: SampleLedger, metrics: Metrics, clock: Clock
) -> None:
    counted = []
    for step in range(3 * SETTLED_HOURS):
        for age in (0, 20, SETTLED_HOURS + 5):
            ledger.call(at=clock.now - age * HOUR)
        counted.append(parsed(metrics.text())["gateway_calls_total"].value())
        clock.now += HOUR / 2 if step % 2 else HOUR
    assert counted == sorted(counted)
    assert counted[-1] >= 3 * len(counted) - 1
    clock.now += HOUR
    assert parsed(metrics.text())["gateway_calls_total"].value() == 3 * len(counted)


def test_a_reading_asks_for_recent_hours_alone_and_never_for_calls(ledger: SampleLedger, clock: Clock) -> None:
    spy = Spy(ledger)
    metrics = Metrics(Reports(spy, clock=clock), clock=clock)
    metrics.text()
    spy.asked.clear()
    metrics.text()
    hour = int(clock.now) // HOUR
    assert [parameters for sql, parameters in spy.asked if "hours" in sql] == [
        (hour - SETTLED_HOURS, hour + SETTLED_HOURS)
    ]
    assert not [sql for sql, _ in spy.asked if "FROM calls" in sql]


@pytest.mark.parametrize(
    "text",
    [
        "# HELP a_total x\n# TYPE a_total counter\na_total 1",
        "# TYPE a_total counter\n# HELP a_total x\na_total 1\n",
        "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\"} 1\na_total{b=\"c\"} 2\n",
        "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\",} 1\n",
        "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\x\"} 1\n",
        "# HELP a_total x\n# TYPE a_total counter\na_total -1\n",
        "# HELP a_total x\n# TYPE a_total counter\nb_total 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n",
        '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
        '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
        '# HELP a x\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_count 1\n',
    ],
)  # fmt: skip
def test_the_reader_of_these_tests_is_strict(text: str) -> None:
    with pytest.raises(AssertionError):
        parsed(text)
