"""What has been dealt with: notifications by person and part, requests on their way, updates, texts that were read."""

import hashlib
import logging
import sqlite3
import time
from uuid import UUID

from stack.errors import GiveUp
from stack.messages import Request, decode, encode

log = logging.getLogger(__name__)


class DeliveryTable:
    """Which parts of a notification a person has got. Part 0 is the message, each file is one more."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def begin(self, notification_id: UUID, chat_id: int, part: int, run_id: UUID) -> bool:
        """Marks a part as being sent. False where it has been sent before."""
        self._db.execute(
            "INSERT OR IGNORE INTO deliveries (notification_id, chat_id, part, run_id, message_id, state, at)"
            " VALUES (?, ?, ?, ?, NULL, 'sending', ?)",
            (str(notification_id), chat_id, part, str(run_id), time.time()),
        )
        return self._part("state = 'sending'", notification_id, chat_id, part) == 1

    def age(self, notification_id: UUID, chat_id: int, part: int) -> float:
        """For how many seconds this part has been tried."""
        return time.time() - float(self._part("at", notification_id, chat_id, part) or time.time())

    def finish(self, notification_id: UUID, chat_id: int, part: int, message_id: int | None) -> None:
        """Marks a part as sent, or as one that can never be (no message)."""
        self._db.execute(
            "UPDATE deliveries SET state = 'sent', message_id = ?"
            " WHERE notification_id = ? AND chat_id = ? AND part = ?",
            (message_id, str(notification_id), chat_id, part),
        )

    def message(self, notification_id: UUID, chat_id: int) -> int | None:
        """The message that a notification has become in a chat."""
        found = self._part("message_id", notification_id, chat_id, 0)
        return None if found is None else int(found)

    def unreachable(self, notification_id: UUID, chat_id: int) -> bool:
        """Whether the message of a notification can never be sent to this chat."""
        return self._part("state = 'sent' AND message_id IS NULL", notification_id, chat_id, 0) == 1

    def _part(self, what: str, notification_id: UUID, chat_id: int, part: int) -> float | None:
        row = self._db.execute(
            f"SELECT {what} FROM deliveries WHERE notification_id = ? AND chat_id = ? AND part = ?",  # noqa: S608 - ours
            (str(notification_id), chat_id, part),
        ).fetchone()
        return row[0] if row else None


class OutboxTable:
    """Requests that the broker has not confirmed yet."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, request: Request) -> None:
        """Keeps a request until it is taken out; one that is kept stays as it is."""
        kept = (str(request.id), encode(request).decode(), time.time())
        self._db.execute("INSERT OR IGNORE INTO outbox (id, body, at) VALUES (?, ?, ?)", kept)

    def all(self) -> list[Request]:
        """All of them, oldest first. One that this version cannot read stays, for one that can."""
        found = []
        for row in self._db.execute("SELECT id, body FROM outbox ORDER BY rowid"):
            try:
                message = decode(row["body"].encode())
                if isinstance(message, Request):
                    found.append(message)
            except GiveUp as error:
                log.error("request %s cannot be read, and stays in the outbox: %s", row["id"], error)
        return found

    def holds(self, request_id: UUID) -> bool:
        """Whether a request still waits to be confirmed."""
        return self._db.execute("SELECT 1 FROM outbox WHERE id = ?", (str(request_id),)).fetchone() is not None

    def remove(self, request_id: UUID) -> None:
        """Forgets a request that the broker has."""
        self._db.execute("DELETE FROM outbox WHERE id = ?", (str(request_id),))


class UpdateTable:
    """Updates that were handled, and the texts that were read, so that an edit is told from a repeat."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def handled(self, update_id: int) -> bool:
        """Whether an update was handled: nothing more comes of it, were it delivered again."""
        return self._db.execute("SELECT 1 FROM updates WHERE id = ?", (update_id,)).fetchone() is not None

    def set_handled(self, update_id: int) -> None:
        """Marks an update as handled."""
        self._db.execute("INSERT OR IGNORE INTO updates VALUES (?, ?)", (update_id, time.time()))

    def read(self, chat_id: int, message_id: int, text: str) -> None:
        """Remembers which text a message had when it was read."""
        self._db.execute(
            "INSERT OR IGNORE INTO written (chat_id, message_id, digest, told, at) VALUES (?, ?, ?, 0, ?)",
            (chat_id, message_id, _digest(text), time.time()),
        )

    def changed(self, chat_id: int, message_id: int, text: str) -> bool:
        """Whether a message that was read has another text now. True once for each message."""
        done = self._db.execute(
            "UPDATE written SET told = 1 WHERE chat_id = ? AND message_id = ? AND NOT told AND digest <> ?",
            (chat_id, message_id, _digest(text)),
        )
        return done.rowcount == 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
