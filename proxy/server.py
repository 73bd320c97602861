"""gunicorn, started from Python: settings come from us, logs go to ours."""

import gc
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

KEEP_ALIVE_SECONDS = 5  # a stop waits as long for connections that idle
GRACE_SECONDS = 30  # for streams under way, after SIGTERM


def unfreeze(_server: object, _worker: object) -> None:
    """Gives what was frozen back to the collector, so that it goes before the modules that its end needs."""
    gc.unfreeze()


class OurLogger(Logger):  # type: ignore[misc]
    """Hands gunicorn's records to the root logger, which writes JSON without secrets."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]
    """Serves what `load` makes, in worker processes; each worker calls it for itself."""

    def __init__(self, load: Callable[[], Flask], *, host: str, port: int, workers: int, log_level: str) -> None:
        self._load = load
        self._options = {
            "bind": f"{host}:{port}",
            "workers": workers,
            "worker_class": "gevent",
            "keepalive": KEEP_ALIVE_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "loglevel": log_level.lower(),
            "logger_class": OurLogger,
            "control_socket_disable": True,
            "worker_exit": unfreeze,
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
