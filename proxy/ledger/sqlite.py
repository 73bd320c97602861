"""The ledger in a SQLite file, shared by processes of one machine.

What is committed survives a crash of the process; a power cut may take the last of it (synchronous=NORMAL). Writers
wait for each other on a file lock: SQLite's own way of waiting is to sleep, a millisecond at least, and would stall the
event loop of a worker.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from proxy.ledger.database import ErrorsAsAway, Row, Statements, T
from proxy.ledger.file_lock import FileLock
from proxy.ledger.schema import make_tables

BUSY_SECONDS = 1.0  # for who does not take our lock, such as a person at sqlite3's prompt
PAGE_BYTES = (
    1024  # what a reservation changes is small, and each changed page is written whole: less than half the cost
)
CHECKPOINT_PAGES = 32_000  # a commit that finds more in the log stops to move them: `checkpoint` should come before
WORDS = {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "clustered": "WITHOUT ROWID"}

errors_as_away = ErrorsAsAway((sqlite3.Error, OSError), (sqlite3.IntegrityError, sqlite3.DataError))


class Sqlite:
    """A database in the file `path`; beside it lie two lock files, `.lock` of writers, `.open` of all who have it open.

    Raises LedgerAway where it cannot be opened, LedgerTooNew where a later version made it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: deque[sqlite3.Connection] = deque()
        with errors_as_away:
            self._writers = FileLock(Path(f"{path}.lock"))
            self._openers = FileLock(Path(f"{path}.open"))
        try:
            self._openers.share()
            self.write(lambda statements: make_tables(statements, **WORDS))
        except BaseException:
            self.close()
            raise

    def write(self, work: Callable[[Statements], T]) -> T:
        """As Database says."""
        with self._turn, errors_as_away:
            self._writers.take()
            try:
                return self._transaction(work)
            finally:
                self._writers.release()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """As Database says. Readers and writers do not wait for each other."""
        with errors_as_away:
            reader = self._reader()
            try:
                cursor = reader.execute(sql, parameters)
                names = [column[0] for column in cursor.description]
                found = [dict(zip(names, row, strict=True)) for row in cursor]
            except BaseException:
                reader.close()
                raise
        self._readers.append(reader)
        return found

    def is_ours_alone(self) -> bool:
        """As Database says. Two that asked at once would neither of them share the lock: hence inside of a `write`."""
        alone = self._openers.take_if_free()
        self._openers.share()
        return alone

    def checkpoint(self) -> None:
        """As Database says. Neither readers nor writers wait for it."""
        self.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """As Database says."""
        with suppress(OSError):  # closed before
            self._writers.take()
        for connection in (self._writer, *self._readers):
            if connection:
                connection.close()
        self._writers.close()
        self._openers.close()

    def _transaction(self, work: Callable[[Statements], T]) -> T:
        writer = self._writer = self._writer or self._connect()
        try:
            writer.execute("BEGIN IMMEDIATE")
            result = work(_SqliteStatements(writer))
            writer.execute("COMMIT")
        except BaseException as error:
            if isinstance(error, sqlite3.Error):  # the next one begins with a new connection, maybe to a new file
                self._writer = None
                writer.close()
            else:
                writer.execute("ROLLBACK")
            raise
        return result

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._readers.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # for a new file
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        except BaseException:
            connection.close()
            raise
        return connection


class _SqliteStatements:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self._connection.executemany(sql, rows)
