"""A listener for what may be lost."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from pika.adapters.blocking_connection import BlockingChannel

from stack.broker.connection import Connection
from stack.messages import AnyMessage, Progress, decode
from stack.secret import Secret

log = logging.getLogger(__name__)


class Listener(Connection):
    """Hears Progress or Signals on a short-lived queue of its own; misses what is said while it is away."""

    def __init__(self, url: Secret, user: str, exchange: str, key: str, hear: Callable[[AnyMessage], None]) -> None:
        super().__init__(url, f"{user}.{exchange}.listener")
        self._queue = f"{user}.listen.{uuid4()}"
        self._exchange = exchange
        self._key = key
        self._hear = hear

    def set_up(self, channel: BlockingChannel) -> None:
        channel.queue_declare(self._queue, exclusive=True, auto_delete=True)
        channel.queue_bind(self._queue, self._exchange, self._key)
        channel.basic_consume(self._queue, self._received, auto_ack=True)

    def _received(self, _channel: BlockingChannel, _method: Any, properties: Any, body: bytes) -> None:
        try:
            message = decode(body)
            if isinstance(message, Progress):
                # what a message says of its source has no weight; the broker checks the name of the user
                message = message.model_copy(update={"source": properties.user_id or "unknown"})
            self._hear(message)
        except Exception:
            log.exception("%s: a message that could not be heard", self.name)
