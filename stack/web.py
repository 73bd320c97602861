"""A Flask application served from a thread by waitress."""

import threading
from functools import partial

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server


class WebServer:
    """Serves `app` on `host`:`port` until it is stopped. Raises OSError where the address is taken."""

    def __init__(self, app: Flask, *, host: str, port: int, threads: int = 16) -> None:
        self._server = create_server(app, host=host, port=port, threads=threads, ident="claude-stack")
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    def start(self) -> None:
        """Begins to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Lets the requests under way end, then closes every connection: idle ones too would keep the thread alive."""
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(partial(wasyncore.close_all, self._server._map))
        self._thread.join(timeout=5)
