"""The change of a file: its header, its hunks, and a digest by which it is known again."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

PLAIN, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"  # git's modes
_KINDS = {SYMLINK: "symlink", SUBMODULE: "submodule"}
# Lines of a header that are other ones when the base moves, and say nothing that the rest does not.
_PASSING = re.compile(r"(?:dis)?similarity index |index ")


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
    """The change of one file. `text` is its diff as git printed it; `path` its new name, or the old one if deleted.

    Lines 1 to `header_lines` of the text are its header. Modes are git's, and empty where they are not known. What is
    `opaque` belongs to the change and is not in the text: nobody can have read it. A diff that is `whole` stands beside
    a file's own one and shows all of the new content; GitHub shows no such diff. `note` is for the header's fact.
    """

    path: str
    old_path: str
    text: str
    binary: bool = False
    hunks: list[Hunk] = field(default_factory=list)
    status: Literal["added", "deleted", "modified", "renamed", "copied"] = "modified"
    old_mode: str = ""
    new_mode: str = ""
    header_lines: int = 0
    opaque: bool = False
    whole: bool = False
    note: str = ""

    def is_on(self, side: str) -> bool:
        """Whether there is such a file before the change (LEFT) or after it (RIGHT)."""
        return self.status != ("added" if side == "LEFT" else "deleted")

    def holds(self, side: str, start: int, end: int) -> bool:
        """Whether lines `start` to `end` of this side lie in one hunk."""
        return any({start, end} <= hunk.numbers(side) for hunk in self.hunks)

    @property
    def header(self) -> str:
        """What the header says beside the names, on one line for people; empty for a file whose text alone changed."""
        facts = [self.note] if self.whole else [self._what(), self._modes(), "binary" if self.binary else "", self.note]
        return ", ".join(filter(None, facts))

    @property
    def digest(self) -> str:
        """64 hex digits of what changes and where, whatever the rest of the file is.

        Line numbers count: the same lines in another place, which looks alike, would be another change.
        """
        return _hexadecimal(self._lasting())

    @property
    def digest_anywhere(self) -> str:
        """64 hex digits of what changes, wherever in the file: for words about a change, and no proof of anything."""
        starts = {hunk.header for hunk in self.hunks}
        return _hexadecimal(["@@" if line in starts else line for line in self._lasting()])

    def _lasting(self) -> list[str]:
        """The lines that stay the same while the base of the change moves."""
        # what the text does not show, or not to the letter, is known by git's ids alone
        lossy = self.binary or "\ufffd" in self.text
        lines = self.text.removesuffix("\n").split("\n")
        head = [line for line in lines[: self.header_lines] if lossy or not _PASSING.match(line)]
        return [self.header, *head, *lines[self.header_lines :]]

    def _what(self) -> str:
        kind = _KINDS.get(self.new_mode or self.old_mode, "")
        match self.status:
            case "renamed" | "copied":
                return f"{kind} {self.status} from {on_one_line(self.old_path)} to {on_one_line(self.path)}".strip()
            case "added":
                return f"new {kind or 'file'}"
            case "deleted":
                return f"deleted {kind or 'file'}"
        return kind

    def _modes(self) -> str:
        if self.old_mode and self.new_mode and self.old_mode != self.new_mode:
            return f"mode changed from {self.old_mode} to {self.new_mode}"
        if self.status == "modified" or self.new_mode in ("", PLAIN, *_KINDS):
            return ""
        return f"mode {self.new_mode}"


def at(files: Iterable[FileDiff], path: str, side: str) -> FileDiff | None:
    """The diff, as GitHub shows it, of the file that is called `path` on this side.

    Where a file gave way to a link, or to a submodule, git prints two diffs of one path: one for each side. The old
    side of a renamed file is found by its old path, too.
    """
    there = [file for file in files if not file.whole and file.is_on(side)]
    by_path = (file for file in there if file.path == path)
    by_old_path = (file for file in there if side == "LEFT" and file.old_path == path)
    return next(by_path, None) or next(by_old_path, None)


def by_path(files: Iterable[FileDiff]) -> dict[str, list[FileDiff]]:
    """The diffs of each path, in their order."""
    found: dict[str, list[FileDiff]] = {}
    for file in files:
        found.setdefault(file.path, []).append(file)
    return found


def digest_of(diffs: list[FileDiff]) -> str:
    """The digest of all diffs of one path: 64 hex digits, and the diff's own where there is one."""
    return diffs[0].digest if len(diffs) == 1 else _hexadecimal([file.digest for file in diffs])


def _hexadecimal(lines: list[str]) -> str:
    # whole: whoever writes the change chooses both what was read and what comes after it
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def on_one_line(path: str) -> str:
    """A path that stays on its line, whatever is in it."""
    return path if path.isprintable() else json.dumps(path)
