"""Opening a ledger, several times over and at once; what else it keeps; and who may not open it."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from proxy.ledger.file_lock import FileLock
from proxy.ledger.ledger import Ledger, open_database, open_ledger
from proxy.ledger.records import LedgerAway, LedgerTooNew
from proxy.ledger.schema import VERSION
from tests.proxy.ledger.books import a_hold, an_end, calls_in
from tests.proxy.ledger.conftest import OpenLedger
from tests.proxy.ledger.postgres_server import END_ALL_OTHERS, PostgresServer
from tests.proxy.ledger.test_limits import run_all


def test_a_ledger_is_found_again_as_it_was_left(ledger_url: str) -> None:
    for count in (1, 2):
        ledger = open_ledger(ledger_url, "w1")
        ledger.settle(an_end(ledger.reserve(a_hold())))
        ledger.flush()
        assert len(calls_in(ledger)) == count
        ledger.close()


def test_many_may_open_a_new_ledger_at_once(ledger_url: str) -> None:
    opened: list[Ledger] = []
    together = threading.Barrier(8)

    def open_one(number: int) -> None:
        together.wait()
        opened.append(open_ledger(ledger_url, f"w{number}"))

    run_all([threading.Thread(target=open_one, args=(number,)) for number in range(8)])
    assert len(opened) == 8
    for ledger in opened:
        ledger.settle(an_end(ledger.reserve(a_hold())))
        ledger.flush()
    assert len(calls_in(opened[0])) == 8
    for ledger in opened:
        ledger.close()


def test_a_ledger_of_a_later_version_is_refused_and_left_as_it_is(ledger: Ledger, ledger_url: str) -> None:
    database = open_database(ledger_url)
    later = "UPDATE ledger_version SET version = version + 1 RETURNING version"
    assert database.write(lambda statements: statements.execute(later)) == [(VERSION + 1,)]
    with pytest.raises(LedgerTooNew, match=f"version {VERSION + 1}.* up to {VERSION}"):
        open_database(ledger_url)
    database.close()


def test_the_ledger_of_version_0_1_is_not_taken_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE calls (at REAL, run TEXT, micro_dollars INTEGER) STRICT")
        old.execute("INSERT INTO calls VALUES (1.0, 'run-1', 5)")
    with pytest.raises(LedgerAway, match="calls already exists"):
        open_ledger(path, "w1")
    assert old.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("calls",)]
    old.close()


def test_a_url_that_is_written_wrongly_is_not_quoted() -> None:
    for wrong in ("postgresql://me:an/invented-word@host/db", "postgres://me:100%invented-word@host/db"):
        with pytest.raises(LedgerAway, match="URL") as refused:
            open_database(wrong)
        assert "invented" not in str(refused.value)
        assert refused.value.__suppress_context__


def test_settings_in_the_url_win_over_ours(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    for options, expected in (("", "5s"), ("?options=-c%20statement_timeout%3D1234", "1234ms")):
        database = open_database(url + options)
        assert database.rows("SHOW statement_timeout") == [{"statement_timeout": expected}]
        database.close()


def test_connections_that_the_server_closed_are_not_used_again(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    ledger = open_ledger(url, "w1")
    for _ in range(3):
        run_all([threading.Thread(target=ledger.rows, args=("SELECT pg_sleep(0.1)",)) for _ in range(4)])
        assert end_all_others(url) >= 4
        ledger.settle(an_end(ledger.reserve(a_hold())))
        assert ledger.flush(timeout=5)
    assert len(calls_in(ledger)) == 3
    ledger.close()


def end_all_others(url: str) -> int:
    """How many connections to this database were ended."""
    database = open_database(url)
    ended = database.rows(END_ALL_OTHERS)
    database.close()
    return len(ended)


def test_a_checkpoint_may_be_made_at_any_time(ledger: Ledger) -> None:
    stop = threading.Event()

    def checkpoints() -> None:
        while not stop.is_set():
            ledger.checkpoint()
            time.sleep(0.001)

    thread = threading.Thread(target=checkpoints)
    thread.start()
    for _ in range(200):
        ledger.settle(an_end(ledger.reserve(a_hold())))
    ledger.flush()
    stop.set()
    thread.join()
    assert len(calls_in(ledger)) == 200


def test_a_checkpoint_empties_the_log(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "gateway.sqlite", "w1")
    file, log = tmp_path / "gateway.sqlite", tmp_path / "gateway.sqlite-wal"
    for _ in range(20):
        for _ in range(50):
            ledger.settle(an_end(ledger.reserve(a_hold())))
        ledger.flush()
        ledger.checkpoint()
    assert file.stat().st_size > 200_000
    assert log.stat().st_size < 2_000_000  # without checkpoints it is near 17,000,000
    ledger.close()


def test_writers_wait_for_the_lock_and_readers_do_not(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "gateway.sqlite", "w1")
    lock = FileLock(tmp_path / "gateway.sqlite.lock")
    lock.take()
    writer = threading.Thread(target=ledger.reserve, args=(a_hold(),))
    writer.start()
    writer.join(0.1)
    assert writer.is_alive()
    assert ledger.rows("SELECT id FROM holds") == []
    lock.release()
    writer.join(5)
    assert len(ledger.rows("SELECT id FROM holds")) == 1
    lock.close()
    ledger.close()


def test_breakers_are_those_of_each_worker(open_as: OpenLedger) -> None:
    one, other = open_as("w1"), open_as("w2")
    one.set_breaker("zai", "open", 100.0, "five failures")
    one.set_breaker("zai", "half-open", 200.0, "one call finds out\0")
    other.set_breaker("zai", "open", 300.0, "529")
    rows = one.rows("SELECT worker, state, until, reason FROM breakers ORDER BY worker")
    assert [tuple(row.values()) for row in rows] == [
        ("w1", "half-open", 200.0, "one call finds out"),
        ("w2", "open", 300.0, "529"),
    ]
    one.clear_breaker("zai")
    one.clear_breaker("zai")
    assert [row["worker"] for row in other.rows("SELECT worker FROM breakers")] == ["w2"]
    other.close()
    assert one.rows("SELECT worker FROM breakers") == []
