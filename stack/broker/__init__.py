"""RabbitMQ on pika: a publisher that confirms, a consumer that never loses a delivery, a listener for what may be lost.

Each owns a connection in a thread of its own; no other thread touches it. Work runs in worker threads and is
acknowledged through `add_callback_threadsafe`.
"""

from stack.broker.connection import HEARTBEAT_SECONDS, Connection
from stack.broker.consumer import MAX_ATTEMPTS, Consumer
from stack.broker.listener import Listener
from stack.broker.publisher import PUBLISH_TIMEOUT_SECONDS, Publisher, share_run_records

__all__ = [
    "HEARTBEAT_SECONDS",
    "MAX_ATTEMPTS",
    "PUBLISH_TIMEOUT_SECONDS",
    "Connection",
    "Consumer",
    "Listener",
    "Publisher",
    "share_run_records",
]
