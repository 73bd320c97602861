"""Dead letters: what a service could not handle, looked at without loss, sent again, or thrown away."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker, NackError, UnroutableError

from stack import topology
from stack.broker.consumer import SENDER_HEADER
from stack.broker.publisher import PERSISTENT
from stack.errors import GiveUp, TryAgain
from stack.messages import Envelope, decode, glance

TIMEOUT_SECONDS = 10
CONSUMERS = {queue: user for user, (consumed, _, _) in topology.USERS.items() for queue in consumed}


@dataclass(frozen=True)
class Letter:
    """A message that was put aside. `sender` sent it first; `died` and `reason` are the broker's, where it says so."""

    queue: str
    body: bytes
    sender: str
    died: datetime | None
    reason: str
    tag: int

    @property
    def seen(self) -> Envelope | None:
        """What can be read of it."""
        return glance(self.body)

    @property
    def id(self) -> str:
        """The message's own id, or one made of what it holds, where that is no message."""
        return str(self.seen.id) if self.seen else f"junk-{hashlib.sha256(self.body).hexdigest()[:12]}"

    @property
    def why(self) -> str:
        """Why it was put aside, as far as can be known without the log of its service."""
        try:
            decode(self.body)
        except GiveUp as error:
            return f"it cannot be read: {error}"
        consumer = CONSUMERS[self.queue]
        match self.reason:
            case "rejected":
                return f"{consumer} gave it up, or failed on it again and again: its log names it by this id"
            case "delivery_limit":
                return f"{consumer} ended, or lost the broker, each time before it was done with it"
        return f"the broker says: {self.reason or 'nothing'}"

    def told(self) -> dict[str, Any]:
        """All of it, for a program to read."""
        seen = self.seen
        return {
            "id": self.id,
            "type": seen.type if seen else None,
            "run": str(seen.run_id) if seen and seen.run_id else None,
            "queue": self.queue,
            "sender": self.sender or None,
            "died": self.died.isoformat() if self.died else None,
            "reason": self.reason or None,
            "why": self.why,
            "size": len(self.body),
            "body": self.body.decode(errors="replace"),
        }


class DeadLetters:
    """The dead letters of a broker, held while this is open; then it gives back what it has neither sent nor dropped.

    Raises TryAgain where the broker cannot be reached, GiveUp where it refuses.
    """

    def __init__(self, url: str) -> None:
        try:
            self._parameters = pika.URLParameters(url)
        except (ValueError, IndexError) as error:
            raise GiveUp("BROKER_URL is not like amqp://user:password@host:5672/%2F") from error
        self._parameters.socket_timeout = self._parameters.blocked_connection_timeout = TIMEOUT_SECONDS
        self._parameters.client_properties = {"connection_name": "dead letters"}

    def __enter__(self) -> Self:
        try:
            self._connection = pika.BlockingConnection(self._parameters)
            # two: what is refused closes the channel that it was asked on, and so gives back all that it holds
            self._held, self._out = self._connection.channel(), self._connection.channel()
            self._out.confirm_delivery()
        except (AMQPError, OSError) as error:
            where = f"{self._parameters.host}:{self._parameters.port}"
            raise TryAgain(f"the message broker at {where} cannot be reached: {_said(error)}") from error
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if self._connection.is_open:
            self._connection.close()

    def look(self, queues: Iterable[str] = topology.QUEUES) -> list[Letter]:
        """What was put aside in these queues, oldest first in each."""
        return [letter for queue in queues for letter in self._in(queue)]

    def send(self, letter: Letter) -> None:
        """Puts it where it came from, in its sender's name. After a crash it may be there twice; receivers mind ids."""
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=PERSISTENT, user_id=letter.sender or None
        )
        try:
            exchange = topology.exchange_of(letter.queue)
            self._out.basic_publish(exchange, "", letter.body, properties, mandatory=True)
        except (UnroutableError, NackError) as error:
            raise TryAgain(f"the message broker did not take {letter.id} for {letter.queue}") from error
        except AMQPError as error:
            raise _wrong(error) from error
        self.drop(letter)

    def drop(self, letter: Letter) -> None:
        """Throws it away."""
        try:
            self._held.basic_ack(letter.tag)
        except AMQPError as error:
            raise _wrong(error) from error

    def _in(self, queue: str) -> Iterator[Letter]:
        try:
            while (got := self._held.basic_get(topology.dead_of(queue)))[0] is not None:
                method, properties, body = got
                yield _letter(queue, method.delivery_tag, properties, body)
        except AMQPError as error:
            raise _wrong(error) from error


def _letter(queue: str, tag: int, properties: Any, body: bytes) -> Letter:
    headers = properties.headers or {}
    sender = properties.user_id or ""
    if sender == CONSUMERS[queue]:  # it waited there, and was sent on by who consumes it
        sender = str(headers.get(SENDER_HEADER, sender))
    deaths: list[dict[str, Any]] = headers.get("x-death") or []
    death = next((one for one in deaths if one.get("queue") == queue), {})
    return Letter(queue, body, sender, death.get("time"), str(death.get("reason", "")), tag)


def _wrong(error: AMQPError) -> GiveUp | TryAgain:
    if isinstance(error, ChannelClosedByBroker):
        return GiveUp(f"the message broker refuses: {error.reply_text}")
    return TryAgain(f"the connection to the message broker was lost: {_said(error)}")


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
