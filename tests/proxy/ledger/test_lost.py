"""Calls whose worker died."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.ledger.ledger import Ledger, open_database, open_ledger
from proxy.ledger.workers import Workers
from tests.proxy.ledger.books import HELD, LEAST, LEAST_INPUT, a_hold, an_end, calls_in, check
from tests.proxy.ledger.conftest import OpenLedger
from tests.proxy.ledger.processes import spender

MINUTE = 60.0
ENOUGH = 100_000  # calls, so that the process is still at work when it is killed


class Clock:
    """Seconds since the epoch, as the test says."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


Join = Callable[[str, Clock], Workers]


@pytest.fixture
def join(ledger_url: str) -> Iterator[Join]:
    """Joins the workers under a name, with a clock of one's own."""
    databases = []

    def joined(worker: str, clock: Clock) -> Workers:
        databases.append(open_database(ledger_url))
        workers = Workers(databases[-1], worker, clock)
        workers.join()
        return workers

    yield joined
    for database in databases:
        database.close()


def outcomes(ledger: Ledger) -> list[str]:
    return [call["outcome"] for call in calls_in(ledger)]


def killed_spender(url: str, *, once: Callable[[], bool]) -> int:
    """The name of the worker is `victim`. How many calls it told of before it was killed."""
    is_served = url.startswith("postgresql:")
    process = spender(url + "?application_name=victim" * is_served, "victim", calls=ENOUGH)
    assert process.stdout
    process.stdout.readline()
    while not once():
        time.sleep(0.005)
    process.kill()
    told = 1 + process.stdout.read().count("\n")
    process.wait()
    process.stdout.close()
    while is_served and at_work_for_victim(url):
        time.sleep(0.01)
    return told


def at_work_for_victim(url: str) -> bool:
    """Whether the server still does what the killed process asked for last."""
    database = open_database(url)
    found = database.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")
    database.close()
    return bool(found)


def test_no_call_of_a_killed_process_is_lost_from_the_books(ledger: Ledger, ledger_url: str) -> None:
    told = killed_spender(ledger_url, once=lambda: len(calls_in(ledger)) > 100)
    left = len(ledger.rows("SELECT id FROM holds"))
    assert left > 0
    assert ledger.settle_lost("victim") == left
    calls = calls_in(ledger)
    # the last call may have been placed, but not told of
    assert len(calls) in (told, told + 1)
    assert {(call["outcome"], call["micro_dollars"]) for call in calls} == {("ok", HELD), ("lost", LEAST)}
    assert ledger.rows("SELECT id FROM holds") == []
    assert ledger.settle_lost("victim") == 0
    check(ledger)


def test_a_lost_call_is_billed_by_its_least_and_frees_what_it_held(ledger: Ledger) -> None:
    number = ledger.reserve(a_hold())
    ledger.settle_lost("w1")
    (call,) = calls_in(ledger)
    assert (call["outcome"], call["micro_dollars"], call["input_tokens"]) == ("lost", LEAST, LEAST_INPUT)
    assert (call["status"], call["first_seconds"], call["model"]) == (0, None, "claude-sonnet-5")
    assert ledger.account("task/task-1") == (LEAST, 0)
    ledger.settle(an_end(number))
    ledger.flush()
    assert outcomes(ledger) == ["lost"]
    check(ledger)


def test_the_calls_of_one_dead_worker_do_not_touch_those_of_another(open_as: OpenLedger) -> None:
    one, other = open_as("w1"), open_as("w2")
    one.reserve(a_hold())
    kept = other.reserve(a_hold())
    assert other.settle_lost("w1") == 1
    other.settle(an_end(kept))
    other.flush()
    assert sorted(outcomes(one)) == ["lost", "ok"]


def test_a_worker_that_comes_again_settles_what_it_left(open_as: OpenLedger) -> None:
    open_as("w1").reserve(a_hold())
    assert outcomes(open_as("w1")) == ["lost"]


def test_a_worker_not_seen_for_a_minute_is_dead(open_as: OpenLedger, join: Join) -> None:
    clock = Clock()
    for name in ("w1", "w2"):
        open_as(name).reserve(a_hold())
    workers = join("w3", clock)
    clock.now += MINUTE - 5
    assert workers.settle_lost() == 0
    clock.now += 10
    assert workers.settle_lost() == 2


def test_a_beat_shows_that_a_worker_lives(open_as: OpenLedger, join: Join) -> None:
    silent, clock = open_as("w1"), Clock()
    lives, judge = join("w2", clock), join("w3", clock)
    open_as("w2").reserve(a_hold())
    silent.reserve(a_hold())
    for _ in range(7):
        clock.now += 10
        lives.beat()
        judge.beat()
    assert outcomes(silent) == ["lost"]
    assert [row["worker"] for row in silent.rows("SELECT worker FROM holds")] == ["w2"]


def test_who_was_away_itself_does_not_take_the_others_for_dead(open_as: OpenLedger, join: Join) -> None:
    other, clock = open_as("w1"), Clock()
    other.reserve(a_hold())
    judge = join("w2", clock)
    clock.now += 100 * MINUTE
    judge.beat()
    clock.now += 10
    judge.beat()
    assert outcomes(other) == []
    for _ in range(6):
        clock.now += 10
        judge.beat()
    assert outcomes(other) == ["lost"]


def test_a_worker_that_left_has_nothing_under_way(open_as: OpenLedger) -> None:
    leaving, staying = open_as("w1"), open_as("w2")
    leaving.reserve(a_hold())
    leaving.close()
    assert staying.settle_lost() == 1


def test_of_a_file_that_is_ours_alone_all_other_calls_are_lost(tmp_path: Path) -> None:
    url = str(tmp_path / "gateway.sqlite")  # a server does not tell who else has it open
    killed_spender(url, once=lambda: True)
    ledger, beside = open_ledger(url, "w1"), open_ledger(url, "w2")
    kept = ledger.reserve(a_hold())
    left = len(ledger.rows("SELECT id FROM holds")) - 1
    assert left > 0
    assert ledger.settle_lost() == 0  # it has been seen a moment ago, and the file is open elsewhere
    beside.close()
    assert ledger.settle_lost() == left
    assert [row["id"] for row in ledger.rows("SELECT id FROM holds")] == [kept]
    ledger.close()


def test_the_breakers_of_a_dead_worker_go_with_it(open_as: OpenLedger) -> None:
    dead, lives = open_as("w1"), open_as("w2")
    for ledger in (dead, lives):
        ledger.set_breaker("zai", "open", time.time() + 30, "five failures")
    lives.settle_lost("w1")
    assert [row["worker"] for row in lives.rows("SELECT worker FROM breakers")] == ["w2"]
