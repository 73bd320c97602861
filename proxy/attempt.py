"""One request to one provider: sent, then opened, which means that it is known how its answer begins."""

import time
import zlib
from dataclasses import dataclass

import msgspec

from proxy.connection import BrokeOff, Connection, Inflated, Pool, request_bytes
from proxy.errors import ApiError, HungUp, UpstreamFailed, content
from proxy.event_stream import EventStream
from proxy.gateway import Target
from proxy.hang_up import Line
from proxy.headers import to_caller
from proxy.lanes import LANES
from proxy.request import ModelRequest
from proxy.usage import Reading, StreamReader, Usage, of_body

FIRST_EVENT_SECONDS = 120.0  # as Anthropic's own gateway waits; an answer that comes whole may take longer
WHOLE_SECONDS = 600.0  # Claude Code's own limit for a request
HIDDEN = b"[hidden]"
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """What the caller wants: the request, its headers, path and query, and the line to it."""

    request: ModelRequest
    headers: list[tuple[str, str]]
    path: str
    query: str
    line: Line
    session: str = ""


class Attempt:
    """A request under way. Whatever goes wrong with it is an UpstreamFailed; HungUp is the caller's."""

    def __init__(self, ask: Ask, target: Target, key: str, pool: Pool) -> None:
        """Sends the request. Raises ApiError (400) where the provider's wire cannot say it."""
        self.target = target
        self.key = key
        self.model = target.model_for(ask.request.model)
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.stream: EventStream | None = None
        self.first = b""
        self._ask = ask
        self._pool = pool
        self._lane = LANES[target.provider.wire]
        self._inflated: Inflated | None = None
        self._whole = bytearray()
        self._reading = Reading()
        self._began = time.monotonic()
        self._request = self._written()
        self._connection, self._reused = self._connected(fresh=False)

    def open(self, seconds: float) -> bool:
        """Waits until it is known how the answer begins: `status`, `headers`, and `first`: the whole body, or of a
        `stream` the first events. False where that is not known after `seconds`: then call it again."""
        self._connection.wait(seconds)
        try:
            with self._ask.line:
                self._read_head()
                while not self._is_open():
                    pass
                return True
        except TimeoutError:
            limit = FIRST_EVENT_SECONDS if self._ask.request.stream else WHOLE_SECONDS
            if self.silence < limit and time.monotonic() - self._began < WHOLE_SECONDS:
                return False
            raise UpstreamFailed(504, "timeout_error", f"was silent for {limit:.0f} s", billable=True) from None
        except BrokeOff as error:
            if not self._reused or error.answered:
                raise UpstreamFailed(502, "api_error", "broke off", billable=self.status == 200) from error
        except (OSError, zlib.error, ValueError) as error:
            raise UpstreamFailed(502, "api_error", f"broke off: {error}", billable=self.status == 200) from error
        # The provider closed an idle connection just as we used it: it has not seen the request.
        self._connection.close()
        self._connection, self._reused = self._connected(fresh=True)
        return self.open(seconds)

    def read(self, seconds: float) -> bytes:
        """The next events of the stream; empty at its end. Raises TimeoutError after `seconds`, UpstreamFailed."""
        stream = self._open_stream
        self._connection.wait(seconds)
        try:
            with self._ask.line:
                while chunk := self._piece():
                    if events := stream.feed(chunk):
                        return events
        except TimeoutError:
            raise
        except (OSError, zlib.error) as error:
            raise UpstreamFailed(502, "api_error", "broke off in the middle of a message", billable=True) from error
        return b""

    def drain(self, seconds: float) -> None:
        """Waits a little for the end of an answer whose message is whole, so that its connection can be used again."""
        self._connection.wait(seconds)
        try:
            while self._connection.read():
                pass
        except OSError:
            return

    @property
    def silence(self) -> float:
        """The seconds for which the provider has said nothing, be it the least."""
        return time.monotonic() - self._connection.heard_at

    def end(self) -> bytes:
        """What is left to say at the end of the stream."""
        return self._open_stream.end()

    @property
    def reader(self) -> StreamReader:
        """What the stream's events said so far."""
        return self._open_stream.reader

    def close(self) -> None:
        """Gives the connection back, or ends it where something may still come. Idempotent."""
        if self._connection:
            self._pool.give_back(self._connection)
            self._connection = None  # type: ignore[assignment]

    @property
    def usage(self) -> Usage | None:
        """What it used, as far as is known."""
        return self._read_so_far.usage

    @property
    def answered(self) -> str:
        """The model that answered, as its provider names it; the one that was asked for where it does not say."""
        return (self._is_anthropic and self._read_so_far.model) or self.model

    @property
    def _open_stream(self) -> EventStream:
        if self.stream is None:
            raise TypeError("the answer came whole")
        return self.stream

    @property
    def _read_so_far(self) -> Reading:
        return self.stream.reader.reading if self.stream else self._reading

    @property
    def _is_anthropic(self) -> bool:
        return self.target.provider.wire == "anthropic"

    def _written(self) -> bytes:
        ask, provider = self._ask, self.target.provider
        body = self._lane.body(ask.request, self.model, provider)
        own = {"host": self._pool.host_header, **provider.extra_headers, **provider.credentials(self.key)}
        target = self._pool.path + self._lane.path(ask.path, ask.query)
        try:
            return request_bytes("POST", target, self._lane.headers(ask.headers, own), body)
        except ValueError as error:
            raise ApiError(400, "invalid_request_error", f"the request cannot be sent on: {error}") from error

    def _connected(self, *, fresh: bool) -> tuple[Connection, bool]:
        try:
            with self._ask.line:
                connection, reused = self._pool.take(fresh=fresh)
                try:
                    connection.send(self._request)
                except (TimeoutError, HungUp):
                    connection.close()
                    raise
                except OSError:
                    if reused:  # the provider had closed it: it has not seen the request
                        connection.close()
                        return self._connected(fresh=True)
                    # it may have answered before it had read everything, and closed: `open` finds out
                return connection, reused
        except OSError as error:
            raise UpstreamFailed(502, "api_error", "cannot be reached", billable=False) from error

    def _read_head(self) -> None:
        if self.status:
            return
        self.status, received = self._connection.head()
        named = dict(received)
        encoding = named.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            self._inflated = Inflated(encoding)
        self._request = b""  # whatever follows, it is not sent again
        self.headers = to_caller(received)
        if 300 <= self.status < 400:  # whoever followed it would take the request, and a token, elsewhere
            raise UpstreamFailed(502, "api_error", f"sends its callers elsewhere ({self.status})", billable=False)
        kind = named.get("content-type", "").strip().lower()
        is_stream = kind.startswith("text/event-stream")
        if self.status >= 300:
            return
        if not is_stream and self._ask.request.stream and "json" not in kind:  # some stream without saying so
            is_stream = True
            self._set_type("text/event-stream")
        if is_stream:
            self.stream = self._lane.stream(self._ask.request, self.model)

    def _is_open(self) -> bool:
        """Takes the next piece; whether the beginning is known now."""
        chunk = self._piece()
        if self.stream:
            return self._is_stream_open(self.stream, chunk)
        if chunk:
            self._whole += chunk
            if len(self._whole) > LARGEST_ANSWER_BYTES:
                raise ValueError("its answer is too large")
            return False
        self._take_whole(bytes(self._whole))
        return True

    def _take_whole(self, body: bytes) -> None:
        """What makes no sense, or is an error in the place of an answer, becomes one with the status that it has."""
        body = self._without_key(body)
        try:
            self.status, self.first = self._lane.whole(self._ask.request, self.model, self.status, body)
            self._reading = of_body(body if self._is_anthropic else self.first)
        except ApiError as error:
            self.status, self.first = error.status, msgspec.json.encode(content(error.kind, str(error)))
            self._set_type("application/json")
        if not self._is_anthropic:
            self._set_type("application/json")

    def _is_stream_open(self, stream: EventStream, chunk: bytes) -> bool:
        """An error as the first event becomes an answer with the status that it would have had."""
        self.first = stream.feed(chunk) if chunk else stream.end()
        if stream.opening_error:
            self.status, error = stream.opening_error
            self.first = self._without_key(error)
            self.stream = None
            self._set_type("application/json")
        elif not chunk and not stream.reader.finished:
            raise UpstreamFailed(502, "api_error", "ended before it began to answer", billable=True)
        return bool(self.first)

    def _without_key(self, body: bytes) -> bytes:
        """The body of an error, and its headers, without the key: some name the one that they refuse."""
        if self.status < 400 or not self.key:
            return body
        self.headers = [(name, value.replace(self.key, HIDDEN.decode())) for name, value in self.headers]
        return body.replace(self.key.encode(), HIDDEN)

    def _set_type(self, kind: str) -> None:
        self.headers = [*(pair for pair in self.headers if pair[0] != "content-type"), ("content-type", kind)]

    def _piece(self) -> bytes:
        while True:
            chunk = self._connection.read()
            if not self._inflated:
                return chunk
            if not chunk:
                self._inflated.end()
                return chunk
            if unpacked := self._inflated.feed(chunk):
                return unpacked
