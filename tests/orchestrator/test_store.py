"""The store: what its faults mean, times in UTC, one writer at a time, and a schema that opens once and again."""

import re
import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, ProgrammingError

from orchestrator.store import Base, GateRow, RunRow, Sessions, database_may_be_away, open_store, sqlite_url
from orchestrator.store.migrations import LATEST, MIGRATIONS, migrate
from stack.errors import GiveUp, TryAgain
from tests.orchestrator.played import World
from tests.orchestrator.samples import FETCH
from tests.proxy.ledger.postgres_server import PostgresServer


def version(url: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version FROM schema_version")).scalar_one()
    engine.dispose()
    return int(found)


def schema(url: str) -> object:
    """All tables with their columns, keys and indexes."""
    engine = create_engine(url)
    looked = inspect(engine)
    found = {
        table: (
            {c["name"]: (_type(c["type"]), c["nullable"]) for c in looked.get_columns(table)},
            looked.get_pk_constraint(table)["constrained_columns"],
            sorted((k["constrained_columns"], k["referred_table"]) for k in looked.get_foreign_keys(table)),
            sorted((i["name"], i["column_names"], bool(i["unique"])) for i in looked.get_indexes(table)),
        )
        for table in looked.get_table_names()
    }
    engine.dispose()
    return found


def _type(column: object) -> str:
    """A column's type; the names of the one floating type are the same to SQLite."""
    return re.sub("DOUBLE PRECISION|DOUBLE", "FLOAT", str(column))


# --- opening ------------------------------------------------------------------------------------------


def test_a_new_store_has_the_latest_version_and_all_tables(store_url: str) -> None:
    engine: Engine = open_store(store_url).kw["bind"]
    assert set(inspect(engine).get_table_names()) == set(Base.metadata.tables)
    engine.dispose()
    assert version(store_url) == LATEST == max(MIGRATIONS)


def test_opening_again_changes_nothing(any_world: World) -> None:
    world = any_world
    run = world.start_waiting()
    before = schema(world.url)
    for _ in range(3):
        world.restart()
    assert schema(world.url) == before
    assert version(world.url) == LATEST
    assert world.run(run).state == "waiting"


def test_a_store_of_a_later_version_is_left_alone(store_url: str) -> None:
    engine: Engine = open_store(store_url).kw["bind"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = :v"), {"v": LATEST + 1})
    with pytest.raises(SystemExit, match=f"has version {LATEST + 1}.* too old"):
        migrate(engine)
    engine.dispose()
    assert version(store_url) == LATEST + 1


def test_the_folder_of_a_database_is_made(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a" / "b", "x.sqlite")
    open_store(url).kw["bind"].dispose()
    assert (tmp_path / "a" / "b" / "x.sqlite").exists()


# --- times --------------------------------------------------------------------------------------------


def test_times_come_back_in_utc_to_the_microsecond(any_world: World) -> None:
    run = any_world.start_waiting()
    east = datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=5)))
    any_world.change(GateRow, (str(run), "approve"), until=east)
    until = any_world.gate(run).until
    assert (until, until.tzinfo) == (east, UTC)


# --- faults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError, InternalError])
def test_a_fault_that_passes_is_tried_again(fault: type[OperationalError]) -> None:
    with pytest.raises(TryAgain, match="the database does not answer"), database_may_be_away():
        raise fault("SELECT 1", {}, sqlite3.OperationalError("locked"))


@pytest.mark.parametrize("fault", [DataError, IntegrityError, ProgrammingError])
def test_a_fault_that_would_come_each_time_is_given_up(fault: type[DataError]) -> None:
    with pytest.raises(GiveUp, match="the database does not take it: DataError"), database_may_be_away():
        raise fault("SELECT 1", {}, sqlite3.DataError("too long"))


def test_a_connection_that_was_lost_is_tried_again_whatever_the_fault() -> None:
    fault = DataError("SELECT 1", {}, sqlite3.DataError("x"), connection_invalidated=True)
    with pytest.raises(TryAgain), database_may_be_away():
        raise fault


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(ZeroDivisionError), database_may_be_away():
        raise ZeroDivisionError


def test_a_value_that_is_too_long_is_given_up_and_not_delivered_for_ever(postgres_world: World) -> None:
    world = postgres_world
    task = world.add()
    with pytest.raises(GiveUp, match="StringDataRightTruncation"), database_may_be_away():
        world.change(RunRow, world.task(task).run_id, model="x" * 101)


def test_a_database_that_is_locked_or_gone_is_tried_again(world: World, tmp_path: Path) -> None:
    run = world.start()
    with sqlite3.connect(tmp_path / "orchestrator.sqlite", isolation_level=None) as other:
        with world.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=10")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TryAgain, match="does not answer"):
            world.cancel(run)
        other.execute("ROLLBACK")
    other.close()
    world.cancel(run)
    assert world.run(run).state == "cancelled"


def test_a_postgres_that_goes_away_is_tried_again_and_found_again(
    postgres_world: World, postgres_server: PostgresServer
) -> None:
    world = postgres_world
    run = world.start()
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(TryAgain, match="does not answer"):
                world.cancel(run)
    finally:
        postgres_server.start()
    world.cancel(run)
    assert world.run(run).state == "cancelled"


# --- one writer ---------------------------------------------------------------------------------------


def count(sessions: Sessions, run: str, times: int) -> None:
    for _ in range(times):
        with sessions.begin() as session:
            row = session.get_one(RunRow, run, with_for_update=True)
            row.seen = row.seen + 1


def test_what_is_read_to_be_written_upon_does_not_change_in_between(any_world: World) -> None:
    run = any_world.task(any_world.add(FETCH, step="fetch")).run_id
    threads = [threading.Thread(target=count, args=(any_world.sessions, run, 20)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_world.sessions() as session:
        assert session.get_one(RunRow, run).seen == 100


def test_a_transaction_that_failed_lets_the_next_one_in(world: World) -> None:
    def fail() -> None:
        with world.sessions.begin() as session:
            session.get(RunRow, "x")
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fail()
    world.start()
    assert len(world.rows(RunRow)) == 1


def test_who_reads_does_not_wait_for_who_writes(world: World) -> None:
    run = world.start()
    with world.sessions.begin() as session:
        session.get_one(RunRow, str(run)).headline = "not yet"
        session.flush()
        assert world.run(run).headline == ""
    assert world.run(run).headline == "not yet"
