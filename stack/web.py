"""A Flask application served from a thread by waitress.

What a caller may cost is bounded before it is known who calls: connections in all and of one address, below what this
process may open; the head of a request; and a body is taken only from whom there is room for, judged by the head.
"""

import json
import resource
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import WSGITask
from waitress.utilities import Error

from stack.errors import Refused
from stack.proof import PATH, Address, Prover

CONNECTIONS = 1000  # in all
OF_ONE_ADDRESS = 250  # a service holds a few; without containers, all callers have one address
OTHER_FILES = 200  # descriptors that are not for connections: the database's, the broker's, git's
HEAD_BYTES = 64 << 10  # of a request
HEAD_SECONDS = 30  # for a head to come: who says a byte now and then is never idle
IDLE_SECONDS = 30  # who connects and says nothing must not keep others out
STOP_SECONDS = 5

AT = "claude_stack.at"  # in a request's environment: the address that its caller has connected to

# For the path and the Authorization of a request: how large its body may be, in bytes. Raises Refused.
Room = Callable[[str, str], int]


class WebServer:
    """Serves `app` on the address `host` and `port` until it is stopped. Raises OSError where that is taken.

    `prover` proves to callers that they have reached whom they call: those of stack/sessions.py show nothing before.
    A body that is longer than `room` says is refused before it is read. A failure of the server's own thread is raised
    in it, for whoever watches over threads (stack.service).
    """

    def __init__(
        self,
        app: Flask,
        *,
        host: str,
        port: int,
        room: Room,
        threads: int = 16,
        prover: Prover | None = None,
        head_seconds: float = HEAD_SECONDS,
    ) -> None:
        self._sockets: dict[int, Any] = {}
        self._stopping = False
        server: Any = create_server(
            _proving(app, prover) if prover else app,
            map=self._sockets,
            host=host,
            port=port,
            threads=threads,
            ident="claude-stack",
            asyncore_use_poll=True,  # select cannot watch the 1,024th descriptor
            connection_limit=min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OTHER_FILES),
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=IDLE_SECONDS // 6,
            max_request_header_size=HEAD_BYTES,
            max_request_body_size=1 << 62,  # that is for `room` to say
        )
        self._server = server
        request = type("Request", (_Request,), {"room": staticmethod(room), "head_seconds": head_seconds})
        self._server.channel_class = type("Channel", (_Channel,), {"parser_class": request})
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begins to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Lets the requests under way end, then closes every socket: an idle connection would keep the thread alive."""
        self._stopping = True
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(partial(wasyncore.close_all, self._sockets))
        self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        self._server.run()
        if not self._stopping:
            raise RuntimeError("the web server has ended")


def _proving(app: Flask, prover: Prover) -> Callable[..., Any]:
    """The application, with what proves who it is in front."""

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] != PATH:
            return app(environ, start)
        proof = prover.answer(environ["QUERY_STRING"], environ[AT])
        start("200 OK" if proof else "404 Not Found", [("Content-Length", str(len(proof)))])
        return [proof.encode()]

    return serve


class _Task(WSGITask):
    """A request at work, which knows where it came in."""

    channel: "_Channel"

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[AT] = self.channel.at
        return environ


class _Channel(HTTPChannel):
    """A connection. Where its address has all that it may have, that of them is hung up on which is idle the longest:
    who holds them all, and says nothing, does not keep out others who come from there."""

    task_class = _Task

    def __init__(self, server: Any, connection: Any, address: Any, adjustments: Any, map: Any = None) -> None:
        super().__init__(server, connection, address, adjustments, map=map)
        self.at: Address = connection.getsockname()[:2]
        others = [other for other in list(server.active_channels.values()) if other is not self]
        theirs = [other for other in others if other.addr[0] == address[0] and not other.will_close]
        if len(theirs) >= OF_ONE_ADDRESS:
            idle = (other for other in theirs if not other.requests)
            min(idle, key=lambda other: other.last_activity, default=self).will_close = True


class _Request(HTTPRequestParser):
    """A request as it comes in; refused at its head where there is no room for its body."""

    path: str
    room: Room
    head_seconds: float
    most: int | None = None  # bytes of a body, once the head is known

    def __init__(self, adjustments: Any) -> None:
        super().__init__(adjustments)
        self._began = time.monotonic()

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if not self.headers_finished and time.monotonic() - self._began > self.head_seconds:
            return self._refuse(_Refusal(408, "Request Timeout", "this took too long to be asked"), data)
        if self.error:
            self.expect_continue = False  # else waitress asks for the body of what it has refused
            return consumed
        if not self.headers_finished or self.body_rcv is None:
            return consumed
        try:
            if self.most is None:
                self.most = self.room(self.path, self.headers.get("AUTHORIZATION", ""))
        except Refused as refused:
            return self._refuse(_Refusal(401, "Unauthorized", str(refused)), data)
        if max(self.content_length, len(self.body_rcv)) > self.most:
            words = f"{self.most} bytes are the most that is taken here"
            return self._refuse(_Refusal(413, "Content Too Large", words), data)
        return consumed

    def _refuse(self, refusal: "_Refusal", data: bytes) -> int:
        """Answers, and hangs up: what else comes is not read."""
        self.error = refusal
        self.expect_continue = False
        self.completed = True
        return len(data)


class _Refusal(Error):
    """An answer of the server's own, in the shape of the applications' errors."""

    def __init__(self, code: int, reason: str, words: str) -> None:
        self.code, self.reason, self._words = code, reason, words

    def to_response(self, ident: str | None = None) -> Any:
        body = json.dumps({"error": self._words}).encode()
        return f"{self.code} {self.reason}", [("Content-Type", "application/json")], body
