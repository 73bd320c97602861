"""Which of a provider's keys to use: the same for a session, and not one that was just refused."""

import time
from collections.abc import Callable, Iterator
from zlib import crc32

REST_SECONDS = 60.0  # for a key that was refused or has used up its rate


class KeyPool:
    """The keys of one provider, as one worker uses them."""

    def __init__(self, keys: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys or ("",)
        self._clock = clock
        self._resting: dict[str, float] = {}

    def in_order(self, session: str) -> Iterator[str]:
        """Every key once, those that rest last; a single empty one where none is needed.

        A session begins with the same key each time: its prompts are cached for that key's account alone.
        """
        if len(self._keys) == 1:
            yield self._keys[0]
            return
        first = crc32(session.encode()) % len(self._keys)
        yield from sorted(self._keys[first:] + self._keys[:first], key=self._rests)

    def refused(self, key: str) -> None:
        """This key was refused, or asked too often."""
        self._resting[key] = self._clock() + REST_SECONDS

    def _rests(self, key: str) -> bool:
        return self._resting.get(key, 0.0) > self._clock()
