"""Somebody who listens where a service should be, answers what he likes, and writes down what he hears."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from native.desk import wait_until

Answer = Callable[[bytes], bytes]  # to what was heard on a connection so far; empty: nothing, and it is left open


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def agreeing(heard: bytes) -> bytes:
    """To whatever is asked: a page, as long as a proof is."""
    return http(b"0" * 64) if heard.endswith(b"\r\n\r\n") else b""


def reflecting(heard: bytes) -> bytes:
    """The number that he is to prove with."""
    nonce = re.search(rb"nonce=(\w+)", heard)
    return http(nonce[1]) if nonce else agreeing(heard)


class Stranger:
    """Hears on a port of 127.0.0.1. Nothing that opens anything is in `heard`, where the guard stands."""

    def __init__(self, port: int, answer: Answer) -> None:
        self._answer = answer
        self._listener: socket.socket = wait_until(lambda: _listener(port), seconds=10)
        self._connections: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self.heard: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def was_called(self) -> bool:
        return any(self.heard)

    def opens(self, *secrets: str) -> list[bytes]:
        """What of it opens something: a token shown, or one of these secrets in any way."""
        shown = re.compile(rb"authorization|x-api-key|cookie|bearer|amqp", re.IGNORECASE)
        return [one for one in self.heard if shown.search(one) or any(s.encode() in one for s in secrets)]

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        self.heard.append(b"")
        mine = len(self.heard) - 1
        with suppress(OSError):
            while data := connection.recv(1 << 16):
                self.heard[mine] += data
                if said := self._answer(self.heard[mine]):
                    connection.sendall(said)


def _listener(port: int) -> socket.socket | None:
    """None while who had the port is still about to end."""
    with suppress(OSError):
        return socket.create_server(("127.0.0.1", port))
    return None


@contextmanager
def stranger(answer: Answer = agreeing, *, port: int = 0) -> Iterator[Stranger]:
    """One who listens until it is left."""
    listening = Stranger(port, answer)
    try:
        yield listening
    finally:
        listening.close()
