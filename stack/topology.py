"""Every exchange, queue, user and right on the broker, in one place.

The broker gets them as a definitions file at its start; a service's user may not make queues, but for the short-lived
one it listens on. `queue_of` is the one function that knows where a message goes.
"""

import base64
import hashlib
import os
from typing import Any

from stack.ids import dashed
from stack.messages import Message, Notification, Request, Result, Task

WORK = "work"  # topic: routing key = queue
DELAY = "delay"  # topic: routing key = queue; comes back to WORK after DELAY_SECONDS
DEAD = "dead"  # topic: what could not be handled, by the queue it was in
PROGRESS = "progress"  # topic: step.<run>, hop.<run>, log.<run>
SIGNALS = "signals"  # topic: task.<id>

DELAY_SECONDS = 5
# Every requeue counts, on RabbitMQ 3.10 to 4.2; a crash of the consumer does on all.
DELIVERY_LIMIT = 3
# Three times the hard limit of a job (60 minutes): a job always ends before the broker takes its delivery back.
CONSUMER_TIMEOUT_MS = 3 * 60 * 60 * 1000

REQUESTS = "orchestrator.requests"
RESULTS = "orchestrator.results"
BOT = "bot"
FORGE = "forge"
AGENT_ROLES = ("pr_reviewer",)


def agent_queue(role: str) -> str:
    """The queue of an agent's role: `agent.pr-reviewer`."""
    return f"agent.{dashed(role)}"


QUEUES = (REQUESTS, RESULTS, BOT, FORGE, *map(agent_queue, AGENT_ROLES))

# user → (queues it consumes, queues it sends to, whether it listens on a queue of its own)
USERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "orchestrator": ((REQUESTS, RESULTS), (BOT, FORGE, *map(agent_queue, AGENT_ROLES)), True),
    "bot": ((BOT,), (REQUESTS,), True),
    "forge": ((FORGE,), (RESULTS,), False),
    **{dashed(role): ((agent_queue(role),), (RESULTS,), True) for role in AGENT_ROLES},
}


def queue_of(message: Message) -> str:
    """The queue that a message goes to. Raises TypeError for the two kinds that may be lost."""
    match message:
        case Request():
            return REQUESTS
        case Result():
            return RESULTS
        case Notification():
            return BOT
        case Task():
            return FORGE if message.role == FORGE else agent_queue(message.role)
    raise TypeError(f"a {type(message).__name__} has no queue")


def definitions(passwords: dict[str, str]) -> dict[str, Any]:
    """RabbitMQ's definitions file: all of the above, and a user per service with rights to its own queues only."""
    return {
        "vhosts": [{"name": "/"}],
        "users": [_user(name, passwords[name]) for name in USERS],
        "permissions": [_rights(name) for name in USERS],
        "topic_permissions": [right for name in USERS for right in _topic_rights(name)],
        "exchanges": [
            {"name": n, "vhost": "/", "type": "topic", "durable": True, "auto_delete": False, "internal": False,
             "arguments": {}}
            for n in (WORK, DELAY, DEAD, PROGRESS, SIGNALS)
        ],
        "queues": [queue for name in QUEUES for queue in _queues(name)],
        "bindings": [binding for name in QUEUES for binding in _bindings(name)],
    }  # fmt: skip


def _user(name: str, password: str) -> dict[str, Any]:
    salt = os.urandom(4)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }


def _rights(name: str) -> dict[str, str]:
    consumes, _, listens = USERS[name]
    own = [rf"{name}\.listen\..*"] if listens else []
    exchanges = [WORK, DELAY, PROGRESS, SIGNALS]
    read = [q.replace(".", r"\.") for q in consumes] + own
    return {
        "user": name,
        "vhost": "/",
        "configure": _any(own),
        "write": _any([*exchanges, *own]),
        "read": _any([*read, PROGRESS, SIGNALS] if listens else read),
    }


def _topic_rights(name: str) -> list[dict[str, str]]:
    """Which routing keys a user may send with, exchange by exchange."""
    consumes, sends, _ = USERS[name]
    allowed = {
        WORK: [q.replace(".", r"\.") for q in sends],
        DELAY: [q.replace(".", r"\.") for q in consumes],
        PROGRESS: [r"(step|hop|log)\..*"],
        SIGNALS: [r"task\..*"] if name == "orchestrator" else [],
    }
    return [
        {"user": name, "vhost": "/", "exchange": exchange, "write": _any(keys), "read": ".*"}
        for exchange, keys in allowed.items()
    ]


def _any(patterns: list[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else "^$"


def _queues(name: str) -> list[dict[str, Any]]:
    # all three of quorum, reject-publish and at-least-once are needed so that a dead letter is never lost
    safe = {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-dead-letter-strategy": "at-least-once",
    }
    arguments: dict[str, dict[str, Any]] = {
        name: {**safe, "x-delivery-limit": DELIVERY_LIMIT,
               "x-dead-letter-exchange": DEAD, "x-dead-letter-routing-key": name},
        f"{name}.delay": {**safe, "x-message-ttl": DELAY_SECONDS * 1000,
                          "x-dead-letter-exchange": WORK, "x-dead-letter-routing-key": name},
        f"{name}.dead": {"x-queue-type": "quorum"},
    }  # fmt: skip
    return [
        {"name": n, "vhost": "/", "durable": True, "auto_delete": False, "arguments": a} for n, a in arguments.items()
    ]


def _bindings(name: str) -> list[dict[str, Any]]:
    pairs = ((WORK, name), (DELAY, f"{name}.delay"), (DEAD, f"{name}.dead"))
    return [
        {"source": exchange, "vhost": "/", "destination": queue, "destination_type": "queue",
         "routing_key": name, "arguments": {}}
        for exchange, queue in pairs
    ]  # fmt: skip
