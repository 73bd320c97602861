"""What a run cost is what the proxy's ledger says, or not known."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from native.rabbitmq import free_port
from orchestrator.costs import ProxyLedger
from stack.ids import uuid7
from tests.stack.proving import proves

RUN = uuid7()


class Ledger(BaseHTTPRequestHandler):
    """A proxy that answers what a test told it to."""

    protocol_version = "HTTP/1.1"
    status, body = 200, b"{}"
    asked: tuple[str, str] = ("", "")

    def do_GET(self) -> None:
        if proves(self, "proxy", "not-a-token"):
            return
        type(self).asked = self.path, self.headers["Authorization"]
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """In silence."""


@pytest.fixture
def proxy() -> Iterator[str]:
    Ledger.status = 200
    with ThreadingHTTPServer(("127.0.0.1", 0), Ledger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_ledger_tells_dollars_and_models(proxy: str) -> None:
    Ledger.body = json.dumps({"cost_usd": 0.5, "models": ["one", "two"], "more": 1}).encode()
    assert ProxyLedger(proxy + "/", "not-a-token").of(RUN) == (0.5, "one, two")
    assert Ledger.asked == (f"/usage/{RUN}", "Bearer not-a-token")


def test_the_machines_own_settings_lead_the_token_to_nobody_else(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Ledger.body = json.dumps({"cost_usd": 0.5, "models": []}).encode()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ProxyLedger(proxy, "not-a-token").of(RUN) == (0.5, "")


def test_a_proxy_that_is_away_leaves_the_cost_unknown() -> None:
    assert ProxyLedger(f"http://127.0.0.1:{free_port()}", "not-a-token").of(RUN) == (None, "")


@pytest.mark.parametrize("body", [b"", b"junk", b"{}", b"[]", b"null", b'{"cost_usd": null, "models": []}',
                                  b'{"cost_usd": 1}', b'{"cost_usd": 1, "models": null}'])  # fmt: skip
def test_an_answer_that_is_none_leaves_the_cost_unknown(proxy: str, body: bytes) -> None:
    Ledger.body = body
    assert ProxyLedger(proxy, "not-a-token").of(RUN) == (None, "")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_refusal_leaves_the_cost_unknown(proxy: str, status: int) -> None:
    Ledger.status, Ledger.body = status, b'{"cost_usd": 1, "models": []}'
    assert ProxyLedger(proxy, "not-a-token").of(RUN) == (None, "")
