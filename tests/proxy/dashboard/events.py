"""Reads server-sent events strictly: what a browser would ignore is an error here."""

import json
from collections.abc import Iterator
from typing import Any


def parsed(chunk: str) -> tuple[str, Any]:
    """The name and the value of one event, or of a `comment` or `retry`. Raises AssertionError for anything else."""
    assert chunk.endswith("\n\n")
    lines = chunk[:-2].split("\n")
    assert "\r" not in chunk
    if len(lines) == 1:
        name, _, text = lines[0].partition(":")
        assert name in ("", "retry")
        return name or "comment", text.strip()
    event, data = lines
    assert event.startswith("event: ")
    assert data.startswith("data: ")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def named(events: Iterator[str], name: str) -> Any:
    """The value of the next event of this name."""
    return next(value for found, value in map(parsed, events) if found == name)
