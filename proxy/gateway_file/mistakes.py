"""The mistakes in gateway.toml, each with its line: a person is told of all of them at once."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from proxy.gateway_file.lines import Place

BARE = re.compile(r"[A-Za-z0-9_-]+")


class SetUpError(Exception):
    """gateway.toml cannot be used. Its text has a line for each mistake: `FILE:LINE: what is wrong; what is right`."""


class Mistakes:
    """Those found so far. `file` is what it is called in what people read."""

    def __init__(self, file: str, lines: Mapping[Place, int]) -> None:
        self._file = file
        self._lines = lines
        self._found: dict[tuple[int, str], None] = {}

    def add(self, place: Place, text: str) -> None:
        """Notes a mistake at a place; where that is not in the file, the line is that of the table around it."""
        while place and place not in self._lines:
            place = place[:-1]
        text = "".join(character if character.isprintable() else "?" for character in text)  # of names in the file
        self._found[self._lines.get(place, 1), text] = None

    def refuse(self) -> None:
        """Raises SetUpError where there are mistakes."""
        if self._found:
            raise SetUpError("\n".join(f"{self._file}:{line}: {text}" for line, text in sorted(self._found)))


def said(place: Place) -> str:
    """A place as a person would write it: `providers.zai.keys[0]`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if BARE.fullmatch(part) else f'"{part[:100]}"'
            text += f".{name}" if text else name
    return text


def meant(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known: the nearest one that is, or all of them."""
    names = list(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
