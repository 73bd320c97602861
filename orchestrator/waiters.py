"""Threads that wait for something to change in a run, without polling."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Waiters:
    """One place per run to wait at. A waiting thread costs nothing until its run is poked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[str, set[threading.Event]] = defaultdict(set)

    def poke(self, run_id: str) -> None:
        """Something changed in this run: whoever waits looks again."""
        with self._lock:
            for event in self._events.get(run_id, ()):
                event.set()

    def wait(self, run_id: str, look: Callable[[], T | None], timeout: float | None = None) -> T | None:
        """What `look` returns as soon as that is not None; None after `timeout` seconds in which nothing changed."""
        event = threading.Event()
        with self._lock:
            self._events[run_id].add(event)
        try:
            while (found := look()) is None:
                if not event.wait(timeout):
                    return None
                event.clear()
            return found
        finally:
            self._leave(run_id, event)

    def _leave(self, run_id: str, event: threading.Event) -> None:
        with self._lock:
            self._events[run_id].discard(event)
            if not self._events[run_id]:
                del self._events[run_id]
