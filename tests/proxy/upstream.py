"""A provider of our own, on loopback: keeps what arrives, and answers as the test says."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

Script = Callable[["Exchange"], None]


@dataclass(frozen=True)
class Received:
    """A request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Exchange:
    """One request that a script answers."""

    def __init__(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        self.received = received
        self._handler = handler

    def whole(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Answers with a body of known length."""
        self._head(status, {**headers, "content-length": str(len(body))})
        self._handler.wfile.write(body)

    def begin(self, headers: dict[str, str] | None = None) -> None:
        """Starts a stream of events."""
        self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked", **(headers or {})})

    def send(self, data: bytes) -> None:
        """Sends a piece of the stream."""
        self._handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self._handler.wfile.flush()

    def end(self) -> None:
        """Ends the stream as HTTP wants it."""
        self._handler.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Breaks the connection off."""
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_RDWR)

    def raw(self, data: bytes) -> None:
        """Sends bytes as they are, be they HTTP or not; at the end of the script the connection is closed."""
        self._handler.close_connection = True
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def wait_until_left(self, seconds: float = 10) -> bool:
        """Whether the other side closes the connection, which it must do within so many seconds."""
        self._handler.close_connection = True
        self._handler.connection.settimeout(seconds)
        try:
            return not self._handler.connection.recv(1)
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def send_until_left(self, data: bytes) -> None:
        """Sends the same piece again and again until the other side closes the connection."""
        try:
            while True:
                self.send(data)
        except ConnectionError:
            self.end_quietly()

    def end_quietly(self) -> None:
        """Says nothing more on a connection that the other side closed."""
        self._handler.close_connection = True
        self._handler.wfile = BytesIO()  # what could not be sent is not tried again

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()


class _Server(ThreadingHTTPServer):
    request_queue_size = 512  # many may call at once


class ScriptedUpstream:
    """The server; `script` answers every request until it is replaced."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.callers: list[int] = []  # the port that each request came from: one for each connection
        self.script: Script = answering({})
        self._server = _Server(("127.0.0.1", 0), self._handler_class())
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._server.daemon_threads = True
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # what is sent in pieces arrives in pieces

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.command, self.path, headers, body)
                upstream.callers.append(self.client_address[1])
                upstream.received.append(received)
                upstream.script(Exchange(self, received))

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        return Handler


@contextmanager
def running_upstream() -> Iterator[ScriptedUpstream]:
    """A provider, for as long as it is needed."""
    upstream = ScriptedUpstream()
    upstream.start()
    try:
        yield upstream
    finally:
        upstream.stop()


def answering(message: object, status: int = 200, headers: dict[str, str] | None = None) -> Script:
    """A script that answers with JSON; bytes are sent as they are."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return lambda exchange: exchange.whole(status, body, {"content-type": "application/json", **(headers or {})})


def streaming(*pieces: bytes, headers: dict[str, str] | None = None) -> Script:
    """A script that sends the pieces as a stream of events and ends it properly."""

    def script(exchange: Exchange) -> None:
        exchange.begin(headers)
        for piece in pieces:
            exchange.send(piece)
        exchange.end()

    return script


def event(name: str, **data: Any) -> bytes:
    """A server-sent event, padded as Anthropic pads."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}   \n\n".encode()


def message_events(*texts: str, model: str = "claude-sonnet-5-20260101") -> list[bytes]:
    """The events of a message: 100 tokens in, 40 from the cache, 8 to it; 25 out."""
    start: dict[str, Any] = {
        "input_tokens": 100,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 8,
        "output_tokens": 1,
    }
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": start,
    }  # fmt: skip
    pieces = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in texts
    ]  # fmt: skip
    return [
        event("message_start", message=message),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
        *pieces,
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 25, "input_tokens": None},
        ),
        event("message_stop"),
    ]


# 100 x 3 + 40 x 0.3 + 8 x 3.75 + 25 x 15 micro-dollars
MESSAGE_COST = 717
