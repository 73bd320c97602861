"""The workers that share the ledger: which of them live, and what the dead left behind."""

import time
from collections.abc import Callable

from proxy.ledger.booking import book_lost, take_holds
from proxy.ledger.database import Database, Statements

BEAT_SECONDS = 10.0
LOST_AFTER_SECONDS = 60.0  # without a sign of life


class Workers:
    """One worker's view of all. Clocks of the machines must agree to within some seconds. All raise LedgerAway."""

    def __init__(self, database: Database, worker: str, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._worker = worker
        self._clock = clock
        self._seen = clock()
        self._patient_until = 0.0

    def join(self) -> None:
        """Shows itself for the first time, and settles what an earlier worker of the same name left."""
        self.settle_lost(self._worker)
        self._show()

    def beat(self) -> None:
        """Shows that it lives, and settles what dead workers left.

        One that could not show itself for long (the database was away, the machine slept) waits before it judges the
        others: they could not either.
        """
        now = self._clock()
        if now - self._seen > LOST_AFTER_SECONDS / 2:
            self._patient_until = now + LOST_AFTER_SECONDS
        self._show()
        self._seen = now
        if now >= self._patient_until:
            self.settle_lost()

    def leave(self) -> None:
        """Says that it ends; what it still holds, others may settle."""
        self._database.write(self._forget_own)

    def settle_lost(self, worker: str | None = None) -> int:
        """Turns the holds of a dead worker into calls with the outcome `lost`, billed by their least: how many.

        Without a name: those of every worker that has not shown itself for LOST_AFTER_SECONDS, and of every other one
        where nobody else has the database open.
        """
        return self._database.write(lambda statements: self._settle(statements, worker))

    def _settle(self, statements: Statements, worker: str | None) -> int:
        dead, parameters = self._dead() if worker is None else ("worker = ?", (worker,))
        found = take_holds(statements, dead, parameters)
        book_lost(statements, found)
        for table in ("breakers", "workers"):  # in this order: the workers tell whose breakers go
            statements.execute(f"DELETE FROM {table} WHERE {dead}", parameters)  # noqa: S608 - names from above
        return len(found)

    def _dead(self) -> tuple[str, tuple[object, ...]]:
        """The condition for a row to be of a dead worker, and its parameters."""
        if self._database.is_ours_alone():
            return "worker <> ?", (self._worker,)
        since = self._clock() - LOST_AFTER_SECONDS
        return "worker <> ? AND worker NOT IN (SELECT worker FROM workers WHERE seen >= ?)", (self._worker, since)

    def _show(self) -> None:
        sql = "INSERT INTO workers (worker, seen) VALUES (?, ?) ON CONFLICT (worker) DO UPDATE SET seen = excluded.seen"
        self._database.write(lambda statements: statements.execute(sql, (self._worker, self._clock())))

    def _forget_own(self, statements: Statements) -> None:
        for table in ("breakers", "workers"):
            statements.execute(f"DELETE FROM {table} WHERE worker = ?", (self._worker,))  # noqa: S608
