"""What not-telegram remembers, in SQLite: in memory, or in a file that outlives a restart.

Everything happens under one lock; whoever waits for a change is woken at once by `change`.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS chats (chat_id INTEGER PRIMARY KEY, body TEXT NOT NULL, blocked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS messages (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT, chat_id INTEGER NOT NULL, who TEXT NOT NULL,
    edits INTEGER NOT NULL DEFAULT 0, reactions TEXT NOT NULL DEFAULT '[]', body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_of_chat ON messages (chat_id);
CREATE TABLE IF NOT EXISTS events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT, chat_id INTEGER NOT NULL, at REAL NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_chat ON events (chat_id);
CREATE TABLE IF NOT EXISTS updates (update_id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS callbacks (
    callback_id TEXT PRIMARY KEY, chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    file_id TEXT PRIMARY KEY, name TEXT NOT NULL, mime_type TEXT NOT NULL, content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS paths (path TEXT PRIMARY KEY, file_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

YEARS = 1_000_000_000  # seconds


@dataclass(frozen=True)
class Message:
    """`body` is the Bot API's Message without its id; `who` wrote it: person or bot."""

    message_id: int
    chat_id: int
    who: str
    edits: int
    reactions: list[str]
    body: Json

    def as_sent(self) -> Json:
        """The Message of the Bot API."""
        return {"message_id": self.message_id} | self.body

    def as_shown(self) -> Json:
        """The Message, and what the Bot API does not tell: who wrote it, its edits and the bot's reactions."""
        return self.as_sent() | {"who": self.who, "edits": self.edits, "reactions": self.reactions}


class Store:
    def __init__(self, path: Path | None) -> None:
        self.closing = False
        self._changed = threading.Condition()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        with self.change():
            self._start_counting()

    def _start_counting(self) -> None:
        """Update ids of a later start are higher, as a bot may remember those of an earlier one."""
        if not self._rows("SELECT 1 FROM sqlite_sequence WHERE name = 'updates'"):
            self._run("INSERT INTO sqlite_sequence VALUES ('updates', ?)", int(time.time()) - YEARS)

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction; wakes all who wait."""
        with self._changed:
            with self._db:
                yield
            self._changed.notify_all()

    def wait(self, ready: Callable[[], object], seconds: float) -> None:
        """Returns once `ready()` holds, after that many seconds, or at `release`."""
        with self._changed:
            self._changed.wait_for(lambda: self.closing or ready(), seconds)

    def release(self) -> None:
        """Ends every wait, now and later."""
        with self._changed:
            self.closing = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._db.close()

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._changed:
            return self._db.execute(query, values).fetchall()

    def _run(self, statement: str, *values: object) -> int:
        """The id of the row that was inserted, where one was."""
        return self._db.execute(statement, values).lastrowid or 0

    # Chats

    def chat(self, chat_id: int) -> Json | None:
        rows = self._rows("SELECT body FROM chats WHERE chat_id = ?", chat_id)
        return json.loads(rows[0][0]) if rows else None

    def keep_chat(self, chat: Json) -> None:
        self._run(
            "INSERT INTO chats (chat_id, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            chat["id"],
            json.dumps(chat),
        )

    def blocked(self, chat_id: int) -> bool:
        return bool(self._rows("SELECT 1 FROM chats WHERE chat_id = ? AND blocked", chat_id))

    def block(self, chat_id: int, blocked: bool) -> None:
        self._run("UPDATE chats SET blocked = ? WHERE chat_id = ?", blocked, chat_id)

    # Messages

    def add_message(self, chat_id: int, who: str, body: Json) -> Message:
        message_id = self._run(
            "INSERT INTO messages (chat_id, who, body) VALUES (?, ?, ?)", chat_id, who, json.dumps(body)
        )
        return Message(message_id, chat_id, who, edits=0, reactions=[], body=body)

    def message(self, chat_id: int, message_id: int) -> Message | None:
        found = self._messages("WHERE chat_id = ? AND message_id = ?", chat_id, message_id)
        return found[0] if found else None

    def messages(self, chat_id: int) -> list[Message]:
        return self._messages("WHERE chat_id = ? ORDER BY message_id", chat_id)

    def _messages(self, where: str, *values: object) -> list[Message]:
        columns = "message_id, chat_id, who, edits, reactions, body"
        rows = self._rows(f"SELECT {columns} FROM messages {where}", *values)  # noqa: S608 - both are our own words
        return [
            Message(message_id, chat_id, who, edits, json.loads(reactions), json.loads(body))
            for message_id, chat_id, who, edits, reactions, body in rows
        ]

    def keep_message(self, message: Message) -> None:
        self._run(
            "UPDATE messages SET edits = ?, reactions = ?, body = ? WHERE message_id = ?",
            message.edits,
            json.dumps(message.reactions),
            json.dumps(message.body),
            message.message_id,
        )

    def delete_message(self, message_id: int) -> None:
        self._run("DELETE FROM messages WHERE message_id = ?", message_id)

    # Events, for those who watch

    def add_event(self, chat_id: int, body: Json) -> None:
        self._run("INSERT INTO events (chat_id, at, body) VALUES (?, ?, ?)", chat_id, time.time(), json.dumps(body))

    def events(self, chat_id: int, since: int) -> list[Json]:
        query = "SELECT event_id, at, body FROM events WHERE chat_id = ? AND event_id > ? ORDER BY event_id"
        rows = self._rows(query, chat_id, since)
        return [{"event_id": event_id, "at": at} | json.loads(body) for event_id, at, body in rows]

    # Updates, for the bot

    def add_update(self, kind: str, body: Json) -> None:
        self._run("INSERT INTO updates (body) VALUES (?)", json.dumps({kind: body}))

    def updates(self, limit: int) -> list[Json]:
        rows = self._rows("SELECT update_id, body FROM updates ORDER BY update_id LIMIT ?", limit)
        return [{"update_id": update_id} | json.loads(body) for update_id, body in rows]

    def pending(self) -> int:
        return int(self._rows("SELECT count(*) FROM updates")[0][0])

    def confirm(self, offset: int) -> None:
        """Forgets the updates before `offset`; a negative one counts from the end."""
        if offset < 0:
            latest = "(SELECT update_id FROM updates ORDER BY update_id DESC LIMIT ?)"
            self._run(f"DELETE FROM updates WHERE update_id NOT IN {latest}", -offset)  # noqa: S608 - our own words
        else:
            self._run("DELETE FROM updates WHERE update_id < ?", offset)

    def forget_updates(self) -> None:
        self._run("DELETE FROM updates")

    # Taps, files and what the bot has set

    def add_callback(self, callback_id: str, chat_id: int, message_id: int) -> None:
        self._run("INSERT INTO callbacks VALUES (?, ?, ?)", callback_id, chat_id, message_id)

    def callback(self, callback_id: str) -> tuple[int, int] | None:
        """The chat and the message of a tap."""
        rows = self._rows("SELECT chat_id, message_id FROM callbacks WHERE callback_id = ?", callback_id)
        return rows[0] if rows else None

    def add_file(self, file_id: str, name: str, mime_type: str, content: bytes) -> None:
        self._run("INSERT INTO files VALUES (?, ?, ?, ?)", file_id, name, mime_type, content)

    def file(self, file_id: str) -> tuple[str, str, bytes] | None:
        """Its name, type and content."""
        rows = self._rows("SELECT name, mime_type, content FROM files WHERE file_id = ?", file_id)
        return rows[0] if rows else None

    def file_facts(self, file_id: str) -> tuple[str, str, int] | None:
        """Its name, type and size in bytes."""
        rows = self._rows("SELECT name, mime_type, length(content) FROM files WHERE file_id = ?", file_id)
        return rows[0] if rows else None

    def offer_file(self, file_id: str, extension: str) -> str:
        """The path under which the bot can download it from now on: the same one each time."""
        paths = self._rows("SELECT path FROM paths WHERE file_id = ?", file_id)
        if paths:
            return str(paths[0][0])
        number = self._rows("SELECT count(*) FROM paths")[0][0]
        path = f"documents/file_{number}{extension}"
        self._run("INSERT INTO paths VALUES (?, ?)", path, file_id)
        return path

    def offered_file(self, path: str) -> bytes | None:
        """What is in the file that was offered under that path."""
        rows = self._rows("SELECT content FROM files JOIN paths USING (file_id) WHERE path = ?", path)
        return rows[0][0] if rows else None

    def setting(self, name: str) -> Any:
        """What was kept under that name; an empty list where nothing was."""
        rows = self._rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else []

    def keep_setting(self, name: str, value: object) -> None:
        self._run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))
