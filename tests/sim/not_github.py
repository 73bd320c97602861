"""A not-github of its own for a test: the real program, over HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from sim.not_github import client

TOKEN = "not-a-token"
LOGIN = "reviewer"
ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


@contextmanager
def running(data: Path, *more: str) -> Iterator[str]:
    """Its address; it ends by SIGTERM, and must end well."""
    command = [sys.executable, "-m", "sim.not_github", "--port", "0", "--data", str(data), "--token", TOKEN, *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            yield program.stdout.readline().split()[-1]
        finally:
            program.terminate()
            ended = program.wait(10)
    assert ended == 0


class Api:
    """Asks as a client of GitHub would."""

    def __init__(self, url: str, token: str | None = TOKEN) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=30, **more)

    def post(self, path: str, body: object) -> requests.Response:
        return self.session.post(self.url + path, json=body, timeout=30)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(self.url + path, timeout=30)

    def close(self) -> None:
        self.session.close()


def git(*arguments: str | bytes, folder: Path, stdin: bytes = b"") -> str:
    """What git printed; fails with what it complained about."""
    identity = ("-c", "user.name=Robin", "-c", "user.email=robin@example.com", "-c", "protocol.version=2")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, input=stdin, capture_output=True, env={**os.environ, **ALONE}
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="replace").strip()


def with_token(url: str) -> str:
    return url.replace("://", f"://x-access-token:{TOKEN}@")


def commit(tree: Path, files: dict[str, bytes | None], message: str = "change") -> str:
    """Writes the files, None to delete; returns the id of the new commit."""
    for name, content in files.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
    git("add", "--all", folder=tree)
    git("commit", "--quiet", "--message", message, folder=tree)
    return git("rev-parse", "HEAD", folder=tree)


def push(url: str, name: str, tree: Path, *, force: bool = False) -> None:
    """The branch `change` of acme/NAME, as it is in `tree`."""
    git("push", "--quiet", *(["--force"] if force else []), with_token(f"{url}/acme/{name}.git"), "change", folder=tree)


def pushed_pull(url: str, name: str, tree: Path, before: dict[str, bytes], after: dict[str, bytes | None]) -> str:
    """A repository acme/NAME with pull request 1, pushed from `tree`; returns the path of the pull request."""
    client.call("POST", f"{url}/_sim/repos/acme/{name}")
    tree.mkdir()
    git("init", "--quiet", "--initial-branch=main", folder=tree)
    commit(tree, dict(before), "before")
    git("switch", "--quiet", "--create", "change", folder=tree)
    commit(tree, after, "after")
    git("push", "--quiet", with_token(f"{url}/acme/{name}.git"), "main", "change", folder=tree)
    wanted = {"base": "main", "head": "change", "title": "A change", "body": "Why."}
    client.call("POST", f"{url}/_sim/repos/acme/{name}/pulls", wanted)
    return f"/repos/acme/{name}/pulls/1"
