"""Every exchange, queue, user and right on the broker, in one place.

The broker gets them as a definitions file at its start; a service's user may not make queues, but for the short-lived
one it listens on. Each queue has an exchange of its own: a right to send is a right to that exchange, which the broker
checks on every way into it. Rights on routing keys it checks on the direct way alone, so nothing rests on them.
`queue_of` is the one function that knows where a message goes.
"""

import base64
import hashlib
import re
from typing import Any

from stack.ids import dashed
from stack.messages import Message, Notification, Request, Result, Task
from stack.roles import ROLES

PROGRESS = "progress"  # topic: step.<run>, hop.<run>, log.<run>
SIGNALS = "signals"  # topic: task.<id>

DELAY_SECONDS = 5
# Every requeue counts, on RabbitMQ 3.10 to 4.2; a crash of the consumer does on all.
DELIVERY_LIMIT = 3
# Three times the hard limit of a job (60 minutes): a job always ends before the broker takes its delivery back.
CONSUMER_TIMEOUT_MS = 3 * 60 * 60 * 1000
# Of dead letters: to look at one is to give it back, and RabbitMQ 4 throws away what was given back 20 times.
LOOKS_LIMIT = 1_000_000

REQUESTS = "orchestrator.requests"
RESULTS = "orchestrator.results"
BOT = "bot"
OPERATOR = "cli"  # sees what was put aside, and sends it again, in the name of whoever sent it first


def work_queue(role: str) -> str:
    """The queue of a role's tasks: `agent.pr-reviewer`, `forge`."""
    return f"agent.{dashed(role)}" if ROLES[role].is_agent else dashed(role)


WORK = tuple(map(work_queue, ROLES))
QUEUES = (REQUESTS, RESULTS, BOT, *WORK)

# user → (queues it consumes, queues it sends to, what it listens to on a queue of its own)
USERS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "orchestrator": ((REQUESTS, RESULTS), (BOT, *WORK), (PROGRESS,)),
    "bot": ((BOT,), (REQUESTS,), (PROGRESS,)),
    **{dashed(role): ((work_queue(role),), (RESULTS,), (SIGNALS,)) for role in ROLES},
    OPERATOR: ((), QUEUES, ()),
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
            return work_queue(message.brief.by)
    raise TypeError(f"a {type(message).__name__} has no queue")


def exchange_of(queue: str) -> str:
    """The exchange that leads to `queue` alone. Rights go by name alone, so it must not have the queue's."""
    return f"to.{queue}"


def delay_of(queue: str) -> str:
    """Where a message waits that comes back to `queue` after DELAY_SECONDS."""
    return f"{queue}.delay"


def dead_of(queue: str) -> str:
    """Where what could not be handled in `queue` is put aside."""
    return f"{queue}.dead"


def definitions(passwords: dict[str, str]) -> dict[str, Any]:
    """RabbitMQ's definitions file: all of the above, and a user per service with rights to its own queues only."""
    queues = {name: arguments for queue in QUEUES for name, arguments in _queues(queue).items()}
    return {
        "vhosts": [{"name": "/"}],
        "users": [_user(name, passwords[name]) for name in USERS],
        "permissions": [_rights(name) for name in USERS],
        "exchanges": [_exchange(exchange_of(n), "fanout") for n in queues] + [_exchange(n, "topic") for n in _LOSABLE],
        "queues": [
            {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": arguments}
            for name, arguments in queues.items()
        ],
        "bindings": [_binding(exchange_of(name), name) for name in queues],
        # a policy, unlike a queue's arguments, also holds for queues that are there already
        "policies": [
            {
                "name": "dead",
                "vhost": "/",
                "pattern": rf"{re.escape(dead_of(''))}$",
                "apply-to": "queues",
                "priority": 0,
                "definition": {"delivery-limit": LOOKS_LIMIT},
            }
        ],
    }


_LOSABLE = (PROGRESS, SIGNALS)


def _exchange(name: str, kind: str) -> dict[str, Any]:
    settings = {"durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    return {"name": name, "vhost": "/", "type": kind, **settings}


def _binding(exchange: str, queue: str) -> dict[str, Any]:
    place = {"source": exchange, "vhost": "/", "destination": queue, "destination_type": "queue"}
    return {**place, "routing_key": "", "arguments": {}}


def _user(name: str, password: str) -> dict[str, Any]:
    salt = hashlib.sha256(f"{name}/{password}".encode()).digest()[:4]  # the same file for the same passwords
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {
        "name": name,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        # what is sent again must not count as the operator's word: it may have been put aside for its sender
        "tags": ["impersonator"] if name == OPERATOR else [],
    }


def _rights(name: str) -> dict[str, str]:
    consumes, sends, hears = USERS[name]
    own = [rf"{name}\.listen\..*"] if hears else []
    tells = {"orchestrator": _LOSABLE, OPERATOR: ()}.get(name, (PROGRESS,))
    dead = map(dead_of, QUEUES) if name == OPERATOR else ()
    exchanges = [*map(exchange_of, (*sends, *map(delay_of, consumes))), *tells]
    return {
        "user": name,
        "vhost": "/",
        "configure": _any(own),
        "write": _any([*map(re.escape, exchanges), *own]),
        "read": _any([*map(re.escape, [*consumes, *dead]), *hears, *own]),
    }


def _any(patterns: list[str]) -> str:
    return f"^({'|'.join(patterns)})$" if patterns else "^$"


def _queues(name: str) -> dict[str, dict[str, Any]]:
    """A queue, the one where its messages wait to come back, and the one for what could not be handled."""
    # all three of quorum, reject-publish and at-least-once are needed so that a dead letter is never lost
    safe = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once"}
    return {
        name: {**safe, "x-delivery-limit": DELIVERY_LIMIT, "x-dead-letter-exchange": exchange_of(dead_of(name))},
        delay_of(name): {**safe, "x-message-ttl": DELAY_SECONDS * 1000, "x-dead-letter-exchange": exchange_of(name)},
        dead_of(name): {"x-queue-type": "quorum"},
    }
