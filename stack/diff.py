"""A unified diff, as git prints it, as files, hunks and lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from stack.errors import GiveUp
from stack.git import git

MOST_BYTES = 20 << 20  # some 100 bytes of memory stand behind each byte of a diff

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_ESCAPED = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a hunk: its tag (`+`, `-` or space), its number in the old and new file (None: not there), its text."""

    tag: str
    old: int | None
    new: int | None
    text: str


@dataclass(slots=True)
class Hunk:
    """A run of changed lines with its context. `first` and `last` are its lines in the file's diff text, from 1."""

    header: str
    first: int
    last: int
    lines: list[Line] = field(default_factory=list)

    def numbers(self, side: str) -> set[int]:
        """The numbers of the lines that a comment on this side may name: LEFT the old file, RIGHT the new one."""
        return {n for line in self.lines if (n := line.old if side == "LEFT" else line.new) is not None}


@dataclass(slots=True)
class FileDiff:
    """The change of one file. `text` is its diff as git printed it; `path` its new name, or the old one if deleted."""

    path: str
    old_path: str
    text: str
    binary: bool = False
    hunks: list[Hunk] = field(default_factory=list)

    def holds(self, side: str, start: int, end: int) -> bool:
        """Whether lines `start` to `end` of this side lie in one hunk."""
        return any({start, end} <= hunk.numbers(side) for hunk in self.hunks)


def diff_between(repository: Path, base: str, head: str, *, timeout: float = 120) -> list[FileDiff]:
    """The diff from commit `base` to commit `head` in a bare repository, with nothing of the repository obeyed.

    Raises GiveUp where it has more than MOST_BYTES.
    """
    printed = git(
        "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--unified=3", "--full-index",
        "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", base, head, "--",
        folder=repository, timeout=timeout,
    )  # fmt: skip
    if len(printed) > MOST_BYTES:
        raise GiveUp(
            f"the change is too large to review: its diff has {len(printed) >> 20} MB, {MOST_BYTES >> 20} is most"
        )
    return parse(printed.decode("utf-8", errors="replace"))


def parse(text: str) -> list[FileDiff]:
    """The files of a diff that git printed."""
    starts = [m.start() for m in re.finditer(r"^diff --git ", text, re.MULTILINE)]
    return [_file(text[a:b]) for a, b in pairwise([*starts, len(text)])]


def _file(text: str) -> FileDiff:
    # "\n" alone: a line of a diff may hold any other character that str.splitlines breaks at
    lines = text.removesuffix("\n").split("\n")
    body = next((i for i, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    old, new = _paths(lines[:body])
    file = FileDiff(path=new or old, old_path=old or new, text=text)
    file.binary = any(x.startswith(("Binary files ", "GIT binary patch")) for x in lines[:body])
    file.hunks = list(_hunks(lines, body))
    return file


def _paths(header: list[str]) -> tuple[str, str]:
    """The old and the new path of a file; empty for /dev/null."""
    old = new = None
    for line in header:
        if line.startswith("--- "):
            old = _path(line[4:], "a/")
        elif line.startswith("+++ "):
            new = _path(line[4:], "b/")
        elif line.startswith("rename from "):
            old = _path(line[12:], "")
        elif line.startswith("rename to "):
            new = _path(line[10:], "")
    if old is None or new is None:  # binary, or only the mode changed: both names are the same
        old = new = _same_path(header[0].removeprefix("diff --git "))
    return old, new


def _same_path(names: str) -> str:
    if names.startswith('"'):
        return _path(names[: (len(names) - 1) // 2], "a/")
    return names[2 : (len(names) - 1) // 2]


def _path(name: str, prefix: str) -> str:
    """A path as it is: unquoted, without git's prefix; empty for /dev/null."""
    name = name.removesuffix("\t")  # git ends a name that has spaces with a tab
    if name == "/dev/null":
        return ""
    if name.startswith('"'):
        raw = _ESCAPED.sub(lambda m: bytes([_escape(m[1].decode())]), name[1:-1].encode())
        name = raw.decode("utf-8", errors="replace")
    return name.removeprefix(prefix)


def _escape(code: str) -> int:
    return _ESCAPES[code] if code in _ESCAPES else int(code, 8) & 0xFF


def _hunks(lines: list[str], start: int) -> Iterator[Hunk]:
    i = start
    while i < len(lines):
        match = _HUNK.match(lines[i])
        if not match:
            i += 1
            continue
        old, old_count, new, new_count = (1 if g is None else int(g) for g in match.groups())
        hunk = Hunk(lines[i], first=i + 1, last=i + 1)
        i += 1
        old_end, new_end = old + old_count, new + new_count
        while i < len(lines) and (old < old_end or new < new_end or lines[i].startswith("\\")):
            tag, rest = lines[i][:1] or " ", lines[i][1:]
            in_old, in_new = tag in " -", tag in " +"
            if tag != "\\":
                hunk.lines.append(Line(tag, old if in_old else None, new if in_new else None, rest))
            old, new, i = old + in_old, new + in_new, i + 1
        hunk.last = i
        yield hunk
