"""Numbered migrations: each brings a store of the version before it to its own. They are never changed once released.

Version 1 is the store of commit 64aaa5c, which has no mark of its version. A migration runs in one transaction.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    inspect,
    text,
)

from orchestrator.store.tables import Base, SchemaRow
from orchestrator.store.to_3 import to_3

Json = dict[str, Any]
# on PostgreSQL; the number is ours and means nothing, and the lock ends with the transaction
ONE_WRITER = "SELECT pg_advisory_xact_lock(6450055)"


def migrate(engine: Engine) -> None:
    """Makes the tables in an empty database, or brings those of an earlier version up to date.

    Raises SystemExit where the store is of a later version than this program.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else ONE_WRITER)
        version = _version(connection)
        if version > LATEST:
            raise SystemExit(f"The store has version {version}, and this program knows {LATEST}: it is too old for it")
        if version == 0:
            Base.metadata.create_all(connection)
        for number in range(version + 1, LATEST + 1) if version else ():
            MIGRATIONS[number](connection)
        connection.execute(SchemaRow.__table__.delete())  # type: ignore[attr-defined]
        connection.execute(SchemaRow.__table__.insert().values(id=1, version=LATEST))  # type: ignore[attr-defined]
        connection.commit()


def _version(connection: Connection) -> int:
    """The version of the store; 0 where it is empty."""
    tables = inspect(connection).get_table_names()
    if "schema_version" in tables:
        return int(connection.execute(text("SELECT version FROM schema_version")).scalar_one())
    return 1 if "runs" in tables else 0


# --- 2: one journal ---------------------------------------------------------------------------------

_COLUMNS_OF_2 = {
    "runs": ("priority VARCHAR(10) NOT NULL DEFAULT 'normal'", "poked INTEGER NOT NULL DEFAULT 0",
             "seen INTEGER NOT NULL DEFAULT 0"),
    "tasks": ("effect VARCHAR NOT NULL DEFAULT ''", "state VARCHAR(10) NOT NULL DEFAULT 'done'",
              "person VARCHAR(100) NOT NULL DEFAULT ''", "rank INTEGER NOT NULL DEFAULT 2",
              "failures INTEGER NOT NULL DEFAULT 0", "beats INTEGER NOT NULL DEFAULT 0",
              "sends INTEGER NOT NULL DEFAULT 0", "not_before FLOAT NOT NULL DEFAULT 0",
              "refused FLOAT NOT NULL DEFAULT 0"),
    "results": ("outcome JSON NOT NULL DEFAULT '{}'",),
    "outbox": ("tries INTEGER NOT NULL DEFAULT 0", "due FLOAT NOT NULL DEFAULT 0"),
}  # fmt: skip
_DROPPED_BY_2 = {
    "tasks": ("holder", "lease_until", "redispatched", "done", "sent"),
    "results": ("message",),
}
_META_2 = MetaData()
Table("runs", _META_2, Column("id", String(36), primary_key=True))
_GATES_2 = Table(
    "gates", _META_2,
    Column("run_id", String(36), ForeignKey("runs.id"), primary_key=True),
    Column("question", String(40), primary_key=True),
    Column("content", JSON, nullable=False),
    Column("asked", DateTime, nullable=False),
    Column("until", DateTime, nullable=False),
    Column("answer", String(4000)),
    Column("person", String(100), nullable=False),
    Column("files", JSON, nullable=False),
    Column("answered", DateTime),
)  # fmt: skip
_KEYS_2 = Table(
    "keys", _META_2,
    Column("caller", String(100), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("run_id", String(36), nullable=False),
    Column("created", DateTime, nullable=False),
)  # fmt: skip
_SCHEMA_2 = Table(
    "schema_version", _META_2,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)  # fmt: skip
_EFFECTS_2 = {"post_review": "The review is posted"}
_LIVE_2 = ("queued", "running", "waiting")
_TRIES_1 = {"forge": 3, "pr_reviewer": 2}  # of a step, by role; the failure of the last one was final


def _to_2(connection: Connection) -> None:
    """DBOS's journal goes; what tasks returned is the journal. Runs that had not ended go on from their results.

    Tasks under way are sent again, in the form that workers read now; a result that still comes for one counts. A
    claimed one has used up an attempt, since its process knows nothing of this store. One that was to be tried again
    waits for that.
    """
    for table, columns in _COLUMNS_OF_2.items():
        for column in columns:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column}"))
    for new in (_GATES_2, _KEYS_2, _SCHEMA_2):
        new.create(connection)
    runs = {run["id"]: run for run in _rows(connection, "runs")}
    for run in runs.values():
        _run_to_2(connection, run)
    _tasks_to_2(connection, runs)
    _gates_to_2(connection, runs)
    _outbox_to_2(connection)
    connection.execute(text("DROP INDEX ix_tasks_done"))
    for table, names in _DROPPED_BY_2.items():
        for name in names:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {name}"))
    connection.execute(text("DROP TABLE answers"))
    connection.execute(text("CREATE INDEX tasks_by_state ON tasks (state, role)"))
    connection.execute(text("CREATE INDEX open_gates ON gates (answer, until)"))
    connection.execute(text("CREATE INDEX ix_outbox_due ON outbox (due)"))


def _rows(connection: Connection, table: str) -> list[Json]:
    return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]  # noqa: S608 - ours


def _json(value: Any) -> Any:
    """A JSON column, which SQLite hands out as text."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def _run_to_2(connection: Connection, run: Json) -> None:
    asked = {**_json(run["request"]), "version": 2}
    asked["person"] = {"id": asked["person"], "standing": "requester"}
    connection.execute(
        text("UPDATE runs SET request = :request, poked = :poked WHERE id = :id"),
        {"id": run["id"], "request": json.dumps(asked), "poked": int(run["state"] in _LIVE_2)},
    )


def _tasks_to_2(connection: Connection, runs: dict[str, Json]) -> None:
    results = {row["task_id"]: _json(bytes(row["message"])) for row in _rows(connection, "results")}
    steps: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for task in _rows(connection, "tasks"):
        # a step that was tried again had a task for each try: `review`, `review-2`
        steps[task["run_id"], task["step"].rstrip("0123456789").removesuffix("-")].append(task)
    for (run_id, step), tasks in steps.items():
        *earlier, last = sorted(tasks, key=lambda task: (len(task["step"]), task["step"]))
        for task in earlier:
            connection.execute(text("DELETE FROM results WHERE task_id = :id"), {"id": task["id"]})
            connection.execute(text("DELETE FROM tasks WHERE id = :id"), {"id": task["id"]})
        outcome = results.get(last["id"], {}).get("outcome", {})
        if runs[run_id]["state"] in _LIVE_2 and outcome.get("next") == "retry" and len(tasks) < _TRIES_1[last["role"]]:
            connection.execute(text("DELETE FROM results WHERE task_id = :id"), {"id": last["id"]})
            last["done"] = False
        _task_to_2(connection, last, step, runs[run_id], sum(task["attempt"] for task in tasks))
    for task_id, result in results.items():
        connection.execute(
            text("UPDATE results SET outcome = :outcome WHERE task_id = :id"),
            {"id": task_id, "outcome": json.dumps(result["outcome"])},
        )


def _task_to_2(connection: Connection, task: Json, step: str, run: Json, attempts: int) -> None:
    message = {**_json(bytes(task["message"])), "version": 2, "step": step}
    del message["role"]
    brief = message["brief"]
    if brief["do"] == "review_pull_request":
        pull = brief["pull"]
        facts = {"repository": pull["repository"], "base_sha": pull["merge_base"], "head_sha": pull["head_sha"]}
        message["brief"] = {"do": "review_change", **facts, "pull": pull}
    live = run["state"] in _LIVE_2 and not run["cancelled"] and not task["done"]
    connection.execute(
        text(
            "UPDATE tasks SET step = :step, message = :message, effect = :effect, state = :state, person = :person,"
            " failures = :failures WHERE id = :id"
        ),
        {
            "id": task["id"],
            "step": step,
            "message": json.dumps(message).encode(),
            "effect": _EFFECTS_2.get(brief["do"], ""),
            "state": "waiting" if live else "done",
            "person": run["person"],
            "failures": attempts,
        },
    )


def _gates_to_2(connection: Connection, runs: dict[str, Json]) -> None:
    answers = {row["run_id"]: row for row in _rows(connection, "answers")}
    asked = datetime.now(UTC).replace(tzinfo=None)
    for run_id in {*answers, *(run["id"] for run in runs.values() if run["state"] == "waiting")}:
        answer = answers.get(run_id)
        content = {"about": "question", "question": "post", "text": "Post the review?", "choices": ["Post", "Discard"]}
        connection.execute(
            _GATES_2.insert().values(
                run_id=run_id,
                question="post",
                content=content,
                asked=asked,
                until=asked + timedelta(days=7),
                answer=answer and answer["choice"],
                person=answer["person"] if answer else "",
                files=[],
                answered=asked if answer else None,
            )
        )


def _outbox_to_2(connection: Connection) -> None:
    for row in _rows(connection, "outbox"):
        message = _json(bytes(row["message"]))
        if message["type"] != "notification":  # tasks are sent again, since they wait
            connection.execute(text("DELETE FROM outbox WHERE id = :id"), {"id": row["id"]})
            continue
        told = {**message, "version": 2, "person": f"telegram:{message['chat']['chat_id']}"}
        connection.execute(
            text("UPDATE outbox SET message = :message WHERE id = :id"),
            {"id": row["id"], "message": json.dumps(told).encode()},
        )


MIGRATIONS: dict[int, Callable[[Connection], None]] = {2: _to_2, 3: to_3}
LATEST = max(MIGRATIONS)
