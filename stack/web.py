"""A Flask application served from a thread by waitress."""

import threading
from functools import partial
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server


class WebServer:
    """Serves `app` on the address `host` and `port` until it is stopped. Raises OSError where that is taken."""

    def __init__(self, app: Flask, *, host: str, port: int, threads: int = 16) -> None:
        self._sockets: dict[int, Any] = {}
        self._server: Any = create_server(
            app,
            map=self._sockets,
            host=host,
            port=port,
            threads=threads,
            ident="claude-stack",
            connection_limit=1000,
            channel_timeout=30,  # who connects and says nothing must not keep others out
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    def start(self) -> None:
        """Begins to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Lets the requests under way end, then closes every socket: an idle connection would keep the thread alive."""
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(partial(wasyncore.close_all, self._sockets))
        self._thread.join(timeout=5)
