"""The tables of the bot's memory as numbered migrations: a file of any earlier version becomes one of this."""

import sqlite3
from collections.abc import Sequence

from stack.errors import GiveUp

# As of commit 64aaa5c, which numbered nothing.
_FIRST = """
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

# People with a standing, an outbox, questions that take a text, notifications to several people and in several parts.
_SECOND = """
ALTER TABLE runs ADD COLUMN passing TEXT NOT NULL DEFAULT '';
ALTER TABLE buttons ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE buttons ADD COLUMN until REAL;
ALTER TABLE buttons ADD COLUMN ask TEXT;
CREATE TABLE deliveries (
    notification_id TEXT NOT NULL, chat_id INTEGER NOT NULL, part INTEGER NOT NULL, run_id TEXT NOT NULL,
    message_id INTEGER, state TEXT NOT NULL CHECK (state IN ('sending', 'sent')), at REAL NOT NULL,
    PRIMARY KEY (notification_id, chat_id, part));
INSERT INTO deliveries SELECT id, chat_id, 0, run_id, message_id, state, at FROM notifications;
DROP TABLE notifications;
CREATE INDEX deliveries_by_message ON deliveries (chat_id, message_id);
CREATE TABLE questions (
    chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL, run_id TEXT NOT NULL, question TEXT NOT NULL,
    digest TEXT NOT NULL, markup TEXT NOT NULL, choices TEXT NOT NULL, free INTEGER NOT NULL, until REAL,
    closed INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (chat_id, message_id));
CREATE INDEX questions_by_run ON questions (run_id);
CREATE TABLE people (
    user_id INTEGER PRIMARY KEY, standing TEXT NOT NULL, made_by INTEGER NOT NULL, at REAL NOT NULL);
CREATE TABLE names (user_id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE outbox (id TEXT PRIMARY KEY, body TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE written (
    chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL, digest TEXT NOT NULL, told INTEGER NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (chat_id, message_id));
"""

MIGRATIONS = (_FIRST, _SECOND)


def migrate(db: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Brings a file to this version, each step whole or not at all. Raises GiveUp where a newer bot wrote it."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise GiveUp(f"the bot's memory is of version {version}, and this bot knows up to {len(migrations)}: update it")
    for number, script in enumerate(migrations[version:], version + 1):
        try:
            db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
