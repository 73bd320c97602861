"""The cache of repositories: filled from a forge that may be away, and never taken from under who reads it."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agents.cache import FETCH_SECONDS, Cache, Opened, _end
from agents.pr_reviewer.rules import Rules, rules_at
from stack.assignment import Stop, Stopped
from stack.diff import diff_between
from stack.errors import GiveUp, TryAgain
from stack.git import Failed, git
from tests.stack.proving import PROOF_KEY, proves
from tests.stack.repositories import Repository, run_git

REPOSITORY = "acme/shop"
PAUSES = (0, 0.1, 0.1, 0.1, 0.1, 0.5)


class Forge:
    """Serves a repository over HTTP as files; `status` is what it answers instead, `hold` lets it wait."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "work")
        self._served = folder / "served"
        run_git("init", "--quiet", "--bare", str(self._served / f"git/{REPOSITORY}"), folder=folder)
        self.status = 0
        self.asked = 0
        self.go = threading.Event()
        self.go.set()
        forge = self

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if proves(self, "forge", PROOF_KEY):
                    return
                forge.asked += 1
                forge.go.wait()
                if forge.status:
                    self.send_error(forge.status)
                else:
                    super().do_GET()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(self._served)))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def commit(self, content: bytes, *, name: bytes = b"app.py") -> str:
        """A commit that may be fetched, on a branch that has nothing in common with any other."""
        self.repository.git("checkout", "--quiet", "--orphan", f"branch-{time.monotonic_ns()}")
        commit = self.repository.commit({name: content})
        bare = self._served / f"git/{REPOSITORY}"
        self.repository.git("push", "--quiet", str(bare), f"HEAD:refs/heads/at-{commit}")
        run_git("update-server-info", folder=bare)
        return commit


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    forge = Forge(tmp_path)
    yield forge
    forge.go.set()
    forge.server.shutdown()
    forge.server.server_close()


@pytest.fixture
def cache(tmp_path: Path, forge: Forge) -> Cache:
    return Cache(tmp_path / "cache", forge_url=forge.url, proof_key=PROOF_KEY, pauses=PAUSES)


@contextmanager
def opened(cache: Cache, stop: Stop | None = None) -> Iterator[Opened]:
    """The caches as a task has them."""
    with cache.opened("a token", stop or Stop()) as repositories:
        yield repositories


def content(folder: Path, commit: str) -> bytes:
    """A file as git reads it from a repository that borrows the cache's objects."""
    command = ["git", "-C", str(folder), "cat-file", "blob", f"{commit}:app.py"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_a_commit_is_fetched_once_and_checked_out(cache: Cache, forge: Forge, tmp_path: Path) -> None:
    commit = forge.commit(b"one")
    with opened(cache) as repositories:
        found = repositories.cache(REPOSITORY, [commit])
        repositories.check_out(found, commit, tmp_path / "repo")
        asked = forge.asked
        repositories.cache(REPOSITORY, [commit])
    assert (tmp_path / "repo/app.py").read_bytes() == b"one"
    assert forge.asked == asked


def test_a_forge_that_is_away_for_a_moment_is_waited_for_and_nobody_loses_what_they_read(
    cache: Cache, forge: Forge, tmp_path: Path
) -> None:
    first = forge.commit(b"one")
    with opened(cache) as reading:
        found = reading.cache(REPOSITORY, [first])
        reading.check_out(found, first, tmp_path / "repo")
        second = forge.commit(b"two")
        forge.status = 503
        threading.Timer(0.5, lambda: setattr(forge, "status", 0)).start()
        with opened(cache) as other:
            assert content(other.cache(REPOSITORY, [second]), second) == b"two"
            assert content(tmp_path / "repo", first) == b"one"


def test_a_forge_that_stays_away_costs_no_cache(cache: Cache, forge: Forge, tmp_path: Path) -> None:
    first = forge.commit(b"one")
    with opened(cache) as reading:
        reading.check_out(reading.cache(REPOSITORY, [first]), first, tmp_path / "repo")
    second = forge.commit(b"two")
    forge.status = 503
    with opened(cache) as other, pytest.raises(TryAgain, match="could not be fetched"):
        other.cache(REPOSITORY, [second])
    assert content(tmp_path / "repo", first) == b"one"
    with opened(cache) as again:
        again.cache(REPOSITORY, [first])  # it is still there, without the forge


def test_a_damaged_cache_is_made_anew_beside_and_goes_when_nobody_reads_it(
    cache: Cache, forge: Forge, tmp_path: Path
) -> None:
    first, second = forge.commit(b"one"), forge.commit(b"two")
    with opened(cache) as reading:
        old = reading.cache(REPOSITORY, [first])
        reading.check_out(old, first, tmp_path / "repo")
        (old / "packed-refs").write_text("this is no reference\n")
        with opened(cache) as other:
            new = other.cache(REPOSITORY, [second])
            assert new != old
            assert content(new, second) == b"two"
        assert content(tmp_path / "repo", first) == b"one"
    with opened(cache) as later:
        assert later.cache(REPOSITORY, [second]) == new
    assert not old.exists()
    assert [path.name for path in sorted(new.parent.iterdir())] == ["shop.git.1", "shop.git.lock"]


def test_a_broken_cache_is_not_taken_for_a_repository_that_it_lies_in(
    cache: Cache, forge: Forge, tmp_path: Path
) -> None:
    run_git("init", "--quiet", folder=tmp_path)
    first, second = forge.commit(b"one"), forge.commit(b"two")
    with opened(cache) as repositories:
        broken = repositories.cache(REPOSITORY, [first])
    shutil.rmtree(broken / "objects")
    with opened(cache) as repositories:
        anew = repositories.cache(REPOSITORY, [second])
        assert content(anew, second) == b"two"
    assert run_git("for-each-ref", folder=tmp_path) == ""


def everything(cache: Path, base: str, head: str, folder: Path, repositories: Opened) -> list[Rules]:
    """What a role does with a cache."""
    diff_between(cache, base, head)
    repositories.check_out(cache, head, folder)
    return rules_at(cache, head)


@pytest.mark.parametrize("damage", ["empty", "junk", "gone"])
@pytest.mark.parametrize("kind", ["commit", "tree", "blob"])
def test_a_cache_in_which_an_object_is_damaged_is_made_anew_for_the_next_task(
    cache: Cache, forge: Forge, tmp_path: Path, kind: str, damage: str
) -> None:
    base, head = forge.commit(b"one", name=b"REVIEW.md"), forge.commit(b"two", name=b"REVIEW.md")
    named = {"commit": head, "tree": f"{head}^{{tree}}", "blob": f"{head}:REVIEW.md"}[kind]
    with opened(cache) as repositories:
        found = repositories.cache(REPOSITORY, [base, head])
        name = run_git("rev-parse", named, folder=found).strip()
        spoil(found, name, damage)
        with pytest.raises(Failed) as failed:
            everything(found, base, head, tmp_path / "first", repositories)
        error = repositories.judged(failed.value)
        assert isinstance(error, TryAgain), failed.value.printed
        assert "cache of the repository is damaged" in str(error)
    with opened(cache) as repositories:
        anew = repositories.cache(REPOSITORY, [base, head])
        assert anew != found
        assert everything(anew, base, head, tmp_path / "second", repositories) == [Rules("REVIEW.md", "two", False)]
    with opened(cache) as repositories:
        assert repositories.cache(REPOSITORY, [base, head]) == anew


def spoil(cache: Path, name: str, damage: str) -> None:
    """Damages an object, which is a file of its own."""
    place = cache / "objects" / name[:2] / name[2:]
    for pack in list((cache / "objects/pack").glob("*.pack")):  # they are many files from now on
        text = pack.read_bytes()
        for file in (cache / "objects/pack").iterdir():
            file.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=cache, input=text, check=True)
    place.chmod(0o644)
    if damage == "gone":
        place.unlink()
    else:
        place.write_bytes(b"" if damage == "empty" else b"junk that is no object")


def test_git_that_fails_for_another_reason_costs_no_cache(cache: Cache, forge: Forge, tmp_path: Path) -> None:
    commit = forge.commit(b"one")
    with opened(cache) as repositories:
        found = repositories.cache(REPOSITORY, [commit])
        with pytest.raises(Failed) as failed:
            git("rev-parse", "--verify", "no-such-name", folder=found)
        assert repositories.judged(failed.value) is failed.value
        assert repositories.cache(REPOSITORY, [commit]) == found


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_final(cache: Cache, forge: Forge, status: int) -> None:
    commit = forge.commit(b"one")
    forge.status = status
    with opened(cache) as repositories, pytest.raises(GiveUp, match="does not hand out acme/shop"):
        repositories.cache(REPOSITORY, [commit])


def test_a_stop_ends_a_fetch_at_once(cache: Cache, forge: Forge) -> None:
    commit, stop = forge.commit(b"one"), Stop()
    forge.go.clear()
    threading.Timer(0.5, stop.set, ("given back",)).start()
    with opened(cache, stop) as repositories, pytest.raises(Stopped, match="given back"):
        repositories.cache(REPOSITORY, [commit])  # would else wait for ever


def test_what_a_git_that_was_killed_has_left_goes_with_the_next_task(cache: Cache, forge: Forge) -> None:
    commit = forge.commit(b"one")
    with opened(cache) as repositories:
        pack = repositories.cache(REPOSITORY, [commit]) / "objects/pack"
        for name, age in (("tmp_pack_old", 2 * FETCH_SECONDS), ("tmp_pack_new", 0)):
            (pack / name).write_bytes(b"x" * 9)
            os.utime(pack / name, (time.time() - age,) * 2)
        repositories.cache(REPOSITORY, [commit])
    assert [path.name for path in pack.glob("tmp_*")] == ["tmp_pack_new"]


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
def test_a_git_that_is_to_end_is_asked_first_and_killed_where_it_does_not(
    monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    monkeypatch.setattr("agents.cache.END_SECONDS", 0.3)
    command = f"{trap}echo here >&2; while :; do sleep 0.1; done"
    process = subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr
    process.stderr.readline()
    _end(process)
    process.communicate(timeout=10)
    assert process.returncode == -(signal.SIGKILL if trap else signal.SIGTERM)


def test_two_tasks_at_once_fetch_one_after_the_other(cache: Cache, forge: Forge) -> None:
    commit, found = forge.commit(b"one"), []

    def fetch() -> None:
        with opened(cache) as repositories:
            found.append(repositories.cache(REPOSITORY, [commit]))

    forge.go.clear()
    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert forge.asked == 1
    forge.go.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 3
    assert len(set(found)) == 1
