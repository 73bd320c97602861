"""How long ago a sign of life came, by this process's own monotonic clock: no wall clock is compared with another.

What is looked at is a mark that changes with each sign of life. It is as old as the time since this process first saw
it; so after a start of our own, and after a jump of the clock, nothing is overdue before it has been watched for long.
Time in which nobody looked, since the process stood still or its database was away, does not count.
"""

import threading
import time
from collections.abc import Callable, Collection, Hashable

MOST_BETWEEN_LOOKS_SECONDS = 10.0  # several times as long as between two calls of Tasks.look


class Watch:
    """Ages of marks, by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[Hashable, float]] = {}
        self._looked, self._blind = clock(), 0.0

    def age(self, key: str, mark: Hashable) -> float:
        """Seconds since this mark of the key was first seen here; 0 where it is new."""
        with self._lock:
            at, known = self._watched(), self._seen.get(key)
            if known is None or known[0] != mark:
                self._seen[key] = known = (mark, at)
            return at - known[1]

    def keep(self, keys: Collection[str]) -> None:
        """Forgets all others."""
        with self._lock:
            self._watched()
            self._seen = {key: seen for key, seen in self._seen.items() if key in keys}

    def _watched(self) -> float:
        """The clock, less the time in which nobody looked."""
        at = self._clock()
        if at - self._looked > MOST_BETWEEN_LOOKS_SECONDS:
            self._blind += at - self._looked
        self._looked = at
        return at - self._blind
