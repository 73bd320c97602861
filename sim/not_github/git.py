"""The bare repositories of not-github. No name or path of a stranger becomes an argument of git: commands take
commit ids, and references that this program made up."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SHA = re.compile("[0-9a-f]{40}")
BUNDLE_SIGNATURES = (b"# v2 git bundle\n", b"# v3 git bundle\n")

# What GitHub does: any commit can be fetched, a part of one too, refs/pull is read-only, objects are checked.
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
    "receive.autogc": "false",
    "receive.fsckObjects": "true",
    "receive.hideRefs": "refs/pull",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
}


class GitError(Exception):
    """Git said no; the text is what it said."""


def environment() -> dict[str, str]:
    """An environment in which no configuration of the machine counts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What git printed. Raises `GitError`."""
    command = ["git", "--git-dir", str(folder), *arguments]
    done = subprocess.run(command, input=stdin, env=environment(), capture_output=True, check=False)
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def create(folder: Path) -> None:
    """An empty repository whose default branch is main."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "--template=")
    for name, value in SETTINGS.items():
        git(folder, "config", name, value)


def branches(folder: Path) -> dict[str, str]:
    """The commit of each branch, in git's order of names."""
    text = git(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/").decode(errors="replace")
    lines = (line.partition(" ") for line in text.split("\n") if line)
    return {name.removeprefix("refs/heads/"): sha for sha, _, name in lines}


def tags(folder: Path) -> dict[str, str]:
    """The commit of each tag."""
    text = git(folder, "for-each-ref", "--format=%(objectname) %(*objectname) %(refname)", "refs/tags/").decode()
    lines = (line.split(" ", 2) for line in text.split("\n") if line)
    return {name.removeprefix("refs/tags/"): peeled or sha for sha, peeled, name in lines}


def set_reference(folder: Path, reference: str, sha: str) -> None:
    git(folder, "update-ref", "--no-deref", reference, sha)


def import_bundle(folder: Path, bundle: bytes, *, suffix: str = "") -> None:
    """Takes the branches of a bundle in, all or none, each under its name with the suffix. Raises `GitError` where
    the bytes are no bundle, or a branch of that name has commits that the bundle's has not."""
    if not bundle.startswith(BUNDLE_SIGNATURES):
        raise GitError("the body is no git bundle")
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(bundle)
        file.flush()
        git(folder, "fetch", "--quiet", "--atomic", "--no-tags", file.name, f"refs/heads/*:refs/heads/*{suffix}")


def run_fast_import(folder: Path, stream: bytes) -> None:
    git(folder, "fast-import", "--quiet", stdin=stream)


@dataclass(frozen=True)
class Signature:
    name: str
    email: str
    seconds: int


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


COMMIT_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%at", "%cn", "%ce", "%ct", "%B")


@lru_cache(maxsize=1024)
def commits(folder: Path, tip: str, *, without: str | None = None, limit: int = 1) -> tuple[Commit, ...]:
    """The newest `limit` commits of `tip` that `without` does not have, the oldest of them first."""
    revisions = [tip, f"^{without}"] if without else [tip]
    layout = f"--format=tformat:{'%x00'.join(COMMIT_FIELDS)}"
    text = git(folder, "log", "-z", f"--max-count={limit}", layout, "--end-of-options", *revisions)
    fields = text.decode(errors="replace").split("\0")
    size = len(COMMIT_FIELDS)
    found = [_commit(fields[start : start + size]) for start in range(0, len(fields) - size + 1, size)]
    return tuple(reversed(found))


def _commit(fields: list[str]) -> Commit:
    sha, tree, parents, author, author_email, authored, committer, committer_email, committed, message = fields
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=Signature(author, author_email, int(authored)),
        committer=Signature(committer, committer_email, int(committed)),
        message=message.rstrip("\n"),
    )


@lru_cache(maxsize=1024)
def merge_base(folder: Path, base: str, head: str) -> str | None:
    """None where the two have no history in common."""
    try:
        return git(folder, "merge-base", "--end-of-options", base, head).decode().strip()
    except GitError:
        return None


@lru_cache(maxsize=1024)
def count(folder: Path, tip: str, *, without: str) -> int:
    """How many commits of `tip` the other does not have."""
    return int(git(folder, "rev-list", "--count", "--end-of-options", tip, f"^{without}"))


def is_commit(folder: Path, sha: str) -> bool:
    """Whether the full id of a commit that is there, on whatever branch or none."""
    try:
        return bool(SHA.fullmatch(sha)) and _kind(folder, sha) == "commit"
    except GitError:  # which is not remembered: it may come yet
        return False


@lru_cache(maxsize=1024)
def _kind(folder: Path, sha: str) -> str:
    return git(folder, "cat-file", "-t", sha).decode().strip()


@lru_cache(maxsize=1024)
def blob_changes(folder: Path, old: str, new: str) -> str:
    """The diff of two blobs without context."""
    plain = ("--unified=0", "--no-ext-diff", "--no-textconv", "--no-color", "--end-of-options")
    return git(folder, "diff", *plain, old, new).decode(errors="replace")


RENAMES = ("-r", "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color")


def diff_entries(folder: Path, base: str, head: str) -> bytes:
    """Modes, blob ids, states and names of the changed files, separated by NUL."""
    return git(folder, "diff-tree", *RENAMES, "--raw", "-z", "--no-abbrev", "--end-of-options", base, head)


@lru_cache(maxsize=32)
def diff_text(folder: Path, base: str, head: str) -> bytes:
    """The diff as a person reads it, with three lines of context."""
    return git(folder, "diff-tree", *RENAMES, "--patch", "--unified=3", "--end-of-options", base, head)
