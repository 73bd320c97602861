"""The record of what the model was shown, line by line, and what that means for the units of a change.

A unit is a hunk, or a header that says something (a rename, a mode, that a file is new); what is opaque counts as a
hunk that nobody can read. It counts as read when each of its lines was shown to the model as it stands in the diff, or,
where lines were only added, in the new file: in the brief, or in a tool's answer after which the model has gone on.
What the model says about it does not count.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from stack.diff import FileDiff, Hunk, by_path, digest_of
from stack.work.review import Coverage, FileCoverage

NOTHING: Mapping[str, str] = MappingProxyType({})


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


def unchanged(files: list[FileDiff], earlier: Mapping[str, str]) -> dict[str, str]:
    """The paths that need not be read anew, with their digests: `earlier` has those of what was read whole before."""
    if not earlier:
        return {}
    digests = {path: digest_of(diffs) for path, diffs in by_path(files).items() if path in earlier}
    return {path: digest for path, digest in digests.items() if earlier[path] == digest}


def coverage(files: list[FileDiff], names: list[str], shown: Shown, kept: Collection[str] = ()) -> Coverage:
    """Which units of `files` were shown. `names` are the diffs' own paths in the workspace, in the same order.

    `kept` are the paths that need not be read anew (see `unchanged`).
    """
    rows = _rows(files, names, shown)
    new = [row for row in rows if row.path not in kept]
    return Coverage(
        hunks=sum(row.hunks for row in rows),
        read=sum(row.read for row in new),
        headers=sum(row.headers for row in rows),
        headers_read=sum(row.headers_read for row in new),
        kept=sum(row.hunks + row.headers for row in rows if row.path in kept),
        binary_files=sum(row.binary for row in rows),
        unread=tuple(row for row in new if not _is_whole(row)),
    )


def read_whole(
    files: list[FileDiff], names: list[str], shown: Shown, kept: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """The paths of which all diffs were shown whole, or need not be read anew, with the digest of these diffs."""
    partly = {row.path for row in _rows(files, names, shown) if not _is_whole(row)}
    whole = ((path, diffs) for path, diffs in by_path(files).items() if path not in partly or path in kept)
    return {path: kept.get(path) or digest_of(diffs) for path, diffs in whole}


def left_to_read(files: list[FileDiff], names: list[str], shown: Shown, kept: Collection[str] = ()) -> list[str]:
    """The names of the diffs that have more to show: what is opaque cannot be read by reading on."""
    rows = zip(names, files, _rows(files, names, shown), strict=True)
    return [
        name
        for name, file, row in rows
        if row.path not in kept and (row.read + file.opaque, row.headers_read) != (row.hunks, row.headers)
    ]


def _is_whole(row: FileCoverage) -> bool:
    return (row.read, row.headers_read) == (row.hunks, row.headers)


def _rows(files: list[FileDiff], names: list[str], shown: Shown) -> list[FileCoverage]:
    return [_of_file(file, name, shown) for file, name in zip(files, names, strict=True)]


def _of_file(file: FileDiff, name: str, shown: Shown) -> FileCoverage:
    lines = file.text.removesuffix("\n").split("\n")
    says = bool(file.header) and not file.whole  # of what is shown whole, its file's own diff says all
    return FileCoverage(
        path=file.path,
        hunks=len(file.hunks) + file.opaque,
        read=sum(_is_read(file, hunk, name, lines, shown) for hunk in file.hunks),
        headers=int(says),
        headers_read=int(says and shown.has(name, 1, lines[: file.header_lines])),
        binary=file.binary,
    )


def _is_read(file: FileDiff, hunk: Hunk, name: str, lines: list[str], shown: Shown) -> bool:
    if shown.has(name, hunk.first, lines[hunk.first - 1 : hunk.last]):
        return True
    # lines that were only added can be read in the new file as well
    if any(line.tag == "-" for line in hunk.lines):
        return False
    return bool(hunk.lines) and all(
        line.new is not None and shown.has(f"repo/{file.path}", line.new, [line.text]) for line in hunk.lines
    )
