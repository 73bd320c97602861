"""The mirrors: what a pull request changes, with no more asked of GitHub than the mirror lacks."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from forge.locks import Locks
from forge.mirrors import words
from forge.mirrors.copies import Copies
from forge.mirrors.fetch import Remote
from forge.mirrors.history import Movement, movement
from forge.mirrors.words import Damaged
from forge.suggestions import lines_of
from stack.assignment import Assignment
from stack.diff import FileDiff, diff_between
from stack.errors import GiveUp, StackError, TryAgain
from stack.git import Failed, git, is_damage, run

log = logging.getLogger(__name__)

REMEMBERED_DIFFS = 8  # a diff is needed when a pull request is fetched and again when its review is posted
TURN_SECONDS = 2.0  # in which a short fetch for another run ends
NEXT_TURN_SECONDS = 20.0  # until it is looked again whether a long one has
MOST_BYTES_OF_A_FILE = 1 << 20  # whose lines are looked at
KEPT = "refs/reviewed/"  # heads that were looked at, by their ids
MOST_KEPT = 500  # heads of pull requests that a new copy takes over


@dataclass(frozen=True, slots=True)
class Wanted:
    """The commits of a pull request. `kilobytes` is the repository's size as GitHub tells it."""

    repository: str
    number: int
    base_sha: str
    head_sha: str
    kilobytes: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a pull request changes, from where it left its base."""

    merge_base: str
    files: list[FileDiff]


class Mirrors:
    """The mirrors under `folder` of repositories at `url`. There must be one of it: its locks part those who fetch."""

    def __init__(self, *, folder: Path, url: str, token: str, turn_seconds: float = TURN_SECONDS) -> None:
        self._turn_seconds = turn_seconds
        self._copies = Copies(folder)
        self._remote = Remote(url, token)
        self._locks = Locks()
        self._diff = lru_cache(maxsize=REMEMBERED_DIFFS)(diff_between)

    def path(self, repository: str) -> Path:
        """Where the mirror of `owner/name` lies or would lie. The name must have been checked."""
        return self._copies.newest(repository)

    def tidy(self) -> None:
        """Removes what nobody reads any more, where nobody is fetching."""
        for repository in self._copies.repositories():
            lock = self._locks[repository]
            if lock.acquire(blocking=False):
                try:
                    self._copies.tidy(repository)
                finally:
                    lock.release()

    def change(self, wanted: Wanted, at: Assignment) -> Change:
        """What the pull request changes; asks GitHub only for commits that the mirror lacks.

        A damaged mirror is replaced by a new one, which is made beside it while others go on reading.
        Raises Stopped, TryAgain, or GiveUp where the change cannot be had or is too large.
        """
        path = self.path(wanted.repository)
        try:
            return self._change(path, wanted, at)
        except Damaged as error:
            log.warning("the mirror of %s is made anew: %s", wanted.repository, error)
            self._make_anew(path, wanted, at)
            return self._change(self.path(wanted.repository), wanted, at)

    def lines(self, repository: str, commit: str, path: str) -> list[str] | None:
        """The lines of a file of a commit that the mirror has; None where it has none of that name, or no text."""
        blob = f"{commit}:{path}"
        done = run("cat-file", "-s", blob, environment={"GIT_DIR": str(self.path(repository))})
        if done.returncode or not done.stdout.strip().isdigit() or int(done.stdout) > MOST_BYTES_OF_A_FILE:
            return None
        return lines_of(run("cat-file", "blob", blob, environment={"GIT_DIR": str(self.path(repository))}).stdout)

    def keep(self, repository: str, commit: str) -> None:
        """Has a head outlive its branch, so that it can be told later how another one came from it."""
        done = run("update-ref", f"{KEPT}{commit}", commit, environment={"GIT_DIR": str(self.path(repository))})
        if done.returncode:
            log.warning("%s of %s is not kept: %s", commit, repository, done.stderr.decode(errors="replace").strip())

    def movement(self, repository: str, old: str, new: str, base: str) -> tuple[Movement, int]:
        """How head `new` of a pull request for `base` came from head `old`, and how many commits were added."""
        path = self.path(repository)
        return movement(path, old, new, base) if _is_there(path) else ("", 0)

    def _change(self, path: Path, wanted: Wanted, at: Assignment) -> Change:
        merge_base = _merge_base(path, wanted)
        if not merge_base:
            path, merge_base = self._fetched(wanted, at)
        at.stop.check()
        try:
            return Change(merge_base, self._diff(path, merge_base, wanted.head_sha))
        except Failed as error:
            raise words.of_reading(error.printed) from error

    def _fetched(self, wanted: Wanted, at: Assignment) -> tuple[Path, str]:
        """The mirror with both commits in it, and where they parted."""
        with self._turn(wanted.repository):
            path = self.path(wanted.repository)
            found = _merge_base(path, wanted)  # another worker may have fetched it meanwhile
            if not found:
                at.say(
                    f"Fetching {wanted.repository}" if _is_there(path) else f"Cloning {wanted.repository}, this once"
                )
                found = self._fetch_change(path, wanted, at)
            return path, found

    @contextmanager
    def _turn(self, repository: str) -> Iterator[None]:
        """Nobody else fetches into the mirror meanwhile. Raises TryAgain where that takes long: it keeps no worker."""
        lock = self._locks[repository]
        if not lock.acquire(timeout=self._turn_seconds):
            raise TryAgain(f"{repository} is being fetched for another run", after=NEXT_TURN_SECONDS)
        try:
            yield
        finally:
            lock.release()

    def _fetch_change(self, path: Path, wanted: Wanted, at: Assignment) -> str:
        """Has both commits in the copy at `path`, which is made where it is not there; returns where they parted."""
        if not _is_there(path):
            self._check_space(wanted)
            path.mkdir(parents=True, exist_ok=True)
            git("init", "--quiet", "--bare", "--template=", path)
        pull = f"refs/pull/{wanted.number}/head"
        self._fetch(path, wanted, at, "+refs/heads/*:refs/heads/*", f"+{pull}:{pull}")
        found = _merge_base(path, wanted)
        if not found:  # the head moved between GitHub's answer and git's, or the base was rewritten
            self._fetch(path, wanted, at, wanted.base_sha, wanted.head_sha)
            found = _merge_base(path, wanted)
        if not found:
            raise Damaged(f"{wanted.head_sha} was fetched and is not there")
        return found

    def _fetch(self, path: Path, wanted: Wanted, at: Assignment, *refspecs: str) -> None:
        complaint = self._remote.fetch(wanted.repository, path, *refspecs, stop=at.stop)
        if complaint:
            raise words.of_fetching(complaint, wanted.repository, wanted.number)

    def _check_space(self, wanted: Wanted) -> None:
        free = self._copies.free_kilobytes()
        if wanted.kilobytes > free:
            raise GiveUp(
                f"{wanted.repository} is too large: it takes {wanted.kilobytes // 1024} MB "
                f"and the forge's disk has {free // 1024} MB left"
            )

    def _make_anew(self, damaged: Path, wanted: Wanted, at: Assignment) -> None:
        """Puts a new copy in the place of a damaged one, unless another worker has done so meanwhile."""
        with self._turn(wanted.repository):
            if self.path(wanted.repository) != damaged:
                return
            at.say(f"Cloning {wanted.repository} anew: its mirror is damaged")
            place = self._copies.beside(wanted.repository)
            self._fetch_change(place, wanted, at)
            self._take_over(damaged, place, wanted, at)
            self._copies.replace(wanted.repository, place)

    def _take_over(self, old: Path, new: Path, wanted: Wanted, at: Assignment) -> None:
        """Fetches the heads of the pull requests that the old copy had: other runs may want them. As far as it goes."""
        listed = run(
            "for-each-ref", f"--count={MOST_KEPT}", "--format=+%(objectname):%(refname)", "refs/pull/",
            environment={"GIT_DIR": str(old)},
        )  # fmt: skip
        own = f"refs/pull/{wanted.number}/head"
        refspecs = [one for one in listed.stdout.decode(errors="replace").split() if not one.endswith(f":{own}")]
        if refspecs and (complaint := self._remote.fetch(wanted.repository, new, *refspecs, stop=at.stop)):
            log.warning("not all of the mirror of %s was taken over: %s", wanted.repository, complaint)
        self._take_over_kept(old, new)

    def _take_over_kept(self, old: Path, new: Path) -> None:
        """Copies the heads that were kept: GitHub may not give them any more. As far as it goes."""
        kept = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", old, f"+{KEPT}*:{KEPT}*")
        try:
            git(*kept, environment={"GIT_DIR": str(new), "GIT_ALLOW_PROTOCOL": "file"})
        except StackError as error:
            log.warning("the heads in %s are not kept: %s", old, error)


def _is_there(path: Path) -> bool:
    return (path / "HEAD").exists()


def _merge_base(path: Path, wanted: Wanted) -> str | None:
    """Where head and base parted; None where the mirror lacks one of them."""
    if not _is_there(path):
        return None
    # GIT_DIR, or git would look for a repository in the folders above a broken one
    done = run("merge-base", wanted.base_sha, wanted.head_sha, environment={"GIT_DIR": str(path)})
    printed = done.stderr.decode(errors="replace")
    if done.returncode == 0:
        return done.stdout.decode().strip()
    if not is_damage(printed):
        if done.returncode == 1:
            raise GiveUp(f"Pull request {wanted.number} of {wanted.repository} has no history in common with its base")
        if "Not a valid" in printed:
            return None
    raise words.of_reading(printed)
