"""Writes what ended, in batches, beside the requests: a thread, which under gevent is a greenlet.

While the ledger is away it keeps everything and tries again; it says so once for each time that it is away.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from proxy.ledger.records import LedgerAway

log = logging.getLogger(__name__)

T = TypeVar("T")

GATHER_SECONDS = 0.02  # from the first that waits to the writing of all that came since
BATCH = 25  # written in one transaction: an event loop stands still for as long
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # between tries while the ledger is away


class Settler(Generic[T]):
    """A queue and the thread that empties it with `write`, and calls `beat` every `beat_seconds`."""

    def __init__(self, write: Callable[[Sequence[T]], None], beat: Callable[[], None], beat_seconds: float) -> None:
        self._write = write
        self._beat = beat
        self._beat_seconds = beat_seconds
        self._next_beat = time.monotonic() + beat_seconds
        self._changed = threading.Condition()
        self._queue: deque[T] = deque()
        self._added = 0
        self._done = 0
        self._wanted = 0  # so many are to be written without delay
        self._closing = False
        self.trouble = ""  # why the ledger is away; empty if it is not
        self._thread = threading.Thread(target=self._run, name="settler", daemon=True)
        self._thread.start()

    def add(self, item: T) -> None:
        """Has `item` written soon. Returns at once."""
        with self._changed:
            self._queue.append(item)
            self._added += 1
            if len(self._queue) == 1:
                self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until all that was added so far is written; whether it is, after `timeout` seconds at most."""
        with self._changed:
            until = self._wanted = self._added
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= until, timeout)

    def close(self, timeout: float) -> int:
        """Writes what is left and ends the thread. How many could not be written within `timeout` seconds."""
        self.flush(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return self._added - self._done

    def _run(self) -> None:
        pause = SHORTEST_PAUSE
        while self._gathered():
            try:
                self._beat_if_due()
                self._write_all()
            except Exception as error:
                self._note_trouble(error)
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._note_success()
                pause = SHORTEST_PAUSE

    def _gathered(self) -> bool:
        """Waits until there is something to do. False: nothing ever again."""
        with self._changed:
            quiet = max(0.0, self._next_beat - time.monotonic())
            if self._changed.wait_for(lambda: self._queue or self._closing, quiet) and not self._closing:
                self._changed.wait_for(self._hurried, GATHER_SECONDS)
            return not self._closing

    def _hurried(self) -> bool:
        return self._closing or self._wanted > self._done

    def _beat_if_due(self) -> None:
        if time.monotonic() >= self._next_beat:
            self._beat()
            self._next_beat = time.monotonic() + self._beat_seconds

    def _write_all(self) -> None:
        while batch := self._taken():
            try:
                self._write_batch(batch)
            except BaseException:
                with self._changed:
                    self._queue.extendleft(reversed(batch))
                raise
            with self._changed:
                self._done += len(batch)
                self._changed.notify_all()
            time.sleep(0)  # lets requests go first

    def _taken(self) -> list[T]:
        with self._changed:
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _write_batch(self, batch: Sequence[T]) -> None:
        """One that can never be written must not stop all others: it goes to the log instead."""
        try:
            self._write(batch)
        except LedgerAway:
            raise
        except Exception:
            if len(batch) > 1:
                for one in batch:
                    self._write_batch([one])
            else:
                log.exception("not written to the ledger: %r", batch[0])

    def _sleep(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)

    def _note_trouble(self, error: Exception) -> None:
        if not self.trouble:
            unforeseen = None if isinstance(error, LedgerAway) else error
            log.error("the ledger is away, calls are kept until it is back: %s", error, exc_info=unforeseen)
        self.trouble = str(error) or type(error).__name__

    def _note_success(self) -> None:
        if self.trouble:
            log.warning("the ledger is back")
            self.trouble = ""
