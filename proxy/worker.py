"""gunicorn's gevent worker, with a way of its own for model calls.

gunicorn accepts connections, and serves Flask's part. A connection that begins with POST /v1/messages is served here:
around gunicorn's parser and WSGI, which cost ten times what reading and writing do (docs/decisions/0010).
"""

import socket
import time
from typing import Any, Literal

from gevent import Timeout, getcurrent, spawn_later
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker

from proxy.errors import ApiError, HungUp, Restarting
from proxy.incoming import START, Incoming
from proxy.messages import Messages, refuse
from proxy.writer import Writer
from stack.proof import PATH as PROOF_PATH
from stack.proof import Prover

CALLS_END_AFTER_SECONDS = 24.0  # some seconds before the arbiter's patience ends (server.GRACE_SECONDS)
LOOK_SECONDS = 1.0  # between looks at whether the worker is to end
PROOF = f"GET {PROOF_PATH}?".encode()
PROOF_BYTES, PROOF_SECONDS = 1024, 5.0  # of a request for a proof, and for it to come
FIRST_SECONDS = 30.0  # for a new connection to say what it wants
PAUSE_SECONDS = 0.005  # between looks at a request line that comes in pieces; twice as long each time
LONGEST_PAUSE_SECONDS = 0.5
LINGER_SECONDS, LINGER_BYTES = 5.0, 256 * 1024 * 1024  # for a caller to end what was refused before it was read


Kind = Literal["call", "proof", "other", "nothing"]


class RelayWorker(GeventWorker):  # type: ignore[misc]
    """Serves the Flask application that it loads, and the `Messages` among its extensions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._calls: set[Any] = set()  # greenlets

    def handle(self, listener: object, client: socket.socket, addr: object) -> None:
        """Serves a connection: model calls here, and from the first request that is none, gunicorn."""
        seconds = FIRST_SECONDS
        try:
            while (kind := self._asked(client, seconds)) in ("call", "proof"):
                if not (self._answer(client) if kind == "call" else self._prove(client)):
                    kind = "nothing"
                    break
                seconds = self.cfg.keepalive if kind == "call" else FIRST_SECONDS
        except OSError:
            kind = "nothing"
        if kind == "nothing":
            client.close()
        else:
            super().handle(listener, client, addr)

    def handle_request(self, listener_name: object, req: Any, sock: Any, addr: object) -> None:
        """Answers a request with Flask, the last of its connection: the next one may be a model call."""
        req.force_close()
        super().handle_request(listener_name, req, sock, addr)

    def handle_error(self, req: Any, client: socket.socket, addr: object, exc: BaseException) -> None:
        """Refuses what gunicorn cannot read in the shape of all other errors."""
        if isinstance(exc, ParseException):
            error = ApiError(400, "invalid_request_error", "this is not HTTP/1.1")
            refuse(error, Writer(client, chunked=True, stays=False))
        else:
            super().handle_error(req, client, addr, exc)

    def handle_exit(self, sig: int, frame: object) -> None:
        """Told to stop: what is under way ends first, and the dashboard's endless streams end at once."""
        if hasattr(self, "wsgi"):  # it may be told before it has begun
            self.wsgi.extensions["life"].ending = True
        super().handle_exit(sig, frame)
        spawn_later(CALLS_END_AFTER_SECONDS, self._end_calls)

    def _asked(self, client: socket.socket, seconds: float) -> Kind:
        """What a connection asks for next; nothing after so many seconds, or a second once the worker is to end."""
        until = time.monotonic() + seconds
        while True:
            with Timeout(LOOK_SECONDS, False):
                return _kind(client)
            if not self.alive or time.monotonic() >= until:
                return "nothing"

    def _prove(self, client: socket.socket) -> bool:
        """Proves to a caller whom it has reached. Whether it may ask for something now, on this connection."""
        prover: Prover = self.wsgi.extensions["prover"]
        head = b""
        with Timeout(PROOF_SECONDS, False):
            while b"\r\n\r\n" not in head and len(head) < PROOF_BYTES and (more := client.recv(PROOF_BYTES)):
                head += more
        if head.find(b"\r\n\r\n") != len(head) - 4:  # not whole, or with something behind it
            return False
        query = head.split(b" ", 2)[1].partition(b"?")[2].decode("latin-1")
        proof = prover.answer(query, client.getsockname()[:2])
        said = "200 OK" if proof else "404 Not Found"
        client.sendall(f"HTTP/1.1 {said}\r\nContent-Length: {len(proof)}\r\n\r\n{proof}".encode())
        return True

    def _end_calls(self) -> None:
        """Ends what has not ended by itself, so that each caller is told, and each call is settled."""
        for call in list(self._calls):
            call.kill(Restarting(), block=False)

    def _answer(self, client: socket.socket) -> bool:
        """Reads and answers one call. Whether another may follow on this connection."""
        messages: Messages = self.wsgi.extensions["messages"]
        try:
            incoming = Incoming(client, messages.admit)
        except ApiError as error:
            refuse(error, Writer(client, chunked=True, stays=False))
            _hear_out(client)
            return False
        except HungUp:
            return False
        stays = incoming.stays and self.alive
        self._calls.add(getcurrent())
        try:
            return messages.answer(incoming, Writer(client, chunked=incoming.is_http_1_1, stays=stays)) and stays
        finally:
            self._calls.discard(getcurrent())


def _hear_out(client: socket.socket) -> None:
    """Lets a caller that still sends read what it was answered: closed at once, the connection would be reset."""
    client.shutdown(socket.SHUT_WR)
    left = LINGER_BYTES
    with Timeout(LINGER_SECONDS, False):
        while left > 0 and (heard := client.recv(65536)):
            left -= len(heard)


def _kind(client: socket.socket) -> Kind:
    """What a connection asks for next, by its first bytes, which stay unread; nothing where it ends."""
    pause = PAUSE_SECONDS
    while True:
        # empty lines may stand before a request (RFC 9112, 2.2)
        seen = client.recv(len(START) + 5, socket.MSG_PEEK)
        first = seen.lstrip(b"\r\n")[: len(START) + 1]
        if first.startswith(PROOF):
            return "proof"
        if len(first) > len(START) or not (START.startswith(first) or PROOF.startswith(first)):
            return "call" if first[:-1] == START and first[-1:] in (b" ", b"?") else "other"
        if not seen:
            return "nothing"
        time.sleep(pause)  # it comes in pieces
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
