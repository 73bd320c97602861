"""What changes between two commits, as files, hunks and lines: git's diff, and beside it what that leaves unsaid.

The pieces are in `stack/diffs/`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from stack.diffs.media import clear_media
from stack.diffs.parsing import entries, parse
from stack.diffs.values import FileDiff, Hunk, Line, at, by_path, digest_of
from stack.diffs.wholes import wholes
from stack.errors import GiveUp
from stack.git import TooLarge, git_within

__all__ = ["FileDiff", "Hunk", "Line", "at", "by_path", "diff_between", "digest_of", "parse"]

MOST_BYTES = 20 << 20  # some 100 bytes of memory stand behind each byte of a diff
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # every git knows it
_MOST_ARGUMENTS = 64 << 10  # bytes of paths for one git


def diff_between(repository: Path, base: str, head: str, *, timeout: float = 120) -> list[FileDiff]:
    """The diff from commit `base` to commit `head` in a bare repository, with nothing of the repository obeyed.

    Each file's diff stands there as GitHub shows it. Where a file came into a new place, was made executable or is
    linked to, one more shows all of its content. `timeout` seconds are for each git. Raises GiveUp where all of them
    have more than MOST_BYTES.
    """
    printed = _print(repository, "--find-renames", "--raw", "--abbrev=40", trees=(base, head), timeout=timeout)
    text = printed.decode(errors="replace")
    files, listed = parse(text), entries(text)
    modes = {entry.path: (entry.old_mode, entry.new_mode) for entry in listed}
    for file in files:
        if file.status == "renamed":  # where the content stayed, its diff does not say them
            file.old_mode, file.new_mode = modes[file.path]
    reasons = wholes(repository, head, listed, files, timeout=timeout)
    files = list(_joined(files, _all_of(repository, head, reasons, had=len(printed), timeout=timeout)))
    clear_media(repository, files, timeout=timeout)
    return files


def _all_of(repository: Path, head: str, reasons: dict[bytes, str], *, had: int, timeout: float) -> list[FileDiff]:
    """All of the content of these files, each as the diff of a new one. `had` bytes of diff are there already."""
    shown: list[FileDiff] = []
    for names in _in_parts(reasons):
        paths = [b":(literal)" + name for name in names]
        trees = (_EMPTY_TREE, head)
        printed = _print(repository, "--no-renames", trees=trees, paths=paths, had=had, timeout=timeout)
        had += len(printed)
        shown += parse(printed.decode(errors="replace"))
    notes = {name.decode(errors="replace"): f"all of its content, since {why}" for name, why in reasons.items()}
    for file in shown:
        file.whole, file.note = True, notes[file.path]
    return shown


def _joined(files: list[FileDiff], shown: list[FileDiff]) -> Iterator[FileDiff]:
    """What shows all of a file comes after its own diff, where there is one."""
    left = by_path(shown)
    for file in files:
        yield file
        if file.is_on("RIGHT"):
            yield from left.pop(file.path, [])
    for more in left.values():
        yield from more


def _in_parts(names: Iterable[bytes]) -> Iterator[list[bytes]]:
    part, size = list[bytes](), 0
    for name in names:
        size += len(name)
        if part and size > _MOST_ARGUMENTS:
            yield part
            part, size = [], len(name)
        part.append(name)
    if part:
        yield part


def _print(
    repository: Path,
    *options: str,
    trees: tuple[str, str],
    paths: list[bytes] | None = None,
    had: int = 0,
    timeout: float,
) -> bytes:
    try:
        return git_within(
            MOST_BYTES - had,
            "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--patch", "--unified=3", "--full-index",
            "--src-prefix=a/", "--dst-prefix=b/", *options, "--end-of-options", *trees, "--", *(paths or ()),
            folder=repository, timeout=timeout,
        )  # fmt: skip
    except TooLarge as error:
        size = had + error.size
        raise GiveUp(
            f"the change is too large to review: its diff has {size >> 20} MB, {MOST_BYTES >> 20} is most"
        ) from error
