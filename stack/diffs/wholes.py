"""Which files must show all of their content beside their diff, and why."""

from pathlib import Path

from stack.diffs.links import targets
from stack.diffs.parsing import Entry
from stack.diffs.places import why_whole
from stack.diffs.values import SYMLINK, FileDiff, on_one_line
from stack.git import git

MOST_LINKED = 100  # files that a link leads to and that are still shown


def wholes(
    repository: Path, head: str, listed: list[Entry], files: list[FileDiff], *, timeout: float
) -> dict[bytes, str]:
    """The reason for each, by its name after the change. A link that leads to too much is made opaque in `files`."""
    told = {file.path for file in files if file.binary}  # more than this cannot be said of them
    tops = _top_names(repository, head, timeout) if any(entry.letter == "R" for entry in listed) else set()
    reasons = {e.new: why for e in listed if e.path not in told and (why := why_whole(e, tops))}
    links = [entry.new for entry in listed if entry.new_mode == SYMLINK]
    new = {entry.new for entry in listed if entry.letter in "AT"}  # their diffs show all of them
    for link, led_to in targets(repository, head, links, timeout=timeout).items():
        path = link.decode(errors="replace")
        if led_to is None or len(led_to) > MOST_LINKED:
            _make_opaque(files, path, led_to)
            continue
        for name in {*led_to} - new - {link}:
            reasons.setdefault(name, f"{on_one_line(path)} leads to it")
    return reasons


def _top_names(repository: Path, head: str, timeout: float) -> set[bytes]:
    printed = git("ls-tree", "-z", "--name-only", "--end-of-options", head, folder=repository, timeout=timeout)
    return {*printed.split(b"\0")}


def _make_opaque(files: list[FileDiff], path: str, led_to: list[bytes] | None) -> None:
    many = f"to a folder of {len(led_to)} files" if led_to else "to one of too many files"
    for file in files:
        if file.path == path and file.is_on("RIGHT"):
            file.opaque, file.note = True, f"{many}, which are not shown"
