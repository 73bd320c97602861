"""The ledger in Postgres, for proxies on more than one machine.

Import it after gevent has patched the standard library, if it does: only then does psycopg let others run while it
waits. How durable a commit is, is the server's setting; `?options=-c%20synchronous_commit%3Doff` in the URL says else.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.numeric import Int8Dumper

from proxy.ledger.database import ErrorsAsAway, Row, Statements, T
from proxy.ledger.records import LedgerAway
from proxy.ledger.schema import make_tables

WRITERS = 8  # connections that write at once; who comes later waits, as for the row of the day's account
CONNECT_SECONDS = 2
SILENCE_MILLISECONDS = 5000  # of a server that is gone without a word, or of a client in the middle of a transaction
DEFAULTS = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": SILENCE_MILLISECONDS, "application_name": "gateway"}
OPTIONS = (
    f"-c statement_timeout={SILENCE_MILLISECONDS} -c idle_in_transaction_session_timeout={SILENCE_MILLISECONDS} "
    "-c client_encoding=utf8 "
)
MAKING_TABLES = 0x67617465  # a number that only we lock
WORDS = {"serial": "BIGSERIAL PRIMARY KEY", "clustered": ""}

Connection = psycopg.Connection[tuple[Any, ...]]

errors_as_away = ErrorsAsAway((psycopg.Error,), (psycopg.IntegrityError, psycopg.DataError))


class Postgres:
    """A database of a Postgres server; connections are made as they are needed, and the last one used is used first.

    Raises LedgerAway where it cannot be opened, LedgerTooNew where a later version made the tables.
    """

    def __init__(self, url: str) -> None:
        self._idle: deque[Connection] = deque()
        self._places = threading.BoundedSemaphore(WRITERS)
        self._options = _options(url)
        try:
            self.write(_make_tables)
        except BaseException:
            self.close()
            raise

    def write(self, work: Callable[[Statements], T]) -> T:
        """As Database says."""
        with self._places, errors_as_away:
            connection = self._take()
            try:
                connection.execute("BEGIN")
                result = work(_PostgresStatements(connection))
                connection.execute("COMMIT")
            except BaseException:
                self._undo(connection)
                raise
            self._idle.append(connection)
            return result

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """As Database says."""
        with errors_as_away:
            connection = self._take()
            try:
                with connection.cursor(row_factory=dict_row) as cursor:
                    found = cursor.execute(_sql(sql), parameters).fetchall()
            except BaseException:
                self._undo(connection)
                raise
            self._idle.append(connection)
            return found

    def is_ours_alone(self) -> bool:
        """As Database says: it never is."""
        return False

    def checkpoint(self) -> None:
        """As Database says: the server does this by itself."""

    def close(self) -> None:
        """As Database says."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Connection:
        """A connection that nobody else uses and that the server has not closed."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect()
            if _is_open(connection):
                return connection
            connection.close()

    def _connect(self) -> Connection:
        connection = psycopg.connect(autocommit=True, **self._options)
        # one type for all numbers: else a statement is prepared anew for each mixture of small and large ones
        connection.adapters.register_dumper(int, Int8Dumper)
        return connection

    def _undo(self, connection: Connection) -> None:
        """Gives a connection back after an error; closes it where it is not known what it is doing."""
        try:
            if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        if connection.info.transaction_status == TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            connection.close()


def _options(url: str) -> dict[str, Any]:
    """How to connect. The library's errors quote a URL that is written wrongly, maybe its password: ours do not."""
    try:
        said = conninfo_to_dict(url)
        int(said.get("port") or 0)
    except (psycopg.Error, ValueError):
        raise LedgerAway("the URL of the ledger's database is not one: escape the password in it") from None
    return {**DEFAULTS, **said, "options": OPTIONS + str(said.get("options") or "")}


def _make_tables(statements: Statements) -> None:
    statements.execute("SELECT pg_advisory_xact_lock(?)", (MAKING_TABLES,))
    make_tables(statements, **WORDS)


def _is_open(connection: Connection) -> bool:
    """Whether the server has not closed it: its last words are read at first, and then the end."""
    try:
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return True


@lru_cache(maxsize=512)
def _sql(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()


class _PostgresStatements:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(_sql(sql), parameters)
        return cursor.fetchall() if cursor.description else []

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_sql(sql), rows)
