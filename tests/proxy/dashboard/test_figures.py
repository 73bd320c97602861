"""Figures of a period: what the rows add up to, by name and over time."""

from collections.abc import Callable
from typing import Any

import pytest

from proxy.dashboard import figures
from proxy.ledger.reports import MEASURES, PERIODS, Reports
from tests.proxy.dashboard.conftest import Clock
from tests.proxy.dashboard.sample import SampleLedger

DAY = PERIODS["24h"]


def part(**changes: Any) -> dict[str, Any]:
    """A row of `Reports.parts`: one call, unless `changes` say more."""
    row = {"began": 0, "route": "opus", "provider": "anthropic", "model": "m", "role": "planner", "outcome": "ok"}
    return {**row, **dict.fromkeys(MEASURES, 0), "calls": 1, **changes}


def test_totals_add_up_everything_and_count_errors_but_not_callers_that_left() -> None:
    parts = [
        part(calls=10, micro_dollars=70, input_tokens=5, first_seconds=20.0, fallbacks=2),
        part(calls=3, micro_dollars=7, outcome="error", first_seconds=90.0),
        part(calls=2, micro_dollars=1, outcome="lost"),
        part(calls=4, micro_dollars=2, outcome="aborted"),
    ]
    found = figures.totals(parts)
    assert (found["calls"], found["errors"], found["micro_dollars"], found["fallbacks"]) == (19, 5, 80, 2)
    assert (found["input_tokens"], found["first_seconds"]) == (5, 2.0)


def test_no_calls_have_no_times() -> None:
    found = figures.totals([])
    assert (found["calls"], found["micro_dollars"]) == (0, 0)
    assert found["first_seconds"] is found["median_seconds"] is found["p95_seconds"] is None


@pytest.mark.parametrize(
    ("within", "median", "p95"),
    [
        ({"within_10": 20, "within_30": 100, "within_60": 100}, 10 + 20 * 30 / 80, 10 + 20 * 75 / 80),
        ({f"within_{bucket}": 100 for bucket in (1, 2, 5, 10, 30, 60, 120, 300)}, 0.5, 0.95),
        ({"within_120": 50, "within_300": 94}, 120.0, None),
    ],
)
def test_how_long_calls_take_is_reckoned_from_their_buckets(
    within: dict[str, int], median: float, p95: float | None
) -> None:
    above = {"within_120": 100, "within_300": 100} if "within_60" in within else {}
    found = figures.totals([part(calls=100, **{**above, **within}), part(calls=900, outcome="error", within_1=900)])
    assert found["median_seconds"] == pytest.approx(median)
    assert found["p95_seconds"] == (pytest.approx(p95) if p95 is not None else None)


def test_names_are_ranked_by_cost_and_the_last_row_is_all_others() -> None:
    parts = [part(model=f"m{number:02}", micro_dollars=number, calls=2) for number in range(20)]
    found = figures.by(parts, "model")
    assert [row["name"] for row in found] == [*(f"m{number:02}" for number in range(19, 7, -1)), None]
    assert found[-1]["names"] == 8
    assert found[-1]["calls"] == 16
    assert sum(row["micro_dollars"] for row in found) == sum(range(20))


def test_what_has_no_name_has_no_row() -> None:
    parts = [part(role="", micro_dollars=9), part(role="planner", micro_dollars=1)]
    assert [row["name"] for row in figures.by(parts, "role")] == ["planner"]


def test_a_series_has_a_bucket_for_every_hour_and_keeps_what_falls_off_its_edges() -> None:
    since = 500_000 * 3600
    spent = [("a", 50, 0), ("b", 40, 1), ("c", 30, 1), ("d", 20, 23), ("e", 10, 24), ("a", 5, -1)]
    parts = [part(began=since + hour * 3600, provider=name, micro_dollars=cost) for name, cost, hour in spent]
    found = figures.series(parts, DAY, since)
    assert found["providers"] == ["a", "b", "c", None]
    assert [bucket["at"] for bucket in found["buckets"]] == [since + hour * 3600 for hour in range(24)]
    assert [bucket["spent"] for bucket in found["buckets"]][:3] == [[55, 0, 0, 0], [0, 40, 30, 0], [0, 0, 0, 0]]
    assert found["buckets"][-1]["spent"] == [0, 0, 0, 30]
    assert sum(bucket["calls"] for bucket in found["buckets"]) == 6


def test_a_series_counts_tokens_by_kind_and_errors() -> None:
    parts = [part(input_tokens=1, output_tokens=2, cache_write_1h_tokens=5), part(outcome="error", input_tokens=10)]
    (bucket, *_) = figures.series(parts, DAY, 0)["buckets"]
    assert bucket["tokens"] == [11, 2, 0, 0, 5]
    assert (bucket["calls"], bucket["errors"]) == (2, 1)


@pytest.mark.parametrize("period", PERIODS.values(), ids=list(PERIODS))
def test_totals_the_series_and_the_names_agree(
    ledger: SampleLedger, reports: Reports, clock: Clock, period: Any
) -> None:
    for number in range(40):
        age = number * period.width * period.count / 41
        ledger.call(at=clock.now - age, provider=f"p{number % 7}", micro_dollars=number)
    parts = reports.parts(period)
    total = figures.totals(parts)["micro_dollars"]
    series = figures.series(parts, period, period.since(clock.now))
    sums: list[Callable[[], int]] = [
        lambda: sum(sum(bucket["spent"]) for bucket in series["buckets"]),
        lambda: sum(row["micro_dollars"] for row in figures.by(parts, "provider")),
    ]
    assert total > 500
    assert [reckon() for reckon in sums] == [total, total]
