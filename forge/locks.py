"""A lock for each key."""

import threading


class Locks:
    """Hands out one lock per key. Keys are names on GitHub, where upper and lower case are the same."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def __getitem__(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(key.lower(), threading.Lock())
