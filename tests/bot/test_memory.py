"""The bot's memory: numbered migrations, tried on a store that an earlier version wrote."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.memory import Memory, schema
from bot.memory.runs import Run
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.messages import Ending, Question
from stack.work.kinds import Answer, Cancel
from tests.bot.fakes import ADA, World, notification
from tests.stores import restore

OLD = "64aaa5c/bot"


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def tables(path: Path) -> dict[str, str]:
    """Each table and index with what made it, spaces aside."""
    found = rows(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {str(name): "".join(str(sql).replace("IF NOT EXISTS", "").split()) for name, sql in found}


def recorded(folder: Path) -> Path:
    """The store that an earlier version wrote, as if that were just now: the old is forgotten at a start."""
    path = restore(OLD, folder)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        ((newest,),) = db.execute("SELECT max(at) FROM updates")
        for table in ("runs", "buttons", "notifications", "updates"):
            db.execute(f"UPDATE {table} SET at = at + ?", (time.time() - newest,))  # noqa: S608 - ours
    return path


def test_a_store_of_an_earlier_version_loses_nothing(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    kept = {
        "runs": "run_id, chat_id, command_message_id, title, message_id, steps, ended, at",
        "buttons": "id, user_id, chat_id, run_id, question, choice, used, at",
        "updates": "id, at",
    }
    queries = {table: f"SELECT {columns} FROM {table}" for table, columns in kept.items()}  # noqa: S608 - ours
    before = {table: rows(path, query) for table, query in queries.items()}
    sent = rows(path, "SELECT id, chat_id, run_id, message_id, state, at FROM notifications")
    Memory(path).close()
    assert {table: rows(path, query) for table, query in queries.items()} == before
    moved = "SELECT notification_id, chat_id, run_id, message_id, state, at FROM deliveries WHERE part = 0"
    assert rows(path, moved) == sent
    assert all(before.values())
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]


def test_a_store_that_grew_up_is_like_one_that_is_made_anew(tmp_path: Path) -> None:
    old, fresh = recorded(tmp_path), tmp_path / "fresh.sqlite"
    for path in (old, fresh, fresh):  # once more changes nothing
        Memory(path).close()
    assert tables(old) == tables(fresh)
    assert {"outbox", "people", "questions", "deliveries"} <= set(tables(fresh))


def test_a_migration_that_is_cut_off_is_as_if_it_had_not_begun(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    before = tables(path)
    broken = (schema.MIGRATIONS[0], "\n".join([schema.MIGRATIONS[1], "INSERT INTO not_there VALUES (1);"]))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        with pytest.raises(sqlite3.Error, match="not_there"):
            schema.migrate(db, broken)
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert tables(path) == before
    Memory(path).close()
    assert "notifications" not in tables(path)


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    Memory(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(GiveUp, match="update it"):
        Memory(path)


def test_what_is_written_together_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "bot.sqlite")
    run_id = uuid7()

    def half() -> None:
        with memory.together():
            memory.runs.add(Run(run_id, ADA, 1, "a run"))
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert memory.runs.find(run_id) is None
    memory.close()


@pytest.mark.anyio
async def test_a_question_that_an_earlier_version_asked_can_be_answered(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    query = "SELECT id, run_id, choice FROM buttons WHERE question = 'post' AND NOT used"
    waiting = rows(path, query)
    world = World(tmp_path)
    for button, run_id, choice in waiting:
        if choice == "Post":
            await world.press(str(button), user=1001)
            ask = world.broker.asks[-1]
            assert isinstance(ask, Answer)
            assert (str(ask.run_id), ask.question, ask.choice, ask.digest) == (run_id, "post", "Post", "")
    assert world.broker.requests
    await world.close()


@pytest.mark.anyio
async def test_a_run_that_an_earlier_version_began_goes_on_in_its_message(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    (run_id, message_id) = rows(path, "SELECT run_id, message_id FROM runs WHERE NOT ended AND steps <> '[]'")[-1]
    world = World(tmp_path)
    run = world.memory.runs.by_short_id(str(run_id)[-6:], 1001)
    assert run is not None
    world.live.add_step(run.run_id, "Posting the review")
    await world.settle()
    assert (world.outside.edits[0].message_id, world.outside.sent) == (message_id, [])
    assert "✓ Writing the report\n… Posting the review" in (world.outside.edits[0].text or "")
    await world.write("/cancel", user=1001, reply_to=int(str(message_id)))
    assert world.broker.asks == [Cancel(run_id=run.run_id)]
    await world.delivery.deliver(notification(run.run_id, Ending(state="cancelled", headline="h"), chat_id=1001))
    assert "cancelled" in (world.outside.edits[-1].text or "")
    await world.close()


@pytest.mark.anyio
async def test_what_an_earlier_version_told_is_not_told_again(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    ((notification_id, run_id),) = rows(path, "SELECT id, run_id FROM notifications LIMIT 1")
    world = World(tmp_path)
    question = Question(question="post", text="Post it?", choices=("Post", "Discard"))
    await world.delivery.deliver(notification(str(run_id), question, chat_id=1001, id=notification_id))  # type: ignore[arg-type]
    assert world.outside.calls == []
    await world.close()
