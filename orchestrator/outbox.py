"""The outbox: what must be sent is written in the same transaction as the state it belongs to, and sent after.

A message may be sent twice when the confirmation is lost or the process dies in between; receivers look at its id.
"""

import logging
import threading
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from orchestrator.store import OutboxRow, Sessions
from stack.broker import Publisher
from stack.errors import GiveUp, StackError
from stack.messages import Message, decode, encode, now

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0


class Outbox:
    """Sends what transactions have put into it: at once, and by a sweep what was left behind."""

    def __init__(self, sessions: Sessions, publisher: Publisher) -> None:
        self._sessions = sessions
        self._publisher = publisher
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sweep, name="outbox", daemon=True)

    def put(self, session: Session, message: Message) -> None:
        """Writes the message into the caller's transaction. Putting one twice is putting it once."""
        if session.get(OutboxRow, str(message.id)) is None:
            session.add(OutboxRow(id=str(message.id), message=encode(message)))

    def send(self, message: Message) -> None:
        """Sends a message whose transaction is committed. Never raises: the sweep sends what could not be sent now."""
        try:
            self._publisher.publish(message, timeout=2)
        except GiveUp:
            log.exception("a message has no queue; it stays in the outbox")
        except StackError as error:
            log.warning("the outbox keeps a message for later: %s", error)
        else:
            self._forget(str(message.id))

    def start(self) -> None:
        """Begins to sweep; what an earlier process left is sent first."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the sweep; what is left is sent by the next process."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def _forget(self, message_id: str) -> None:
        with self._sessions.begin() as session:
            row = session.get(OutboxRow, message_id)
            if row is not None:
                session.delete(row)

    def _sweep(self) -> None:
        grace = timedelta(0)  # at the start nobody else is sending
        while not self._stopping.is_set():
            try:
                self._send_left(grace)
            except Exception:
                log.exception("the outbox could not be swept")
            grace = timedelta(seconds=SWEEP_SECONDS)
            self._stopping.wait(SWEEP_SECONDS)

    def _send_left(self, grace: timedelta) -> None:
        with self._sessions() as session:
            query = select(OutboxRow.message).where(OutboxRow.created <= now() - grace).order_by(OutboxRow.id)
            left = list(session.scalars(query.limit(100)))
        for body in left:
            self.send(decode(body))
