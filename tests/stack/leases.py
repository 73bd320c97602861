"""An orchestrator that plays: it says which leases live, and may go away and come back."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.stack.proving import proves

API_TOKEN = "not-a-token-of-a-service"


class Leases:
    """Every lease lives but those that have `ended`; `says` is answered instead where it is set."""

    def __init__(self) -> None:
        self.ended: set[tuple[str, int]] = set()
        self.asked: list[tuple[str, int]] = []
        self.says: tuple[int, bytes] | None = None
        self.delay_seconds = 0.0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self._thread = self._serving()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def go_away(self) -> None:
        """Idempotent."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def come_back(self) -> None:
        """On the same port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._thread = self._serving()

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        """What is answered to GET /tasks/<id>/alive?attempt=N."""
        if authorization != f"Bearer {API_TOKEN}":
            return 401, b'{"error": "this token is not known"}'
        address = urlsplit(path)
        _, tasks, task, alive = address.path.split("/")
        assert (tasks, alive) == ("tasks", "alive")
        lease = (task, int(parse_qs(address.query)["attempt"][0]))
        self.asked.append(lease)
        time.sleep(self.delay_seconds)
        return self.says or (200, json.dumps({"alive": lease not in self.ended}).encode())

    def _serving(self) -> threading.Thread:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        return thread

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        leases = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if proves(self, "orchestrator", API_TOKEN):
                    return
                status, body = leases.answer(self.path, self.headers.get("authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """In silence."""

        return Handler


@contextmanager
def running_leases() -> Iterator[Leases]:
    """One that answers, until it is left."""
    leases = Leases()
    try:
        yield leases
    finally:
        leases.go_away()
