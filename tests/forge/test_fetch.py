"""Fetching pull requests from the simulator."""

import base64
import threading
import time
from pathlib import Path

import pytest

from sim.not_github import client
from stack.messages import Progress
from stack.work.review import PullRequest
from tests.forge.conftest import Refusal, World
from tests.sim.not_github import TOKEN, commit, git, pushed_pull, with_token


def test_the_facts_are_githubs_and_gits(world: World) -> None:
    pull = world.fetch("acme/shop", 12)

    told = client.call("GET", f"{world.url}/repos/acme/shop/pulls/12")
    assert isinstance(pull, PullRequest)
    assert (pull.title, pull.body, pull.author) == (told["title"], told["body"], told["user"]["login"])
    assert (pull.base, pull.base_sha, pull.head_sha) == ("main", told["base"]["sha"], told["head"]["sha"])
    assert (pull.url, pull.merge_base, pull.files) == (told["html_url"], pull.base_sha, told["changed_files"])
    assert pull.hunks > pull.files > 0 == pull.binary_files


def test_progress_is_told_in_steps(world: World) -> None:
    world.fetch("acme/shop", 12)

    said = [(p.kind, p.text) for p in world.sender.mentioned if isinstance(p, Progress)]
    assert said == [("step", "Cloning acme/shop, this once")]


def test_a_warm_mirror_is_not_fetched_again(world: World) -> None:
    first = world.fetch("acme/shop", 12)
    before = len(world.asked())
    second = world.fetch("acme/shop", 12)

    assert second == first
    assert world.asked()[before:] == ["GET /repos/acme/shop/pulls/12", "GET /repos/acme/shop/pulls/12/reviews"]


def test_a_push_is_fetched_into_the_mirror(world: World, shop: PullRequest, tmp_path: Path) -> None:
    head = commit(tmp_path / "tree", {"shop.py": b"all new\n"})
    git("push", "--quiet", with_token(f"{world.url}/{shop.repository}.git"), "change", folder=tmp_path / "tree")

    assert world.fetch(shop.repository).head_sha == head


def test_a_branch_that_gives_way_to_a_folder_of_branches_does_no_harm(
    world: World, shop: PullRequest, tmp_path: Path
) -> None:
    tree, remote = tmp_path / "tree", with_token(f"{world.url}/{shop.repository}.git")
    git("push", "--quiet", remote, "change:topic", folder=tree)
    commit(tree, {"a": b"1\n"})
    git("push", "--quiet", remote, "change", folder=tree)
    world.fetch(shop.repository)
    git("push", "--quiet", remote, ":topic", "change:topic/one", folder=tree)
    head = commit(tree, {"a": b"2\n"})
    git("push", "--quiet", remote, "change", folder=tree)

    assert world.fetch(shop.repository).head_sha == head


def test_a_head_that_moved_meanwhile_is_fetched_by_its_id(world: World, shop: PullRequest, tmp_path: Path) -> None:
    """The answer of REST is older than the refs of git."""
    tree, remote = tmp_path / "tree", with_token(f"{world.url}/{shop.repository}.git")
    commit(tree, {"a": b"1\n"})
    git("push", "--quiet", remote, "change", folder=tree)
    old = client.call("GET", f"{world.url}/repos/{shop.repository}/pulls/1")
    git("commit", "--quiet", "--amend", "--message", "other", folder=tree)
    git("push", "--quiet", "--force", remote, "change", folder=tree)
    world.fault(path_regex="/pulls/1$", status=200, body=old)

    outcome = world.fetch(shop.repository)

    if isinstance(outcome, Refusal):  # a server that gives no commit without a ref
        assert (outcome.kind, "moved while" in outcome.what) == ("try again", True)
    else:
        assert outcome.head_sha == old["head"]["sha"]


def test_a_head_that_is_gone_is_tried_again(world: World, shop: PullRequest) -> None:
    told = client.call("GET", f"{world.url}/repos/{shop.repository}/pulls/1")
    told["head"]["sha"] = "0123456789" * 4
    world.fault(path_regex="/pulls/1$", status=200, body=told)

    outcome = world.fetch(shop.repository)

    assert outcome == Refusal("try again", f"Pull request 1 of {shop.repository} moved while it was fetched")


@pytest.mark.parametrize("place", ["acme/shop", "acme/nothing-here"])
def test_what_is_not_there_is_given_up(world: World, place: str) -> None:
    what = f"There is no pull request 999 in {place}, or the token may not see it"
    assert world.fetch(place, 999) == Refusal("give up", what)


def test_a_closed_pull_request_is_given_up(world: World, shop: PullRequest) -> None:
    client.call("PATCH", f"{world.url}/_sim/repos/{shop.repository}/pulls/1", {"state": "closed"})

    assert world.fetch(shop.repository) == Refusal("give up", f"Pull request 1 of {shop.repository} is closed")


def test_a_pull_request_that_changes_nothing_is_given_up(world: World, tmp_path: Path) -> None:
    tree, remote = tmp_path / "tree", with_token(f"{world.url}/acme/empty.git")
    pushed_pull(world.url, "empty", tree, {"a": b"1\n"}, {"a": b"2\n"})
    commit(tree, {"a": b"1\n"})
    git("push", "--quiet", remote, "change", folder=tree)

    assert world.fetch("acme/empty") == Refusal(
        "give up", "There is nothing to review in pull request 1 of acme/empty: it changes nothing"
    )


def test_a_pull_request_of_binary_files_alone_is_given_up(world: World, tmp_path: Path) -> None:
    pushed_pull(world.url, "binary", tmp_path / "tree", {"a.bin": b"\0\1"}, {"a.bin": b"\0\2"})

    outcome = world.fetch("acme/binary")

    assert (outcome.kind, outcome.what.rpartition(": ")[2]) == ("give up", "it changes only binary files")


def test_hostile_names_of_files_and_branches_are_only_names(world: World, tmp_path: Path) -> None:
    tree, remote = tmp_path / "tree", with_token(f"{world.url}/acme/hostile.git")
    names = ["--output=pwned", "-c core.pager=touch pwned", "$(touch pwned)", "`touch pwned`", 'a "b"\tc\nd', "ümläut"]
    pushed_pull(world.url, "hostile", tree, {"a": b"1\n"}, dict.fromkeys(names, b"1\n"))
    for branch in ("--upload-pack=touch", "$(touch-pwned)", "@{-1}x"):
        git("push", "--quiet", remote, f"HEAD:refs/heads/{branch.replace('@{', '')}", folder=tree)

    pull = world.fetch("acme/hostile")

    assert (pull.files, pull.hunks) == (len(names), len(names))
    assert not list(tmp_path.rglob("pwned"))


def test_a_repository_that_does_not_fit_on_the_disk_is_given_up(world: World) -> None:
    told = client.call("GET", f"{world.url}/repos/acme/shop/pulls/12")
    told["base"]["repo"]["size"] = 2**42
    world.fault(path_regex="/pulls/12$", status=200, body=told)

    outcome = world.fetch("acme/shop", 12)

    assert outcome.kind == "give up"
    assert outcome.what.startswith("acme/shop is too large: it takes 4294967296 MB")


def test_the_token_is_in_no_argument_and_in_no_file(world: World, tmp_path: Path) -> None:
    secrets = [TOKEN.encode(), base64.b64encode(f"x-access-token:{TOKEN}".encode())]
    client.call("POST", f"{world.url}/_sim/repos/acme/secret?private=1")
    pushed_pull_into_private(world, tmp_path / "tree")
    world.fault(path_regex="info/refs", delay_seconds=1)
    seen: list[bytes] = []
    fetching = threading.Thread(target=world.fetch, args=("acme/secret",))
    fetching.start()
    while fetching.is_alive():
        seen += [line for line in map(_command, Path("/proc").glob("[0-9]*")) if b"acme/secret.git" in line]
        time.sleep(0.05)

    assert seen
    files = [f for f in world.data.rglob("*") if f.is_file()]
    assert len(files) > 5
    assert not [x for x in [*seen, *(f.read_bytes() for f in files)] if any(secret in x for secret in secrets)]
    assert isinstance(world.fetch("acme/secret"), PullRequest)


def pushed_pull_into_private(world: World, tree: Path) -> None:
    tree.mkdir()
    git("init", "--quiet", "--initial-branch=main", folder=tree)
    commit(tree, {"a": b"1\n"})
    git("switch", "--quiet", "--create", "change", folder=tree)
    commit(tree, {"a": b"2\n"})
    git("push", "--quiet", with_token(f"{world.url}/acme/secret.git"), "main", "change", folder=tree)
    wanted = {"base": "main", "head": "change", "title": "A change"}
    client.call("POST", f"{world.url}/_sim/repos/acme/secret/pulls", wanted)


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
