"""Recorded stores of earlier versions, on which an orchestrator of today is started."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, MetaData, create_engine, event, text

from orchestrator.store import TaskRow, open_store, sqlite_url
from orchestrator.store.migrations import LATEST
from stack.messages import Ending, Notification, Question
from stack.work.beforehand import Conversation
from stack.work.kinds import Report, Usage
from stack.work.review import Checked
from tests.orchestrator.earlier import draft
from tests.orchestrator.played import World
from tests.orchestrator.samples import PULL, RECEIPT, REVIEW
from tests.orchestrator.test_store import schema, version
from tests.stores import restore

OUTCOMES: dict[str, Report] = {
    "fetch_pull_request": PULL,
    "fetch_conversation": Conversation(),
    "review_change": REVIEW,
    "check_findings": Checked(verdicts=(), usage=Usage(model="not-a-model", turns=1, seconds=1)),
    "draft_review": draft(),
    "post_review": RECEIPT,
}


def recorded(commit: str, store_url: str, folder: Path) -> str:
    """The address of the store of a commit, as it was recorded, in the kind of database that is at `store_url`."""
    old = f"sqlite:///{restore(f'{commit}/orchestrator', folder)}"
    if not store_url.startswith("sqlite"):
        copy(old, store_url)
    return store_url


def copy(source: str, target: str) -> None:
    """The same tables, columns and rows in another database."""
    engines = create_engine(source), create_engine(target)
    tables = MetaData()

    @event.listens_for(tables, "column_reflect")
    def generic(_inspector: object, _table: object, column: dict[str, Any]) -> None:
        column["type"] = column["type"].as_generic()

    tables.reflect(engines[0])
    with engines[0].connect() as old, engines[1].begin() as new:
        tables.create_all(new)
        for table in tables.sorted_tables:
            if rows := [dict(row) for row in old.execute(table.select()).mappings()]:
                new.execute(table.insert(), rows)
    for engine in engines:
        engine.dispose()


def begin(world: World) -> None:
    """What a process does as it starts."""
    world.outbox.sweep(float("inf"))
    world.stories.sweep()
    world.go_on()
    world.look()


def finish(world: World, run: UUID) -> None:
    """Forge and agents do what a run still asks for, until it ends or asks its person."""
    while world.run(run).state == "running":
        for row in [row for row in world.rows(TaskRow) if row.run_id == str(run) and row.state != "done"]:
            task = UUID(row.id)
            assert world.claim(task, "new").verdict == "run"
            do = json.loads(row.message)["brief"]["do"]
            world.result(task, world.head(run) if do == "fetch_head" else OUTCOMES[do])
        world.look(after=2)


def questions(world: World, run: UUID) -> list[str]:
    """What the person was asked, by name."""
    told = [message for message in world.sent(Notification) if message.run_id == run]
    return [message.content.question for message in told if isinstance(message.content, Question)]


def endings(world: World, run: UUID) -> list[Ending]:
    told = [message for message in world.sent(Notification) if message.run_id == run]
    return [message.content for message in told if isinstance(message.content, Ending)]


def assert_as_new(world: World, folder: Path, request: pytest.FixtureRequest) -> None:
    """The store of a world has the tables, columns, keys and indexes of a new one, which takes its place."""
    migrated = schema(world.url)
    world.close()
    if world.url.startswith("sqlite"):
        new = sqlite_url(folder / "new", "new.sqlite")
    else:
        new = request.getfixturevalue("postgres_server") and world.url
        with world.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        world.close()
    engine: Engine = open_store(new).kw["bind"]
    engine.dispose()
    assert migrated == schema(new)
    assert version(new) == LATEST
