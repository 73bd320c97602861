"""A broker connection in a thread of its own, which no other thread touches; it reconnects until it is stopped."""

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from stack.secret import Secret, accepted, newest

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15  # RabbitMQ recommends 5 to 20
MAX_RECONNECT_SECONDS = 5.0


class Connection:
    """A broker connection and the thread that owns it; reconnects with jitter until it is stopped."""

    def __init__(self, url: Secret, name: str, heartbeat_file: Path | None = None) -> None:
        self.name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._url = url
        self.user = str(pika.URLParameters(newest(url)).credentials.username)
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

    def _where(self) -> pika.URLParameters:
        """How to connect: by turns with each password, since the broker takes a renewed one a moment later."""
        urls = accepted(self._url)
        where = pika.URLParameters(urls[self._failures % len(urls)])
        where.heartbeat = HEARTBEAT_SECONDS
        where.blocked_connection_timeout = 60
        where.client_properties = {"connection_name": self.name}
        return where

    def _serve(self) -> None:
        self._connection = connection = pika.BlockingConnection(self._where())
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
