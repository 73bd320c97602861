"""Which of a provider's keys to use: in turn, and not one that was just refused."""

import time
from collections.abc import Callable, Iterator

REST_SECONDS = 60.0  # for a key that was refused or has used up its rate


class KeyPool:
    """The keys of one provider, as one worker uses them."""

    def __init__(self, keys: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys or ("",)
        self._clock = clock
        self._turn = 0
        self._resting: dict[str, float] = {}

    def in_order(self) -> Iterator[str]:
        """Every key once, the next in turn first, those that rest last; an empty one where none is needed."""
        self._turn = (self._turn + 1) % len(self._keys)
        turned = self._keys[self._turn :] + self._keys[: self._turn]
        yield from sorted(turned, key=self._rests)

    def refused(self, key: str) -> None:
        """This key was refused, or asked too often."""
        self._resting[key] = self._clock() + REST_SECONDS

    def _rests(self, key: str) -> bool:
        return self._resting.get(key, 0.0) > self._clock()
