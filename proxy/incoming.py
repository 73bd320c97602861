"""Reads model calls from a caller's connection. llhttp (httptools) does the parsing, and refuses what is ambiguous."""

import socket
import time
from collections.abc import Callable, Mapping

import httptools

from proxy.door import Admitted
from proxy.errors import ApiError, HungUp

PATH = "/v1/messages"
START = f"POST {PATH}".encode()
MAX_BODY_BYTES = 32 * 1024 * 1024  # Anthropic's limit
MAX_HEAD_BYTES = 64 * 1024
WHOLE_SECONDS = 120.0  # for all of a request
READ_SECONDS = 30.0  # without a byte, in the middle of a request
CHUNK_BYTES = 65536
OFFER = ("connection", "upgrade", "http2-settings")  # of another protocol


class Incoming:
    """A request: header names in lower case, what follows the `?`, a body to take. `stays`: another may follow it."""

    admitted: Admitted

    def __init__(self, connection: socket.socket, admit: Callable[[Mapping[str, str]], Admitted]) -> None:
        """Reads it; `admit` judges its headers, before the body is read, and what it says is in `admitted`.

        Raises ApiError (400, 401, 413) for one that cannot be answered, HungUp where it does not come whole.
        """
        self._admit = admit
        self._has_head = False
        self.connection = connection
        self.headers: list[tuple[str, str]] = []
        self.stays = False
        self.is_http_1_1 = True
        self._url = b""
        self._body = bytearray()
        self._size = 0
        self._complete = self._is_beyond = False
        self._parser = httptools.HttpRequestParser(self)
        self._read()
        self.path, _, self.query = self._url.decode("latin-1").partition("?")

    def take_body(self) -> bytes:
        """The body, once: it is not kept here."""
        body = bytes(self._body)
        self._body = bytearray()
        return body

    def _read(self) -> None:
        until = time.monotonic() + WHOLE_SECONDS
        try:
            while not self._complete:
                self.connection.settimeout(min(READ_SECONDS, max(until - time.monotonic(), 0.001)))
                data = self.connection.recv(CHUNK_BYTES)
                if not data:
                    raise HungUp
                self._feed(data)
                if not self._has_head:
                    self._count(len(data), MAX_HEAD_BYTES)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, ApiError):
                raise error.__context__ from None
            raise ApiError(400, "invalid_request_error", f"this is not HTTP/1.1: {error}") from error
        except OSError as error:
            raise HungUp from error
        finally:
            self.connection.settimeout(None)
        self.stays = self.stays and not self._is_beyond  # nobody waits here for what was sent ahead

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            self._decline(data[offered.args[0] :])

    def _decline(self, rest: bytes) -> None:
        """Reads on as if no other protocol had been offered, which is how to decline it (RFC 9110, 7.8)."""
        kept = [f"{name}: {value}" for name, value in self.headers if name not in OFFER]
        head = "\r\n".join([f"POST {self._url.decode('latin-1')} HTTP/1.1", *kept, "", ""])
        self._url, self.headers, self._size, self._complete = b"", [], 0, False
        self._has_head = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(head.encode("latin-1") + rest)

    # what httptools calls

    def on_message_begin(self) -> None:
        self._is_beyond = self._complete

    def on_url(self, url: bytes) -> None:
        if not self._complete:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # what follows a body is no header; and a name with `_` could pass for another further on
        if not self._has_head and b"_" not in name:
            self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):  # llhttp takes a request line without one for 0.9
            raise ApiError(400, "invalid_request_error", f"this is not HTTP/1.1, but {version}")
        self.is_http_1_1 = version == "1.1"
        named = dict(self.headers)
        self._size = 0
        if int(named.get("content-length", 0)) > MAX_BODY_BYTES:
            raise _too_large(MAX_BODY_BYTES)
        self.admitted = self._admit(named)
        self._has_head = True
        if named.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._body += body
            self._count(len(body), MAX_BODY_BYTES)

    def on_message_complete(self) -> None:
        if not self._complete:
            self._complete = True
            self.stays = self.is_http_1_1 and self._parser.should_keep_alive()

    def _count(self, size: int, most: int) -> None:
        self._size += size
        if self._size > most:
            raise _too_large(most)


def _too_large(most: int) -> ApiError:
    return ApiError(413, "request_too_large", f"a request may have {most >> 10} KB of this")
