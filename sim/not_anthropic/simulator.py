"""What the routes share: the key, the stage, the log of calls; and how they refuse."""

import threading
from collections import deque
from typing import Any

from flask import current_app

from sim.not_anthropic.scenario import Stage


class Refusal(Exception):
    """An error in the API's words."""

    def __init__(self, status: int, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after


class Simulator:
    """One running not-anthropic. Setting `closing` ends the answers that hang."""

    def __init__(self, *, key: str) -> None:
        self.key = key
        self.stage = Stage()
        self.calls: deque[dict[str, Any]] = deque(maxlen=10_000)
        self.closing = threading.Event()


def this_simulator() -> Simulator:
    """The one that the current request came to."""
    return current_app.extensions["simulator"]  # type: ignore[no-any-return]
