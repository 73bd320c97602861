"""A stream on its way from a provider that speaks Anthropic's wire: byte for byte, and cut only between events."""

import re
from collections.abc import Iterator
from typing import Protocol

import msgspec

from proxy.errors import content
from proxy.usage import StreamReader

LARGEST_EVENT_BYTES = 4 * 1024 * 1024
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
# where an event ends: an empty line, however lines end
BOUNDARY = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
ERROR_EVENT = re.compile(rb'^data:\s*(\{.*"error".*\})\s*$', re.MULTILINE)
MODEL = re.compile(rb'"message"\s*:\s*\{.*?"model"\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)
# a comment or a ping
NOTHING_SAID = re.compile(rb"\s*(?::|event:\s*ping\s)|\s*$")
# what an error event would have been as a status (Anthropic's list of errors)
STATUSES = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504,
    "overloaded_error": 529,
}  # fmt: skip


class EventStream(Protocol):
    """What turns a provider's bytes into events for the caller."""

    @property
    def reader(self) -> StreamReader:
        """What the events said of the call so far."""

    @property
    def opening_error(self) -> tuple[int, bytes] | None:
        """Status and body, in Anthropic's shape, of the error that the stream began with; None where it did not."""

    def feed(self, chunk: bytes) -> bytes:
        """The whole events that `chunk` completes; empty until there is one."""

    def end(self) -> bytes:
        """What is left at the provider's end, so that the caller knows how the message ended."""


class PassedThrough:
    """The provider's own bytes; only the model's name in `message_start` becomes the one that was asked for."""

    def __init__(self, asked: str) -> None:
        """`asked` is empty where the provider was asked for the very same model."""
        self.reader = StreamReader()
        self.opening_error: tuple[int, bytes] | None = None
        self._asked = asked
        self._tail = b""
        self._held = b""
        self._opened = False

    def feed(self, chunk: bytes) -> bytes:
        events = self._whole(chunk)
        if not self._opened and events:
            events = self._open(events)
        elif events:
            self.reader.feed(_plain(events))
        return events

    def end(self) -> bytes:
        if self.reader.finished or self.reader.error:
            return self._tail
        if b'"message_stop"' in self._tail:  # its last event lacks the empty line alone
            return self.feed(b"\n\n")
        return error_event("api_error", "the provider's stream ended before its message did")

    def _whole(self, chunk: bytes) -> bytes:
        data = self._tail + chunk if self._tail else chunk
        if data.endswith(b"\n\n"):
            self._tail = b""
            return data
        end = _last_boundary(data)
        if len(data) - end > LARGEST_EVENT_BYTES:
            raise OSError("an event of its does not end")
        self._tail = data[end:]
        return data[:end]

    def _open(self, events: bytes) -> bytes:
        """Holds the first events back until it is known whether they begin a message or say why there is none."""
        self._held += events
        telling = next((event for event in _events(self._held) if not NOTHING_SAID.match(event)), None)
        if telling is None:
            return b""
        self._opened = True
        if b'"message_start"' not in telling and (found := ERROR_EVENT.search(_plain(telling))):
            self.opening_error = as_answer(found[1])
        self.reader.feed(_plain(self._held))  # with the name of the model that really answers
        return self._held if not self._asked else _with_model(self._held, self._asked)


def _events(data: bytes) -> Iterator[bytes]:
    start = 0
    for found in BOUNDARY.finditer(data):
        yield data[start : found.end()]
        start = found.end()


def _plain(events: bytes) -> bytes:
    """The events with newlines as the ends of their lines."""
    return events.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in events else events


def _with_model(events: bytes, model: str) -> bytes:
    place = MODEL.search(events)
    return events[: place.start(1)] + msgspec.json.encode(model) + events[place.end(1) :] if place else events


def as_answer(error: bytes) -> tuple[int, bytes] | None:
    """The status and body that an error event would have been; None where it is none."""
    try:
        kind = msgspec.json.decode(error)["error"]["type"]
    except (ValueError, LookupError, TypeError):
        return None
    return STATUSES.get(kind if isinstance(kind, str) else "", 500), error


def error_event(kind: str, message: str) -> bytes:
    """An event that ends a stream as failed."""
    return b"event: error\ndata: " + msgspec.json.encode(content(kind, message)) + b"\n\n"


def _last_boundary(data: bytes) -> int:
    end = data.rfind(b"\n\n") + 2
    if end > 1 and b"\r" not in data:
        return end
    ends = [found.end() for found in BOUNDARY.finditer(data)]
    return ends[-1] if ends else 0
