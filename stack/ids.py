"""Ids that sort by time (UUIDv7, RFC 9562), and names derived from a role or a step.

An id of a run or a request must not be foretold by who sees others: what comes from outside gets it by a key.
"""

import hashlib
import hmac
import os
import time
from uuid import UUID

from stack.secret import Secret, accepted


def uuid7(*, milliseconds: int | None = None, seed: str | None = None) -> UUID:
    """A UUIDv7 for now or for `milliseconds` since the epoch.

    With a `seed` the random part is derived from it: the same time and seed give the same id, so that an event
    which arrives twice starts one run.
    """
    if milliseconds is None:
        milliseconds = time.time_ns() // 1_000_000
    random = os.urandom(10) if seed is None else hashlib.sha256(seed.encode()).digest()[:10]
    value = (milliseconds << 80) | int.from_bytes(random, "big")
    value = (value & ~(0xF << 76)) | (7 << 76)
    value = (value & ~(0x3 << 62)) | (2 << 62)
    return UUID(int=value)


def secret_id(key: Secret, event: str, *, milliseconds: int) -> UUID:
    """The id of an event from outside: the same for the same one, and to be foretold by nobody without the key.

    A renewed key begins with the second from which it counts, and a dot: what happened before it keeps its id.
    """
    then = next((one for one in accepted(key) if _counts_from(one) <= milliseconds), accepted(key)[-1])
    return uuid7(milliseconds=milliseconds, seed=hmac.digest(then.encode(), event.encode(), "sha256").hex())


def _counts_from(key: str) -> int:
    """In milliseconds since the epoch; 0 for a key that was not renewed."""
    since, dot, _ = key.partition(".")
    return int(since) * 1000 if dot and since.isdecimal() else 0


def task_id(run_id: UUID, step: str) -> UUID:
    """The id of a run's task for a step: always the same, so that a repeated dispatch is the same task.

    It is no better a secret than the run's id, which all can read once its review is posted; before that it cannot be
    foretold either. Nothing rests on it: whoever claims a task shows a token of its role.
    """
    return uuid7(milliseconds=run_id.int >> 80, seed=f"{run_id}/{step}")


def dashed(role: str) -> str:
    """The name of a role or service outside Python: `pr_reviewer` is `pr-reviewer` in queues, Compose and chat."""
    return role.replace("_", "-")
