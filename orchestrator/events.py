"""What happened in each run: heard from the progress exchange, written in batches, kept for 14 days."""

import logging
import queue
import threading
import time
from datetime import timedelta

from sqlalchemy import delete

from orchestrator.store import EventRow, Sessions
from stack.messages import AnyMessage, Progress
from stack.values import now

log = logging.getLogger(__name__)

KEPT = timedelta(days=14)
BATCH_SECONDS = 0.3
MOST_WAITING = 10_000  # beyond that events are dropped: they may be lost


class Events:
    """Writes Progress messages to the store."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: queue.Queue[Progress | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._write, name="events", daemon=True)

    def hear(self, message: AnyMessage) -> None:
        """Takes one message in, without waiting."""
        if isinstance(message, Progress):
            try:
                self._waiting.put_nowait(message)
            except queue.Full:
                log.warning("too many events at once: one is lost")

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what has been heard, then ends."""
        self._waiting.put(None)
        self._thread.join(timeout=10)

    def purge(self) -> None:
        """Removes what is older than KEPT."""
        with self._sessions.begin() as session:
            session.execute(delete(EventRow).where(EventRow.at < now() - KEPT))

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            time.sleep(BATCH_SECONDS)  # others follow: one transaction for all
            batch, more = self._batch(first)
            try:
                self._store(batch)
            except Exception:
                log.exception("%s events are lost", len(batch))
            if not more:
                return

    def _batch(self, first: Progress) -> tuple[list[Progress], bool]:
        """What waits, and whether more may come."""
        batch = [first]
        while not self._waiting.empty():
            message = self._waiting.get()
            if message is None:
                return batch, False
            batch.append(message)
        return batch, True

    def _store(self, batch: list[Progress]) -> None:
        with self._sessions.begin() as session:
            for p in batch:
                row = EventRow(
                    id=str(p.id), run_id=str(p.run_id), at=p.at, source=p.source, kind=p.kind, text=p.text, data=p.data
                )
                session.merge(row)
