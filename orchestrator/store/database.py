"""Opens the database, on SQLite or Postgres, and says what its faults mean."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session, SessionTransaction, SessionTransactionOrigin, sessionmaker

from orchestrator.store.migrations import ONE_WRITER, migrate
from stack.errors import GiveUp, TryAgain

Sessions = sessionmaker[Session]

# Faults that pass: the server is away, the file is locked, the disk is full. All others are about what is written.
_PASSING = (OperationalError, InterfaceError, InternalError)

CONNECTIONS = 40  # more than there are threads that use one (33): who waits for his turn to write has one in hand


@contextmanager
def database_may_be_away() -> Iterator[None]:
    """Turns a passing fault of the database into TryAgain, and one that would come again each time into GiveUp."""
    try:
        yield
    except NoConnection as error:
        raise TryAgain("the database is busy") from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, _PASSING):
            raise TryAgain("the database does not answer") from error
        raise GiveUp(f"the database does not take it: {type(error.orig).__name__}") from error


def open_store(url: str) -> Sessions:
    """Sessions on the database at `url`, which is made or brought up to date."""
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)  # as people write it; psycopg is what we have
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), pool_size=CONNECTIONS, max_overflow=0)
    sessions = sessionmaker(engine, expire_on_commit=False)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_pragmas)
        writing = _Writing()
        event.listen(sessions, "after_begin", writing.begin)
        event.listen(sessions, "after_transaction_end", writing.end)
    else:
        event.listen(sessions, "after_begin", _queue_up)
    migrate(engine)
    return sessions


def sqlite_url(folder: Path, name: str) -> str:
    """The address of a SQLite database in `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / name}"


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    # WAL with FULL: a committed row survives a power cut, and readers do not wait for the writer
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _queue_up(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """PostgreSQL: writers queue too, in all processes, so that what holds with SQLite holds there.

    Row locks alone do not keep two from counting what is under way, or from adding the same row, at the same time.
    """
    if transaction.origin is SessionTransactionOrigin.BEGIN:
        connection.exec_driver_sql(ONE_WRITER)


class _Writing:
    """SQLite: one writer at a time.

    SQLite has no FOR UPDATE: what `sessions.begin()` reads is what it writes upon only if nobody writes in between.
    Within this process they queue at a lock, since SQLite itself lets them sleep and try again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Session | None = None

    def begin(self, session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        """At the first statement of a transaction."""
        if transaction.origin is not SessionTransactionOrigin.BEGIN:
            return
        self._lock.acquire()
        self._holder = session
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            self._holder = None
            self._lock.release()
            raise

    def end(self, session: Session, transaction: SessionTransaction) -> None:
        """When a transaction has ended, however."""
        if transaction.parent is None and self._holder is session:
            self._holder = None
            self._lock.release()
