"""A connection to a provider, and a pool of them. llhttp (httptools) reads the answers; the sockets are gevent's."""

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable
from functools import cached_property
from urllib.parse import urlsplit

import httptools

from proxy.headers import head_bytes
from proxy.peek import ENDED_OR_READABLE, shows

CONNECT_SECONDS = 4  # no ping can be sent meanwhile
SEND_SECONDS = 120  # for a whole request
IDLE_SECONDS = 30  # a connection that was idle for longer is not used again: servers close theirs
KEPT_CONNECTIONS = 256
MOST_HEAD_BYTES = 262_144  # of an answer's status and headers
CHUNK_BYTES = 65536
MOST_UNPACKED_BYTES = 8 * 1024 * 1024  # of one piece as it came
WINDOW_BITS = {"gzip": 31, "deflate": 15}


class BrokeOff(OSError):
    """The provider ended the connection, or sent what is no HTTP. `answered`: it had begun to answer."""

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


class Connection:
    """One HTTP/1.1 connection. `wait` says how long all that is read from then on may take: then comes TimeoutError.

    `heard_at`, of time.monotonic, is when the provider last said anything, or was asked.
    """

    headers: list[tuple[str, str]]
    _pieces: list[bytes]
    _received: bool  # anything at all
    _has_head: bool
    _complete: bool
    _stays: bool  # another request may follow
    _beyond: bool  # something came behind the answer

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._until = self.heard_at = 0.0
        self._begin()

    def send(self, request: bytes) -> None:
        """Sends a request: its head and body. Raises OSError."""
        if self._received:
            self._begin()
        self._socket.settimeout(SEND_SECONDS)
        self._socket.sendall(request)
        self.heard_at = time.monotonic()

    def head(self) -> tuple[int, list[tuple[str, str]]]:
        """Waits for the status and the headers, names in lower case. Raises BrokeOff, TimeoutError, OSError."""
        while not self._has_head:
            self._receive()
        return self._status, self.headers

    def read(self) -> bytes:
        """The next piece of the body, as it came; empty at its end. Raises as `head` does."""
        while not self._pieces and not self._complete:
            self._receive()
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    def wait(self, seconds: float) -> None:
        """How long it may take to read what is read from now on; nothing can be read before this is said."""
        self._until = time.monotonic() + seconds

    @property
    def reusable(self) -> bool:
        """Whether the answer was read to its end, exactly, and another request may follow."""
        return self._complete and self._stays and not self._pieces and not self._beyond

    @property
    def is_stale(self) -> bool:
        """Whether the provider closed it, or said something that nobody asked for, while it was idle."""
        return shows(self._socket, ENDED_OR_READABLE)

    def close(self) -> None:
        self._socket.close()

    # what httptools calls

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # what stands behind a body is not passed on
            self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._beyond:
            return
        self._status = self._parser.get_status_code()
        self._has_head = self._status >= 200
        if not self._has_head:  # 100 and the like: the answer is still to come
            self.headers = []

    def on_body(self, body: bytes) -> None:
        if not self._beyond:
            self._pieces.append(body)

    def on_message_begin(self) -> None:
        self._beyond = self._complete  # another answer, for which nobody asked

    def on_message_complete(self) -> None:
        if not self._beyond:
            self._complete = self._has_head
            self._stays = self._parser.should_keep_alive()

    def _begin(self) -> None:
        """Makes ready for an answer, and forgets the last: llhttp's parser may not be used for another."""
        self._parser = httptools.HttpResponseParser(self)
        self._status = self._head_bytes = 0
        self.headers = []
        self._pieces = []
        self._received = self._has_head = self._complete = False
        self._stays = self._beyond = False

    def _receive(self) -> None:
        try:
            self._socket.settimeout(self._left())
            data = self._socket.recv(CHUNK_BYTES)
            if data:
                self._received = True
                self.heard_at = time.monotonic()
                self._parser.feed_data(data)
                self._check_head(len(data))
                return
        except TimeoutError:
            raise
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._complete:  # whatever followed the answer: it is whole
                self._beyond = True
                return
            raise BrokeOff(f"it broke off: {error}", answered=self._received) from error
        self._at_end()

    def _check_head(self, received: int) -> None:
        if self._has_head:
            return
        self._head_bytes += received
        if self._head_bytes > MOST_HEAD_BYTES:
            raise OSError("its headers do not end")

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _at_end(self) -> None:
        """Ends a body without a length, which ends with its connection; anything else broke off."""
        names = {name for name, _ in self.headers}
        if not self._has_head or names & {"content-length", "transfer-encoding"}:
            raise BrokeOff("it broke off", answered=self._received)
        self._complete = self._beyond = True


class Pool:
    """Connections to one provider; the one used last is used first, so that the others grow old and go."""

    def __init__(self, base_url: str, *, connect: Callable[[tuple[str, int], float], socket.socket]) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._connect = connect
        self._idle: list[tuple[float, Connection]] = []
        self.path = parts.path.rstrip("/")
        self.host_header = parts.netloc.rpartition("@")[2]

    def take(self, *, fresh: bool = False) -> tuple[Connection, bool]:
        """A connection, and whether it was used before. Raises OSError where none can be made."""
        oldest = time.monotonic() - IDLE_SECONDS
        while self._idle and not fresh:
            since, connection = self._idle.pop()
            if since > oldest and not connection.is_stale:
                return connection, True
            connection.close()
        return Connection(self._dial()), False

    def give_back(self, connection: Connection) -> None:
        """Keeps a connection for another request if it can take one; closes it otherwise."""
        while self._idle and self._idle[0][0] < time.monotonic() - IDLE_SECONDS:
            self._idle.pop(0)[1].close()
        if connection.reusable and len(self._idle) < KEPT_CONNECTIONS:
            self._idle.append((time.monotonic(), connection))
            return
        connection.close()

    def _dial(self) -> socket.socket:
        connected = self._connect((self._host, self._port), CONNECT_SECONDS)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(connected, server_hostname=self._host) if self._tls else connected

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def request_bytes(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes | None) -> bytes:
    """A request as it goes over the wire. Raises ValueError for a header that would be more than one."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return head_bytes(lines) + (body or b"")


class Inflated:
    """Unpacks a body that the provider packed although it was asked not to."""

    def __init__(self, encoding: str) -> None:
        """Raises ValueError for an encoding that is not known here."""
        if encoding not in WINDOW_BITS:
            raise ValueError(f"content-encoding {encoding[:20]!r}")
        self._unpack = zlib.decompressobj(WINDOW_BITS[encoding])
        self._fed = False

    def feed(self, data: bytes) -> bytes:
        """Raises zlib.error for what is not packed so, or is packed too well to be an answer."""
        self._fed = True
        unpacked = self._unpack.decompress(data, MOST_UNPACKED_BYTES)
        if self._unpack.unconsumed_tail:
            raise zlib.error("it is too large")
        return unpacked

    def end(self) -> None:
        """Raises zlib.error where the end is missing."""
        if self._fed and not self._unpack.eof:
            raise zlib.error("it breaks off")
