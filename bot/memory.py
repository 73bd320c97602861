"""What the bot must still know after a restart, in SQLite: its messages, its buttons, what it has dealt with.

Used from the event loop's thread alone: a statement takes well under a millisecond.
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

DAY = 24 * 60 * 60
# Telegram keeps updates for a day and so delivers none again after that; buttons expire after a week.
KEEP_UPDATES_SECONDS = 2 * DAY
KEEP_SECONDS = 90 * DAY

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, chat_id INTEGER NOT NULL, command_message_id INTEGER NOT NULL, title TEXT NOT NULL,
    message_id INTEGER, steps TEXT NOT NULL, ended INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS buttons (
    id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, run_id TEXT NOT NULL,
    question TEXT NOT NULL, choice TEXT NOT NULL, used INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS notifications (
    id TEXT PRIMARY KEY, run_id TEXT NOT NULL, chat_id INTEGER NOT NULL, message_id INTEGER,
    state TEXT NOT NULL CHECK (state IN ('sending', 'sent')), at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS updates (id INTEGER PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS buttons_by_run ON buttons (run_id);
"""


@dataclass(frozen=True)
class Run:
    """A run that was asked for here. `message_id` is its progress message, once there is one."""

    run_id: UUID
    chat_id: int
    command_message_id: int
    title: str
    message_id: int | None = None
    steps: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True)
class Button:
    """What a button stands for. Without a `question` it cancels the run. `at`: seconds since the epoch."""

    id: str
    user_id: int
    chat_id: int
    run_id: UUID
    question: str
    choice: str
    at: float
    used: bool = False


class Memory:
    """The bot's memory, in a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLES)
        self._forget_the_old()

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    # --- runs ---------------------------------------------------------------------------------------

    def add_run(self, run: Run) -> None:
        """Remembers a run; one that is known stays as it is."""
        self._db.execute(
            "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (str(run.run_id), run.chat_id, run.command_message_id, run.title, run.message_id, json.dumps(run.steps),
             run.ended, time.time()),
        )  # fmt: skip

    def forget_run(self, run_id: UUID) -> None:
        """Forgets a run that could not be started."""
        self._db.execute("DELETE FROM runs WHERE run_id = ?", (str(run_id),))

    def save_run(self, run: Run) -> None:
        """Writes down how the progress message of a run stands."""
        self._db.execute(
            "UPDATE runs SET message_id = ?, steps = ?, ended = ? WHERE run_id = ?",
            (run.message_id, json.dumps(run.steps), run.ended, str(run.run_id)),
        )

    def run(self, run_id: UUID) -> Run | None:
        """The run with this id."""
        return self._run("run_id = ?", str(run_id))

    def newest_running(self, chat_id: int) -> Run | None:
        """The last run that was asked for in a chat and has not ended."""
        return self._run("chat_id = ? AND NOT ended ORDER BY rowid DESC", chat_id)

    def run_by_short_id(self, chat_id: int, short: str) -> Run | None:
        """The run of a chat whose id ends so."""
        return self._run("chat_id = ? AND run_id LIKE ? ORDER BY rowid DESC", chat_id, f"%{short}")

    def run_by_message(self, chat_id: int, message_id: int) -> Run | None:
        """The run that a message is about: the command, the progress message, or a notification."""
        return self._run(
            "chat_id = ?1 AND (?2 IN (command_message_id, message_id) OR run_id IN"
            " (SELECT run_id FROM notifications WHERE chat_id = ?1 AND message_id = ?2))",
            chat_id,
            message_id,
        )

    def _run(self, where: str, *values: Any) -> Run | None:
        row = self._db.execute(f"SELECT * FROM runs WHERE {where} LIMIT 1", values).fetchone()  # noqa: S608 - ours
        if row is None:
            return None
        steps = tuple(json.loads(row["steps"]))
        known = (UUID(row["run_id"]), row["chat_id"], row["command_message_id"], row["title"], row["message_id"])
        return Run(*known, steps=steps, ended=bool(row["ended"]))

    # --- buttons ------------------------------------------------------------------------------------

    def add_buttons(self, buttons: Sequence[Button]) -> None:
        """Remembers what new buttons stand for."""
        self._db.executemany(
            "INSERT INTO buttons VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(b.id, b.user_id, b.chat_id, str(b.run_id), b.question, b.choice, b.used, b.at) for b in buttons],
        )

    def button(self, button_id: str) -> Button | None:
        """What a button stands for."""
        row = self._db.execute("SELECT * FROM buttons WHERE id = ?", (button_id,)).fetchone()
        return _button(row) if row else None

    def buttons_of(self, run_id: UUID, question: str) -> list[Button]:
        """The buttons that were made for a question of a run, in their order."""
        rows = self._db.execute(
            "SELECT * FROM buttons WHERE run_id = ? AND question = ? ORDER BY rowid", (str(run_id), question)
        )
        return [_button(row) for row in rows]

    def use_buttons(self, run_id: UUID, question: str | None = None) -> None:
        """Marks the buttons of a question as used, or all those of a run."""
        self._db.execute(
            "UPDATE buttons SET used = 1 WHERE run_id = ?1 AND (?2 IS NULL OR question = ?2)", (str(run_id), question)
        )

    # --- what has been dealt with -------------------------------------------------------------------

    def begin_notification(self, notification_id: UUID, run_id: UUID, chat_id: int) -> bool:
        """Marks a notification as being sent. False where it has been sent before."""
        self._db.execute(
            "INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, NULL, 'sending', ?)",
            (str(notification_id), str(run_id), chat_id, time.time()),
        )
        query = "SELECT state = 'sending' FROM notifications WHERE id = ?"
        return bool(self._db.execute(query, (str(notification_id),)).fetchone()[0])

    def finish_notification(self, notification_id: UUID, message_id: int | None) -> None:
        """Marks a notification as sent, or as one that can never be (no message)."""
        self._db.execute(
            "UPDATE notifications SET state = 'sent', message_id = ? WHERE id = ?", (message_id, str(notification_id))
        )

    def handled(self, update_id: int) -> bool:
        """Whether an update was handled to its end."""
        return self._db.execute("SELECT 1 FROM updates WHERE id = ?", (update_id,)).fetchone() is not None

    def set_handled(self, update_id: int) -> None:
        """Marks an update as handled to its end."""
        self._db.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update_id, time.time()))

    def _forget_the_old(self) -> None:
        now = time.time()
        self._db.execute("DELETE FROM updates WHERE at < ?", (now - KEEP_UPDATES_SECONDS,))
        for table in ("runs", "buttons", "notifications"):
            self._db.execute(f"DELETE FROM {table} WHERE at < ?", (now - KEEP_SECONDS,))  # noqa: S608 - ours


def _button(row: sqlite3.Row) -> Button:
    button = Button(**{**dict(row), "run_id": UUID(row["run_id"])})
    return replace(button, used=bool(row["used"]))
