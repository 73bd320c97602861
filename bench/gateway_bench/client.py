"""A client on a plain socket: requests as they go over the wire, answers read to their last byte and timed."""

import gzip
import re
import socket
import time
import zlib
from dataclasses import dataclass

from bench.gateway_bench import bodies
from bench.gateway_bench.answers import MODELS, Kind

SECONDS = 60
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
GZIP = re.compile(rb"content-encoding: *gzip", re.IGNORECASE)
CLOSE = re.compile(rb"connection: *close", re.IGNORECASE)
END = b"\r\n0\r\n\r\n"
# What Claude Code 2.1 says of itself and of what it can do.
HEADERS = """\
Accept: application/json
Content-Type: application/json
User-Agent: claude-cli/2.1.0 (external, invented)
X-Claude-Code-Session-Id: 00000000-0000-4000-8000-000000000000
X-Stainless-Arch: x64
X-Stainless-Lang: js
X-Stainless-OS: Linux
X-Stainless-Retry-Count: 0
X-Stainless-Timeout: 600
anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24
anthropic-dangerous-direct-browser-access: true
anthropic-version: 2023-06-01
x-app: cli
Connection: keep-alive
Accept-Encoding: gzip, deflate, br, zstd
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the calls of one kind go: `path` is what stands before `/v1/messages`."""

    port: int
    path: str = ""


def request(address: Address, credential: str, kind: Kind, size: int) -> bytes:
    """A call as Claude Code makes it, `size` bytes of body, as it goes over the wire."""
    body = bodies.body(size, model=MODELS[kind], stream=kind != "whole")
    lines = (
        f"POST {address.path}/v1/messages?beta=true HTTP/1.1", *HEADERS.splitlines(),
        f"Authorization: Bearer {credential}", f"Host: 127.0.0.1:{address.port}", f"Content-Length: {len(body)}",
    )  # fmt: skip
    return "\r\n".join((*lines, "\r\n")).encode() + body


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer as it came, and the seconds from the first byte sent to its first and to its last one."""

    raw: bytes
    first: float
    last: float


class Connection:
    """A connection that is kept, and made anew where the other side closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> Timed:
        """Sends a request and reads the answer to its end, or to where it breaks off. Raises OSError without one."""
        kept = self._socket is not None
        try:
            return self._ask(request)
        except ConnectionError:
            self.close()
            if not kept:
                raise
        return self._ask(request)

    def close(self) -> None:
        """Closes the connection. Idempotent."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _ask(self, request: bytes) -> Timed:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        self._socket.sendall(request)
        raw = self._socket.recv(1 << 16)
        first = time.perf_counter()
        if not raw:
            raise ConnectionResetError("closed without an answer")
        while not complete(raw) and (more := self._socket.recv(1 << 16)):
            raw += more
        last = time.perf_counter()
        if not complete(raw) or CLOSE.search(raw, 0, raw.find(b"\r\n\r\n")):
            self.close()
        return Timed(raw, first - began, last - began)


def complete(raw: bytes) -> bool:
    """Whether an answer is here to its end, as far as its framing says."""
    if raw.endswith(END):
        return True
    end = raw.find(b"\r\n\r\n")
    length = LENGTH.search(raw, 0, max(0, end))
    return end >= 0 and length is not None and len(raw) >= end + 4 + int(length[1])


def unpacked(raw: bytes) -> tuple[int, bytes]:
    """The status and the body of an answer. Raises ValueError where its framing is broken or not all of it is here."""
    status, body = int(raw.split(b" ", 2)[1]), b"".join(raw[start:end] for start, end in spans(raw))
    if not GZIP.search(raw, 0, raw.find(b"\r\n\r\n")):
        return status, body
    try:
        return status, gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("the answer is not the gzip that it says") from error


def spans(raw: bytes) -> list[tuple[int, int]]:
    """Where in an answer the pieces of its body begin and end. Raises ValueError as `unpacked` does."""
    at = raw.find(b"\r\n\r\n") + 4
    if not CHUNKED.search(raw, 0, at):
        length = LENGTH.search(raw, 0, at)
        if length is None or at + int(length[1]) != len(raw):
            raise ValueError("the answer is not as long as it says")
        return [(at, len(raw))]
    found: list[tuple[int, int]] = []
    while True:
        end = raw.find(b"\r\n", at)
        size = int(raw[at:end].split(b";")[0] if end > 0 else b"broken off", 16)
        at = end + 2
        if raw[at + size : at + size + 2] != b"\r\n":
            raise ValueError("the answer breaks off")
        if size == 0:
            return found
        found.append((at, at + size))
        at += size + 2
