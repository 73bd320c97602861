"""The store: runs, tasks with their leases, results, answers, costs, events, and the outbox (SQLAlchemy 2)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, Dialect, ForeignKey, Index, LargeBinary, String, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    SessionTransaction,
    SessionTransactionOrigin,
    mapped_column,
    sessionmaker,
)
from sqlalchemy.types import TypeDecorator

from stack.errors import TryAgain
from stack.messages import now

Sessions = sessionmaker[Session]


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, also where the database (SQLite) keeps no time zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Base of the tables. Ids are UUIDs as text; times are UTC."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, datetime: UtcDateTime}  # noqa: RUF012


class Run(Base):
    """One run of a workflow. `state` is one of stack.messages.RunState."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workflow: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    request: Mapped[dict[str, Any]]
    person: Mapped[str] = mapped_column(String(100), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True, default="queued")
    cancelled: Mapped[bool] = mapped_column(default=False)
    headline: Mapped[str] = mapped_column(default="")
    details: Mapped[list[str]] = mapped_column(default=list)
    cost_usd: Mapped[float] = mapped_column(default=0.0)
    model: Mapped[str] = mapped_column(String(100), default="")
    created: Mapped[datetime] = mapped_column(default=now)
    ended: Mapped[datetime | None]


class TaskRow(Base):
    """One task of a run, and the lease on it. `lease_until` is in seconds since the epoch; 0: never claimed."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(40))
    message: Mapped[bytes] = mapped_column(LargeBinary)
    attempt: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str] = mapped_column(String(100), default="")
    instance: Mapped[str] = mapped_column(String(100), default="")
    lease_until: Mapped[float] = mapped_column(default=0.0)
    redispatched: Mapped[int] = mapped_column(default=0)
    done: Mapped[bool] = mapped_column(default=False, index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    sent: Mapped[datetime] = mapped_column(default=now)


class ResultRow(Base):
    """How a task ended; written once, never changed."""

    __tablename__ = "results"

    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    attempt: Mapped[int]
    message: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(default=now)


class AnswerRow(Base):
    """A person's answer to a question of a run; the first one counts."""

    __tablename__ = "answers"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    question: Mapped[str] = mapped_column(String(40), primary_key=True)
    choice: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime] = mapped_column(default=now)


class EventRow(Base):
    """What happened in a run: steps, hops, log records. Kept for 14 days."""

    __tablename__ = "events"
    __table_args__ = (Index("events_of_run", "run_id", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class OutboxRow(Base):
    """A message that is to be sent; gone once the broker has confirmed it."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    message: Mapped[bytes] = mapped_column(LargeBinary)
    created: Mapped[datetime] = mapped_column(default=now)


@contextmanager
def database_may_be_away() -> Iterator[None]:
    """Turns a fault of the database into TryAgain: a message that meets one comes again, however long that takes."""
    try:
        yield
    except DBAPIError as error:
        raise TryAgain("the database does not answer") from error


def open_store(url: str) -> Sessions:
    """Sessions on the database at `url`, its tables made where they are missing."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    sessions = sessionmaker(engine, expire_on_commit=False)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(sessions, "after_begin", _sqlite_begin)
    Base.metadata.create_all(engine)
    return sessions


def sqlite_url(folder: Path, name: str) -> str:
    """The address of a SQLite database in `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / name}"


def _sqlite_pragmas(connection: Any, _record: object) -> None:
    # WAL with FULL: a committed row survives a power cut, and readers do not wait for the writer
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(_session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    # SQLite has no FOR UPDATE: what `sessions.begin()` reads is what it writes upon only if nobody writes in between
    if transaction.origin is SessionTransactionOrigin.BEGIN:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
