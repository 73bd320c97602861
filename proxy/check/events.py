"""Reads server-sent events as the official client does: an event without a name is none."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """An event; `name` is empty where the provider gave none."""

    name: str
    data: str

    @property
    def content(self) -> dict[str, Any]:
        """The data. Raises ValueError where it is no JSON object."""
        found = json.loads(self.data)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found


class EventReader:
    """Splits a stream, in pieces of any size, into events. `garbled`: something in it was not UTF-8."""

    def __init__(self) -> None:
        self.garbled = False
        self._rest = b""
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = [self._take(line.removesuffix(b"\r")) for line in lines]
        return [event for event in events if event]

    def _take(self, line: bytes) -> Event | None:
        if not line:
            return self._finished()
        name, _, value = self._text(line).partition(":")
        if name == "event":
            self._name = value.strip()
        elif name == "data":
            self._data.append(value.removeprefix(" "))
        return None

    def _finished(self) -> Event | None:
        event = Event(self._name, "\n".join(self._data)) if self._data else None
        self._name, self._data = "", []
        return event

    def _text(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.garbled = True
            return line.decode(errors="replace")
