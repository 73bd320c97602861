"""Where in a TOML text each value stands: Python's own parser does not say."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Place = tuple[str | int, ...]  # names of keys and numbers in lists: ("providers", "zai", "keys", 0)

TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r]+|\#[^\n]*)
  | (?P<newline>\n)
  | (?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|\"(?:\\.|[^"\\\n])*\"|'[^'\n]*')
  | (?P<mark>[\[\]{},.=])
  | (?P<bare>[^\s\[\]{},.=#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of TOML that means something."""

    kind: str
    text: str
    line: int


def lines_of(text: str) -> Mapping[Place, int]:
    """The line of each table, key and item of a list in `text`, which must be TOML that can be parsed."""
    return _Walk(text).lines


def _tokens(text: str) -> Iterator[Token]:
    line = 1
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "skip":
            yield Token(kind, match.group(), line)
        line += match.group().count("\n")
    yield Token("end", "", line)


class _Walk:
    """Goes through valid TOML once. `lines` is the result."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._tokens = list(_tokens(text))
        self._at = 0
        self._table: Place = ()
        self._last: dict[Place, int] = {}  # of each list of tables, the number of its last table
        while self._next.kind != "end":
            self._statement()

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _skip(self, mark: str) -> bool:
        """Steps over `mark` where it comes next."""
        found = self._next.text == mark and self._next.kind in ("mark", "newline")
        self._at += found
        return found

    def _statement(self) -> None:
        if self._skip("\n"):
            return
        if self._skip("["):
            self._header()
        else:
            self._pair(self._table)

    def _header(self) -> None:
        is_list = self._skip("[")
        line, names = self._next.line, self._key()
        place = self._within(names[:-1]) + names[-1:]
        if is_list:
            self.lines.setdefault(place, line)
            self._last[place] = self._last.get(place, -1) + 1
        self._table = self._within(names)
        self._mark(self._table, line)
        while self._skip("]"):
            pass

    def _within(self, names: Place) -> Place:
        """The place that `names` lead to: in a list of tables that is its last table."""
        place: Place = ()
        for name in names:
            place += (name,)
            if place in self._last:
                place += (self._last[place],)
        return place

    def _pair(self, table: Place) -> None:
        line, names = self._next.line, self._key()
        place = table + names
        self._mark(place, line)
        self._skip("=")
        self._value(place)

    def _key(self) -> Place:
        names = [self._name()]
        while self._skip("."):
            names.append(self._name())
        return tuple(names)

    def _name(self) -> str:
        token = self._take()
        if token.kind != "string":
            return token.text
        return str(tomllib.loads(f"name = {token.text}")["name"])

    def _value(self, place: Place) -> None:
        if self._skip("["):
            self._list(place)
        elif self._skip("{"):
            self._inline_table(place)
        else:
            while self._next.kind not in ("newline", "end") and self._next.text not in (",", "]", "}"):
                self._take()

    def _list(self, place: Place) -> None:
        number = 0
        while self._next.kind != "end" and not self._skip("]"):
            if self._skip("\n") or self._skip(","):
                continue
            self._mark((*place, number), self._next.line)
            self._value((*place, number))
            number += 1

    def _inline_table(self, place: Place) -> None:
        while self._next.kind != "end" and not self._skip("}"):
            if not (self._skip("\n") or self._skip(",")):
                self._pair(place)

    def _mark(self, place: Place, line: int) -> None:
        """Notes the line of a place, and of the tables that it lies in where they are not known yet."""
        for length in range(1, len(place) + 1):
            self.lines.setdefault(place[:length], line)
