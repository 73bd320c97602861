"""Pieces of a report on their way to the orchestrator, in the order in which they came."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from stack.errors import GiveUp, TryAgain

log = logging.getLogger(__name__)

Piece = dict[str, Any]
# Seconds before each try. The model waits while it hands one in; at the end nobody waits but for what is kept.
PAUSES_SECONDS = (0.0, 0.5, 1.5)
LAST_PAUSES_SECONDS = (*PAUSES_SECONDS, 4.0, 10.0)


class Pieces:
    """The pieces of one task. `send` stores one; it raises TryAgain where the orchestrator is away.

    What cannot be sent yet goes before the next one, or at the end of the work.
    """

    def __init__(self, send: Callable[[Piece], object]) -> None:
        self._send = send
        self._left: deque[Piece] = deque()
        self._lock = threading.Lock()

    def keep(self, piece: Piece) -> None:
        """Takes a piece, and sends what is left."""
        self._left.append(piece)
        self.send_left()

    def send_left(self, pauses: Sequence[float] | None = None) -> None:
        """Sends what is left, first come first; where that fails after all pauses (seconds), it stays left."""
        with self._lock:
            for pause in PAUSES_SECONDS if pauses is None else pauses:
                time.sleep(pause)
                if self._sent():
                    return

    def _sent(self) -> bool:
        """Whether nothing is left."""
        while self._left:
            try:
                self._send(self._left[0])
            except TryAgain as error:
                log.warning("a piece of the report could not be stored yet: %s", error)
                return False
            except GiveUp as error:
                log.warning("a piece of the report is not taken: %s", error)
            self._left.popleft()
        return True
