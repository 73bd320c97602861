"""A consumer that never loses a delivery: work runs in worker threads and is acknowledged in the connection's own."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from stack import topology
from stack.broker.connection import Connection
from stack.broker.publisher import PUBLISH_TIMEOUT_SECONDS, Publisher
from stack.errors import GiveUp, TryAgain
from stack.messages import VERSION, AnyMessage, Envelope, decode, glance
from stack.secret import Secret

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3  # of a handler that fails for a reason nobody foresaw
ATTEMPT_HEADER, SENDER_HEADER = "x-attempt", "x-sender"  # of a copy that waits: how often it failed, and whose it is


class Consumer(Connection):
    """Hands each message of a queue to `handle` in one of `workers` threads, and acknowledges it when that returns.

    What `trusts` does not take from its sender is dead-lettered, and so is at once what cannot be read. `handle` raises
    TryAgain to see the message again after a delay, GiveUp to send it to the dead-letter queue. An error that nobody
    foresaw is tried three times. `too_new` hears what can be read of a message that is not of an earlier version and
    yet cannot be read as a whole, and its sender: who sent it is newer than this service.
    """

    def __init__(
        self,
        url: Secret,
        queue: str,
        handle: Callable[[AnyMessage], None],
        *,
        publisher: Publisher,
        workers: int = 1,
        heartbeat_file: Path | None = None,
        trusts: Callable[[AnyMessage, str], bool] = lambda _message, _sender: True,
        too_new: Callable[[Envelope, str], None] = lambda _envelope, _sender: None,
    ) -> None:
        super().__init__(url, f"{queue}.consumer", heartbeat_file)
        self._too_new = too_new
        self._trusts = trusts
        self._queue = queue
        self._handle = handle
        self._publisher = publisher
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=queue)
        self._under_way = 0
        self._consumer_tag: str | None = None

    def set_up(self, channel: BlockingChannel) -> None:
        channel.basic_qos(prefetch_count=self._workers)
        channel.add_on_cancel_callback(partial(self._cancelled_by_broker, channel))
        self._consumer_tag = channel.basic_consume(self._queue, self._received)
        if self._stopping.is_set():
            self._cancel(channel)
        self._channel = channel

    def stop(self) -> None:
        """Takes no new message, lets those under way end, then closes."""
        self._stopping.set()
        if self._connection is not None:
            self.soon(lambda: self._cancel(self._channel))
        self._pool.shutdown(wait=True)
        super().stop()

    def well(self) -> bool:
        return self._consumer_tag is not None

    def drained(self) -> bool:
        return self._under_way == 0

    def on_disconnect(self) -> None:
        self._consumer_tag = None
        self._under_way = 0  # those deliveries are the broker's again

    def _cancel(self, channel: BlockingChannel) -> None:
        if self._consumer_tag and channel.is_open:
            channel.basic_cancel(self._consumer_tag)

    def _cancelled_by_broker(self, channel: BlockingChannel, _frame: object) -> None:
        log.warning("the broker cancelled the consumer of %s; connecting anew", self._queue)
        self._consumer_tag = None
        raise AMQPError(f"the consumer of {self._queue} was cancelled")

    def _received(self, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        if self._stopping.is_set():
            return  # not acknowledged: the broker hands it to somebody else when we close
        self._under_way += 1
        sender = properties.user_id or ""  # the broker lets nobody name another user than the one that is logged in
        headers = (properties.headers or {}) if sender == self.user else {}  # a copy that waited is from ourselves
        attempt, sender = int(headers.get(ATTEMPT_HEADER, 0)), str(headers.get(SENDER_HEADER, sender))
        self._pool.submit(self._work, channel, method.delivery_tag, body, attempt, sender)

    def _work(self, channel: BlockingChannel, tag: int, body: bytes, attempt: int, sender: str) -> None:
        accept: bool | None = True
        try:
            self._take(body, sender)
        except TryAgain as error:
            log.info("%s: again in %s s: %s", self._queue, topology.DELAY_SECONDS, error)
            accept = self._delay(body, attempt, sender)
        except GiveUp as error:
            log.error("%s: dead-lettered %s: %s", self._queue, _named(body), error)
            accept = False
        except Exception:
            log.exception("%s: %s failed", self._queue, _named(body))
            accept = attempt + 1 < MAX_ATTEMPTS and self._delay(body, attempt + 1, sender)
        self.soon(partial(self._settle, channel, tag, accept))

    def _take(self, body: bytes, sender: str) -> None:
        try:
            message = decode(body)
        except GiveUp:
            seen = glance(body)
            if seen and seen.version >= VERSION:  # what lay here since before an update is sent anew by its sender
                self._too_new(seen, sender)
            raise
        if sender != self.user and not self._trusts(message, sender):
            raise GiveUp(f"{sender or 'nobody'} may not send a {message.type}")
        self._handle(message)

    def _delay(self, body: bytes, attempt: int, sender: str) -> bool | None:
        """Puts a copy where it comes back from after a delay. False where it may not, None where we stop before."""
        headers = {ATTEMPT_HEADER: attempt, SENDER_HEADER: sender}
        while True:
            try:
                self._publisher.send(topology.delay_of(self._queue), body, headers, PUBLISH_TIMEOUT_SECONDS)
                return True
            except TryAgain as error:
                log.warning("%s: could not delay a message yet: %s", self._queue, error)
            except GiveUp as error:
                log.error("%s: could not delay a message: %s", self._queue, error)
                return False
            if self._stopping.is_set():
                return None

    def _settle(self, channel: BlockingChannel, tag: int, accept: bool | None) -> None:
        """Acknowledges, dead-letters, or (None) leaves a delivery to come again when the connection closes."""
        if not channel.is_open:
            return  # the tag died with its channel; the message comes again
        if accept is not None:
            settle = channel.basic_ack if accept else partial(channel.basic_reject, requeue=False)
            settle(tag)
        self._under_way -= 1


def _named(body: bytes) -> str:
    """A message by its type and id, as `python -m stack dead` lists it."""
    seen = glance(body)
    return f"{seen.type} {seen.id}" if seen else "what is no message"
