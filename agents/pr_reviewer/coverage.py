"""The record of what the model was shown, line by line, and what that means for the hunks of a change.

A hunk counts as read when each of its lines, as it stands in the diff, was shown to the model: in the brief, or in the
result of a tool. What the model says about it does not count.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from stack.diff import FileDiff, Hunk
from stack.work.review import Coverage, FileCoverage

# What is binary by nature. One zero byte makes git call any other file binary too, and that must not hide code: such a
# file counts as a hunk that was not read.
NO_TEXT = re.compile(
    r"\.(7z|a|avif|bin|bmp|bz2|class|db|dll|docx?|dylib|eot|exe|flac|gif|gz|ico|jar|jpe?g|mov|mp[34]|np[yz]|o|od[pst]|ogg"
    r"|otf|parquet|pdf|pickle|pkl|png|pptx?|pyc|so|sqlite|tar|tgz|tiff?|ttf|wasm|wav|webm|webp|whl|woff2?|xlsx?|xz|zip|zst)$",
    re.IGNORECASE,
)


class Shown:
    """The lines of files that the model was shown: path → number (from 1) → text."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[int, str]] = defaultdict(dict)

    def add(self, path: str, start: int, lines: Iterable[str]) -> None:
        """Lines of `path` from number `start` on were shown."""
        self._lines[path].update(enumerate(map(_as_shown, lines), start))

    def has(self, path: str, start: int, lines: list[str]) -> bool:
        """Whether exactly these lines were shown at these numbers."""
        known = self._lines.get(path, {})
        return all(known.get(number) == _as_shown(line) for number, line in enumerate(lines, start))


def _as_shown(line: str) -> str:
    # Claude Code's Read ends lines with a bare line feed, whatever the file does
    return line.removesuffix("\r")


def coverage(files: list[FileDiff], names: list[str], shown: Shown) -> Coverage:
    """Which hunks of `files` were shown. `names` are the diffs' own paths in the workspace, in the same order."""
    rows = [_of_file(file, name, shown) for file, name in zip(files, names, strict=True)]
    return Coverage(
        hunks=sum(row.hunks for row in rows),
        read=sum(row.read for row in rows),
        binary_files=sum(row.binary for row in rows),
        unread=tuple(row for row in rows if row.read < row.hunks),
    )


def _of_file(file: FileDiff, name: str, shown: Shown) -> FileCoverage:
    if file.binary and not NO_TEXT.search(file.path):
        return FileCoverage(path=file.path, hunks=1, read=0, binary=True)
    lines = file.text.removesuffix("\n").split("\n")
    read = sum(_is_read(file, hunk, name, lines, shown) for hunk in file.hunks)
    return FileCoverage(path=file.path, hunks=len(file.hunks), read=read, binary=file.binary)


def _is_read(file: FileDiff, hunk: Hunk, name: str, lines: list[str], shown: Shown) -> bool:
    if shown.has(name, hunk.first, lines[hunk.first - 1 : hunk.last]):
        return True
    # lines that were only added can be read in the new file as well
    if any(line.tag == "-" for line in hunk.lines):
        return False
    return bool(hunk.lines) and all(
        line.new is not None and shown.has(f"repo/{file.path}", line.new, [line.text]) for line in hunk.lines
    )
