"""The slots of one agent: a task takes one; what cannot be cleared is out of service until it is."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from agents.sandbox.shared import cleared
from agents.sandbox.slot import Slot
from stack.errors import TryAgain

log = logging.getLogger(__name__)

# A task that finds no slot is another agent's, or comes again. One that was brought is tidied up in its slot meanwhile.
WAIT_SECONDS = 20.0
AGAIN_SECONDS = 30.0
RETRY_SECONDS = 5.0


def beside(work: Callable[[], None], *, name: str, daemon: bool = False) -> None:
    """Has it done by a thread of its own, or at once where none can be had: in a container a task may hold all."""
    try:
        threading.Thread(target=work, name=name, daemon=daemon).start()
    except RuntimeError:
        work()


class Slots:
    """As many tasks at once as there are slots."""

    def __init__(self, slots: list[Slot]) -> None:
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in slots:
            if slot.end_processes() and cleared(slot):  # of a runner that was killed
                self._free.put(slot)
            else:
                self._put(slot)

    @contextmanager
    def one(self) -> Iterator[Slot]:
        """A slot in which nothing runs. Raises TryAgain where all are taken or out of service."""
        try:
            slot = self._free.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise TryAgain("no slot is free on this machine", after=AGAIN_SECONDS) from None
        try:
            slot = slot.renewed()
            yield slot
        finally:
            self._put(slot)

    def _put(self, slot: Slot) -> None:
        """The next task may have it; where something is left in it, as soon as that is gone."""
        if not slot.is_busy() and cleared(slot):
            return self._free.put(slot)
        beside(partial(self._clear, slot), name=f"clear {slot.name}", daemon=True)

    def _clear(self, slot: Slot) -> None:
        if not (slot.end_processes() and cleared(slot)):
            log.error("%s is out of service until nothing is left in it", slot.name)
            while not (slot.end_processes() and cleared(slot)):
                time.sleep(RETRY_SECONDS)
            log.warning("%s is in service again", slot.name)
        self._free.put(slot)
