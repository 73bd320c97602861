"""How the head of a pull request came from an earlier one."""

import re
from collections import Counter
from pathlib import Path
from typing import Literal

from stack.diff import diff_between, parse
from stack.errors import StackError
from stack.git import git, git_within, run

Movement = Literal["", "same", "pushed", "merged", "rebased", "forced"]

SECONDS = 20.0  # for each git
MOST_COMMITS = 500  # whose patches are compared
MOST_BYTES = 8 << 20  # of a list of commits, or of their patches
_COMMIT = re.compile(r"^commit [0-9a-f]{40}\n", re.MULTILINE)


def movement(repository: Path, old: str, new: str, base: str) -> tuple[Movement, int]:
    """How commit `new` came from `old`, both proposed for `base`, and how many commits were added.

    pushed: commits were added; merged: nothing but merges of the base, or with a merge the change stayed what it was;
    rebased: the same patches on another commit, or in other words; forced: the branch was rewritten. Empty: a commit is
    not known, or it cannot be told in time. What the base has counts as no commit that was added. What a merge has
    changed besides is for the digests of the files to tell.
    """
    if old == new:
        return "same", 0
    try:
        if not all(_is_known(repository, commit) for commit in (old, new, base)):
            return "", 0
        if _is_ancestor(repository, old, new):
            return _added(repository, old, new, base)
        patches = _patches(repository, old, base)
        return ("rebased" if patches and patches == _patches(repository, new, base) else "forced"), 0
    except StackError:
        return "", 0


def _added(repository: Path, old: str, new: str, base: str) -> tuple[Movement, int]:
    ours = _parents(repository, new, f"^{base}")
    added = [*_parents(repository, new, f"^{base}", f"^{old}").values()]
    merges = [parents for parents in added if len(parents) > 1]
    if len(merges) == len(added) and all(sum(parent in ours for parent in parents) < 2 for parents in merges):
        return "merged", len(added)
    if merges and _change(repository, base, old) == _change(repository, base, new):
        return "merged", len(added)
    return "pushed", len(added)


def _is_known(repository: Path, commit: str) -> bool:
    return _succeeds(repository, "cat-file", "-e", f"{commit}^{{commit}}")


def _is_ancestor(repository: Path, old: str, new: str) -> bool:
    return _succeeds(repository, "merge-base", "--is-ancestor", old, new)


def _succeeds(repository: Path, *arguments: str) -> bool:
    return run(*arguments, folder=repository, timeout=SECONDS).returncode == 0


def _parents(repository: Path, *revisions: str) -> dict[str, list[str]]:
    """The commits that `git rev-list` finds, and the parents of each."""
    printed = git_within(
        MOST_BYTES, "rev-list", "--parents", "--end-of-options", *revisions, "--", folder=repository, timeout=SECONDS
    )
    return {commit: parents for commit, *parents in map(str.split, printed.decode().splitlines())}


def _change(repository: Path, base: str, head: str) -> list[tuple[str, str]]:
    """What a pull request with this head changes: paths and digests."""
    parted = git("merge-base", "--end-of-options", base, head, folder=repository, timeout=SECONDS).decode().strip()
    files = diff_between(repository, parted, head, timeout=SECONDS)
    return [(file.path, file.digest_anywhere) for file in files]


def _patches(repository: Path, head: str, base: str) -> Counter[tuple[str, ...]]:
    """What each commit of a branch changes, as digests: unlike git's patch-ids they know white space.

    Nothing where there are more than MOST_COMMITS.
    """
    printed = git_within(
        MOST_BYTES,
        "log", "--format=commit %H", f"--max-count={MOST_COMMITS + 1}", "--no-merges", "--patch", "--find-renames",
        "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--unified=3", "--src-prefix=a/",
        "--dst-prefix=b/", "--end-of-options", head, f"^{base}", "--",
        folder=repository, timeout=SECONDS,
    )  # fmt: skip
    # a line of a patch begins with a tag, or as git's headers do
    _, *commits = _COMMIT.split(printed.decode(errors="replace"))
    if len(commits) > MOST_COMMITS:
        return Counter()
    return Counter(tuple(file.digest_anywhere for file in parse(patch)) for patch in commits)
