"""A publisher that confirms: a message is sent when the broker says so."""

import logging
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Any
from uuid import UUID

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker, NackError, UnroutableError

from stack import topology
from stack.broker.connection import Connection
from stack.errors import GiveUp, StackError, TryAgain
from stack.logs import Redactor, RunRecords
from stack.messages import Message, Progress, Signal, encode
from stack.secret import Secret

PUBLISH_TIMEOUT_SECONDS = 10.0
PERSISTENT = pika.DeliveryMode.Persistent
ACCESS_REFUSED, NOT_FOUND = 403, 404  # AMQP 0-9-1 reply codes
LOST = "the connection to the message broker was lost"


class Publisher(Connection):
    """Sends messages. `publish` returns once the broker has confirmed; `mention` is for what may be lost."""

    def __init__(self, url: Secret, name: str) -> None:
        super().__init__(url, f"{name}.publisher")
        self._waiting: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._channel: BlockingChannel | None = None
        self._unconfirmed: BlockingChannel | None = None

    def publish(self, message: Message, *, timeout: float = PUBLISH_TIMEOUT_SECONDS) -> None:
        """Sends to the message's queue and waits for the broker's confirmation.

        Raises TryAgain where the broker could not be reached or did not take it in `timeout` seconds, GiveUp where
        no queue is bound. A message may arrive twice when a confirmation is lost; receivers look at its id.
        """
        self.send(topology.queue_of(message), encode(message), {}, timeout)

    def mention(self, message: Progress | Signal) -> None:
        """Sends what may be lost: at once, without waiting, and in silence where the broker is away."""
        if isinstance(message, Progress):
            exchange, key = topology.PROGRESS, f"{message.kind}.{message.run_id}"
        else:
            exchange, key = topology.SIGNALS, f"task.{message.task_id}"
        body, properties = encode(message), pika.BasicProperties(user_id=self.user)
        self.soon(lambda: self._unconfirmed and self._unconfirmed.basic_publish(exchange, key, body, properties))

    def send(self, queue: str, body: bytes, headers: dict[str, Any], timeout: float) -> None:
        """As `publish`, for a body that is already encoded."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self._send_once(queue, body, headers, deadline - time.monotonic())
            except TryAgain:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _send_once(self, queue: str, body: bytes, headers: dict[str, Any], timeout: float) -> None:
        if not self.ready.wait(max(timeout, 0)):
            raise TryAgain("the message broker cannot be reached")
        done: Future[None] = Future()
        with self._lock:
            self._waiting.add(done)
        try:
            if not self.soon(partial(self._send_now, done, queue, body, headers)):
                raise TryAgain(LOST)
            done.result(max(timeout, 0.01))
        except TimeoutError as error:
            done.cancel()  # what has not left yet does not leave any more
            raise TryAgain("the message broker did not confirm in time") from error
        finally:
            with self._lock:
                self._waiting.discard(done)

    def _send_now(self, done: Future[None], queue: str, body: bytes, headers: dict[str, Any]) -> None:
        if not done.set_running_or_notify_cancel():
            return  # whoever asked for it has given up
        try:
            assert self._channel is not None  # noqa: S101 - set before the connection is ready
            properties = pika.BasicProperties(
                content_type="application/json", delivery_mode=PERSISTENT, headers=headers, user_id=self.user
            )
            self._channel.basic_publish(topology.exchange_of(queue), "", body, properties, mandatory=True)
        except UnroutableError:
            _fail(done, GiveUp(f"there is no queue {queue}"))
        except NackError:
            _fail(done, TryAgain(f"the message broker refused a message for {queue}"))
        except ChannelClosedByBroker as error:
            words = {ACCESS_REFUSED: f"no right to send to {queue}", NOT_FOUND: f"there is no queue {queue}"}
            _fail(done, GiveUp(words[error.reply_code]) if error.reply_code in words else TryAgain(LOST))
            raise
        except AMQPError:
            _fail(done, TryAgain(LOST))
            raise
        else:
            if not done.done():
                done.set_result(None)

    def set_up(self, channel: BlockingChannel) -> None:
        channel.confirm_delivery()
        self._channel = channel
        self._unconfirmed = channel.connection.channel()

    def on_disconnect(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for done in waiting:
            _fail(done, TryAgain(LOST))


def _fail(done: Future[None], error: StackError) -> None:
    if not done.done():
        done.set_exception(error)


def share_run_records(publisher: Publisher, redact: Redactor) -> None:
    """Log records made inside `stack.logs.about(run_id)` travel as Progress too, from now on."""

    def send(run_id: UUID, level: str, text: str) -> None:
        publisher.mention(Progress(run_id=run_id, kind="log", text=text, data={"level": level}))

    logging.getLogger().addHandler(RunRecords(redact, send))
