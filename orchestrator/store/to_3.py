"""The migration to version 3: what a run is about, its rounds, pieces of reports, dismissals.

A review that is being posted in the form of before is drafted and posted anew: its task has no one to read it.
"""

import json
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    text,
)

_COLUMNS = (
    "repository VARCHAR(140) NOT NULL DEFAULT ''",
    "number INTEGER NOT NULL DEFAULT 0",
    "round INTEGER NOT NULL DEFAULT 1",
    "again JSON NOT NULL DEFAULT '[]'",
)
_META = MetaData()
Table("tasks", _META, Column("id", String(36), primary_key=True))
_PIECES = Table(
    "pieces", _META,
    Column("task_id", String(36), ForeignKey("tasks.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("created", DateTime, nullable=False),
)  # fmt: skip
_DISMISSALS = Table(
    "dismissals", _META,
    Column("id", String(64), primary_key=True),
    Column("repository", String(140), nullable=False),
    Column("path", String, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("anchor", String, nullable=False),
    Column("title", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("person", String(100), nullable=False),
    Column("created", DateTime, nullable=False),
    Index("ix_dismissals_repository", "repository"),
)  # fmt: skip


def to_3(connection: Connection) -> None:
    """Runs go on; what failed in those that had ended can be tried again."""
    begun = f"begun {DateTime().compile(dialect=connection.dialect)}"
    for column in (*_COLUMNS, begun):
        connection.execute(text(f"ALTER TABLE runs ADD COLUMN {column}"))
    _PIECES.create(connection)
    _DISMISSALS.create(connection)
    _fill_targets(connection)
    _fill_again(connection)
    _undo_posting(connection)
    connection.execute(text("CREATE INDEX runs_about ON runs (workflow, repository, number, ended)"))
    connection.execute(text("CREATE INDEX runs_by_end ON runs (workflow, ended)"))


def _read(value: Any) -> Any:
    """A JSON column, which SQLite hands out as text, or a message."""
    if isinstance(value, memoryview):
        value = bytes(value)
    return json.loads(value) if isinstance(value, str | bytes) else value


def _fill_targets(connection: Connection) -> None:
    """A request says the same in version 3."""
    asked = {key: _read(request) for key, request in connection.execute(text("SELECT id, request FROM runs"))}
    about = [
        {
            "key": key,
            "repository": str(request["ask"].get("repository", "")).lower()[:140],
            "number": int(request["ask"].get("number", 0)),
            "request": {**request, "version": 3},
        }
        for key, request in asked.items()
    ]
    change = text("UPDATE runs SET repository = :repository, number = :number, request = :request WHERE id = :key")
    if about:
        connection.execute(change.bindparams(bindparam("request", type_=JSON)), about)


def _fill_again(connection: Connection) -> None:
    """In version 2 a run failed with the first step that did."""
    query = text(
        "SELECT tasks.run_id, tasks.step, results.outcome FROM results JOIN tasks ON tasks.id = results.task_id"
        " JOIN runs ON runs.id = tasks.run_id WHERE runs.state = 'failed'"
    )
    change = text("UPDATE runs SET again = :again WHERE id = :key").bindparams(bindparam("again", type_=JSON))
    for run_id, step, outcome in connection.execute(query).all():
        if _read(outcome)["report"] == "failure":
            connection.execute(change, {"key": run_id, "again": [step]})


def _undo_posting(connection: Connection) -> None:
    query = text("SELECT id, run_id, message FROM tasks WHERE state <> 'done'")
    for task_id, run_id, message in connection.execute(query).all():
        if _read(message)["brief"]["do"] == "post_review":
            connection.execute(text("UPDATE tasks SET state = 'done' WHERE id = :key"), {"key": task_id})
            connection.execute(text("DELETE FROM outbox WHERE id = :key"), {"key": task_id})
            connection.execute(text("UPDATE runs SET poked = poked + 1 WHERE id = :key"), {"key": run_id})
