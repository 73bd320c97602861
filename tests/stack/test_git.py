"""Git obeys nothing that a repository holds, and tells nobody the token."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from uuid import uuid4

import pytest

from stack.errors import GiveUp, TryAgain
from stack.git import Failed, TooLarge, clean_environment, git, git_within, run, streaming
from tests.stack.repositories import Repository

LOCAL = {"GIT_ALLOW_PROTOCOL": "file"}
AUTHOR = {"user.name": "ada", "user.email": "ada@example.test"}
TOKEN = f"not-a-token-{uuid4()}"  # no other process on this machine has it
HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change",
    "post-merge", "post-rewrite", "post-update", "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push",
    "pre-rebase", "pre-receive", "prepare-commit-msg", "reference-transaction", "update",
)  # fmt: skip


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that a hostile program would make."""
    return tmp_path / "canary"


@pytest.fixture
def hostile(tmp_path: Path, canary: Path) -> Repository:
    """A repository that would have programs run at every turn."""
    repository = Repository(tmp_path / "hostile")
    repository.commit({b"a.txt": b"x\n", b".gitattributes": b"* filter=evil diff=evil merge=evil\n"})
    hooks = repository.folder / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (hooks / name).chmod(0o755)
    return repository


def test_the_traps_do_catch_an_ordinary_git(hostile: Repository, canary: Path) -> None:
    hostile.git("commit", "--quiet", "--allow-empty", "--message=x")
    assert canary.exists()
    canary.unlink()
    set_in(hostile, core_hooksPath="/dev/null", core_fsmonitor=f"touch {canary}")
    hostile.git("status")
    assert canary.exists()


def set_in(repository: Repository, **configuration: str) -> None:
    for name, value in configuration.items():
        repository.git("config", name.replace("_", "."), value)


def test_no_hook_runs(hostile: Repository, canary: Path) -> None:
    (hostile.folder / "a.txt").write_text("y\n")
    git("commit", "--quiet", "--all", "--message=x", folder=hostile.folder, configuration=AUTHOR)
    git("checkout", "--quiet", "--detach", "HEAD~1", folder=hostile.folder)
    git("update-ref", "refs/heads/new", "HEAD", folder=hostile.folder)
    assert not canary.exists()


@pytest.mark.parametrize("where", ["core_fsmonitor", "core_hooksPath"])
def test_no_program_of_the_index_runs(hostile: Repository, canary: Path, tmp_path: Path, where: str) -> None:
    script = tmp_path / "programs" / "post-index-change"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ntouch {canary}\n")
    script.chmod(0o755)
    set_in(hostile, **{where: str(script if where == "core_fsmonitor" else script.parent)})
    (hostile.folder / "new").write_text("x")
    git("status", folder=hostile.folder)
    git("reset", "--hard", "--quiet", folder=hostile.folder)
    assert not canary.exists()


def fetched(hostile: Repository, folder: Path) -> Path:
    """What is at work on the repository's newest commit, fetched from it and checked out."""
    git("init", "--quiet", "--end-of-options", folder)
    git("fetch", "--quiet", "--end-of-options", str(hostile.folder), "main", folder=folder, environment=LOCAL)
    git("checkout", "--quiet", "--detach", "FETCH_HEAD", "--", folder=folder)
    return folder


def test_what_is_fetched_brings_no_filter_and_no_hook(hostile: Repository, canary: Path, tmp_path: Path) -> None:
    set_in(hostile, filter_evil_smudge=f"touch {canary}; cat", filter_evil_clean=f"touch {canary}; cat")
    ours = fetched(hostile, tmp_path / "ours")
    assert (ours / "a.txt").read_text() == "x\n"
    git("status", folder=ours)
    assert not canary.exists()


def test_a_submodule_is_not_fetched_and_a_hostile_one_is_refused(
    hostile: Repository, canary: Path, tmp_path: Path
) -> None:
    modules = b'[submodule "s"]\n\tpath = s\n\turl = %s\n'
    hostile.git("config", "core.hooksPath", "/dev/null")
    head = hostile.commit({b".gitmodules": modules % b"https://example.test/s"})
    hostile.git("update-index", "--add", "--cacheinfo", f"160000,{head},s")
    hostile.git("commit", "--quiet", "--message=s")
    assert list((fetched(hostile, tmp_path / "ours") / "s").iterdir()) == []
    hostile.commit({b".gitmodules": modules % b"-u./x" + b"\tupdate = !touch %s\n" % bytes(canary)})
    with pytest.raises(GiveUp, match="git fetch"):
        fetched(hostile, tmp_path / "ours too")
    assert not canary.exists()


def test_a_link_is_checked_out_as_text(hostile: Repository, tmp_path: Path) -> None:
    (hostile.folder / "link").symlink_to("/etc/passwd")
    hostile.git("add", "link")
    hostile.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message=x")
    fetched(hostile, tmp_path / "ours")
    assert not (tmp_path / "ours/link").is_symlink()
    assert (tmp_path / "ours/link").read_text() == "/etc/passwd"


@pytest.mark.parametrize(
    "url", ["ext::touch {}", "file://{}", "/{}", "ssh://-oProxyCommand=touch%20{}/x", "git://x/{}"]
)
def test_no_protocol_but_http_is_spoken(canary: Path, tmp_path: Path, url: str) -> None:
    for verb in (["ls-remote", "--end-of-options"], ["clone", "--quiet", "--end-of-options"]):
        with pytest.raises(GiveUp, match=rf"git {verb[0]}: "):
            git(*verb, url.format(canary), folder=tmp_path)
    assert not canary.exists()


def test_a_configuration_of_the_machine_or_the_user_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = the machine's\n")
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    assert run("config", "user.name", folder=tmp_path).returncode == 1
    assert {"GIT_DIR", "GIT_SSH_COMMAND", "XDG_CONFIG_HOME"}.isdisjoint(clean_environment({}))


@pytest.mark.parametrize("revision", ["--output=canary", "-O/x", "--exec=touch canary", "x\ny", "a..b", "@{", ""])
def test_an_argument_is_never_an_option(hostile: Repository, revision: str) -> None:
    with pytest.raises(GiveUp, match="git rev-list"):
        git("rev-list", "--end-of-options", revision, "--", folder=hostile.folder)
    assert not (hostile.folder / "canary").exists()


def test_git_gives_up_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(GiveUp, match="git status: fatal: not a git repository"):
        git("status", folder=tmp_path)
    assert run("status", folder=tmp_path).returncode == 128


def argument_lists() -> list[bytes]:
    """What every user of this machine may see of every process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            found.append(path.read_bytes())
    return found


class SlowAnswer(BaseHTTPRequestHandler):
    """A git server that looks at who calls, and never answers well."""

    seen: tuple[str, list[bytes]] = ("", [])
    released = threading.Event()

    def do_GET(self) -> None:
        type(self).seen = self.headers.get("Authorization", ""), argument_lists()
        if "slow" in self.path:
            self.released.wait(20)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """In silence."""


@pytest.fixture
def server() -> Iterator[str]:
    SlowAnswer.released.clear()
    with HTTPServer(("127.0.0.1", 0), SlowAnswer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        SlowAnswer.released.set()
        server.shutdown()
        thread.join()


def test_a_token_is_sent_and_is_in_no_argument_list(server: str) -> None:
    header = f"Authorization: Bearer {TOKEN}"
    with pytest.raises(GiveUp) as error:
        git("ls-remote", "--end-of-options", f"{server}/acme/shop", configuration={"http.extraHeader": header})
    authorization, processes = SlowAnswer.seen
    assert authorization == f"Bearer {TOKEN}"
    assert any(b"remote-http" in line for line in processes)
    assert not any(TOKEN.encode() in line for line in processes)
    assert TOKEN not in str(error.value)


def test_what_takes_too_long_may_be_tried_again(server: str) -> None:
    with pytest.raises(TryAgain, match="git ls-remote took more than"):
        git("ls-remote", "--end-of-options", f"{server}/slow", timeout=0.5)


# --- what git prints is measured while it prints ------------------------------------------------------


@pytest.fixture
def large(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "large")
    repository.commit({b"a": b"0123456789abcde\n" * (1 << 16)})
    return repository


def test_what_is_within_the_limit_is_all_there(large: Repository) -> None:
    assert git_within(1 << 20, "cat-file", "blob", "HEAD:a", folder=large.folder) == b"0123456789abcde\n" * (1 << 16)
    asked = git_within(100, "cat-file", "--batch-check", folder=large.folder, given=b"HEAD:a\nHEAD:b\n")
    assert asked.endswith(b" blob 1048576\nHEAD:b missing\n")


def test_what_is_beyond_it_is_counted_and_not_kept(large: Repository) -> None:
    with pytest.raises(TooLarge, match="git cat-file: 1048576 bytes are too many, 1048575 are most") as error:
        git_within((1 << 20) - 1, "cat-file", "blob", "HEAD:a", folder=large.folder)
    assert error.value.size == 1 << 20


def test_git_that_fails_while_it_is_read_gives_up_with_its_own_words(large: Repository) -> None:
    with pytest.raises(Failed, match="git cat-file: fatal: ") as error:
        git_within(10, "cat-file", "blob", "HEAD:nothing", folder=large.folder)
    assert "nothing" in error.value.printed


def test_git_that_prints_too_slowly_may_be_tried_again(tmp_path: Path, server: str) -> None:
    with pytest.raises(TryAgain, match="git ls-remote took more than"):
        git_within(10, "ls-remote", "--end-of-options", f"{server}/slow", folder=tmp_path, timeout=0.5)


def test_git_does_not_outlive_a_reader_that_fails(large: Repository) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        streaming("cat-file", "blob", "HEAD:a", folder=large.folder) as printed,
    ):
        printed.read(1 // 0)
