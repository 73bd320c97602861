"""A circuit breaker for each provider: one that fails again and again is left alone for a while, then tried once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half-open"]

FAILURES = 5  # in a row
OPEN_SECONDS = 30.0
LONGEST_SECONDS = 300.0  # however long a provider asks to be left alone


@dataclass(slots=True)
class _Health:
    failures: int = 0
    until: float = 0.0
    probing: bool = False


class Breakers:
    """The breakers of one worker. `changed` is told of each change of a state: provider, state, until when (seconds
    since the epoch), why."""

    def __init__(
        self, changed: Callable[[str, State, float, str], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._changed = changed
        self._clock = clock
        self._health: dict[str, _Health] = {}

    def is_open(self, provider: str) -> bool:
        """Whether to leave this provider alone. Once its time is over, it is not, until a call `begins`."""
        health = self._health.get(provider)
        return bool(health and health.until and (health.probing or self._clock() < health.until))

    def begins(self, provider: str) -> None:
        """A call is made. The first one after a pause finds out for all: report what becomes of it."""
        health = self._health.get(provider)
        if health and health.until and not health.probing and self._clock() >= health.until:
            health.probing = True
            self._changed(provider, "half-open", health.until, "one call finds out")

    def succeeded(self, provider: str) -> None:
        """The provider answered."""
        health = self._health.pop(provider, None)
        if health and health.until:
            self._changed(provider, "closed", 0.0, "")

    def failed(self, provider: str, reason: str, *, leave_alone: float = 0.0) -> None:
        """The provider did not answer, or said that it cannot. `leave_alone`: the seconds that it asked for."""
        health = self._health.setdefault(provider, _Health())
        health.failures += 1
        if health.until or leave_alone > 0 or health.failures >= FAILURES:
            health.until = self._clock() + min(max(leave_alone, OPEN_SECONDS * (not leave_alone)), LONGEST_SECONDS)
            health.probing = False
            self._changed(provider, "open", health.until, reason)

    def undecided(self, provider: str) -> None:
        """A call said nothing of the provider: its caller left."""
        if health := self._health.get(provider):
            health.probing = False
