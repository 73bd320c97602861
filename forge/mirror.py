"""Bare mirrors of GitHub's repositories: cloned once, fetched when a commit is missing, served to runners."""

import base64
import logging
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from forge.locks import Locks
from stack.diff import FileDiff, diff_between
from stack.errors import GiveUp, Refused, TryAgain
from stack.git import git, run

log = logging.getLogger(__name__)

Say = Callable[[str], None]

FETCH_TIMEOUT_SECONDS = 500  # the orchestrator waits ten minutes for the forge
REMEMBERED_DIFFS = 8  # a diff is needed when a pull request is fetched and again when its review is posted

# What git's check finds in the history of well-known repositories and harms nobody.
_HARMLESS = (
    "badTimezone", "missingSpaceBeforeDate", "zeroPaddedDate", "zeroPaddedFilemode",
    "missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeEmail", "badEmail", "badFilemode", "nullSha1",
)  # fmt: skip
_FETCHING = {
    "http.lowSpeedLimit": "1000",  # bytes a second
    "http.lowSpeedTime": "60",
    **{f"fetch.fsck.{kind}": "ignore" for kind in _HARMLESS},
}


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


class Corrupt(GiveUp):
    """The mirror cannot be used as it is."""


class Mirrors:
    """The mirrors under `folder` of repositories at `url`. The token reaches git by its environment alone."""

    def __init__(self, *, folder: Path, url: str, token: str) -> None:
        self._folder = folder.absolute()
        self._url = url
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        self._configuration = {**_FETCHING, f"http.{url}/.extraHeader": f"Authorization: Basic {basic}"}
        self._locks = Locks()
        self._diff = lru_cache(maxsize=REMEMBERED_DIFFS)(diff_between)

    def path(self, repository: str) -> Path:
        """Where the mirror of `owner/name` lies or would lie. The name must have been checked."""
        return self._folder / f"{repository.lower()}.git"

    def change(self, wanted: Wanted, say: Say) -> Change:
        """What the pull request changes; asks GitHub only for commits that the mirror lacks."""
        try:
            return self._change(wanted, say)
        except Corrupt as error:
            log.warning("the mirror of %s is made anew: %s", wanted.repository, error)
            with self._locks[wanted.repository]:
                shutil.rmtree(self.path(wanted.repository), ignore_errors=True)
            return self._change(wanted, say)

    def _change(self, wanted: Wanted, say: Say) -> Change:
        merge_base = self._merge_base(wanted) or self._fetched_merge_base(wanted, say)
        try:
            return Change(merge_base, self._diff(self.path(wanted.repository), merge_base, wanted.head_sha))
        except GiveUp as error:
            raise Corrupt(str(error)) from error

    def _fetched_merge_base(self, wanted: Wanted, say: Say) -> str:
        with self._locks[wanted.repository]:
            found = self._merge_base(wanted)  # another worker may have fetched it meanwhile
            if not found:
                self._update(wanted, say)
                found = self._merge_base(wanted)
            if not found:  # the head moved between GitHub's answer and git's, or the base was rewritten
                self._fetch(wanted, wanted.base_sha, wanted.head_sha)
                found = self._merge_base(wanted)
        if not found:
            raise Corrupt(f"{wanted.head_sha} was fetched and is not there")
        return found

    def _merge_base(self, wanted: Wanted) -> str | None:
        """Where head and base parted; None where the mirror lacks one of them."""
        path = self.path(wanted.repository)
        if not (path / "HEAD").exists():
            return None
        # GIT_DIR, or git would look for a repository in the folders above a broken one
        done = run("merge-base", wanted.base_sha, wanted.head_sha, environment={"GIT_DIR": str(path)})
        words = done.stderr.decode(errors="replace").strip()
        if done.returncode == 0:
            return done.stdout.decode().strip()
        if done.returncode == 1:
            raise GiveUp(f"Pull request {wanted.number} of {wanted.repository} has no history in common with its base")
        if "Not a valid" in words and "error:" not in words:
            return None
        raise Corrupt(words)

    def _update(self, wanted: Wanted, say: Say) -> None:
        path = self.path(wanted.repository)
        if (path / "HEAD").exists():
            say(f"Fetching {wanted.repository}")
        else:
            say(f"Cloning {wanted.repository}, this once")
            self._check_space(wanted)
            path.mkdir(parents=True, exist_ok=True)
            git("init", "--quiet", "--bare", "--template=", path)
        pull = f"refs/pull/{wanted.number}/head"
        self._fetch(wanted, "+refs/heads/*:refs/heads/*", f"+{pull}:{pull}")

    def _check_space(self, wanted: Wanted) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._folder).free // 1024
        if wanted.kilobytes > free:
            raise GiveUp(
                f"{wanted.repository} is too large: it takes {wanted.kilobytes // 1024} MB "
                f"and the forge's disk has {free // 1024} MB left"
            )

    def _fetch(self, wanted: Wanted, *refspecs: str) -> None:
        done = run(
            "fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head",
            "--", f"{self._url}/{wanted.repository}.git", *refspecs,
            configuration=self._configuration,
            environment={"GIT_DIR": str(self.path(wanted.repository))},
            timeout=FETCH_TIMEOUT_SECONDS,
        )  # fmt: skip
        if done.returncode:
            raise _fetch_error(done.stderr.decode(errors="replace"), wanted)


# What git prints when a fetch fails, and what that means. The first that is found counts.
_FETCH_ERRORS: tuple[tuple[str, type[TryAgain | GiveUp], str], ...] = (
    (r"No space left on device", GiveUp, "The forge's disk is full: {repository} cannot be fetched"),
    (
        r"not our ref|find remote ref|unadvertised object",
        TryAgain,
        "Pull request {number} of {repository} moved while it was fetched",
    ),
    (
        r"Authentication failed|could not read Username|returned error: 401",
        Refused,
        "The GitHub token is not accepted by git (401): it is wrong, has expired or was revoked",
    ),
    (r"returned error: 403", Refused, "GitHub refuses to let the token read {repository} with git (403)"),
    (r"not found|returned error: 404", GiveUp, "There is no repository {repository}, or the token may not see it"),
    (r"fsck ?error|fsckObjects", GiveUp, "Git's check refuses {repository}: {words}"),
    (
        r"unable to access|RPC failed|early EOF|disconnect|hung up|returned error|timed out|Connection reset",
        TryAgain,
        "{repository} cannot be fetched from GitHub now: {words}",
    ),
)


def _fetch_error(printed: str, wanted: Wanted) -> TryAgain | GiveUp:
    words = (printed.strip().splitlines() or ["git gives no reason"])[-1]
    for pattern, error, text in _FETCH_ERRORS:
        if re.search(pattern, printed):
            return error(text.format(repository=wanted.repository, number=wanted.number, words=words))
    return Corrupt(f"{wanted.repository} cannot be fetched: {words}")
