"""Reads of the ledger, on both databases: sums are those of the calls, whatever table they come from."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from proxy.ledger.ledger import Ledger
from proxy.ledger.records import Caller, Charge, Hold, Settlement
from proxy.ledger.reports import DIMENSIONS, MEASURES, PERIODS, AccountLimit, Period, Reports
from proxy.ledger.schema import BUCKETS, COUNTS
from proxy.usage import Usage
from tests.proxy.dashboard.sample import A_CALL, SampleLedger

HOUR, DAY = 3600, 86400
NOW = 500_000 * HOUR + 1234.5  # a Friday in 2027, at 8:20:34 UTC
DAY_PERIOD = PERIODS["24h"]


@pytest.fixture
def sample(ledger_url: str) -> Iterator[SampleLedger]:
    found = SampleLedger(ledger_url)
    yield found
    found.close()


@pytest.fixture
def reports(sample: SampleLedger) -> Reports:
    return Reports(sample, clock=lambda: NOW)


def random_call(dice: random.Random, at: float) -> dict[str, Any]:
    return {
        "at": at, "route": dice.choice(["opus", "haiku"]), "provider": dice.choice(["anthropic", "zai"]),
        "model": dice.choice(["claude-opus-5", "glm-5"]), "role": dice.choice(["", "planner"]),
        "outcome": dice.choice(["ok", "ok", "error", "aborted", "lost"]), "fallbacks": dice.choice([0, 0, 1]),
        **{name: dice.randrange(10**6) for name in COUNTS}, "seconds": dice.choice([0.5, 1.0, 1.5, 44.0, 301.0]),
        "first_seconds": dice.choice([None, 0.25]),
    }  # fmt: skip


def expected_parts(calls: list[dict[str, Any]], period: Period) -> dict[tuple[Any, ...], dict[str, float]]:
    """What `parts` must say of these calls, reckoned one by one."""
    found: dict[tuple[Any, ...], dict[str, float]] = {}
    for call in calls:
        values = {**A_CALL, **call, "calls": 1, "first_seconds": call["first_seconds"] or 0}
        values |= {f"within_{bucket}": int(call["seconds"] <= bucket) for bucket in BUCKETS}
        key = (int(call["at"]) // period.width * period.width, *(values[name] for name in DIMENSIONS))
        sums = found.setdefault(key, dict.fromkeys(MEASURES, 0))
        for name in MEASURES:
            sums[name] += values[name]
    return found


@pytest.mark.parametrize("period", PERIODS.values(), ids=list(PERIODS))
def test_sums_of_a_period_are_those_of_its_calls_to_the_last_one(
    sample: SampleLedger, reports: Reports, period: Period
) -> None:
    dice = random.Random(period.width)  # noqa: S311 - the same calls each time
    since = period.since(NOW)
    # whole seconds: where a part of one falls at the edge of a bucket, the databases round differently
    inside = [random_call(dice, float(dice.randrange(since, int(NOW)))) for _ in range(60)]
    inside += [random_call(dice, float(since)), random_call(dice, float(int(NOW)))]
    for call in [*inside, random_call(dice, since - 1.0), random_call(dice, since - 40.0 * DAY)]:
        sample.call(**call)
    found = {
        (row["began"], *(row[name] for name in DIMENSIONS)): {name: row[name] for name in MEASURES}
        for row in reports.parts(period)
    }
    assert found == expected_parts(inside, period)
    assert all(type(row["micro_dollars"]) is int for row in reports.parts(period))


def test_a_period_ends_with_the_current_bucket() -> None:
    for period in PERIODS.values():
        since = period.since(NOW)
        assert since % period.width == 0
        assert since + (period.count - 1) * period.width <= NOW < since + period.count * period.width
    assert {name: period.width * period.count for name, period in PERIODS.items()} == {
        "1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY,
    }  # fmt: skip


def test_totals_are_those_of_the_hours_asked_for(sample: SampleLedger, reports: Reports) -> None:
    for hour in (10, 11, 12, 13):
        sample.call(at=hour * HOUR + 5.0, micro_dollars=10**hour)
    (row,) = reports.totals(11, 13)
    assert (row["calls"], row["micro_dollars"]) == (2, 10**11 + 10**12)


def test_who_paid_most_comes_first_and_nobody_is_no_name(sample: SampleLedger, reports: Reports) -> None:
    for person, cost in (("ada", 5), ("grace", 70), ("ada", 6), ("", 900)):
        sample.call(at=NOW - 60, person=person, micro_dollars=cost)
    found = reports.spenders(DAY_PERIOD, "person")
    assert [(row["name"], row["calls"], row["micro_dollars"]) for row in found] == [("grace", 1, 70), ("ada", 2, 11)]
    assert found[1]["tokens"] == 2 * 50_000
    assert [row["name"] for row in reports.spenders(DAY_PERIOD, "person", count=1)] == ["grace"]
    assert reports.spenders(DAY_PERIOD, "client") == []


def test_errors_are_counted_by_type_and_callers_that_left_come_last(sample: SampleLedger, reports: Reports) -> None:
    overloaded = {"outcome": "error", "status": 529, "reason": "overloaded_error"}
    for age in (50, 40, 30):
        sample.call(at=NOW - age, **overloaded)
        sample.call(at=NOW - age, outcome="aborted", status=499)
    sample.call(at=NOW - 20, outcome="lost", status=0)
    sample.call(at=NOW - 10)
    sample.call(at=NOW - 2 * DAY, **overloaded)
    found = reports.failures(DAY_PERIOD)
    assert [(row["outcome"], row["status"], row["reason"], row["calls"], row["last"]) for row in found] == [
        ("error", 529, "overloaded_error", 3, NOW - 30), ("lost", 0, "", 1, NOW - 20),
        ("aborted", 499, "", 3, NOW - 30),
    ]  # fmt: skip


def test_a_fallback_says_what_was_tried_and_who_answered(sample: SampleLedger, reports: Reports) -> None:
    for _ in range(2):
        sample.call(at=NOW - 60, provider="zai", tried="anthropic 529", fallbacks=1)
    sample.call(at=NOW - 30, provider="ollama", tried="anthropic 529, zai timeout", fallbacks=2)
    sample.call(at=NOW - 20)
    found = [(row["tried"], row["provider"], row["calls"]) for row in reports.fallbacks(DAY_PERIOD)]
    assert found == [("anthropic 529", "zai", 2), ("anthropic 529, zai timeout", "ollama", 1)]


def test_the_last_error_of_a_provider_is_also_found_where_another_answered(
    sample: SampleLedger, reports: Reports
) -> None:
    sample.call(at=NOW - 90, provider="anthropic", outcome="error", status=500, reason="api_error")
    sample.call(at=NOW - 60, provider="ollama", tried="anthropic 529, zai timeout", fallbacks=2)
    sample.call(at=NOW - 30, provider="ollama", outcome="error", status=0, reason="api_error", tried="zai 429")
    assert reports.last_errors(DAY_PERIOD) == {
        "anthropic": {"at": NOW - 60, "error": "529"},
        "zai": {"at": NOW - 30, "error": "429"},
        "ollama": {"at": NOW - 30, "error": "api_error"},
    }


def test_the_slowest_come_first_and_the_latest_by_their_end(sample: SampleLedger, reports: Reports) -> None:
    for number, seconds in enumerate((3.0, 99.0, 20.0)):
        sample.call(at=NOW - 500 - number, seconds=seconds)
    assert [call["seconds"] for call in reports.slowest(DAY_PERIOD, count=2)] == [99.0, 20.0]
    assert [call["seconds"] for call in reports.latest(count=2)] == [20.0, 99.0]


def test_no_more_than_the_latest_calls_are_read_one_by_one(sample: SampleLedger) -> None:
    for age in range(5):
        sample.call(at=NOW - age, person=f"p{age}", seconds=float(age))
    few = Reports(sample, clock=lambda: NOW, window=3)
    assert sorted(row["name"] for row in few.spenders(DAY_PERIOD, "person")) == ["p0", "p1", "p2"]
    assert [call["seconds"] for call in few.slowest(DAY_PERIOD)] == [2.0, 1.0, 0.0]
    assert not few.is_whole(DAY_PERIOD)
    assert Reports(sample, clock=lambda: NOW, window=6).is_whole(DAY_PERIOD)


def test_calls_under_way_are_listed_and_summed_up(sample: SampleLedger, reports: Reports) -> None:
    sample.hold(at=NOW - 9, held=10, route="opus")
    sample.hold(at=NOW - 5, held=5, route="opus")
    sample.hold(at=NOW - 1, held=3, route="haiku", provider="zai")
    assert [(hold["at"], hold["held"]) for hold in reports.holds(count=2)] == [(NOW - 1, 3), (NOW - 5, 5)]
    assert reports.under_way() == [
        {"route": "haiku", "provider": "zai", "calls": 1, "held": 3},
        {"route": "opus", "provider": "anthropic", "calls": 2, "held": 15},
    ]


def test_of_several_breakers_the_one_that_is_open_longest_is_told(sample: SampleLedger, reports: Reports) -> None:
    for worker, until in (("w1", 20.0), ("w2", 50.0), ("w3", 30.0)):
        sample.insert("breakers", provider="zai", worker=worker, state="open", until=until, reason=f"of {worker}")
    assert reports.breakers() == [{"provider": "zai", "state": "open", "until": 50.0, "reason": "of w2"}]


def test_a_limit_shows_what_its_account_has_used(sample: SampleLedger, reports: Reports) -> None:
    sample.insert("accounts", account="day/2027-01-15", spent=40, held=7)
    found = reports.spent(AccountLimit("everyone, today", "day/2027-01-15", 100))
    assert found == [{"said": "everyone, today", "limit": 100, "spent": 40, "held": 7}]
    unused = AccountLimit("everyone, this month", "month/2027-01", 9)
    assert reports.spent(unused) == [{"said": "everyone, this month", "limit": 9, "spent": 0, "held": 0}]


def test_a_limit_of_each_person_shows_those_who_used_most_of_it(sample: SampleLedger, reports: Reports) -> None:
    for name, spent, held in (("ada", 5, 0), ("gr%20ace", 3, 9), ("linus", 1, 0), ("zoe", 4, 0)):
        sample.insert("accounts", account=f"person/{name}/2027-01", spent=spent, held=held)
    for other in ("person/ada/2027-01-15", "key/ada/2027-01", "person/ada/2027x01"):
        sample.insert("accounts", account=other, spent=99, held=0)
    found = reports.spent(AccountLimit("*, this month", "person/*/2027-01", 10), count=3)
    assert [(row["said"], row["spent"], row["held"]) for row in found] == [
        ("gr ace, this month", 3, 9), ("ada, this month", 5, 0), ("zoe, this month", 4, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("odd", ["a_b/*/d", "a%b/*/d", "a!b/*/d"])
def test_signs_that_mean_something_to_the_database_stand_for_themselves(
    sample: SampleLedger, reports: Reports, odd: str
) -> None:
    sample.insert("accounts", account=odd.replace("*", "x"), spent=1, held=0)
    sample.insert("accounts", account="aXb/x/d", spent=2, held=0)
    assert [row["spent"] for row in reports.spent(AccountLimit("*", odd, 10))] == [1]


def test_only_keys_that_still_open_have_their_limits_shown(sample: SampleLedger, reports: Reports) -> None:
    sample.insert("client_keys", name="ci", hash="1", made=1.0, day_micro=5, total_micro=50, expires=NOW + 1)
    sample.insert("client_keys", name="free", hash="2", made=1.0)
    sample.insert("client_keys", name="old", hash="3", made=1.0, day_micro=5, expires=NOW)
    sample.insert("client_keys", name="gone", hash="4", made=1.0, day_micro=5, revoked=NOW - 1)
    found = reports.client_limits({"total": "key/*", "day": "key/*/today", "month": "key/*/month"})
    assert found == [AccountLimit("key ci, in all", "key/ci", 50), AccountLimit("key ci, today", "key/ci/today", 5)]


def test_a_call_that_the_ledger_settled_is_told_of_by_every_report(ledger: Ledger) -> None:
    caller = Caller(run="r", person="ada", role="planner")
    hold = Hold(
        at=NOW - 30, caller=caller, route="opus", asked="claude-opus-5", provider="anthropic", model="claude-opus-5",
        charges=(Charge("day/x", 100, "today"),), held=90, least=1, least_input=1,
    )  # fmt: skip
    reports = Reports(ledger, clock=lambda: NOW)
    number = ledger.reserve(hold)
    assert [(row["person"], row["held"]) for row in reports.holds()] == [("ada", 90)]
    end = Settlement(
        hold=number, provider="zai", model="glm-5", usage=Usage(input=7, output=2), micro_dollars=11, seconds=4.0,
        first_seconds=0.5, status=200, outcome="ok", tried="anthropic 529", fallbacks=1,
    )  # fmt: skip
    ledger.settle(end)
    ledger.settle(replace(end, hold=ledger.reserve(replace(hold, at=NOW - 20)), seconds=6.0))
    assert ledger.flush(5)
    for period in PERIODS.values():
        parts = reports.parts(period)
        assert sum(row["calls"] for row in parts) == 2
        assert sum(row["micro_dollars"] for row in parts) == 22
        assert sum(row["within_5"] for row in parts) == 1
    assert reports.holds() == []
    assert [call["model"] for call in reports.latest()] == ["glm-5", "glm-5"]
    assert reports.spent(AccountLimit("today", "day/x", 100))[0]["spent"] == 22
