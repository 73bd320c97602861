"""Reads typed values from the tables of gateway.toml; what has another type is a mistake."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from proxy.gateway_file.lines import Place
from proxy.gateway_file.mistakes import Mistakes, meant, said

T = TypeVar("T")
KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "a text"),
    (bool, "true or false"),  # before numbers: Python's booleans are some
    ((int, Decimal), "a number"),
    (list, "a list"),
    (dict, "a table"),
)


def kind(value: object) -> str:
    """What a value is, in words."""
    return next((words for types, words in KINDS if isinstance(value, types)), "a date or a time")


class Section:
    """A table at a place in the file. What it lacks, or has wrong, reads as the default."""

    def __init__(self, values: object, place: Place, mistakes: Mistakes) -> None:
        self.place = place
        self.values: Mapping[str, Any] = values if isinstance(values, dict) else {}
        self._mistakes = mistakes
        self.is_table = isinstance(values, dict)
        if not self.is_table:
            self.wrong((), f"{said(place)} is {kind(values)}; it must be a table")

    @property
    def name(self) -> str:
        """The last part of its place."""
        return str(self.place[-1])

    def only(self, known: Iterable[str]) -> None:
        """Refuses keys other than those that are known."""
        known = tuple(known)
        for name in self.values:
            if name not in known:
                self.wrong((name,), f"{self.said(name)} is not known; {meant(name, known)}")

    def wrong(self, within: Place, text: str) -> None:
        """Notes a mistake at a place in this table."""
        self._mistakes.add(self.place + within, text)

    def said(self, *within: str | int) -> str:
        """A place in this table, for a person."""
        return said(self.place + within)

    def text(self, name: str, wanted: str = "a text") -> str:
        """A text; empty where there is none. `wanted` says what would be right."""
        return self._typed(name, str, wanted, "")

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        return self._typed(name, bool, "true or false", default)

    def choice(self, name: str, options: Iterable[str]) -> str:
        """One of the options; empty where there is none."""
        options = tuple(options)
        value = self.text(name, f"one of {', '.join(options)}")
        if name not in self.values or value in options:
            return value
        if isinstance(self.values[name], str):
            self.wrong((name,), f"{self.said(name)} is {value[:50]!r}; {meant(value, options)}")
        return ""

    def section(self, name: str) -> "Section":
        """A table in this one; an empty one where there is none."""
        return Section(self.values.get(name, {}), (*self.place, name), self._mistakes)

    def sections(self) -> "Iterable[Section]":
        """All of its values, which must be tables."""
        return [self.section(name) for name in self.values]

    def at(self, *within: str | int, values: object) -> "Section":
        """A table deeper in this one, such as an item of a list."""
        return Section(values, self.place + within, self._mistakes)

    def _typed(self, name: str, wanted: type[T], example: str, default: T) -> T:
        value = self.values.get(name, default)
        if isinstance(value, wanted):
            return value
        self.wrong((name,), f"{self.said(name)} is {kind(value)}; it must be {example}")
        return default
