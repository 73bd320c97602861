"""Symbolic links that a change makes: what stands where they lead is content in a new place."""

from collections import deque
from pathlib import Path
from typing import NamedTuple

from stack.diffs.blobs import first_bytes
from stack.diffs.values import SYMLINK
from stack.git import TooLarge, git_within

_MOST_LISTED = 64 << 20  # bytes of git's list of all files
_MOST_STEPS = 40  # from link to link, as Linux has it
_LONGEST_PATH = 4096  # bytes
_FOLDER = "040000"


class Listed(NamedTuple):
    """What stands at a path: its mode and git's id of it."""

    mode: str
    blob: str


def targets(repository: Path, head: str, links: list[bytes], *, timeout: float) -> dict[bytes, list[bytes] | None]:
    """The files at commit `head` that each of these links leads to: one, or all of a folder's.

    A link that leads to nothing, or out of the repository, leads to no file. None: the repository has too many files.
    """
    if not links:
        return {}
    try:
        listed = _all_files(repository, head, timeout)
    except TooLarge:
        return dict.fromkeys(links)
    blobs = {entry.blob for entry in listed.values() if entry.mode == SYMLINK}
    texts = first_bytes(repository, blobs, _LONGEST_PATH, timeout=timeout)
    goals = {link: _followed(link, listed, texts) for link in links}
    return {link: [] if goal is None else _files(goal, listed) for link, goal in goals.items()}


def _all_files(repository: Path, head: str, timeout: float) -> dict[bytes, Listed]:
    printed = git_within(
        _MOST_LISTED, "ls-tree", "-r", "-t", "-z", "--full-tree", "--end-of-options", head,
        folder=repository, timeout=timeout,
    )  # fmt: skip
    rows = (row.split(b"\t", 1) for row in printed.split(b"\0") if row)
    facts = ((path, said.decode().split()) for said, path in rows)
    return {path: Listed(mode, blob) for path, (mode, _, blob) in facts}


def _followed(link: bytes, listed: dict[bytes, Listed], texts: dict[str, bytes]) -> bytes | None:
    """The path at which one ends up, empty for the top folder; None: nowhere in the repository."""
    here: list[bytes] = []
    ahead, steps = deque(link.split(b"/")), 0
    while ahead:
        name = ahead.popleft()
        if name == b"..":
            if not here:
                return None
            here.pop()
        elif name not in (b"", b"."):
            entry = listed.get(b"/".join((*here, name)))
            if entry is None or (ahead and entry.mode not in (_FOLDER, SYMLINK)):
                return None
            if entry.mode != SYMLINK:
                here.append(name)
                continue
            text, steps = texts.get(entry.blob, b""), steps + 1
            if not text or text.startswith(b"/") or steps > _MOST_STEPS:
                return None
            ahead.extendleft(reversed(text.split(b"/")))
    return b"/".join(here)


def _files(path: bytes, listed: dict[bytes, Listed]) -> list[bytes]:
    if path in listed and listed[path].mode != _FOLDER:
        return [path]
    inside = path and path + b"/"
    return [other for other, entry in listed.items() if other.startswith(inside) and entry.mode != _FOLDER]
