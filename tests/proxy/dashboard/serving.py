"""The dashboard alone in a Flask application, over a sample ledger; served to a browser by threads."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from proxy import dashboard
from proxy.dashboard.view import SetUpView
from proxy.ledger.reports import Reports, Rows
from tests.proxy.dashboard.month import set_up

PASSWORD = "an invented password"
COOKIE_KEY = "an-invented-cookie-key"


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def app_with(ledger: Rows, view: SetUpView | None = None, password: str = PASSWORD, **more: Any) -> Flask:
    """An application with nothing but the dashboard."""
    shown = view or set_up(time.time())
    app = Flask("tests", static_folder=None)
    more = {"cookie_key": COOKIE_KEY, **more}
    app.register_blueprint(dashboard.blueprint(Reports(ledger), lambda: shown, password, **more))
    return app


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address at which the application is served; streams that nobody ended are left behind."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
