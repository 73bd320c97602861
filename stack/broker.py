"""RabbitMQ on pika: a publisher that confirms, a consumer that never loses a delivery, a listener for what may be lost.

Each owns a connection in a thread of its own; no other thread touches it. Work runs in worker threads and is
acknowledged through `add_callback_threadsafe`.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker, NackError, UnroutableError

from stack import topology
from stack.errors import GiveUp, StackError, TryAgain
from stack.logs import Redactor, RunRecords
from stack.messages import AnyMessage, Message, Progress, Signal, decode, encode

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15  # RabbitMQ recommends 5 to 20
PUBLISH_TIMEOUT_SECONDS = 10.0
MAX_RECONNECT_SECONDS = 5.0
MAX_ATTEMPTS = 3  # of a handler that fails for a reason nobody foresaw
PERSISTENT = pika.DeliveryMode.Persistent
ATTEMPT_HEADER = "x-attempt"
ACCESS_REFUSED, NOT_FOUND = 403, 404  # AMQP 0-9-1 reply codes
LOST = "the connection to the message broker was lost"


class Connection:
    """A broker connection and the thread that owns it; reconnects with jitter until it is stopped."""

    def __init__(self, url: str, name: str, heartbeat_file: Path | None = None) -> None:
        self.name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.blocked_connection_timeout = 60
        self._parameters.client_properties = {"connection_name": name}
        self.user = str(self._parameters.credentials.username)
        self._heartbeat_file = heartbeat_file
        self._connection: pika.BlockingConnection | None = None
        self._stopping = threading.Event()
        self._failures = 0
        self.ready = threading.Event()

    def start(self) -> None:
        """Begins to connect; `ready` is set while there is a connection."""
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except (AMQPError, OSError) as error:
                log.warning("broker connection %s: %s", self.name, error or type(error).__name__)
            except Exception:
                log.exception("broker connection %s", self.name)
            self.ready.clear()
            self._close()
            self._connection = None
            self.on_disconnect()
            self._wait_before_reconnecting()

    def stop(self) -> None:
        """Ends the thread after what is under way. Idempotent."""
        self._stopping.set()
        self.soon(lambda: None)  # wakes the thread
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=30)

    def soon(self, callback: Callable[[], object]) -> bool:
        """Runs `callback` in the owning thread; False where there is no connection to run it on."""
        connection = self._connection
        if connection is None:
            return False
        try:
            connection.add_callback_threadsafe(callback)
        except AMQPError:
            return False
        return True

    def set_up(self, channel: BlockingChannel) -> None:
        """Called on each new channel, in the owning thread."""

    def on_disconnect(self) -> None:
        """Called after each loss of the connection, in the owning thread."""

    def well(self) -> bool:
        """Whether the service may call itself well as far as this connection goes; asked in the owning thread."""
        return True

    def drained(self) -> bool:
        """Whether nothing is under way that needs this connection; asked in the owning thread."""
        return True

    def _serve(self) -> None:
        self._connection = connection = pika.BlockingConnection(self._parameters)
        channel = connection.channel()
        self.set_up(channel)
        self._failures = 0
        self.ready.set()
        beat = 0.0
        while not (self._stopping.is_set() and self.drained()):
            if self._heartbeat_file and time.monotonic() - beat > 5 and self.well():
                self._heartbeat_file.touch()
                beat = time.monotonic()
            connection.process_data_events(time_limit=1)
            if channel.is_closed:  # pika tells of it only when the channel is used
                raise AMQPError("the broker closed the channel")

    def _close(self) -> None:
        try:
            if self._connection and self._connection.is_open:
                self._connection.close()
        except Exception as error:
            log.debug("closing %s: %s", self.name, error)

    def _wait_before_reconnecting(self) -> None:
        self._failures += 1
        limit = min(MAX_RECONNECT_SECONDS, 0.2 * 2 ** min(self._failures, 10))
        self._stopping.wait(random.uniform(limit / 4, limit))  # noqa: S311 - jitter, not a secret


class Publisher(Connection):
    """Sends messages. `publish` returns once the broker has confirmed; `mention` is for what may be lost."""

    def __init__(self, url: str, name: str) -> None:
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
        body = encode(message)
        self.soon(lambda: self._unconfirmed and self._unconfirmed.basic_publish(exchange, key, body))

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


class Consumer(Connection):
    """Hands each message of a queue to `handle` in one of `workers` threads, and acknowledges it when that returns.

    What `trusts` does not take from its sender is dead-lettered, and so is at once what cannot be read. `handle` raises
    TryAgain to see the message again after a delay, GiveUp to send it to the dead-letter queue. An error that nobody
    foresaw is tried three times.
    """

    def __init__(
        self,
        url: str,
        queue: str,
        handle: Callable[[AnyMessage], None],
        *,
        publisher: Publisher,
        workers: int = 1,
        heartbeat_file: Path | None = None,
        trusts: Callable[[AnyMessage, str], bool] = lambda _message, _sender: True,
    ) -> None:
        super().__init__(url, f"{queue}.consumer", heartbeat_file)
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
        try:
            message = decode(body)
        except GiveUp as error:
            log.error("%s: dead-lettered a message that cannot be read: %s", self._queue, error)
            channel.basic_reject(method.delivery_tag, requeue=False)
            return
        attempt = int((properties.headers or {}).get(ATTEMPT_HEADER, 0))
        if self._stopping.is_set():
            return  # not acknowledged: the broker hands it to somebody else when we close
        self._under_way += 1
        # the broker lets nobody name another user than the one that is logged in; a delayed copy is from ourselves
        sender = properties.user_id or ""
        self._pool.submit(self._work, channel, method.delivery_tag, message, body, attempt, sender)

    def _work(
        self, channel: BlockingChannel, tag: int, message: AnyMessage, body: bytes, attempt: int, sender: str
    ) -> None:
        accept: bool | None = True
        try:
            if sender != self.user and not self._trusts(message, sender):
                raise GiveUp(f"{sender or 'nobody'} may not send it")
            self._handle(message)
        except TryAgain as error:
            log.info("%s: again in %s s: %s", self._queue, topology.DELAY_SECONDS, error)
            accept = self._delay(body, attempt)
        except GiveUp as error:
            log.error("%s: dead-lettered %s %s: %s", self._queue, message.type, message.id, error)
            accept = False
        except Exception:
            log.exception("%s: %s %s", self._queue, message.type, message.id)
            accept = attempt + 1 < MAX_ATTEMPTS and self._delay(body, attempt + 1)
        self.soon(partial(self._settle, channel, tag, accept))

    def _delay(self, body: bytes, attempt: int) -> bool | None:
        """Puts a copy where it comes back from after a delay. False where it may not, None where we stop before."""
        headers = {ATTEMPT_HEADER: attempt}
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


class Listener(Connection):
    """Hears Progress or Signals on a short-lived queue of its own; misses what is said while it is away."""

    def __init__(self, url: str, user: str, exchange: str, key: str, hear: Callable[[AnyMessage], None]) -> None:
        super().__init__(url, f"{user}.{exchange}.listener")
        self._queue = f"{user}.listen.{uuid4()}"
        self._exchange = exchange
        self._key = key
        self._hear = hear

    def set_up(self, channel: BlockingChannel) -> None:
        channel.queue_declare(self._queue, exclusive=True, auto_delete=True)
        channel.queue_bind(self._queue, self._exchange, self._key)
        channel.basic_consume(self._queue, self._received, auto_ack=True)

    def _received(self, _channel: BlockingChannel, _method: Any, _properties: Any, body: bytes) -> None:
        try:
            self._hear(decode(body))
        except Exception:
            log.exception("%s: a message that could not be heard", self.name)


def share_run_records(publisher: Publisher, source: str, redact: Redactor) -> None:
    """Log records made inside `stack.logs.about(run_id)` travel as Progress too, from now on."""

    def send(run_id: UUID, level: str, text: str) -> None:
        publisher.mention(Progress(run_id=run_id, source=source, kind="log", text=text, data={"level": level}))

    logging.getLogger().addHandler(RunRecords(redact, send))
