"""Ledgers to test, the same tests on both databases, and the databases' ways to be away."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from proxy.ledger.ledger import Ledger, open_database
from proxy.ledger.workers import BEAT_SECONDS
from tests.proxy.ledger.postgres_server import PACKAGE, PostgresServer, programs

OpenLedger = Callable[..., Ledger]
Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this test session."""
    if programs() is None:
        pytest.fail(PACKAGE)
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty ledger is, in each database in turn: a path or a URL."""
    if request.param == "sqlite":
        return str(tmp_path / "gateway.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def open_as(ledger_url: str) -> Iterator[OpenLedger]:
    """Opens the ledger for a worker of this name, and how often it beats if said; closed after the test."""
    opened: list[Ledger] = []

    def open_it(worker: str, beat_seconds: float = BEAT_SECONDS) -> Ledger:
        opened.append(Ledger(open_database(ledger_url), worker, beat_seconds=beat_seconds))
        return opened[-1]

    yield open_it
    for ledger in opened:
        ledger.close(timeout=1)


@pytest.fixture
def ledger(open_as: OpenLedger) -> Ledger:
    """An empty ledger, opened by the worker `w1`."""
    return open_as("w1")


@pytest.fixture
def outage(ledger_url: str, request: pytest.FixtureRequest) -> Outage:
    """What keeps the database from being written to: a full disk, or a server that is down."""
    if not ledger_url.startswith("postgresql:"):
        return full_disk
    server: PostgresServer = request.getfixturevalue("postgres")

    @contextmanager
    def down() -> Iterator[None]:
        server.stop()
        try:
            yield
        finally:
            server.start()

    return down


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can be written to; Python ignores the signal that comes with the error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
