"""Reads what a call used, and the model that answered, from an answer on its way to the caller."""

import json
from dataclasses import dataclass, replace
from typing import Any

# Events that matter; anything else is not parsed. Inside a text the quotes would be escaped.
MARKS = (b'"usage"', b'"message_stop"', b'"error"')
CHARACTERS_PER_TOKEN = 4  # the estimate that Anthropic's own gateway bills with
ENVELOPE_BYTES = 110  # of an event that carries a piece of output, at least the piece itself left out
FIELDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used, in tokens, and in web searches.

    `input` counts neither what was read from the cache nor what was written to it; `cache_write` is what was written
    for five minutes, `cache_write_1h` what was written for an hour.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    web_searches: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer said of itself; no usage where it did not say."""

    model: str = ""
    usage: Usage | None = None


def estimate(request_bytes: int) -> Usage:
    """The least that a request of this size must have used."""
    return Usage(input=request_bytes // CHARACTERS_PER_TOKEN)


def of_body(body: bytes) -> Reading:
    """Reads an answer that came as one JSON object."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return Reading()
    return _of_message(message)


class StreamReader:
    """Reads an answer that comes as server-sent events, in pieces of any size."""

    def __init__(self) -> None:
        self.finished = False
        self.failed = False
        self._reading = Reading()
        self._settled = False
        self._line = b""
        self._pieces = 0
        self._piece_bytes = 0

    @property
    def ended(self) -> bool:
        """Whether the stream came to an end that a client understands."""
        return self.finished or self.failed

    @property
    def reading(self) -> Reading:
        """What is known so far. Without the final count, output is what was seen: a token a piece at the least."""
        usage = self._reading.usage
        if usage is None or self._settled:
            return self._reading
        text = self._piece_bytes - self._pieces * ENVELOPE_BYTES
        seen = max(usage.output, self._pieces, text // CHARACTERS_PER_TOKEN)
        return replace(self._reading, usage=replace(usage, output=seen))

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes of the stream."""
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:])

    def _take(self, data: bytes) -> None:
        if b'"content_block_delta"' in data:
            self._pieces += 1
            self._piece_bytes += len(data)
        elif any(mark in data for mark in MARKS):
            self._take_event(_parsed(data))

    def _take_event(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "message_start":
                self._reading = _of_message(event.get("message"))
            case "message_delta":
                usage = _merged(self._reading.usage, event.get("usage"))
                self._reading = replace(self._reading, usage=usage)
                self._settled = usage is not None
            case "message_stop":
                self.finished = True
            case "error":
                self.failed = True


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _of_message(message: object) -> Reading:
    if not isinstance(message, dict):
        return Reading()
    model = message.get("model")
    return Reading(model if isinstance(model, str) else "", _merged(None, message.get("usage")))


def _merged(usage: Usage | None, reported: object) -> Usage | None:
    """`usage` with each count that is reported put in place of the earlier one: a report is a snapshot, not a sum."""
    if not isinstance(reported, dict):
        return usage
    counts = {FIELDS[name]: value for name, value in reported.items() if name in FIELDS and _is_count(value)}
    return replace(usage or Usage(), **counts) if counts else usage


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
