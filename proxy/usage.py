"""Reads what a call used, and the model that answered, from an answer on its way to the caller."""

import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec

CHARACTERS_PER_TOKEN = 4  # the estimate that Anthropic's own gateway bills with
PIECE = b'"content_block_delta"'  # not in the line that names the event
ENVELOPE_BYTES = 140  # of an event that carries a piece of output, at least the piece itself left out
# What an event that matters holds; anything else is not parsed. Inside a text the quotes would be escaped.
TELLING = re.compile(rb'"(?:usage|message_stop|error)"')
FIELDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
}


@dataclass(slots=True)  # not frozen: that would double the cost of making one
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

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(slots=True)
class Reading:
    """What an answer said of itself; no usage where it did not say."""

    model: str = ""
    usage: Usage | None = None


def of_body(body: bytes) -> Reading:
    """Reads an answer that came as one JSON object."""
    return _of_message(_parsed(body))


class StreamReader:
    """Reads an answer that comes as server-sent events, a piece of whole events at a time."""

    def __init__(self) -> None:
        self.finished = False
        self.error = ""
        self._reading = Reading()
        self._settled = False
        self._pieces = 0
        self._piece_bytes = 0

    @property
    def reading(self) -> Reading:
        """What is known so far. Without the final count, output is what was seen: a token a piece at the least."""
        usage = self._reading.usage
        if usage is None or self._settled:
            return self._reading
        seen = max(usage.output, self._pieces, self._piece_bytes // CHARACTERS_PER_TOKEN)
        return Reading(self._reading.model, replace(usage, output=seen))

    def feed(self, events: bytes) -> None:
        """Takes the next events. `finished` tells that the message ended, `error` the type of an error event."""
        self._pieces += events.count(PIECE)
        self._piece_bytes += len(events) - events.count(b"\n\n") * ENVELOPE_BYTES
        end = 0
        while found := TELLING.search(events, end):
            start = events.rfind(b"\n", end, found.start()) + 1
            end = events.find(b"\n", found.end())
            end = len(events) if end < 0 else end
            self._piece_bytes -= end - start - ENVELOPE_BYTES
            if events.startswith(b"data:", start):
                self._take(_parsed(events[start + 5 : end]))

    def _take(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "message_start":
                self._reading = _of_message(event.get("message"))
            case "message_delta":
                usage = _merged(self._reading.usage, event.get("usage"))
                self._reading = Reading(self._reading.model, usage)
                self._settled = usage is not None
            case "message_stop":
                self.finished = True
            case "error":
                self.error = error_type(event)


def error_type(envelope: dict[str, Any]) -> str:
    """The type of an error in Anthropic's shape; api_error where it has none."""
    error = envelope.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    return kind[:50] if isinstance(kind, str) and kind else "api_error"


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(data)
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
    if isinstance(rounds := reported.get("iterations"), list) and len(rounds) > 1:
        reported = {**reported, **_summed(rounds)}
    counts = {FIELDS[name]: value for name, value in reported.items() if name in FIELDS and _is_count(value)}
    if "cache_write" in counts:
        said = _count(reported.get("cache_creation"), "ephemeral_1h_input_tokens")
        known = said if said is not None else usage.cache_write_1h if usage else 0
        counts["cache_write_1h"] = min(known, counts["cache_write"])
        counts["cache_write"] -= counts["cache_write_1h"]
    searches = _count(reported.get("server_tool_use"), "web_search_requests")
    if searches is not None:
        counts["web_searches"] = searches
    return replace(usage or Usage(), **counts) if counts else usage


def _summed(rounds: list[Any]) -> dict[str, int]:
    """The counts of a call that took several rounds, as one that compacts its context does: all of them are charged."""
    told = [one for one in rounds if isinstance(one, dict)]
    return {name: sum(_count(one, name) or 0 for one in told) for name in FIELDS if any(name in one for one in told)}


def _count(counts: object, name: str) -> int | None:
    value = counts.get(name) if isinstance(counts, dict) else None
    return value if isinstance(value, int) and _is_count(value) else None


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
