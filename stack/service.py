"""Runs the parts of a service until it is told to stop."""

import logging
import signal
import threading
from typing import Protocol

log = logging.getLogger(__name__)


class Part(Protocol):
    """Something that runs beside others: a consumer, a web server."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def run_until_stopped(*parts: Part) -> None:
    """Starts the parts in order, waits for SIGTERM or SIGINT, stops them in reverse order."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    for part in parts:
        part.start()
    log.info("started")
    stopped.wait()
    log.info("stopping: finishing what is under way")
    for part in reversed(parts):
        part.stop()
    log.info("stopped")
