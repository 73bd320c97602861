"""A task as whoever does it sees it: what it may ask and tell meanwhile, and how it is stopped from outside."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from stack.api import Claim
from stack.inbox import Hear, Inbox
from stack.messages import Message, Progress, Signal, Task
from stack.values import Value, now

GIVEN_BACK = "given back"


class Sender(Protocol):
    """What a worker needs of a Publisher."""

    def publish(self, message: Message) -> None: ...

    def mention(self, message: Progress | Signal) -> None: ...


class Stopped(Exception):
    """The work was stopped from outside: cancelled, given back, or its lease was lost."""


class Stop:
    """A way to end work from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], object] | None = None
        self.reason = ""

    def set(self, reason: str) -> None:
        """Ends the work, now or as soon as it begins."""
        with self._lock:
            self.reason = self.reason or reason
            if self._end:
                self._end()

    def arm(self, end: Callable[[], object] | None) -> None:
        """What `set` calls."""
        with self._lock:
            self._end = end
            if end and self.reason:
                end()

    def check(self) -> None:
        """Raises Stopped where `set` was called."""
        if self.reason:
            raise Stopped(self.reason)


@dataclass
class Assignment:
    """A task that this process has claimed, and what its function may ask and tell meanwhile.

    `hear` is for who can be steered or answered while at work; it is called from another thread. What comes while it is
    None is kept for the next. `store` keeps pieces of what will be the report.
    """

    task: Task
    claim: Claim
    sender: Sender
    store: Callable[[dict[str, Any]], object] = lambda _piece: None
    stop: Stop = field(default_factory=Stop)
    inbox: Inbox = field(default_factory=Inbox)

    @property
    def hear(self) -> Hear | None:
        """Who hears what comes for the task."""
        return self.inbox.hear

    @hear.setter
    def hear(self, hear: Hear | None) -> None:
        self.inbox.hear = hear

    @property
    def run_id(self) -> UUID:
        """The run that the task is for."""
        return self.task.run_id

    def say(self, text: str, *, passing: bool = False) -> None:
        """What is being done now, in words for the person. Where it is `passing`, whatever comes next replaces it."""
        self._tell("step", text, None, {"passing": True} if passing else {})

    def hop(self, name: str, at: datetime | None = None) -> None:
        """A point in time is reached."""
        self._tell("hop", name, at, {})

    def keep(self, piece: Value) -> None:
        """Has a piece of what will be the report stored, so that it outlives the work."""
        self.store(piece.model_dump(mode="json"))

    def _tell(self, kind: str, text: str, at: datetime | None, data: dict[str, Any]) -> None:
        told = {"run_id": self.task.run_id, "kind": kind, "text": text, "at": at or now(), "data": data}
        self.sender.mention(Progress.model_validate(told))
