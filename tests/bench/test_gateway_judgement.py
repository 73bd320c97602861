"""What `bench/gateway` makes of its figures: limits, tables, exit status."""

from dataclasses import replace
from typing import Any

import pytest

from bench.gateway_bench import report
from bench.gateway_bench.__main__ import status
from bench.gateway_bench.figures import ANSWERS, Found, Single, Throughput, percentile
from bench.gateway_bench.limits import Limit, judge
from bench.gateway_bench.load import Round
from bench.gateway_bench.throughput import what_was_wrong

GOOD = Throughput(per_second=3000, p50=0.001, p99=0.002, errors=0, cpu=0.0001, pss=80)
ROUND = Round(requests=100, bytes=900_000, seconds=1, p50=0.001, p99=0.002, errors=0, cpu=0.1, pss=80)


class Counting:
    """A contender that has written down so many calls."""

    def __init__(self, calls: int | None) -> None:
        self._calls = calls

    def counted(self) -> int | None:
        return self._calls


@pytest.mark.parametrize(
    ("changes", "counted", "wrong"),
    [
        ({}, None, ""),
        ({}, 100, ""),
        ({}, 108, ""),
        ({}, 109, "109 calls in the ledger"),
        ({"errors": 1}, None, "1 errors"),
        ({"requests": 0}, None, "0 errors in 0"),
        ({"bytes": 500_000}, None, "too few"),
    ],
)
def test_a_round_with_anything_wrong_in_it_is_wrong(changes: dict[str, int], counted: int | None, wrong: str) -> None:
    found = what_was_wrong(replace(ROUND, **changes), Counting(counted))  # type: ignore[arg-type]
    assert wrong in found
    assert bool(found) is bool(wrong)


def test_a_call_that_is_not_written_down_in_time_is_wrong() -> None:
    found = what_was_wrong(ROUND, Counting(99), patience=0.1)  # type: ignore[arg-type]
    assert "99 calls in the ledger" in found


def a_field(**changes: Any) -> dict[str, Found]:
    """Everyone with the same throughput, but for ours."""
    return {
        "nginx": Found("nginx", throughput={50_000: replace(GOOD, per_second=8000)}),
        "ours": Found("ours", throughput={50_000: replace(GOOD, **changes)}),
        "LiteLLM": Found("LiteLLM", throughput={50_000: replace(GOOD, per_second=100, cpu=0.0133)}),
    }


def verdicts(found: dict[str, Found]) -> list[bool | None]:
    """Of the three limits of throughput."""
    return [limit.holds for limit in judge(found, "ours")[:3]]


def test_limits_are_those_of_nginx_and_of_litellm() -> None:
    assert verdicts(a_field()) == [True, True, True]
    assert verdicts(a_field(per_second=2_700)) == [True, True, True]
    assert verdicts(a_field(per_second=2_600)) == [False, True, True]
    assert verdicts(a_field(per_second=1_900)) == [False, False, True]
    assert verdicts(a_field(cpu=0.0005)) == [True, True, False]


def test_nothing_that_failed_or_is_absent_is_measured_against() -> None:
    found = a_field()
    found["nginx"].throughput.clear()
    found["LiteLLM"].wrong["50 KB"] = "lost"
    assert verdicts(found) == [None, None, None]
    wrong = a_field()
    wrong["ours"].wrong[ANSWERS] = "bytes"
    assert verdicts(wrong) == [None, None, None]


@pytest.mark.parametrize(
    ("figure", "relation", "bound", "verdict"),
    [
        (0.5, "<=", 0.5, "holds"), (5.0, "<", 5.0, "missed by 0.00 ms (0%)"),
        (0.6, "<=", 0.5, "missed by 0.10 ms (20%)"), (3.0, ">=", 4.0, "missed by 1.00 ms (25%)"),
        (7, "<=", 0, "missed by 7.00 ms"), (None, "<=", 1, "not measured"),
    ],
)  # fmt: skip
def test_a_limit_says_by_how_much_it_is_missed(figure: float | None, relation: str, bound: float, verdict: str) -> None:
    assert Limit("it", figure, relation, bound, "ms").verdict == verdict


def test_the_exit_status_is_bad_for_a_miss_for_anything_wrong_and_for_what_is_not_proven() -> None:
    good, missed, unknown = (Limit("it", figure, "<=", 1, "s") for figure in (1, 2, None))
    assert status([Found("ours")], [good], some_left_out=False) == 0
    assert status([Found("ours")], [good, missed], some_left_out=True) == 1
    assert status([Found("ours")], [good, unknown], some_left_out=False) == 1
    assert status([Found("ours")], [good, unknown], some_left_out=True) == 0
    assert status([Found("CCR", wrong={"50 KB": "lost"})], [good], some_left_out=True) == 1


def test_the_table_shows_no_time_of_who_failed_and_a_row_for_who_is_absent() -> None:
    single = Single(calls=9, p50=0.001, first=0.001, added_p50=0.0, added_first=0.0)
    wrong = Found("wrong", throughput={50_000: GOOD}, single=single, wrong={"50 KB": "lost"})
    all_found = [Found("good", throughput={50_000: GOOD}), wrong, Found("away", absent="no npm")]
    tables = {table.title[:14]: table for table in report.tables(all_found, [])}
    rows = {row[0]: row for row in tables["50 KB body, an"].rows}
    assert (rows["good"][1], rows["wrong"][1], rows["away"][1]) == ("3,000", "FAILED", "not here")
    assert {*rows["wrong"][2:], *rows["away"][2:]} == {"-"}
    assert tables["One connection"].rows[1][1] == "1.000"
    assert "away did NOT take part: no npm" in report.notes(all_found)
    assert "wrong FAILED, 50 KB: lost" in report.notes(all_found)
    assert "| wrong | FAILED |" in tables["50 KB body, an"].markdown()


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([], 99) == 0
    assert percentile([5, 1, 3], 50) == 3
    assert percentile(range(1, 201), 99) == 198
