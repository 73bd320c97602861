"""A private RabbitMQ for tests, with a user more than the stack has: one that may do everything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
from pika.adapters.blocking_connection import BlockingChannel

from native.rabbitmq import RabbitMQ, free_port
from stack import topology
from stack.init import make_secrets

ADMIN, ADMIN_PASSWORD = "admin", "not-a-password"
# The stack's own delay is for people; the message's way is the same.
DELAY_MILLISECONDS = 300
ALL_QUEUES = tuple(f"{queue}{suffix}" for queue in topology.QUEUES for suffix in ("", ".delay", ".dead"))


class Rabbit:
    """The broker as the stack has it, and what a test does to it."""

    def __init__(self, folder: Path) -> None:
        self._secrets = folder / "secrets"
        port = free_port()
        make_secrets(self._secrets, broker=f"127.0.0.1:{port}")
        definitions = self._secrets / "rabbitmq/definitions.json"
        definitions.write_text(json.dumps(_for_tests(json.loads(definitions.read_text()))))
        self.node = RabbitMQ(folder / "rabbitmq", definitions=definitions, port=port)

    def url(self, user: str) -> str:
        """Where and as whom a service connects."""
        if user == ADMIN:
            return f"amqp://{ADMIN}:{ADMIN_PASSWORD}@{self.node.address}/%2F"
        return (self._secrets / user / "BROKER_URL").read_text()

    @contextmanager
    def channel(self, user: str = ADMIN) -> Iterator[BlockingChannel]:
        """A channel of a connection of its own."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url(user)))
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()

    def purge(self) -> None:
        """Empties every queue."""
        with self.channel() as channel:
            for queue in ALL_QUEUES:
                channel.queue_purge(queue)

    def depth(self, queue: str) -> int:
        """How many messages wait in a queue."""
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def bodies(self, queue: str) -> list[bytes]:
        """What waits in a queue, taken out of it."""
        with self.channel() as channel:
            found = []
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                found.append(got[2])
            return found

    def put(self, queue: str, body: bytes) -> None:
        """Puts anything into a queue, as the stack would."""
        with self.channel() as channel:
            channel.confirm_delivery()
            channel.basic_publish(topology.exchange_of(queue), "", body, mandatory=True)

    def delete(self, queue: str) -> None:
        """Deletes a queue under whoever consumes it."""
        with self.channel() as channel:
            channel.queue_delete(queue)

    def declare(self, queue: str) -> None:
        """Makes a queue again as it was."""
        definitions = json.loads((self._secrets / "rabbitmq/definitions.json").read_text())
        arguments = next(q["arguments"] for q in definitions["queues"] if q["name"] == queue)
        with self.channel() as channel:
            channel.queue_declare(queue, durable=True, arguments=arguments)
            channel.queue_bind(queue, topology.exchange_of(queue))


def _for_tests(definitions: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    everything = dict.fromkeys(("configure", "write", "read"), ".*")
    definitions["users"].append({"name": ADMIN, "password": ADMIN_PASSWORD, "tags": ["administrator"]})
    definitions["permissions"].append({"user": ADMIN, "vhost": "/", **everything})
    for queue in definitions["queues"]:
        arguments = queue["arguments"]
        if isinstance(arguments, dict) and "x-message-ttl" in arguments:
            arguments["x-message-ttl"] = DELAY_MILLISECONDS
    return definitions
