"""Transactions: state and what must be sent of it are written together; once they are safe, it is sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.orm import Session

from orchestrator.outbox import Outbox
from orchestrator.store import RunRow, Sessions
from stack.messages import Message, Progress, Signal


@dataclass
class Transaction:
    """One transaction under way. What is put, mentioned or poked takes effect after it is committed."""

    session: Session
    outbox: Outbox
    messages: list[Message] = field(default_factory=list)
    mentions: list[Progress | Signal] = field(default_factory=list)
    poked: set[str] = field(default_factory=set)

    def put(self, message: Message) -> None:
        """Sends a message that may not be lost. One that is put twice in a transaction is sent once."""
        self.outbox.put(self.session, message)
        self.messages.append(message)

    def mention(self, message: Progress | Signal) -> None:
        """Sends what may be lost."""
        self.mentions.append(message)

    def poke(self, run_id: str) -> None:
        """Something happened to a run: its story is told anew."""
        self.session.execute(update(RunRow).where(RunRow.id == run_id).values(poked=RunRow.poked + 1))
        self.poked.add(run_id)


class Transactions:
    """Begins transactions. `go_on` is called with each run that was poked; set by whoever advances runs."""

    def __init__(self, sessions: Sessions, outbox: Outbox) -> None:
        self.sessions = sessions
        self._outbox = outbox
        self.go_on: Callable[[str], None] = lambda _run_id: None

    @contextmanager
    def begin(self, name: str) -> Iterator[Transaction]:
        """A transaction, committed at the end of the block. `name` is for tests that stop here."""
        with self.sessions.begin() as session:
            transaction = Transaction(session, self._outbox)
            yield transaction
            self.ready(name)
        self.committed(name, transaction)

    def ready(self, name: str) -> None:
        """All is written, and nothing is committed yet."""

    def committed(self, name: str, transaction: Transaction) -> None:
        """Lets out what the transaction has put, mentioned and poked."""
        for message in transaction.messages:
            self._outbox.send(message)
        for mention in transaction.mentions:
            self._outbox.mention(mention)
        for run_id in transaction.poked:
            self.go_on(run_id)
