"""Git over HTTP for runners: a real git against the real server."""

import gzip
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest
import requests

from forge.server import make_app, room_for
from stack.errors import Refused, TryAgain
from stack.roles import TokenKind
from stack.tokens import Claims, sign
from stack.web import WebServer
from stack.work.review import PullRequest
from tests.forge.conftest import World
from tests.sim.not_github import ALONE

KEY = "not-a-key"


def token(repository: str, *, key: str = KEY, kind: TokenKind = "forge", seconds: float = 60, task: str = "t") -> str:
    claims = Claims(
        run="r", task=task, person="p", role="pr_reviewer", attempt=1, budget_usd=1, expires=time.time() + seconds,
        repository=repository,
    )  # fmt: skip
    return sign(key, kind, claims)


def check(claims: Claims) -> None:
    """Two tasks are not as they should be."""
    if claims.task == "over":
        raise Refused("the task is over")
    if claims.task == "unknown":
        raise TryAgain("the orchestrator is away")


@dataclass
class Served:
    """A forge's git server, and a pull request in its mirrors."""

    url: str
    pull: PullRequest

    def address(self, repository: str = "") -> str:
        return f"{self.url}/git/{repository or self.pull.repository}"

    def get(self, path: str, bearer: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return requests.get(self.url + path, headers=headers, timeout=10)


@pytest.fixture
def served(world: World, shop: PullRequest) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    app = make_app(mirrors=world.mirrors, token_key=KEY, check=check)
    server = WebServer(app, host="127.0.0.1", port=port, room=room_for(KEY))
    server.start()
    yield Served(f"http://127.0.0.1:{port}", shop)
    server.stop()


def test_nobody_forgets_to_ask_whether_a_task_is_still_at_work() -> None:
    assert signature(make_app).parameters["check"].default is Parameter.empty


def run_git(*arguments: str, folder: Path, bearer: str = "", protocol: int = 2) -> "subprocess.CompletedProcess[str]":
    settings = ["-c", f"protocol.version={protocol}", "-c", f"http.extraHeader=Authorization: Bearer {bearer}"]
    return subprocess.run(
        ["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, env={**os.environ, **ALONE}
    )


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_commit_is_fetched_by_its_id(served: Served, tmp_path: Path, protocol: int) -> None:
    run_git("init", "--quiet", "--bare", "copy", folder=tmp_path)
    wanted = [served.pull.base_sha, served.pull.head_sha]

    done = run_git(
        "fetch", "--quiet", served.address(), *wanted,
        folder=tmp_path / "copy", bearer=token(served.pull.repository), protocol=protocol,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert run_git("cat-file", "-t", served.pull.head_sha, folder=tmp_path / "copy").stdout == "commit\n"


def test_a_commit_that_no_branch_has_any_more_is_fetched(world: World, served: Served, tmp_path: Path) -> None:
    mirror = world.mirrors.path(served.pull.repository)
    for ref in ("refs/heads/change", "refs/pull/1/head"):
        subprocess.run(["git", "update-ref", "-d", ref], cwd=mirror, check=True)
    run_git("init", "--quiet", "--bare", "copy", folder=tmp_path)

    done = run_git(
        "fetch", served.address(), served.pull.head_sha, folder=tmp_path / "copy", bearer=token(served.pull.repository)
    )

    assert done.returncode == 0, done.stderr


def test_a_repository_is_cloned(served: Served, tmp_path: Path) -> None:
    address, bearer = served.address(), token(served.pull.repository)

    done = run_git("clone", "--branch", "change", address, "copy", folder=tmp_path, bearer=bearer)

    assert done.returncode == 0, done.stderr
    assert "changed" in (tmp_path / "copy" / "shop.py").read_text()


def test_a_push_is_refused(served: Served, tmp_path: Path) -> None:
    address, bearer = served.address(), token(served.pull.repository)
    run_git("clone", "--branch", "change", address, "copy", folder=tmp_path, bearer=bearer)

    done = run_git("push", address, "HEAD:refs/heads/new", folder=tmp_path / "copy", bearer=bearer)

    assert "403" in done.stderr
    answer = requests.post(f"{address}/git-receive-pack", headers={"Authorization": f"Bearer {bearer}"}, timeout=10)
    assert answer.status_code == 403


def refs(repository: str, service: str = "git-upload-pack") -> str:
    return f"/git/{repository}/info/refs?service={service}"


def test_only_a_good_token_opens_and_only_its_repository(served: Served) -> None:
    place = served.pull.repository
    refused = {
        "": 401,
        "garbage": 401,
        token(place, seconds=-1): 401,
        token(place, key="another"): 401,
        token(place, kind="model"): 401,
        token(place, task="over"): 401,
        token(place, task="unknown"): 503,
        token("acme/other"): 403,
        token(""): 403,
        token(place): 200,
    }

    assert {bearer: served.get(refs(place), bearer).status_code for bearer in refused} == refused
    posts = {
        bearer: requests.post(
            f"{served.address()}/git-upload-pack", headers={"Authorization": f"Bearer {bearer}"}, timeout=10
        ).status_code
        for bearer in refused
    }
    assert posts == refused


def test_a_repository_that_has_no_mirror_is_not_found(served: Served) -> None:
    answer = served.get(refs("acme/unseen"), token("acme/unseen"))

    assert (answer.status_code, answer.text) == (404, "there is no mirror of acme/unseen\n")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/git/acme/shop",
        "/git/acme/shop/HEAD",
        "/git/acme/shop/config",
        "/git/acme/shop/objects/info/packs",
        "/static/x",
        refs("..%2f..%2fetc/shop"),
        refs("acme/.."),
        refs("acme/%2e%2e"),
        refs("-acme/shop"),
        refs("acme/sh%00op"),
        refs("acme/shop%0a"),
    ],
)
def test_there_is_nothing_else(served: Served, path: str) -> None:
    answer = served.get(path, token("acme/shop"))

    assert answer.status_code in (400, 403, 404)
    assert "Traceback" not in answer.text


def test_a_receive_pack_is_not_advertised(served: Served) -> None:
    place = served.pull.repository
    assert served.get(refs(place, "git-receive-pack"), token(place)).status_code == 403


def test_a_compressed_request_is_read_and_a_garbled_one_refused(served: Served) -> None:
    done: dict[str, Any] = {}
    for name, body in {"good": gzip.compress(b"0000"), "bad": b"garbage", "cut": gzip.compress(b"0000")[:-9]}.items():
        headers = {"Authorization": f"Bearer {token(served.pull.repository)}", "Content-Encoding": "gzip"}
        done[name] = requests.post(f"{served.address()}/git-upload-pack", body, headers=headers, timeout=10).status_code

    assert done == {"good": 200, "bad": 413, "cut": 413}


def test_a_bomb_is_not_unpacked(served: Served) -> None:
    headers = {"Authorization": f"Bearer {token(served.pull.repository)}", "Content-Encoding": "gzip"}
    body = gzip.compress(bytes(64 * 1024 * 1024))

    assert requests.post(f"{served.address()}/git-upload-pack", body, headers=headers, timeout=10).status_code == 413


def test_the_server_tells_that_it_is_well(served: Served) -> None:
    assert served.get("/healthz").text == "well\n"
