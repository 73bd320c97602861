"""What git prints of a change, read: the list of what became of each file, and the diffs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from stack.diffs.values import FileDiff, Hunk, Line

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_ESCAPED = re.compile(rb'\\([0-7]{3}|[abtnvfr"\\])')
_ENTRY = re.compile(r"^:(\d{6}) (\d{6}) [0-9a-f]+ [0-9a-f]+ ([A-Z])\d*\t(.+)$", re.MULTILINE)
_INDEX = re.compile(r"index [0-9a-f]+\.\.[0-9a-f]+ (\d{6})$")


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a file, by git's list (`git diff --raw`): both modes, git's letter for it, both paths as bytes."""

    old_mode: str
    new_mode: str
    letter: str
    old: bytes
    new: bytes

    @property
    def path(self) -> str:
        """The new path, as a FileDiff has it."""
        return self.new.decode(errors="replace")


def entries(text: str) -> list[Entry]:
    """Git's list, which stands before its diffs."""
    listed = text[: next(_starts(text), len(text))]
    found = []
    for match in _ENTRY.finditer(listed):
        old, _, new = match[4].partition("\t")  # a tab in a name is escaped
        found.append(Entry(match[1], match[2], match[3], _unquoted(old), _unquoted(new or old)))
    return found


def parse(text: str) -> list[FileDiff]:
    """The files of a diff that git printed."""
    return [_file(text[a:b]) for a, b in pairwise([*_starts(text), len(text)])]


def _starts(text: str) -> Iterator[int]:
    return (m.start() for m in re.finditer(r"^diff --git ", text, re.MULTILINE))


def _file(text: str) -> FileDiff:
    # "\n" alone: a line of a diff may hold any other character that str.splitlines breaks at
    lines = text.removesuffix("\n").split("\n")
    body = next((i for i, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    old, new = _paths(lines[:body])
    file = FileDiff(path=new or old, old_path=old or new, text=text, header_lines=body)
    file.status = "added" if not old else "deleted" if not new else "modified"
    for line in lines[1:body]:
        _read_header(file, line)
    file.opaque = file.binary
    file.hunks = list(_hunks(lines, body))
    return file


def _read_header(file: FileDiff, line: str) -> None:
    """What a line of a header says beside the names. A name never begins one."""
    if line.startswith(("Binary files ", "GIT binary patch")):
        file.binary = True
    elif line.startswith("new file mode "):
        file.status, file.new_mode = "added", line[14:]
    elif line.startswith("deleted file mode "):
        file.status, file.old_mode = "deleted", line[18:]
    elif line.startswith("old mode "):
        file.old_mode = line[9:]
    elif line.startswith("new mode "):
        file.new_mode = line[9:]
    elif line.startswith("rename from "):
        file.status = "renamed"
    elif line.startswith("copy from "):
        file.status = "copied"
    elif match := _INDEX.match(line):
        file.old_mode = file.new_mode = match[1]


def _paths(header: list[str]) -> tuple[str, str]:
    """The old and the new path of a file; empty for /dev/null."""
    old = new = None
    for line in header:
        if line.startswith("--- "):
            old = _path(line[4:], "a/")
        elif line.startswith("+++ "):
            new = _path(line[4:], "b/")
        elif line.startswith(("rename from ", "copy from ")):
            old = _path(line.partition(" from ")[2], "")
        elif line.startswith(("rename to ", "copy to ")):
            new = _path(line.partition(" to ")[2], "")
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
    return "" if name == "/dev/null" else _unquoted(name).decode(errors="replace").removeprefix(prefix)


def _unquoted(name: str) -> bytes:
    if not name.startswith('"'):
        return name.encode()
    return _ESCAPED.sub(lambda m: bytes([_escape(m[1].decode())]), name[1:-1].encode())


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
