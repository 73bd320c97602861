"""Writes an HTTP/1.1 answer to the caller, in as few pieces as can be: each costs more than all that is in it."""

import socket
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from proxy.errors import HungUp
from proxy.headers import head_bytes

Pairs = list[tuple[str, str]]

# A caller that takes nothing for so long is gone: what it asked for goes on costing money.
SEND_SECONDS = 300.0


class Writer:
    """One answer: `whole`, or `begin`, `send` as often as there is something, and `end`. All raise HungUp."""

    def __init__(self, connection: socket.socket, *, chunked: bool, stays: bool) -> None:
        """`chunked`: the caller speaks HTTP/1.1; `stays`: the connection may be used again."""
        self._connection = connection
        self._chunked = chunked
        self._stays = stays
        self._head = b""
        self.began = False

    def whole(self, status: int, headers: Pairs, body: bytes) -> None:
        """The answer at once."""
        head = _head(status, [*headers, ("content-length", str(len(body)))], self._stays)
        self.began = True
        self._write(head + body)

    def begin(self, status: int, headers: Pairs) -> None:
        """The head of an answer of unknown length; it goes out with what comes first."""
        framing = [("transfer-encoding", "chunked")] if self._chunked else []
        self._head = _head(status, headers + framing, self._stays)
        self.began = True

    def send(self, data: bytes) -> None:
        """The next piece."""
        self._write(self._head + self._framed(data))
        self._head = b""

    def end(self, data: bytes = b"") -> None:
        """The last piece, if there is one, and the end."""
        framed = self._framed(data) if data else b""
        self._write(self._head + framed + (b"0\r\n\r\n" if self._chunked else b""))
        self._head = b""

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data

    def _write(self, data: bytes) -> None:
        self._connection.settimeout(SEND_SECONDS)
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise HungUp from error
        finally:
            self._connection.settimeout(None)


def _head(status: int, headers: Pairs, stays: bool) -> bytes:
    """The head of an answer. Raises ValueError for a header that would be more than one."""
    lines = [
        _status_line(status),
        f"date: {_date(int(time.time()))}",
        f"connection: {'keep-alive' if stays else 'close'}",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return head_bytes(lines, unknown="replace")


@lru_cache
def _status_line(status: int) -> str:
    try:
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP/1.1 {status} Status"


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
