"""The tables. What is written here is what a new store gets; `migrations` brings older ones to it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from stack.values import now


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

    type_annotation_map = {  # noqa: RUF012
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
        datetime: UtcDateTime,
    }


class RunRow(Base):
    """One run of a workflow. `state` is one of stack.messages.RunState.

    `poked` counts what has happened to it, `seen` what its story has been told of: where they differ it goes on.
    `repository` (in small letters) and `number` are what it is about. A run that was tried again is in its second
    `round`, which was `begun` then; `again` has the steps that a further round would do anew.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_about", "workflow", "repository", "number", "ended"),
        Index("runs_by_end", "workflow", "ended"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    workflow: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    request: Mapped[dict[str, Any]]
    person: Mapped[str] = mapped_column(String(100), index=True)
    repository: Mapped[str] = mapped_column(String(140), default="")
    number: Mapped[int] = mapped_column(default=0)
    priority: Mapped[str] = mapped_column(String(10), default="normal")
    state: Mapped[str] = mapped_column(String(20), index=True, default="queued")
    cancelled: Mapped[bool] = mapped_column(default=False)
    poked: Mapped[int] = mapped_column(default=0)
    seen: Mapped[int] = mapped_column(default=0)
    headline: Mapped[str] = mapped_column(default="")
    details: Mapped[list[str]] = mapped_column(default=list)
    cost_usd: Mapped[float] = mapped_column(default=0.0)
    model: Mapped[str] = mapped_column(String(100), default="")
    round: Mapped[int] = mapped_column(default=1)
    again: Mapped[list[str]] = mapped_column(default=list)
    created: Mapped[datetime] = mapped_column(default=now)
    begun: Mapped[datetime | None] = mapped_column(default=None)  # of a later round than the first
    ended: Mapped[datetime | None]


class TaskRow(Base):
    """One step of a run that somebody works on: waiting → sent → claimed → done (orchestrator/tasks).

    `attempt` is the number of the last claim, the fencing token; `failures` how many attempts ended badly. `beats`
    changes with every sign of life of whoever holds it. `not_before` is in seconds since the epoch. `refused` adds up
    the pauses, in seconds, after refusals that pass by themselves; above 1e9 an earlier version wrote it: that is 0.
    What is done and has no result was undone, or let go.
    """

    __tablename__ = "tasks"
    __table_args__ = (Index("tasks_by_state", "state", "role"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(40))
    message: Mapped[bytes] = mapped_column(LargeBinary)
    effect: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    person: Mapped[str] = mapped_column(String(100), default="")
    rank: Mapped[int] = mapped_column(default=2)
    attempt: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    instance: Mapped[str] = mapped_column(String(100), default="")
    beats: Mapped[int] = mapped_column(default=0)
    sends: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[float] = mapped_column(default=0.0)
    refused: Mapped[float] = mapped_column(default=0.0)
    created: Mapped[datetime] = mapped_column(default=now)


class PieceRow(Base):
    """A piece of what will be the report of a task, kept while it is worked on. `digest` is of its content.

    `number` counts from 1, in the order in which they came.
    """

    __tablename__ = "pieces"

    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)


class ResultRow(Base):
    """What came of a task: written once, never changed. It is the one journal of what a step returned.

    A failure that is to be tried again goes, and the step is done anew.
    """

    __tablename__ = "results"

    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    attempt: Mapped[int]
    outcome: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)


class GateRow(Base):
    """A question of a run to people, and the first answer to it. `content` is the Question as it was shown."""

    __tablename__ = "gates"
    __table_args__ = (Index("open_gates", "answer", "until"),)

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    question: Mapped[str] = mapped_column(String(40), primary_key=True)
    content: Mapped[dict[str, Any]]
    asked: Mapped[datetime] = mapped_column(default=now)
    until: Mapped[datetime]
    answer: Mapped[str | None] = mapped_column(String(4000), default=None)
    person: Mapped[str] = mapped_column(String(100), default="")  # who answered; nobody: the deadline passed
    files: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # that came with the answer
    answered: Mapped[datetime | None] = mapped_column(default=None)


class DismissalRow(Base):
    """A finding that a person wants to hear no more of in a repository (in small letters).

    `id` is a digest of repository, path, kind and anchor, of which there is one.
    """

    __tablename__ = "dismissals"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    repository: Mapped[str] = mapped_column(String(140), index=True)
    path: Mapped[str]
    kind: Mapped[str] = mapped_column(String(40))
    anchor: Mapped[str]
    title: Mapped[str]
    reason: Mapped[str]
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
    """A message that is to be sent; gone once the broker has confirmed it. `due` is in seconds since the epoch."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    message: Mapped[bytes] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(default=0)
    due: Mapped[float] = mapped_column(default=0.0, index=True)
    created: Mapped[datetime] = mapped_column(default=now)


class KeyRow(Base):
    """An Idempotency-Key of an API caller, and the run that it began. `digest` is of what was asked for with it."""

    __tablename__ = "keys"

    caller: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    run_id: Mapped[str] = mapped_column(String(36))
    created: Mapped[datetime] = mapped_column(default=now)


class SchemaRow(Base):
    """The number of the last migration that this store has had. One row."""

    __tablename__ = "schema_version"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    version: Mapped[int]
