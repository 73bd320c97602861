"""A unified diff, as git prints it, read line by line: also out of a longer text, and with lines missing."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPES = {"t": b"\t", "n": b"\n", "r": b"\r", '"': b'"', "\\": b"\\"}
_ESCAPED = re.compile(rb'\\([0-7]{3}|[tnr"\\])')


@dataclass(frozen=True)
class Line:
    """A line of a hunk: its tag (`+`, `-` or space), its number in the old and in the new file, its text."""

    tag: str
    old: int
    new: int
    text: str


@dataclass
class Hunk:
    """The lines of a hunk, as far as they were shown. `old_left` and `new_left`: how many its header promises yet."""

    old: int
    new: int
    old_left: int
    new_left: int
    lines: list[Line] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.old_left > 0 or self.new_left > 0

    def take(self, text: str) -> None:
        """Adds the next line of the diff."""
        tag = text[:1] or " "
        if tag == "\\":  # "\ No newline at end of file"
            return
        self.lines.append(Line(tag, self.old, self.new, text[1:]))
        if tag != "+":
            self.old, self.old_left = self.old + 1, self.old_left - 1
        if tag != "-":
            self.new, self.new_left = self.new + 1, self.new_left - 1


@dataclass
class FileDiff:
    """The change of one file, known by its new name, or by its old one if it was deleted."""

    old_path: str = ""
    new_path: str = ""
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.new_path or self.old_path

    def lines(self, tag: str) -> Iterator[Line]:
        """Its lines with that tag."""
        return (line for hunk in self.hunks for line in hunk.lines if line.tag == tag)


def parse(lines: Iterable[str | None]) -> list[FileDiff]:
    """The files changed, in a text with diffs in it. None stands for a line that was not shown: its hunk ends there."""
    files: list[FileDiff] = []
    hunk: Hunk | None = None
    for text in lines:
        if text is None:
            hunk = None
        elif hunk and hunk.open and text[:1] in ("", " ", "+", "-", "\\"):
            hunk.take(text)
        elif text.startswith("diff --git "):
            hunk = None
            files.append(FileDiff())
        elif files:
            hunk = _header(files[-1], text)
    return [file for file in files if file.hunks]


def _header(file: FileDiff, text: str) -> Hunk | None:
    """Takes in a line that is not within a hunk; returns the hunk that it opens."""
    if match := _HUNK.match(text):
        old, old_count, new, new_count = (1 if group is None else int(group) for group in match.groups())
        file.hunks.append(Hunk(old, new, old_count, new_count))
        return file.hunks[-1]
    if not file.hunks and text.startswith("--- "):
        file.old_path = _path(text[4:], "a/")
    elif not file.hunks and text.startswith("+++ "):
        file.new_path = _path(text[4:], "b/")
    return None


def _path(name: str, prefix: str) -> str:
    """A path without git's quotes and prefix; empty for /dev/null."""
    name = name.removesuffix("\t")  # git ends a name that has spaces with a tab
    if name.startswith('"'):
        raw = _ESCAPED.sub(_unescaped, name[1:-1].encode())
        name = raw.decode(errors="replace")
    return "" if name == "/dev/null" else name.removeprefix(prefix)


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1].decode()
    return _ESCAPES.get(code) or bytes([int(code, 8) & 0xFF])
