"""What Claude Code's tools have shown of the diff files so far, and which pages to ask for next."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sim.not_anthropic.conversation import Call
from sim.not_anthropic.wire import ToolUse

# Read refuses a page of over 25,000 tokens, which it reckons as a quarter of its characters: 66 characters a line.
PAGE = 1_500

LISTING = (
    ToolUse("Glob", {"pattern": "diff/*.diff"}),
    # Glob lists a hundred files at most. The count of every file's lines tells how many pages to ask for at once.
    ToolUse("Grep", {"pattern": "^", "path": "diff", "glob": "*.diff", "output_mode": "count", "head_limit": 0}),
)

_NAME = re.compile(r"^(?:.*/)?(diff/[^/:\n]+\.diff)(?::(\d+))?$", re.MULTILINE)
_NUMBERED = re.compile(r"(\d+)\t(.*)", re.DOTALL)
_TOO_SHORT = re.compile(r"The file has (\d+) lines")


@dataclass
class DiffFile:
    """One diff file: the lines that were shown, by number, and the pages that were refused as too large."""

    name: str
    total: int | None = None  # lines, where known
    shown: dict[int, str] = field(default_factory=dict)
    refused: list[range] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)

    def take(self, call: Call) -> None:
        """Learns from an answered Read."""
        start = int(call.input.get("offset", 1))
        limit = int(call.input.get("limit", self.total or PAGE))
        if call.failed and limit == 1 and call.input.get("allow_large"):
            self.unreadable.add(start)
        elif call.failed and "exceeds maximum allowed" in (call.result or ""):
            self.refused.append(range(start, start + limit))
        elif call.failed:
            self.unreadable.update(range(start, start + limit))
        else:
            self._show(call.result or "", start, limit)

    def _show(self, text: str, start: int, limit: int) -> None:
        numbered = [match for line in text.split("\n") if (match := _NUMBERED.fullmatch(line))]
        self.shown |= {int(match[1]): match[2] for match in numbered}
        if short := _TOO_SHORT.search(text):
            self.total = int(short[1])
        elif self.total is None and len(numbered) < limit:
            self.total = start + len(numbered) - 1
        elif not numbered:
            self.unreadable.update(range(start, start + limit))

    def pages(self) -> Iterator[ToolUse]:
        """The Reads that would show what is missing; where the length is unknown, no further than the next page."""
        last = len(self.shown) + PAGE if self.total is None else self.total
        if self.total and self.total <= PAGE and not (self.shown or self.refused or self.unreadable):
            yield ToolUse("Read", {"file_path": self.name})
            return
        line = 1
        while line <= last:
            count = self._gap(line, last)
            if count:
                yield self._read(line, count)
            line += count or 1

    def _gap(self, line: int, last: int) -> int:
        """How many lines from this one on to ask for: none if it is done with, fewer where a page was refused."""
        size = min([PAGE, *(max(1, len(page) // 2) for page in self.refused if line in page)])
        end = min(line + size, last + 1)
        return next((n - line for n in range(line, end) if n in self.shown or n in self.unreadable), end - line)

    def _read(self, start: int, count: int) -> ToolUse:
        page: dict[str, Any] = {"file_path": self.name, "offset": start, "limit": count}
        if range(start, start + 1) in self.refused:
            page["allow_large"] = True
        return ToolUse("Read", page)

    @property
    def whole(self) -> bool:
        return not self.unreadable and next(self.pages(), None) is None

    def lines(self) -> Iterator[str | None]:
        """Its text as far as it was shown; None for a line that was not."""
        return (self.shown.get(number) for number in range(1, max(self.shown, default=0) + 1))


def diff_files(calls: Iterable[Call]) -> list[DiffFile]:
    """The diff files that Glob or Grep listed, with what Read has shown of them, by name."""
    files: dict[str, DiffFile] = {}
    for call in calls:
        if call.name in ("Glob", "Grep") and not call.failed:
            _list(files, call.result or "")
        elif call.name == "Read" and call.result is not None:
            name = _NAME.search(str(call.input.get("file_path", "")))
            if name and name[1] in files:
                files[name[1]].take(call)
    return [files[name] for name in sorted(files)]


def _list(files: dict[str, DiffFile], listing: str) -> None:
    for name, count in _NAME.findall(listing):
        file = files.setdefault(name, DiffFile(name))
        if count:
            file.total = int(count)
