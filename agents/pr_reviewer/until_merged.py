"""Stands in for what comes with the record of headers and of what is kept; goes when that is here."""

import hashlib
from collections.abc import Mapping

from agents.pr_reviewer.coverage import Shown
from agents.pr_reviewer.coverage import coverage as _coverage
from stack.diff import FileDiff
from stack.work.review import Coverage


def digest(file: FileDiff) -> str:
    return hashlib.sha256(file.text.encode()).hexdigest()


def coverage(files: list[FileDiff], names: list[str], shown: Shown, earlier: Mapping[str, str]) -> Coverage:
    kept = [file for file in files if earlier.get(file.path) == digest(file)]
    left = [(file, name) for file, name in zip(files, names, strict=True) if file not in kept]
    found = _coverage([file for file, _ in left], [name for _, name in left], shown)
    hunks = sum(len(file.hunks) for file in kept)
    return found.model_copy(update={"hunks": found.hunks + hunks, "read": found.read + hunks})


def read_whole(files: list[FileDiff], names: list[str], shown: Shown, earlier: Mapping[str, str]) -> dict[str, str]:
    whole = {}
    for file, name in zip(files, names, strict=True):
        if coverage([file], [name], shown, earlier).complete:
            whole[file.path] = digest(file)
    return whole
