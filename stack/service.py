"""Runs the parts of a service until it is told to stop."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that runs beside others: a consumer, a web server."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Every:
    """Calls `action` every `seconds` from a thread of its own. What it raises is logged, and the next call comes."""

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds = seconds
        self._action = action
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begins; the first call comes after `seconds`."""
        self._thread.start()

    def stop(self) -> None:
        """Lets a call under way end."""
        self._stopping.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._action()
            except Exception:
                log.exception("what is done every %s s failed", self._seconds)


def run_until_stopped(*parts: Part) -> None:
    """Starts the parts in order, waits for SIGTERM or SIGINT, stops them in reverse order.

    A thread that ends by what it raised, whoever's it is, ends the service: half of one that looks well does more harm
    than none, which is started again. Raises SystemExit then.
    """
    with _signals(signal.SIGTERM, signal.SIGINT) as told, _threads_watched() as failed:
        for part in parts:
            part.start()
        log.info("started")
        told.recv(1)
        log.info("stopping: finishing what is under way")
        for part in reversed(parts):
            part.stop()
    log.info("stopped")
    if failed:
        raise SystemExit(1)


@contextmanager
def _threads_watched() -> Iterator[list[str]]:
    """The names of the threads that what they raised has ended; with the first of them this process is told to end."""
    failed: list[str] = []

    def ended(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_type is SystemExit:
            return
        name = thread.thread.name if thread.thread else "a thread"
        error = thread.exc_value or thread.exc_type()
        log.critical("%s has failed, so the service ends", name, exc_info=error)
        failed.append(name)
        os.kill(os.getpid(), signal.SIGTERM)

    before, threading.excepthook = threading.excepthook, ended
    try:
        yield failed
    finally:
        threading.excepthook = before


@contextmanager
def _signals(*numbers: signal.Signals) -> Iterator[socket.socket]:
    """A socket that has something to read once one of these signals has come.

    Waiting on a lock could miss a signal that the kernel hands to another thread; the interpreter writes to this
    socket whichever thread it is.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    with reader, writer:
        before = signal.set_wakeup_fd(writer.fileno())
        handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        try:
            yield reader
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
