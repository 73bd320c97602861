"""What was asked of people and offered to them: questions by their message, buttons by their opaque id."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Button:
    """What a button stands for: an answer to a question; without one, a cancel of the run; with `ask`, that.

    `at` and `until` are in seconds since the epoch.
    """

    id: str
    user_id: int
    chat_id: int
    run_id: UUID
    question: str
    choice: str
    at: float
    used: bool = False
    digest: str = ""
    until: float | None = None
    ask: str | None = None


@dataclass(frozen=True)
class Asked:
    """A question as it stands in a chat. `digest` is of what was shown; `until` in seconds since the epoch.

    `markup` is its text for when it is answered.
    """

    chat_id: int
    message_id: int
    run_id: UUID
    question: str
    digest: str
    markup: str
    choices: tuple[str, ...]
    free: bool
    until: float | None = None
    closed: bool = False

    def open(self) -> bool:
        """Whether it may still be answered, as far as is known here."""
        return not self.closed and (self.until is None or time.time() < self.until)


class ButtonTable:
    """Buttons that were shown."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, buttons: Sequence[Button]) -> None:
        """Remembers what new buttons stand for."""
        self._db.executemany(
            "INSERT INTO buttons (id, user_id, chat_id, run_id, question, choice, used, at, digest, until, ask)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(b.id, b.user_id, b.chat_id, str(b.run_id), b.question, b.choice, b.used, b.at, b.digest, b.until, b.ask)
             for b in buttons],
        )  # fmt: skip

    def find(self, button_id: str) -> Button | None:
        """What a button stands for."""
        row = self._db.execute("SELECT * FROM buttons WHERE id = ?", (button_id,)).fetchone()
        return _button(row) if row else None

    def of(self, run_id: UUID, chat_id: int, question: str, digest: str = "") -> list[Button]:
        """The buttons that were made for a question of a run as it was shown in a chat, in their order."""
        rows = self._db.execute(
            "SELECT * FROM buttons WHERE run_id = ? AND chat_id = ? AND question = ? AND digest = ? ORDER BY rowid",
            (str(run_id), chat_id, question, digest),
        )
        return list(map(_button, rows))

    def use(
        self, run_id: UUID, *, chat_id: int | None = None, question: str | None = None, but: str | None = None
    ) -> None:
        """Marks buttons of a run as used: in one chat or in all, of one question or of all but one."""
        self._db.execute(
            "UPDATE buttons SET used = 1 WHERE run_id = ?1 AND chat_id = coalesce(?2, chat_id)"
            " AND question = coalesce(?3, question) AND (?4 IS NULL OR question <> ?4)",
            (str(run_id), chat_id, question, but),
        )

    def forget(self, run_id: UUID, question: str) -> None:
        """Forgets the buttons of a question, so that others are made for it."""
        self._db.execute("DELETE FROM buttons WHERE run_id = ? AND question = ?", (str(run_id), question))


class QuestionTable:
    """Questions that were asked."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, asked: Asked) -> None:
        """Remembers a question; the same one, shown before with something else, counts no more."""
        self.close(asked.run_id, chat_id=asked.chat_id, question=asked.question)
        self._db.execute(
            "INSERT OR REPLACE INTO questions (chat_id, message_id, run_id, question, digest, markup, choices, free,"
            " until, closed, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (asked.chat_id, asked.message_id, str(asked.run_id), asked.question, asked.digest, asked.markup,
             json.dumps(asked.choices), asked.free, asked.until, asked.closed, time.time()),
        )  # fmt: skip

    def find(self, chat_id: int, message_id: int) -> Asked | None:
        """The question that a message asks."""
        return next(iter(self._all("chat_id = ? AND message_id = ?", chat_id, message_id)), None)

    def waiting_for_text(self, chat_id: int) -> list[Asked]:
        """The questions of a chat that are open and take a text, oldest first."""
        found = self._all("chat_id = ? AND free AND NOT closed ORDER BY rowid", chat_id)
        return [asked for asked in found if asked.open()]

    def close(self, run_id: UUID, *, chat_id: int | None = None, question: str | None = None) -> None:
        """Marks questions of a run as answered or over: in one chat or in all, one or all."""
        self._db.execute(
            "UPDATE questions SET closed = 1 WHERE run_id = ?1 AND chat_id = coalesce(?2, chat_id)"
            " AND question = coalesce(?3, question)",
            (str(run_id), chat_id, question),
        )

    def _all(self, where: str, *values: Any) -> list[Asked]:
        columns = "chat_id, message_id, run_id, question, digest, markup, choices, free, until, closed"
        rows = self._db.execute(f"SELECT {columns} FROM questions WHERE {where}", values)  # noqa: S608 - ours
        return [
            Asked(
                **{**dict(row), "run_id": UUID(row["run_id"]), "choices": tuple(json.loads(row["choices"]))}
                | {"free": bool(row["free"]), "closed": bool(row["closed"])}
            )
            for row in rows
        ]


def _button(row: sqlite3.Row) -> Button:
    button = Button(**{**dict(row), "run_id": UUID(row["run_id"])})
    return replace(button, used=bool(row["used"]))
