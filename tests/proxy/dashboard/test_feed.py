"""The live stream: sent when something changed, made once for all, quiet otherwise, and never for ever."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from proxy.dashboard.feed import Feed, OffLoop, directly
from proxy.dashboard.view import SetUpView
from proxy.ledger.records import LedgerAway
from proxy.ledger.reports import PERIODS, Reports
from tests.proxy.dashboard.conftest import Clock
from tests.proxy.dashboard.events import named, parsed
from tests.proxy.dashboard.month import set_up
from tests.proxy.dashboard.sample import HOSTILE, SCRIPT, SampleLedger


class WatchedRows:
    """A ledger that counts what is asked of it, takes its time, and can be away."""

    def __init__(self, ledger: SampleLedger, clock: Clock) -> None:
        self.asked = 0
        self.seconds = 0.0
        self.away = False
        self._ledger = ledger
        self._clock = clock

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        if self.away:
            raise LedgerAway("the disk is full")
        self.asked += 1
        self._clock.now += self.seconds
        return self._ledger.rows(sql, parameters)


@pytest.fixture
def watched(ledger: SampleLedger, clock: Clock) -> WatchedRows:
    return WatchedRows(ledger, clock)


def feed_of(
    watched: WatchedRows, clock: Clock, view: SetUpView | None = None, off_loop: OffLoop[Any] = directly
) -> Feed:
    shown = view or set_up(clock.now)
    reports = Reports(watched, clock=clock)
    return Feed(reports, lambda: shown, off_loop=off_loop, clock=clock, sleep=clock.sleep, listeners=2)


def test_a_stream_begins_with_what_is_known(ledger: SampleLedger, watched: WatchedRows, clock: Clock) -> None:
    ledger.call(at=clock.now - 60, micro_dollars=77)
    ledger.hold(at=clock.now - 5, held=9)
    events = feed_of(watched, clock).events("24h")
    assert parsed(next(events)) == ("retry", "2000")
    name, live = parsed(next(events))
    assert name == "live"
    assert live["now"] == clock.now
    assert [call["micro_dollars"] for call in live["live"]["latest"]] == [77]
    assert (live["live"]["under_way"], live["live"]["held"], len(live["live"]["holds"])) == (1, 9, 1)
    assert [route["name"] for route in live["live"]["routes"]] == ["opus", "sonnet", "haiku"]
    name, report = parsed(next(events))
    assert (name, report["report"]["period"], report["report"]["totals"]["micro_dollars"]) == ("report", "24h", 77)
    assert [limit["said"] for limit in report["report"]["limits"]] == ["everyone, today", "everyone, this month"]


@pytest.mark.parametrize("period", PERIODS)
def test_every_period_has_its_report(watched: WatchedRows, clock: Clock, period: str) -> None:
    report = named(feed_of(watched, clock).events(period), "report")["report"]
    assert report["period"] == period
    assert len(report["series"]["buckets"]) == PERIODS[period].count


def test_a_call_is_told_of_within_a_second(ledger: SampleLedger, watched: WatchedRows, clock: Clock) -> None:
    events = feed_of(watched, clock).events("24h")
    named(events, "report")
    began = clock.now
    ledger.call(at=began, model="a-new-one")
    live = named(events, "live")["live"]
    assert [call["model"] for call in live["latest"]] == ["a-new-one"]
    assert clock.now - began <= 1.0
    assert named(events, "report")["report"]["totals"]["calls"] == 1
    assert clock.now - began <= 6.0


def test_in_silence_there_is_a_comment_every_fifteen_seconds_until_the_stream_ends(
    watched: WatchedRows, clock: Clock
) -> None:
    events = feed_of(watched, clock).events("24h")
    named(events, "report")
    began = clock.now
    rest = [parsed(chunk)[0] for chunk in events]
    assert set(rest) == {"comment"}
    assert len(rest) == pytest.approx(300 / 15, abs=1)
    assert clock.now - began == pytest.approx(300, abs=1)


def test_a_stream_ends_within_a_second_where_the_process_is_about_to(
    ledger: SampleLedger, reports: Reports, clock: Clock
) -> None:
    stopping: list[bool] = []
    view = set_up(clock.now)
    feed = Feed(reports, lambda: view, clock=clock, sleep=clock.sleep, stopping=lambda: bool(stopping))
    events = feed.events("24h")
    named(events, "report")
    began = clock.now
    stopping.append(True)
    assert list(events) == []
    assert clock.now - began <= 1.0


def test_a_snapshot_is_made_once_for_all_who_listen(watched: WatchedRows, clock: Clock) -> None:
    feed = feed_of(watched, clock)
    feed.live()
    feed.report("24h")
    asked = watched.asked
    clock.now += 0.9
    assert {feed.live() for _ in range(9)} == {feed.live()}
    assert watched.asked == asked
    clock.now += 0.2
    feed.live()
    once = watched.asked - asked
    assert once > 0
    feed.live()
    assert watched.asked == asked + once


def test_who_comes_while_a_snapshot_is_made_waits_for_that_one(watched: WatchedRows, clock: Clock) -> None:
    def slowly(work: Callable[[], Any]) -> Any:
        made.append(1)
        time.sleep(0.2)
        return work()

    made: list[int] = []
    feed = feed_of(watched, clock, off_loop=slowly)
    threads = [threading.Thread(target=feed.live) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_report_that_is_slow_to_make_is_made_less_often(watched: WatchedRows, clock: Clock) -> None:
    feed = feed_of(watched, clock)
    watched.seconds = 0.2
    began = clock.now
    feed.report("24h")
    took = clock.now - began
    watched.seconds = 0
    assert took > 1
    asked = watched.asked
    clock.now = began + 19 * took
    feed.report("24h")
    assert watched.asked == asked
    clock.now = began + 21 * took
    feed.report("24h")
    assert watched.asked > asked


def test_what_reads_the_ledger_runs_off_the_loop(watched: WatchedRows, clock: Clock) -> None:
    def elsewhere(work: Callable[[], Any]) -> Any:
        before = watched.asked
        found = work()
        seen.append(watched.asked - before)
        return found

    seen: list[int] = []
    feed = feed_of(watched, clock, off_loop=elsewhere)
    feed.live()
    feed.report("7d")
    assert sum(seen) == watched.asked > 0


def test_a_ledger_that_is_away_is_said_and_comes_back(watched: WatchedRows, clock: Clock) -> None:
    events = feed_of(watched, clock).events("24h")
    watched.away = True
    assert named(events, "live")["live"] == {"away": True}
    assert named(events, "report")["report"] == {"away": True}
    watched.away = False
    assert named(events, "live")["live"]["latest"] == []


def test_there_is_room_for_so_many_listeners_and_each_gives_back_one_place(watched: WatchedRows, clock: Clock) -> None:
    feed = feed_of(watched, clock)
    first, second = feed.listen(), feed.listen()
    assert first is not None
    assert second is not None
    assert feed.listen() is None
    first()
    first()
    assert feed.listen() is not None
    assert feed.listen() is None


def test_names_from_strangers_cannot_end_an_event(ledger: SampleLedger, watched: WatchedRows, clock: Clock) -> None:
    name = "a\r\n\r\nevent: live\ndata: {}\n\n\u2028"
    ledger.call(**HOSTILE | {"at": clock.now, "model": name})
    events = feed_of(watched, clock).events("24h")
    (call,) = named(events, "live")["live"]["latest"]
    assert (call["model"], call["provider"]) == (name, SCRIPT)
    assert named(events, "report")["report"]["by"]["model"][0]["name"] == name
