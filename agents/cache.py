"""A bare cache of each repository, which Claude's user cannot write, and checkouts from it."""

import logging
import re
import shutil
import threading
import time
from collections import defaultdict
from pathlib import Path

from stack.errors import GiveUp, TryAgain
from stack.git import git, run

log = logging.getLogger(__name__)

# Seconds before each try to fetch: a restart of the forge is waited for.
PAUSES = (0, 1, 4, 10, 20, 25)
# What git says where the forge has answered with a refusal: trying again would not help.
REFUSED = re.compile(r"error: 40[134]|not found|Authentication failed|could not read Username")

_locks: dict[Path, threading.Lock] = defaultdict(threading.Lock)


class Cache:
    """The caches of one agent, filled from the forge."""

    def __init__(self, folder: Path, *, forge_url: str) -> None:
        self._folder = folder
        self._forge_url = forge_url.rstrip("/")

    def with_commits(self, repository: str, commits: list[str], *, token: str) -> Path:
        """The bare cache of a repository, which has these commits. Raises TryAgain or GiveUp."""
        cache = self._folder / f"{repository}.git"
        with _locks[cache]:
            if not (cache / "HEAD").exists():
                git("init", "--quiet", "--bare", "--end-of-options", cache)
            missing = [commit for commit in commits if not self._has(cache, commit)]
            if missing:
                self._fetch(cache, repository, missing, token)
        return cache

    def check_out(self, cache: Path, commit: str, folder: Path) -> None:
        """The files of a commit in `folder`, a repository that borrows the cache's objects."""
        git("init", "--quiet", "--end-of-options", folder)
        (folder / ".git/objects/info/alternates").write_text(f"{(cache / 'objects').absolute()}\n")
        git("checkout", "--quiet", "--detach", commit, "--", folder=folder)

    @staticmethod
    def _has(cache: Path, commit: str) -> bool:
        # the ref is written only after a whole fetch; the object alone could be half of one
        return run("rev-parse", "--verify", "--quiet", f"refs/cache/{commit}^{{commit}}", folder=cache).returncode == 0

    def _fetch(self, cache: Path, repository: str, commits: list[str], token: str) -> None:
        """Fetches the commits. Where that fails it tries again for a minute, the last times with a cache made anew."""
        for number, pause in enumerate(PAUSES):
            time.sleep(pause)
            if number >= 2:
                shutil.rmtree(cache)
                git("init", "--quiet", "--bare", "--end-of-options", cache)
            try:
                return self._fetch_once(cache, repository, commits, token)
            except GiveUp as error:
                if REFUSED.search(str(error)):
                    raise GiveUp(f"the forge does not hand out {repository}") from error
                log.warning("the forge could not be fetched from: %s", error)
        raise TryAgain("the forge cannot be reached")

    def _fetch_once(self, cache: Path, repository: str, commits: list[str], token: str) -> None:
        url = f"{self._forge_url}/git/{repository}"
        git(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", url,
            *(f"+{commit}:refs/cache/{commit}" for commit in commits),
            folder=cache,
            configuration={"http.extraHeader": f"Authorization: Bearer {token}"},
            timeout=600,
        )  # fmt: skip
