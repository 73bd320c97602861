"""A bare cache of each repository, which Claude's user cannot write, and checkouts from it.

A cache that may be damaged is made anew beside the old one, and takes its place when it is whole. So is one that a task
found damaged while it read it: a mark in it says so to the next task. The old one goes when nobody reads it any more:
who does holds a lock on its folder, which ends with the process at the latest.
"""

import fcntl
import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import requests

from stack.assignment import Stop
from stack.errors import GiveUp, StackError, TryAgain
from stack.git import Failed, clean_environment, git, is_damage, run
from stack.proof import ask
from stack.secret import Secret
from stack.sessions import session_with

log = logging.getLogger(__name__)

# Seconds before each try to fetch: a restart of the forge is waited for.
PAUSES = (0, 1, 4, 10, 20, 25)
# So often a fetch fails while the forge answers, until the cache is taken to be at fault; it is made anew once.
TRIES = 2
FETCH_SECONDS = 600
END_SECONDS = 5.0  # for git to end by itself: what it has begun is cleared away then
ASK_SECONDS = 10
DAMAGED = "found-damaged"  # a mark in a cache
LOOK_SECONDS = 0.2  # between looks at a lock, and at whether the task was stopped
REFUSALS = (401, 403, 404)


class Forge(NamedTuple):
    """Where it is, and what it proves with that it is the forge."""

    url: str
    proof_key: Secret


class Cache:
    """The caches of one agent, filled from the forge."""

    def __init__(self, folder: Path, *, forge_url: str, proof_key: Secret, pauses: Sequence[float] = PAUSES) -> None:
        self._folder = folder
        self._forge = Forge(forge_url.rstrip("/"), proof_key)
        self._pauses = pauses

    @contextmanager
    def opened(self, token: str, stop: Stop) -> Iterator["Opened"]:
        """The caches as one task may use them; what it reads is kept until it has ended."""
        with ExitStack() as held:
            yield Opened(self._folder, self._forge, self._pauses, token, stop, held)


class Opened:
    """The caches as one task may use them: see agents.role.Repositories."""

    def __init__(
        self, folder: Path, forge: Forge, pauses: Sequence[float], token: str, stop: Stop, held: ExitStack
    ) -> None:
        self._folder = folder
        self._forge = forge
        self._pauses = pauses
        self._token = token
        self._stop = stop
        self._held = held
        self._had: list[Path] = []

    def cache(self, repository: str, commits: list[str]) -> Path:
        """The bare cache of a repository, which has these commits. Raises TryAgain, GiveUp or Stopped."""
        first = self._folder / f"{repository}.git"
        first.parent.mkdir(parents=True, exist_ok=True)
        with self._alone(first):
            _remove_unfinished(first)
            cache = _newest(first)
            if not (cache / "HEAD").exists():
                _make(cache)
            if (cache / DAMAGED).exists() or not all(_has(cache, commit) for commit in commits):
                cache = self._fetch(cache, first, repository, commits)
            self._held.enter_context(_reading(cache))
            self._had.append(cache)
            _remove_unread(first, but=cache)
        return cache

    def check_out(self, cache: Path, commit: str, folder: Path) -> None:
        """The files of a commit in `folder`, a repository that borrows the cache's objects."""
        git("init", "--quiet", "--end-of-options", folder)
        (folder / ".git/objects/info/alternates").write_text(f"{(cache / 'objects').absolute()}\n")
        git("checkout", "--quiet", "--detach", commit, "--", folder=folder)

    def judged(self, error: Failed) -> StackError:
        """What it means that git failed on what it read here: what is damaged is made anew for the next attempt."""
        if not is_damage(error.printed):
            return error
        for cache in self._had:
            with suppress(OSError):  # another has taken its place
                (cache / DAMAGED).touch()
        return TryAgain(f"the agent's cache of the repository is damaged: {error}")

    def _fetch(self, cache: Path, first: Path, repository: str, commits: list[str]) -> Path:
        """The cache, or one made anew, with the commits. Where the forge is away it is waited for, a minute."""
        damaged = (cache / DAMAGED).exists()
        url = f"{self._forge.url}/git/{repository}"
        answered = 0
        for pause in self._pauses:
            self._wait(pause)
            if not damaged and self._fetched(cache, url, commits):
                return cache
            status = self._asked(url)
            if status in REFUSALS:
                raise GiveUp(f"the forge does not hand out {repository}")
            if status == requests.codes.ok:
                answered += 1
                if (damaged or answered == TRIES) and (anew := self._anew(first, url, commits)):
                    return anew
        raise TryAgain("the repository could not be fetched from the forge")

    def _anew(self, first: Path, url: str, commits: list[str]) -> Path | None:
        """A cache beside the old one, which the forge's answers show to be at fault; None where it is no better."""
        log.warning("the cache %s is made anew", first.name)
        making, cache = first.with_name(f"{first.name}.new"), _after(_newest(first))
        shutil.rmtree(making, ignore_errors=True)
        _make(making)
        if not self._fetched(making, url, commits):
            return None
        return making.rename(cache)

    def _fetched(self, cache: Path, url: str, commits: list[str]) -> bool:
        """Whether all commits are there now. Raises TryAgain where it takes too long, Stopped."""
        try:  # git shows its token to whoever listens
            ask(url, "forge", self._forge.proof_key)
        except OSError as error:
            log.warning("git fetch: %s", error)
            return False
        process = subprocess.Popen(
            ["git", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", url,
             *(f"+{commit}:refs/cache/{commit}" for commit in commits)],
            env=clean_environment({"http.extraHeader": f"Authorization: Bearer {self._token}"}) | _at(cache),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._stop.arm(lambda: _end(process))
        try:
            _, said = process.communicate(timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired as error:
            _end(process)
            process.communicate()
            raise TryAgain(f"git fetch took more than {FETCH_SECONDS} s") from error
        finally:
            self._stop.arm(None)
        self._stop.check()
        if process.returncode:
            log.warning("git fetch: %s", said.decode(errors="replace").strip()[-300:] or process.returncode)
        return process.returncode == 0

    def _asked(self, url: str) -> int:
        """What the forge answers to who would fetch; 0 where it is away."""
        headers = {"Authorization": f"Bearer {self._token}"}
        with session_with("forge", self._forge.proof_key) as session:
            try:
                answer = session.get(
                    f"{url}/info/refs?service=git-upload-pack", headers=headers, timeout=ASK_SECONDS, stream=True
                )
            except requests.RequestException:
                return 0
            with answer:
                return answer.status_code

    @contextmanager
    def _alone(self, first: Path) -> Iterator[None]:
        """Nobody else changes the caches of a repository meanwhile."""
        with first.with_name(f"{first.name}.lock").open("ab") as lock:
            while not _locked(lock.fileno(), fcntl.LOCK_EX):
                self._wait(LOOK_SECONDS)
            yield

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._stop.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_SECONDS))
            self._stop.check()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Has git and its own helpers end; what does not, a moment later, is killed."""
    _signal(process, signal.SIGTERM)
    kill = threading.Timer(END_SECONDS, _signal, (process, signal.SIGKILL))
    kill.daemon = True
    kill.start()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.returncode is None:  # or its number may be another's by now
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def _make(cache: Path) -> None:
    git("init", "--quiet", "--bare", "--end-of-options", cache)


def _has(cache: Path, commit: str) -> bool:
    # the ref is written only after a whole fetch; the object alone could be half of one
    wanted = f"refs/cache/{commit}^{{commit}}"
    return run("rev-parse", "--verify", "--quiet", wanted, environment=_at(cache)).returncode == 0


def _at(cache: Path) -> dict[str, str]:
    # or git would look for a repository in the folders above a broken one, and fetch into that
    return {"GIT_DIR": str(cache.absolute())}


def _number(first: Path, cache: Path) -> int:
    """0 for the first cache of a repository, 1 for the one that took its place; -1 for what is no cache of it."""
    if cache == first:
        return 0
    beside = re.fullmatch(rf"{re.escape(first.name)}\.(\d+)", cache.name)
    return int(beside[1]) if beside else -1


def _caches(first: Path) -> list[Path]:
    found = [path for path in first.parent.iterdir() if _number(first, path) >= 0]
    return sorted(found, key=lambda path: _number(first, path))


def _newest(first: Path) -> Path:
    return [first, *_caches(first)][-1]


def _after(cache: Path) -> Path:
    name, _, number = cache.name.rpartition(".")
    return cache.with_name(f"{name}.{int(number) + 1}" if number.isdigit() else f"{cache.name}.1")


@contextmanager
def _reading(cache: Path) -> Iterator[None]:
    folder = os.open(cache, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH)
        yield
    finally:
        os.close(folder)


def _remove_unfinished(first: Path) -> None:
    """Removes what a git that was killed has left of a pack: nobody else fetches meanwhile."""
    for cache in _caches(first):
        for path in (cache / "objects/pack").glob("tmp_*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > FETCH_SECONDS:
                    path.unlink()


def _remove_unread(first: Path, *, but: Path) -> None:
    """Removes what another cache has taken the place of, unless somebody reads it."""
    for cache in _caches(first):
        if cache == but:
            continue
        folder = os.open(cache, os.O_RDONLY)
        try:
            if _locked(folder, fcntl.LOCK_EX):
                shutil.rmtree(cache, ignore_errors=True)
        finally:
            os.close(folder)


def _locked(file: int, kind: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        return True
    return False
