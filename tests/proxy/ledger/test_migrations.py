"""A ledger of an earlier version goes on in this one: the recorded one of 64aaa5c, and steps that a test makes up."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.ledger import postgres, sqlite
from proxy.ledger.database import Database
from proxy.ledger.ledger import Ledger, open_database, open_ledger
from proxy.ledger.records import LedgerAway, LedgerTooNew
from proxy.ledger.schema import MIGRATIONS, VERSION, Migrations, make_tables
from tests.proxy.ledger.books import a_hold, an_end, calls_in, check
from tests.stores import restore

# as tests/stores/64aaa5c/README.md has them
VERIFIED = "01a22993-5c48-71c9-a27b-0838614f97e7"
IN_A_CALL = "01a22993-9eb0-7e7a-b8c8-30d85cae8d2e"  # Claude hung in it when the proxy was killed
KEPT = ("calls", "hours", "client_keys")
NEXT: Migrations = {
    VERSION + 1: ("CREATE TABLE notes (id {serial}, text TEXT NOT NULL)", "INSERT INTO notes (text) VALUES ('one')"),
    VERSION + 2: ("ALTER TABLE client_keys ADD COLUMN note TEXT NOT NULL DEFAULT ''",),
}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The ledger that an earlier version left behind as it was killed."""
    return restore("64aaa5c/ledger", tmp_path)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows(path, f"SELECT * FROM {table}") for table in KEPT}  # noqa: S608 - ours


def tables(path: Path) -> dict[str, str]:
    """Each table and index with what made it, spaces aside."""
    found = rows(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: "".join(sql.split()) for name, sql in found}


def migrate(database: Database, migrations: Migrations) -> None:
    """What a program that knows these does as it opens the ledger."""
    words = postgres.WORDS if isinstance(database, postgres.Postgres) else sqlite.WORDS
    database.write(lambda statements: make_tables(statements, migrations, **words))


def version(database: Database) -> list[int]:
    return [row["version"] for row in database.rows("SELECT version FROM ledger_version")]


# --- the recorded one -----------------------------------------------------------------------------------


def test_a_recorded_ledger_loses_nothing_and_is_like_a_new_one(recorded: Path, tmp_path: Path) -> None:
    before, fresh = contents(recorded), tmp_path / "fresh.sqlite"
    assert all(before.values())
    for path in (recorded, fresh, recorded):  # once more changes nothing
        open_ledger(path, "w1").close()
    assert contents(recorded) == before
    assert tables(recorded) == tables(fresh)
    assert rows(recorded, "SELECT version FROM ledger_version") == [(VERSION,)]


def test_what_a_run_of_a_recorded_ledger_cost_is_still_known(recorded: Path) -> None:
    ledger = open_ledger(recorded, "w1")
    usage = ledger.usage_of_run(VERIFIED)
    assert (usage["calls"], usage["micro_dollars"]) == (3, 51_914)
    assert ledger.account(f"run/{VERIFIED}") == (51_914, 0)
    assert [key.name for key in ledger.keys.list()] == ["laptop"]
    ledger.close()


def test_a_call_that_was_under_way_is_settled_and_new_ones_are_booked_beside_it(recorded: Path) -> None:
    ledger = open_ledger(recorded, "w1")
    assert ledger.account(f"run/{IN_A_CALL}")[1] > 0
    assert ledger.settle_lost() == 1
    ledger.settle(an_end(ledger.reserve(a_hold())))
    ledger.flush()
    assert [call["outcome"] for call in calls_in(ledger)[-2:]] == ["lost", "ok"]
    assert ledger.account(f"run/{IN_A_CALL}")[1] == 0
    check(ledger)
    ledger.close()


# --- steps ----------------------------------------------------------------------------------------------


def test_steps_are_numbered_without_a_gap() -> None:
    assert list(MIGRATIONS) == list(range(2, VERSION + 1))


def test_each_step_that_a_recorded_ledger_lacks_is_taken_once(recorded: Path) -> None:
    before = contents(recorded)
    database = open_database(recorded)
    for _ in range(3):
        migrate(database, {**MIGRATIONS, **NEXT})
        assert version(database) == [VERSION + 2]
        assert database.rows("SELECT text FROM notes") == [{"text": "one"}]
    assert [row[:-1] for row in rows(recorded, "SELECT * FROM client_keys")] == before["client_keys"]
    database.close()


def test_steps_are_taken_one_after_the_other_on_both_databases(ledger: Ledger, ledger_url: str) -> None:
    ledger.keys.make("laptop")
    database = open_database(ledger_url)
    migrate(database, {**MIGRATIONS, VERSION + 1: NEXT[VERSION + 1]})
    assert version(database) == [VERSION + 1]
    migrate(database, {**MIGRATIONS, **NEXT})
    assert version(database) == [VERSION + 2]
    assert database.rows("SELECT id, text FROM notes") == [{"id": 1, "text": "one"}]
    assert database.rows("SELECT name, note FROM client_keys") == [{"name": "laptop", "note": ""}]
    database.close()


def test_a_step_that_fails_leaves_the_ledger_as_it_was(recorded: Path) -> None:
    open_ledger(recorded, "w1").close()
    before = tables(recorded), contents(recorded)
    database = open_database(recorded)
    broken = {**MIGRATIONS, VERSION + 1: NEXT[VERSION + 1], VERSION + 2: ("INSERT INTO not_there VALUES (1)",)}
    with pytest.raises(LedgerAway, match="not_there"):
        migrate(database, broken)
    database.close()
    assert (tables(recorded), contents(recorded)) == before
    open_ledger(recorded, "w1").close()


def test_a_program_that_knows_no_such_step_refuses_in_words(recorded: Path) -> None:
    database = open_database(recorded)
    migrate(database, {**MIGRATIONS, **NEXT})
    database.close()
    with pytest.raises(
        LedgerTooNew, match=f"tables of version {VERSION + 2}; this program knows those up to {VERSION}"
    ):
        open_ledger(recorded, "w1")
