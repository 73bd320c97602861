"""The ledger: what every call cost and whose it was, and whether the next one may be made. Shared by all workers."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from proxy.ledger import accounts, booking, holding
from proxy.ledger.booking import Ending, Release
from proxy.ledger.database import Database, Row
from proxy.ledger.keys import ClientKeys
from proxy.ledger.records import Hold, LedgerAway, Settlement
from proxy.ledger.schema import COUNTS
from proxy.ledger.settler import Settler
from proxy.ledger.workers import BEAT_SECONDS, Workers

log = logging.getLogger(__name__)

UNSETTLED_SECONDS = 0.5  # how long a run's usage, or a task's, waits for calls that are about to be settled
CLOSE_SECONDS = 10.0

_SUMS = ", ".join(f"CAST(coalesce(sum({name}), 0) AS BIGINT) AS {name}" for name in COUNTS)
_USAGE = f"SELECT count(*) AS calls, {_SUMS} FROM calls WHERE run = ?"  # noqa: S608 - names from the schema
_MODELS = "SELECT DISTINCT model FROM calls WHERE run = ? AND outcome = 'ok' AND model <> ''"
_SET_BREAKER = """INSERT INTO breakers (provider, worker, state, until, reason) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (provider, worker)
    DO UPDATE SET state = excluded.state, until = excluded.until, reason = excluded.reason"""


def open_database(url_or_path: str | Path) -> Database:
    """Opens a `postgres://` or `postgresql://` URL, or a SQLite file. Raises LedgerAway, LedgerTooNew."""
    if str(url_or_path).startswith(("postgres://", "postgresql://")):
        from proxy.ledger.postgres import Postgres  # here, so that gevent has patched what psycopg waits with

        return Postgres(str(url_or_path))
    from proxy.ledger.sqlite import Sqlite

    return Sqlite(Path(url_or_path))


def open_ledger(url_or_path: str | Path, worker: str) -> "Ledger":
    """Opens the ledger for one worker: each process does so for itself, after it was forked, and closes it.

    No two that live share a name: what another of this name left is settled as lost. Raises LedgerAway, LedgerTooNew.
    """
    return Ledger(open_database(url_or_path), worker)


class Ledger:
    """The open ledger of one worker. All but `settle` and `close` raise LedgerAway where the database is away."""

    def __init__(
        self,
        database: Database,
        worker: str,
        *,
        clock: Callable[[], float] = time.time,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._database = database
        self._worker = worker
        self._closed = False
        self._open: set[int] = set()  # holds that are not settled yet
        self._strays: set[int] = set()
        self._workers = Workers(database, worker, clock)
        self.keys = ClientKeys(database, clock)
        try:
            self._workers.join()
        except BaseException:
            database.close()
            raise
        self._settler = Settler[Ending](self._book, self._beat, beat_seconds)

    def reserve(self, hold: Hold) -> int:
        """Holds the money for a call: the number to settle it by.

        Raises SpendLimitReached or AllHeld for the first of its charges that cannot pay, and has then changed nothing.
        An account that has anything left that no other call holds pays for a whole call: so it pays at most one call
        too much.
        """
        number = self._database.write(lambda statements: holding.place(statements, self._worker, hold))
        self._open.add(number)
        return number

    def settle(self, settlement: Settlement) -> None:
        """Has the end of a call written down within milliseconds, or once the database is back. Returns at once.

        The first settlement of a hold counts.
        """
        self._settler.add(settlement)

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until what was settled so far is written: whether it is, after `timeout` seconds at most."""
        return self._settler.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Writes what is left to write, and ends. What cannot be written, others will settle as lost. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if left := self._settler.close(timeout):
            log.error("the ledger is away: the ends of %d calls are not written down", left)
        try:
            self._workers.leave()
        except LedgerAway as error:
            log.warning("this worker could not leave the ledger: %s", error)
        self._database.close()

    def settle_lost(self, worker: str | None = None) -> int:
        """Settles the calls that a dead worker left, by the least that they must have cost: how many.

        Without a name: those of all that have not been seen for a minute, and of all others where nobody else has the
        file open (which only SQLite can tell). Each worker does so every ten seconds.
        """
        return self._workers.settle_lost(worker)

    def usage_of_run(self, run: str) -> dict[str, Any]:
        """What a run used: `calls`, each of COUNTS, and `models`, those that answered, sorted.

        Waits for its calls under way, half a second at most.
        """
        self._wait_for_calls_of(run)
        models = sorted(row["model"] for row in self.rows(_MODELS, (run,)))
        return {**self.rows(_USAGE, (run,))[0], "models": models}

    def account(self, name: str) -> tuple[int, int]:
        """What an account has spent, and what calls under way hold of it, in micro-dollars."""
        found = self.rows("SELECT spent, held FROM accounts WHERE account = ?", (name,))
        return (found[0]["spent"], found[0]["held"]) if found else (0, 0)

    def spent_of_task(self, task: str) -> int:
        """What a task has spent in all its attempts, in micro-dollars. Waits for its calls under way, half a second at
        most."""
        until = time.monotonic() + UNSETTLED_SECONDS
        while True:
            spent, held = self.account(accounts.of_task(task))
            if not held or time.monotonic() >= until:
                return spent
            time.sleep(0.01)

    def ready(self) -> None:
        """Raises LedgerAway where the ledger cannot be read, or could not be written when last tried."""
        if self._settler.trouble:
            raise LedgerAway(self._settler.trouble)
        self.rows("SELECT worker FROM workers LIMIT 1")

    def set_breaker(self, provider: str, state: str, until: float, reason: str) -> None:
        """Shows to all that this worker leaves a provider alone until a time, in seconds since the epoch."""
        row = (provider, self._worker, state, until, *holding.storable(reason))
        self._database.write(lambda statements: statements.execute(_SET_BREAKER, row))

    def clear_breaker(self, provider: str) -> None:
        """Shows that it does no longer."""
        sql = "DELETE FROM breakers WHERE provider = ? AND worker = ?"
        self._database.write(lambda statements: statements.execute(sql, (provider, self._worker)))

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Reads rows, by the names of their columns. Also native threads beside an event loop may ask."""
        return self._database.rows(sql, parameters)

    def checkpoint(self) -> None:
        """Moves what was written to its final place: once a second or so, in a thread beside the event loop."""
        self._database.checkpoint()

    def _book(self, endings: Sequence[Ending]) -> None:
        self._database.write(lambda statements: booking.book(statements, endings))
        self._open.difference_update(ending.hold for ending in endings)

    def _beat(self) -> None:
        self._workers.beat()
        self._release_strays()

    def _release_strays(self) -> None:
        """Forgets holds of ours that we know nothing of: the database went away, or their caller, during the commit.

        Those that are strays for the second time: the first time, `reserve` may be about to hear of them.
        """
        found = {row["id"] for row in self.rows("SELECT id FROM holds WHERE worker = ?", (self._worker,))} - self._open
        for number in found & self._strays:
            self._settler.add(Release(number))
        self._strays = found

    def _wait_for_calls_of(self, run: str) -> None:
        until = time.monotonic() + UNSETTLED_SECONDS
        while self.rows("SELECT id FROM holds WHERE run = ? LIMIT 1", (run,)) and time.monotonic() < until:
            time.sleep(0.01)
