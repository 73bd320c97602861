"""What is said to whoever does a task, from outside and from another thread."""

import threading
from collections.abc import Callable
from uuid import UUID

from stack.messages import Signal

Hear = Callable[[Signal], object]


class Inbox:
    """Keeps signals until somebody hears them, in the order in which they came; one that comes twice is heard once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hear: Hear | None = None
        self._kept: list[Signal] = []
        self._came: set[UUID] = set()

    def put(self, signal: Signal) -> None:
        """Hands a signal to whoever hears, now or as soon as there is somebody."""
        with self._lock:
            if signal.id not in self._came:
                self._came.add(signal.id)
                self._kept.append(signal)
                self._hand_over()

    @property
    def hear(self) -> Hear | None:
        """Who hears, called from any thread; None while nobody does."""
        return self._hear

    @hear.setter
    def hear(self, hear: Hear | None) -> None:
        with self._lock:
            self._hear = hear
            self._hand_over()

    def _hand_over(self) -> None:
        while self._hear and self._kept:
            self._hear(self._kept.pop(0))
