"""A full disk, a server that is down: nothing is lost, nothing counts twice."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.ledger.ledger import Ledger, open_database, open_ledger
from proxy.ledger.records import LedgerAway
from tests.proxy.ledger.books import HELD, a_hold, an_end, calls_in, check
from tests.proxy.ledger.conftest import OpenLedger, Outage, full_disk
from tests.proxy.ledger.cut_line import CutLine
from tests.proxy.ledger.postgres_server import PostgresServer


def until_true(question: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not question():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_ready(ledger: Ledger) -> bool:
    try:
        ledger.ready()
    except LedgerAway:
        return False
    return True


def test_a_call_is_refused_while_the_ledger_is_away_and_made_afterwards(ledger: Ledger, outage: Outage) -> None:
    ledger.reserve(a_hold())
    with outage():
        for _ in range(3):
            with pytest.raises(LedgerAway):
                ledger.reserve(a_hold())
    ledger.settle(an_end(ledger.reserve(a_hold())))
    ledger.flush()
    assert len(ledger.rows("SELECT id FROM holds")) == 1
    check(ledger)


def test_what_ended_while_the_ledger_was_away_is_written_when_it_is_back(
    ledger: Ledger, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [ledger.reserve(a_hold()) for _ in range(60)]
    with outage():
        for number in numbers:
            ledger.settle(an_end(number, number))
        assert not ledger.flush(timeout=1)
        until_true(lambda: not is_ready(ledger))
    assert ledger.flush(timeout=10)
    assert [call["micro_dollars"] for call in calls_in(ledger)] == numbers
    until_true(lambda: is_ready(ledger))
    said = [record.levelno for record in caplog.records if "the ledger is" in record.message]
    assert said == [logging.ERROR, logging.WARNING]  # away, back: once each
    check(ledger)


def test_outages_in_the_middle_of_the_work_change_no_sum(open_as: OpenLedger, outage: Outage) -> None:
    ledger = open_as("w1", beat_seconds=0.2)
    settled: list[int] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                number = ledger.reserve(a_hold())
            except LedgerAway:
                time.sleep(0.01)
                continue
            settled.append(number)
            ledger.settle(an_end(number))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(0.3)
        with outage():
            time.sleep(0.2)
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert ledger.flush(timeout=10)
    assert len(calls_in(ledger)) == len(settled) > 100
    until_true(lambda: not ledger.rows("SELECT id FROM holds"))  # those whose commit the outage left in doubt
    check(ledger)


def test_closing_while_the_ledger_is_away_does_not_wait_for_ever(
    ledger: Ledger, open_as: OpenLedger, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    ending = open_as("w2")
    number = ending.reserve(a_hold())
    with outage():
        ending.settle(an_end(number))
        ending.close(timeout=0.2)
    assert "the ends of 1 calls are not written down" in caplog.text
    assert ledger.settle_lost("w2") == 1
    check(ledger)


def test_a_full_disk_can_still_be_read(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "gateway.sqlite", "w1")
    ledger.settle(an_end(ledger.reserve(a_hold()), 5))
    ledger.flush()
    with full_disk():
        assert ledger.account("task/task-1") == (5, 0)
    ledger.close()


def test_a_hold_of_which_nobody_knows_whether_it_was_placed_is_given_back(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    line = CutLine(postgres.socket)
    watching = open_ledger(url, "w1")
    ledger = Ledger(open_database(line.url_for(url)), "w2", beat_seconds=0.2)
    kept = ledger.reserve(a_hold(held=5))
    line.cut_at(b"INSERT 0 6", b"COMMIT")  # six accounts, and the end
    with pytest.raises(LedgerAway):
        ledger.reserve(a_hold())
    assert line.was_cut.is_set()
    assert watching.account("task/task-1") == (0, 5 + HELD)
    until_true(lambda: watching.account("task/task-1") == (0, 5))
    assert [row["id"] for row in watching.rows("SELECT id FROM holds")] == [kept]
    assert calls_in(watching) == []
    ledger.close()
    check(watching)
    watching.close()
    line.close()


def test_a_ledger_that_cannot_be_opened_is_away(tmp_path: Path, postgres: PostgresServer) -> None:
    not_a_ledger = tmp_path / "text"
    not_a_ledger.write_text("words " * 1000)
    for place in (tmp_path / "no" / "folder.sqlite", not_a_ledger, postgres.new_database() + "_missing"):
        with pytest.raises(LedgerAway):
            open_database(place)
