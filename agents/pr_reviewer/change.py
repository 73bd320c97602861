"""The change as it lies in the workspace: `diff/` has a unified diff per file, `repo/` the repository after it."""

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.role import Repositories
from agents.sandbox.workspace import Part, Workspace
from stack.diff import FileDiff, diff_between
from stack.work.review import Finding

DIFF, REPO = Part("diff"), Part("repo")
PARTS = (DIFF, REPO)
LARGEST_FILE = 20 << 20  # bytes, of which lines are counted


@dataclass(frozen=True)
class Change:
    """The changed files, and the names of their diffs in the workspace, in the same order."""

    files: list[FileDiff]
    names: list[str]
    work: Path

    @classmethod
    def of(cls, files: list[FileDiff], work: Path) -> "Change":
        """These files, numbered from 1."""
        return cls(files, [f"{DIFF.name}/{number:04}.diff" for number in range(1, len(files) + 1)], work)

    @classmethod
    def lay_out(cls, cache: Path, base: str, head: str, workspace: Workspace, repositories: Repositories) -> "Change":
        """Fills both parts from a cache that has the commits. Raises GiveUp where the change is too large."""
        change = cls.of(diff_between(cache, base, head), workspace.work)
        repositories.check_out(cache, head, workspace.part(REPO.name))
        for file, name in zip(change.files, change.names, strict=True):
            (workspace.work / name).write_text(file.text, encoding="utf-8", newline="")
        return change

    def without(self, names: Collection[str]) -> "Change":
        """The same, but the files whose diffs have these names."""
        kept = [(file, name) for file, name in zip(self.files, self.names, strict=True) if name not in names]
        return Change([file for file, _ in kept], [name for _, name in kept], self.work)

    def plain(self, path: str) -> str:
        """A path in the repository, however the model names it: without the workspace, and without its `repo/`."""
        path = os.path.normpath(path).removeprefix(f"{self.work}/")
        known = any(path in (file.path, file.old_path) for file in self.files)
        return path if known else path.removeprefix(f"{REPO.name}/")

    def paths_of(self, path: str) -> set[str]:
        """What a file is called, before and after the change."""
        of = [{file.path, file.old_path} for file in self.files if path in (file.path, file.old_path)]
        return {path}.union(*of)

    def misplaced(self, finding: Finding) -> str | None:
        """What is wrong with a finding's place, in words for the model; None: nothing. Its path is a plain one."""
        path, lines = finding.path, self._lines(finding.path)
        diffs = [file for file in self.files if path in (file.path, file.old_path)]
        if not diffs and lines is None:
            return f"path: there is no file {path} in the repository, and none in the change"
        if finding.end_line < finding.start_line:
            return f"end_line: {finding.end_line} is before start_line {finding.start_line}"
        if finding.side == "RIGHT" and lines is not None:
            return f"end_line: {path} has {lines} lines" if finding.end_line > lines else None
        if any(_shows(file, finding) for file in diffs):
            return None
        if finding.side == "LEFT":
            return f"side: {_lines_of(finding)} of the old {path} are in no hunk; RIGHT is the new one"
        return f"side: there is no new {path} with {_lines_of(finding)}; LEFT is the old one"

    def _lines(self, path: str) -> int | None:
        """How many lines a file has after the change; None where it is not there, or is no file with lines."""
        root = self.work / REPO.name
        file = Path(os.path.normpath(root / path))
        with suppress(OSError, ValueError):  # a name that no file can have
            if file.is_relative_to(root) and file.is_file() and file.stat().st_size <= LARGEST_FILE:
                text = file.read_bytes()
                return text.count(b"\n") + (not text.endswith(b"\n"))
        return None


def _shows(file: FileDiff, finding: Finding) -> bool:
    """Whether a diff has the finding's lines; one without hunks has none that could be named instead."""
    if not file.is_on(finding.side):
        return False
    return not file.hunks or file.holds(finding.side, finding.start_line, finding.end_line)


def _lines_of(finding: Finding) -> str:
    if finding.start_line == finding.end_line:
        return f"line {finding.start_line}"
    return f"lines {finding.start_line} to {finding.end_line}"
