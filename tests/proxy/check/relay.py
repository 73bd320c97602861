"""A gateway in a few lines in the place of the real one: it routes, puts key and model in, and passes bytes through."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from proxy.check.exchange import Endpoint
from proxy.gateway import Gateway, Target
from tests.proxy.check.loopback import Quiet, serving

TOKEN = "invented-token-of-the-check"
AWAY = b'{"type": "error", "error": {"type": "api_error", "message": "the provider cannot be reached"}}'


@contextmanager
def relaying(gateway: Gateway) -> Iterator[Endpoint]:
    """Serves `gateway` on loopback while it is entered."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.headers["authorization"] == f"Bearer {TOKEN}"
            target = gateway.route(body["model"]).targets[0]
            upstream = _connection(target)
            try:
                upstream.request("POST", self.path, json.dumps({**body, "model": target.model}), self._headers(target))
                response = upstream.getresponse()
                self._begin(response.status, response.headers)
                while chunk := response.read1():
                    self.wfile.write(chunk)
            except ConnectionRefusedError:
                self._begin(502, Message())
                self.wfile.write(AWAY)
            finally:
                upstream.close()

        def _headers(self, target: Target) -> dict[str, str]:
            own = {name: value for name, value in self.headers.items() if name.lower().startswith("anthropic-")}
            key = next(iter(target.provider.keys), "")
            return {**own, **target.provider.credentials(key)}

        def _begin(self, status: int, headers: Message) -> None:
            self.send_response(status)
            for name in ("content-type", "retry-after"):
                if name in headers:
                    self.send_header(name, headers[name])
            self.end_headers()

    with serving(Handler) as url:
        yield Endpoint(url, TOKEN)


def _connection(target: Target) -> http.client.HTTPConnection:
    address = urlsplit(target.provider.base_url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
