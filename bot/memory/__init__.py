"""What the bot must still know after a restart, in SQLite: a file here for each kind of thing.

Used from the event loop's thread alone: a statement takes well under a millisecond.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from bot.memory.deliveries import DeliveryTable, OutboxTable, UpdateTable
from bot.memory.people import PeopleTable
from bot.memory.questions import ButtonTable, QuestionTable
from bot.memory.runs import RunTable
from bot.memory.schema import migrate

DAY = 24 * 60 * 60
# Telegram keeps updates for a day and so delivers none again after that, and lets a message be edited for two.
KEEP_UPDATES_SECONDS = 2 * DAY
KEEP_SECONDS = 90 * DAY


class Memory:
    """The bot's memory, in a file. Raises GiveUp where a newer bot wrote it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        migrate(self._db)
        self.runs = RunTable(self._db)
        self.buttons = ButtonTable(self._db)
        self.questions = QuestionTable(self._db)
        self.deliveries = DeliveryTable(self._db)
        self.outbox = OutboxTable(self._db)
        self.updates = UpdateTable(self._db)
        self.people = PeopleTable(self._db)
        self._forget_the_old()

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is written whole or not at all. Nothing is awaited inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def settle(
        self, run_id: UUID, *, chat_id: int | None = None, question: str | None = None, but: str | None = None
    ) -> None:
        """Nothing of a run waits for an answer any more: in one chat or in all, of one question or of all but one."""
        self.buttons.use(run_id, chat_id=chat_id, question=question, but=but)
        self.questions.close(run_id, chat_id=chat_id, question=question)

    def _forget_the_old(self) -> None:
        now = time.time()
        ages = {"updates": KEEP_UPDATES_SECONDS, "written": KEEP_UPDATES_SECONDS}
        ages |= dict.fromkeys(("runs", "buttons", "questions", "deliveries"), KEEP_SECONDS)
        for table, seconds in ages.items():
            self._db.execute(f"DELETE FROM {table} WHERE at < ?", (now - seconds,))  # noqa: S608 - ours
