"""The runs that were asked for in a chat, and how the live message of each stands."""

import json
import sqlite3
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Run:
    """A run that was asked for here. `message_id` is its live message, once there is one; `at`: when it, or
    its present round, was begun, in seconds since the epoch.

    `passing` is what it is doing just now, without being a step of the work.
    """

    run_id: UUID
    chat_id: int
    command_message_id: int
    title: str
    message_id: int | None = None
    steps: tuple[str, ...] = ()
    ended: bool = False
    passing: str = ""
    at: float = field(default_factory=time.time)


class RunTable:
    """Runs, by what a person can name them with."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, run: Run) -> None:
        """Remembers a run; one that is known stays as it is."""
        self._db.execute(
            "INSERT OR IGNORE INTO runs (run_id, chat_id, command_message_id, title, message_id, steps, ended, passing,"
            " at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (str(run.run_id), run.chat_id, run.command_message_id, run.title, run.message_id, json.dumps(run.steps),
             run.ended, run.passing, run.at),
        )  # fmt: skip

    def save(self, run: Run) -> None:
        """Writes down how the live message of a run stands."""
        self._db.execute(
            "UPDATE runs SET message_id = ?, steps = ?, ended = ?, passing = ?, at = ? WHERE run_id = ?",
            (run.message_id, json.dumps(run.steps), run.ended, run.passing, run.at, str(run.run_id)),
        )

    def find(self, run_id: UUID) -> Run | None:
        """The run with this id."""
        return self._one("run_id = ?", str(run_id))

    def newest(self, chat_id: int, *, ended: bool) -> Run | None:
        """The last run that was asked for in a chat, of those that have ended or of those that have not."""
        return self._one("chat_id = ? AND ended = ? ORDER BY rowid DESC", chat_id, ended)

    def untold(self) -> list[Run]:
        """The runs that have not ended and of which no step was shown yet, oldest first."""
        return self._all("NOT ended AND steps = '[]' ORDER BY rowid")

    def by_short_id(self, short: str, chat_id: int | None = None) -> Run | None:
        """The run whose id ends so, of this chat or of any."""
        return self._one("run_id LIKE ?1 AND chat_id = coalesce(?2, chat_id) ORDER BY rowid DESC", f"%{short}", chat_id)

    def about(self, chat_id: int, message_id: int) -> UUID | None:
        """The run that a message is about: the command, the live message, or a notification."""
        row = self._db.execute(
            "SELECT run_id FROM runs WHERE chat_id = ?1 AND ?2 IN (command_message_id, message_id) UNION ALL"
            " SELECT run_id FROM deliveries WHERE chat_id = ?1 AND message_id = ?2 LIMIT 1",
            (chat_id, message_id),
        ).fetchone()
        return UUID(row[0]) if row else None

    def _one(self, where: str, *values: Any) -> Run | None:
        return next(iter(self._all(f"{where} LIMIT 1", *values)), None)

    def _all(self, where: str, *values: Any) -> list[Run]:
        rows = self._db.execute(f"SELECT * FROM runs WHERE {where}", values)  # noqa: S608 - ours
        return [
            Run(
                **{**dict(row), "run_id": UUID(row["run_id"]), "steps": tuple(json.loads(row["steps"]))}
                | {"ended": bool(row["ended"])}
            )
            for row in rows
        ]
