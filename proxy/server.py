"""gunicorn, started from Python: settings come from us, logs go to ours."""

import gc
import signal
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

KEEP_ALIVE_SECONDS = 5  # a stop waits as long for connections that idle
GRACE_SECONDS = 30  # for streams under way, after SIGTERM


def enter(arbiter: Any, worker: Any) -> None:
    """The start of a worker. It must heed SIGTERM at once: until it has loaded, gunicorn would let it be lost, and then
    wait for GRACE_SECONDS for a worker that does not know that it should stop."""
    signal.signal(signal.SIGTERM, worker.handle_exit)
    while not arbiter.SIG_QUEUE.empty():  # the worker's own copy: what came since it was forked
        if arbiter.SIG_QUEUE.get_nowait() == signal.SIGTERM:
            worker.handle_exit(signal.SIGTERM, None)


def leave(worker: Any) -> None:
    """The end of a worker: what is not written yet is written."""
    if worker.wsgi is not None:
        worker.wsgi.extensions["close"]()
    gc.unfreeze()  # what was frozen goes before the modules that its end needs


class OurLogger(Logger):  # type: ignore[misc]
    """Hands gunicorn's records to the root logger, which writes JSON without secrets."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]
    """Serves what `load` makes, in worker processes; each worker calls it for itself."""

    def __init__(
        self,
        load: Callable[[], Flask],
        *,
        host: str,
        port: int,
        workers: int,
        log_level: str,
        ended: Callable[[int], None],
    ) -> None:
        """`ended` is called with the process id of a worker that ended, in the process that started it."""
        self._load = load
        self._options = {
            "bind": f"{host}:{port}",
            "workers": workers,
            "worker_class": "proxy.worker.RelayWorker",
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": log_level.lower(),
            "logger_class": OurLogger,
            "control_socket_disable": True,
            "post_fork": enter,
            "worker_exit": lambda _server, worker: leave(worker),
            "child_exit": lambda _server, worker: ended(worker.pid),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._load()

    def run(self) -> None:
        gc.freeze()  # what is loaded stays shared with the workers: a collection would write to all of it
        super().run()
