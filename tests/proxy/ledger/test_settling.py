"""What is written down of a call that ended."""

import math
import time

import pytest

from proxy.ledger.booking import MOST
from proxy.ledger.holding import LONGEST
from proxy.ledger.ledger import Ledger
from proxy.ledger.records import Caller
from proxy.ledger.schema import COUNTS, OF_A_CALL
from proxy.usage import Usage
from tests.proxy.ledger.books import HELD, a_hold, an_end, calls_in, check
from tests.proxy.ledger.conftest import OpenLedger

NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC


def test_a_call_keeps_all_that_is_known_of_it(ledger: Ledger) -> None:
    caller = Caller("run-1", "task-1", 2, "7", "coder", "a-key", "session-1")
    number = ledger.reserve(a_hold(caller=caller, at=NOON))
    usage = Usage(input=1, output=2, cache_read=3, cache_write=4, cache_write_1h=5, web_searches=6)
    ledger.settle(
        an_end(
            number, 99, provider="zai", model="glm-5", usage=usage, seconds=2.5, first_seconds=None, status=529,
            outcome="error", streamed=False, tried="anthropic 529", fallbacks=1, reason="overloaded_error",
        )
    )  # fmt: skip
    ledger.flush()
    (call,) = calls_in(ledger)
    of_a_call = (
        NOON,
        "run-1",
        "task-1",
        2,
        "7",
        "coder",
        "a-key",
        "session-1",
        "sonnet",
        "claude-sonnet-5",
        "zai",
        "glm-5",
    )
    assert tuple(call[name] for name in OF_A_CALL) == of_a_call
    assert tuple(call[name] for name in COUNTS) == (1, 2, 3, 4, 5, 6, 99)
    ended = ("seconds", "first_seconds", "status", "outcome", "streamed", "tried", "fallbacks", "reason")
    assert tuple(call[name] for name in ended) == (
        2.5, None, 529, "error", 0, "anthropic 529", 1, "overloaded_error",
    )  # fmt: skip
    check(ledger)


def test_what_did_not_answer_is_still_named(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold()), provider="", model="", outcome="error"))
    ledger.flush()
    assert [(call["provider"], call["model"]) for call in calls_in(ledger)] == [("anthropic", "claude-sonnet-5")]


def test_a_settlement_is_written_soon_without_asking(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold())))
    until = time.monotonic() + 1
    while not calls_in(ledger) and time.monotonic() < until:
        time.sleep(0.005)
    assert len(calls_in(ledger)) == 1


def test_closing_writes_what_is_left(open_as: OpenLedger) -> None:
    one, other = open_as("w1"), open_as("w2")
    for _ in range(60):
        one.settle(an_end(one.reserve(a_hold())))
    one.close()
    assert len(calls_in(other)) == 60
    check(other)


def test_a_hold_settled_twice_counts_once(ledger: Ledger) -> None:
    number = ledger.reserve(a_hold())
    ledger.settle(an_end(number, 40))
    ledger.settle(an_end(number, 50))
    ledger.flush()
    ledger.settle(an_end(number, 60))
    ledger.flush()
    assert [call["micro_dollars"] for call in calls_in(ledger)] == [40]
    check(ledger)


def test_another_worker_cannot_settle_it_again(open_as: OpenLedger) -> None:
    one, other = open_as("w1"), open_as("w2")
    number = one.reserve(a_hold())
    for ledger in (one, other):
        ledger.settle(an_end(number))
        ledger.flush()
    assert len(calls_in(one)) == 1


def test_the_number_of_a_hold_is_never_given_again(ledger: Ledger) -> None:
    first = ledger.reserve(a_hold())
    ledger.settle(an_end(first))
    ledger.flush()
    assert ledger.reserve(a_hold()) > first


def test_a_hold_that_never_was_is_skipped(ledger: Ledger) -> None:
    ledger.settle(an_end(123_456))
    ledger.settle(an_end(ledger.reserve(a_hold())))
    ledger.flush()
    assert len(calls_in(ledger)) == 1
    check(ledger)


def test_calls_are_written_in_the_order_in_which_they_ended(ledger: Ledger) -> None:
    numbers = [ledger.reserve(a_hold()) for _ in range(100)]
    for cost, number in enumerate(reversed(numbers)):
        ledger.settle(an_end(number, cost))
    ledger.flush()
    assert [call["micro_dollars"] for call in calls_in(ledger)] == list(range(100))


def test_a_call_counts_for_the_hour_and_the_day_in_which_it_began(ledger: Ledger) -> None:
    midnight = NOON + 12 * 3600
    for at in (midnight - 0.001, midnight):
        ledger.settle(an_end(ledger.reserve(a_hold(at=at)), seconds=7200.0))
    ledger.flush()
    assert ledger.account("day/2026-11-21") == ledger.account("day/2026-11-22") == (HELD, 0)
    assert ledger.account("month/2026-11") == (2 * HELD, 0)
    hours = ledger.rows("SELECT hour, calls, within_300 FROM hours ORDER BY hour")
    first = int(midnight) // 3600 - 1
    assert hours == [{"hour": hour, "calls": 1, "within_300": 0} for hour in (first, first + 1)]


def test_an_hour_counts_how_long_calls_took(ledger: Ledger) -> None:
    for seconds in (0.5, 1.0, 1.001, 300.0, 301.0):
        ledger.settle(an_end(ledger.reserve(a_hold(at=NOON)), seconds=seconds))
    ledger.flush()
    (hour,) = ledger.rows("SELECT calls, within_1, within_2, within_120, within_300, seconds FROM hours")
    assert hour.pop("seconds") == pytest.approx(603.501)
    assert list(hour.values()) == [5, 2, 3, 3, 4]


def test_the_usage_of_a_run_is_that_of_its_calls_alone(ledger: Ledger) -> None:
    for run, model, outcome in (
        ("run-1", "model-b", "ok"), ("run-1", "model-a", "ok"), ("run-1", "model-b", "ok"),
        ("run-1", "model-c", "error"), ("run-2", "model-d", "ok"),
    ):  # fmt: skip
        number = ledger.reserve(a_hold(caller=Caller(run=run)))
        ledger.settle(an_end(number, 5, model=model, outcome=outcome))
    assert ledger.usage_of_run("run-1") == {
        "calls": 4, "input_tokens": 44, "output_tokens": 20, "cache_read_tokens": 400, "cache_write_tokens": 0,
        "cache_write_1h_tokens": 0, "web_searches": 0, "micro_dollars": 20, "models": ["model-a", "model-b"],
    }  # fmt: skip


def test_the_usage_of_a_run_waits_for_calls_that_are_about_to_be_settled(open_as: OpenLedger) -> None:
    asked, other = open_as("w1"), open_as("w2")
    other.settle(an_end(other.reserve(a_hold())))
    assert asked.usage_of_run("run-1")["calls"] == 1


def test_the_usage_of_a_run_does_not_wait_for_a_call_that_goes_on(ledger: Ledger) -> None:
    ledger.reserve(a_hold())
    began = time.monotonic()
    assert ledger.usage_of_run("run-1")["calls"] == 0
    assert 0.5 <= time.monotonic() - began < 2


def test_nothing_is_known_of_a_run_that_made_no_calls(ledger: Ledger) -> None:
    assert ledger.usage_of_run("none") == {"calls": 0, **dict.fromkeys(COUNTS, 0), "models": []}
    assert ledger.account("none") == (0, 0)


def test_numbers_that_cannot_be_do_not_stop_the_ledger(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold()), 10**30, usage=Usage(input=10**30, output=-5)))
    ledger.settle(an_end(ledger.reserve(a_hold()), -1, seconds=math.nan, first_seconds=-1.0))
    assert ledger.flush(timeout=5)
    one, other = calls_in(ledger)
    assert (one["micro_dollars"], one["input_tokens"], one["output_tokens"]) == (MOST, MOST, 0)
    assert (other["micro_dollars"], other["seconds"], other["first_seconds"]) == (0, 0.0, 0.0)
    check(ledger)


def test_a_call_that_can_never_be_written_stands_in_the_log_and_stops_no_other(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    for status in (200, 10**30, 200):
        ledger.settle(an_end(ledger.reserve(a_hold()), status=status))
    assert ledger.flush(timeout=5)
    assert [call["status"] for call in calls_in(ledger)] == [200, 200]
    assert "not written to the ledger: Settlement(" in caplog.text
    check(ledger)


def test_text_that_a_database_refuses_is_kept_as_far_as_it_goes(ledger: Ledger) -> None:
    caller = Caller(run="run-1", person="Zoë\0", session="\ud800half" + "x" * 1000)
    number = ledger.reserve(a_hold(caller=caller))
    ledger.settle(an_end(number, model="glm\0-5", reason="\udfff", tried="t" * 1000))
    ledger.flush()
    (call,) = calls_in(ledger)
    assert (call["person"], call["model"], call["reason"]) == ("Zoë", "glm-5", "?")
    assert call["session"] == "?half" + "x" * (LONGEST - 5)
    assert call["tried"] == "t" * LONGEST
