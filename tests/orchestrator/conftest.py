"""Fixtures of the orchestrator's tests."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orchestrator.store import sqlite_url
from tests.orchestrator.played import World
from tests.proxy.ledger.postgres_server import PACKAGE, PostgresServer, programs


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An orchestrator's parts on a store of this test's own."""
    made = World(sqlite_url(tmp_path, "orchestrator.sqlite"), tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL of this test session."""
    if programs() is None:
        pytest.fail(PACKAGE)
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """An empty database on PostgreSQL."""
    database = urlsplit(postgres_server.new_database()).path
    return f"postgresql+psycopg://gateway@{database}?host={postgres_server.socket.parent}"


@pytest.fixture
def postgres_world(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    """As `world`, on PostgreSQL."""
    made = World(postgres_url, tmp_path)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is, in each database in turn."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path, "orchestrator.sqlite")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def any_world(store_url: str, tmp_path: Path) -> Iterator[World]:
    """As `world`, in each database in turn."""
    made = World(store_url, tmp_path)
    yield made
    made.close()
