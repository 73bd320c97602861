"""A diff as GitHub sees it: files, hunks, and the lines on which a review may comment."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from sim.not_github import git
from sim.not_github.rows import Side

# GitHub leaves `patch` out for files like this, and answers 406 for diffs like that.
LARGEST_PATCH = 3_000
LARGEST_DIFF_LINES, LARGEST_DIFF_FILES = 20_000, 300
# https://docs.github.com/rest/pulls/pulls#list-pull-requests-files, .../commits/commits#compare-two-commits
FILES_OF_A_PULL, FILES_OF_A_COMPARISON = 3_000, 300

HUNK_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class Line:
    """One line of a hunk. `position` counts from the first hunk's header, which is 0."""

    text: str
    position: int
    left: int | None
    right: int | None

    @property
    def address(self) -> tuple[Side, int]:
        """Its number after the change, where it is still there, or before; 0 for git's own remarks."""
        return ("RIGHT", self.right) if self.right else ("LEFT", self.left or 0)


@dataclass(frozen=True)
class Hunk:
    header: str
    lines: tuple[Line, ...]

    def until(self, last: Line) -> str:
        """The hunk from its header to that line, as GitHub shows it above a comment."""
        return "\n".join([self.header, *(line.text for line in self.lines if line.position <= last.position)])


@dataclass(frozen=True)
class FileDiff:
    """The change of one file. The blobs are git's ids, zeros where there is none on that side."""

    path: str
    previous_path: str | None
    status: str
    old_blob: str
    new_blob: str
    hunks: tuple[Hunk, ...]

    @property
    def sha(self) -> str:
        return self.old_blob if self.status == "removed" else self.new_blob

    @cached_property
    def change(self) -> tuple[object, ...]:
        """What it does to the file, wherever in it: the same before and after a rebase that had no conflict."""
        texts = tuple(tuple(line.text for line in hunk.lines) for hunk in self.hunks)
        return self.path, self.previous_path, self.status, texts or self.new_blob

    @cached_property
    def additions(self) -> int:
        return sum(line.text.startswith("+") for line in self.lines())

    @cached_property
    def deletions(self) -> int:
        return sum(line.text.startswith("-") for line in self.lines())

    @cached_property
    def patch(self) -> str | None:
        """None for a binary file, a mere renaming, and what is too large."""
        texts = [text for hunk in self.hunks for text in (hunk.header, *(line.text for line in hunk.lines))]
        return "\n".join(texts) if 0 < len(texts) <= LARGEST_PATCH else None

    def lines(self) -> Iterator[Line]:
        return (line for hunk in self.hunks for line in hunk.lines)

    def find(self, side: Side, number: int) -> tuple[Hunk, Line] | None:
        """The line with that number before (LEFT) or after (RIGHT) the change, where the patch shows it."""
        return self._numbered.get((side, number)) if self.patch else None

    def at(self, position: int) -> Line | None:
        return next((line for line in self.lines() if line.position == position), None)

    @cached_property
    def _numbered(self) -> dict[tuple[Side, int], tuple[Hunk, Line]]:
        found: dict[tuple[Side, int], tuple[Hunk, Line]] = {}
        for hunk in self.hunks:
            found |= {("LEFT", line.left): (hunk, line) for line in hunk.lines if line.left}
            found |= {("RIGHT", line.right): (hunk, line) for line in hunk.lines if line.right}
        return found


@lru_cache(maxsize=128)
def compare(folder: Path, base: str, head: str) -> tuple[FileDiff, ...]:
    """What `head` changed since it left `base`."""
    start = git.merge_base(folder, base, head) or base
    entries = _entries(git.diff_entries(folder, start, head))
    sections = _sections(git.diff_text(folder, start, head).decode(errors="replace"))
    return tuple(_file(entry, sections) for entry in entries)


def compare_text(folder: Path, base: str, head: str) -> bytes:
    return git.diff_text(folder, git.merge_base(folder, base, head) or base, head)


@dataclass(frozen=True)
class _Entry:
    kind: str
    old_sha: str
    new_sha: str
    path: str
    previous_path: str | None

    @property
    def status(self) -> str:
        if self.kind == "M" and self.old_sha == self.new_sha:
            return "changed"
        return {"A": "added", "D": "removed", "R": "renamed", "T": "changed"}.get(self.kind, "modified")


def _entries(raw: bytes) -> Iterator[_Entry]:
    fields = iter(raw.decode(errors="replace").split("\0"))
    for field in fields:
        if field:
            _, _, old_sha, new_sha, kind = field.split(" ")
            previous = next(fields) if kind.startswith("R") else None
            yield _Entry(kind[0], old_sha, new_sha, next(fields), previous)


def _file(entry: _Entry, sections: Iterator[tuple[Hunk, ...]]) -> FileDiff:
    hunks = next(sections)
    if entry.kind == "T":  # git writes a change of type as a deletion and a creation
        hunks += tuple(_shifted(hunk, sum(len(one.lines) + 1 for one in hunks)) for hunk in next(sections))
    return FileDiff(entry.path, entry.previous_path, entry.status, entry.old_sha, entry.new_sha, hunks)


def _shifted(hunk: Hunk, by: int) -> Hunk:
    return Hunk(hunk.header, tuple(Line(one.text, one.position + by, one.left, one.right) for one in hunk.lines))


def _sections(text: str) -> Iterator[tuple[Hunk, ...]]:
    """The hunks of each file."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        hunks, index = _hunks(lines, index + 1)
        yield hunks


def _hunks(lines: list[str], index: int) -> tuple[tuple[Hunk, ...], int]:
    """The hunks up to the next file, and where that begins. A line of a file can look like a header, so hunks are
    read by their lengths."""
    found: list[Hunk] = []
    position = 0
    while index < len(lines) and not lines[index].startswith("diff --git "):
        if header := HUNK_HEADER.match(lines[index]):
            found.append(_hunk(header, lines, index, position))
            index += len(found[-1].lines)
            position += len(found[-1].lines) + 1
        index += 1
    return tuple(found), index


def _hunk(header: re.Match[str], lines: list[str], index: int, position: int) -> Hunk:
    left, right = int(header[1]), int(header[3])
    left_end = left + int(header[2] or 1)
    right_end = right + int(header[4] or 1)
    found = []
    for offset, text in enumerate(lines[index + 1 :], 1):
        on_left, on_right = text.startswith((" ", "-")), text.startswith((" ", "+"))
        if not text.startswith("\\") and (left, right) == (left_end, right_end):
            break
        found.append(Line(text, position + offset, left if on_left else None, right if on_right else None))
        left += on_left
        right += on_right
    return Hunk(lines[index], tuple(found))
