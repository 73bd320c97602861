"""The outbox: what must be sent is written in the same transaction as the state it belongs to, and sent after.

One thread sends the rows that are left, in the order in which they were put in. A message may be sent twice when the
confirmation is lost or the process dies in between; receivers look at its id. One that is put anew while it is sent is
sent again. One that cannot be sent waits longer each time, and holds up no other.
"""

import logging
import queue
import threading
import time
from contextlib import suppress

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from orchestrator.store import OutboxRow, Sessions
from stack.broker import Publisher
from stack.errors import StackError
from stack.messages import Message, Progress, Signal, decode, encode

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
PUBLISH_SECONDS = 5.0
BATCH = 100
MOST_PAUSE_SECONDS = 300.0


class Outbox:
    """Sends what transactions have put into it: at once, and by a sweep what was left behind."""

    def __init__(self, sessions: Sessions, publisher: Publisher) -> None:
        self._sessions = sessions
        self._publisher = publisher
        self._stopping = threading.Event()
        self._behind = False  # whether the broker went away before all was sent
        self._fresh: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # ids of rows
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def put(self, session: Session, message: Message) -> None:
        """Writes the message into the caller's transaction, due for the sweep in a while: `send` sends it before."""
        due, row = time.time() + SWEEP_SECONDS, session.get(OutboxRow, str(message.id))
        if row is None:
            session.add(OutboxRow(id=str(message.id), message=encode(message), due=due))
        else:
            row.due = due  # where it is being sent right now, that sending does not take this one away

    def send(self, message: Message) -> None:
        """Sends a message whose transaction is committed, soon. Never raises."""
        self._fresh.put(str(message.id))

    def mention(self, message: Progress | Signal) -> None:
        """Sends what may be lost."""
        self._publisher.mention(message)

    def start(self) -> None:
        """Begins to send; what an earlier process left comes first."""
        self._thread.start()

    def stop(self) -> None:
        """Sends what is at hand and ends; what is left is sent by the next process."""
        self._stopping.set()
        self._fresh.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        swept = -SWEEP_SECONDS
        while not self._stopping.is_set():
            try:
                if time.monotonic() - swept >= SWEEP_SECONDS:
                    # at the start nobody else is sending: all that is there is due
                    self.sweep(time.time() if swept > 0 else float("inf"))
                    swept = time.monotonic()
                self.send_fresh(wait=SWEEP_SECONDS)
            except Exception:
                log.exception("the outbox could not be emptied")
                self._stopping.wait(SWEEP_SECONDS)
        try:
            while not self._behind and not self._fresh.empty():
                self.send_fresh()
        except Exception:
            log.exception("the outbox could not be emptied; the next process goes on")

    def send_fresh(self, *, wait: float = 0) -> None:
        """Sends what was handed over; waits up to `wait` seconds for it."""
        fresh: list[str | None] = []
        with suppress(queue.Empty):
            fresh.append(self._fresh.get(timeout=wait))
            while self._behind or len(fresh) < BATCH:
                fresh.append(self._fresh.get_nowait())
        if self._behind:
            return self.sweep(time.time())  # what was left goes first, and these are rows too
        if row_ids := [row_id for row_id in fresh if row_id]:
            self._behind = not self._send(row_ids)

    def sweep(self, until: float) -> None:
        """Sends all that is due `until` then, in seconds since the epoch, as it was put in; what fails is put off.

        Where the broker was away before, all is due.
        """
        query = select(OutboxRow.id).order_by(OutboxRow.created, OutboxRow.id)
        # nothing is put off for longer than that: the clock was set back
        is_due = (OutboxRow.due <= until) | (OutboxRow.due > until + MOST_PAUSE_SECONDS)
        with self._sessions() as session:
            due = list(session.scalars(query if self._behind else query.where(is_due)))
        for first in range(0, len(due), BATCH):
            self._behind = not self._send(due[first : first + BATCH])
            if self._behind or self._stopping.is_set():
                return
        self._behind = False

    def _send(self, row_ids: list[str]) -> bool:
        """Sends of these rows those that are left, in order. False where the broker went away: then some are left."""
        query = select(OutboxRow.id, OutboxRow.due, OutboxRow.message).where(OutboxRow.id.in_(row_ids))
        with self._sessions() as session:
            left = {row.id: row for row in session.execute(query)}
        sent, failed, reached = [], [], True
        for row in (left[row_id] for row_id in dict.fromkeys(row_ids) if row_id in left):
            try:
                self._publisher.publish(decode(row.message), timeout=PUBLISH_SECONDS)
                sent.append((row.id, row.due))
            except StackError as error:
                log.warning("the outbox keeps message %s for later: %s", row.id, error)
                if not (reached := self._publisher.ready.is_set()):
                    break
                failed.append(row.id)
        if sent or failed:
            self._write_down(sent, failed)
        return reached

    def _write_down(self, sent: list[tuple[str, float]], failed: list[str]) -> None:
        """Removes what was sent, unless it was put anew meanwhile, and puts off what failed."""
        with self._sessions.begin() as session:
            session.execute(delete(OutboxRow).where(tuple_(OutboxRow.id, OutboxRow.due).in_(sent)))
            for row in session.scalars(select(OutboxRow).where(OutboxRow.id.in_(failed))):
                row.tries += 1
                row.due = time.time() + min(MOST_PAUSE_SECONDS, 2.0 ** min(row.tries, 10))
