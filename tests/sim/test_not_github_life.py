"""The life of what is said on a pull request: replies, started reviews, and what a push does to them."""

from pathlib import Path
from typing import Any

import pytest

from sim.not_github import client
from tests.sim.checked_api import CheckedApi
from tests.sim.not_github import LOGIN, Api, commit, git, push, pushed_pull, with_token
from tests.sim.not_github_threads import remark, threads

PENDING = "User can only have one pending review per pull request"
LINE = {"path": "a", "line": 1, "body": "Hm."}


def pull_of(url: str, name: str, tmp_path: Path) -> str:
    """A pull request that changes one line of `a`."""
    return pushed_pull(url, name, tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})


def said(api: Api, pull: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"{pull}/comments?per_page=100").json()
    return found


# Replies


def test_a_reply_stands_in_the_thread_and_an_empty_review_at_the_head_holds_it(
    url: str, api: CheckedApi, tmp_path: Path
) -> None:
    pull = pull_of(url, "replies", tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    commit(tmp_path / "tree", {"b": b"new\n"})
    push(url, "replies", tmp_path / "tree")
    head = api.get(pull).json()["head"]["sha"]

    answer = api.post(f"{pull}/comments/{root['id']}/replies", {"body": "Because."})

    assert answer.status_code == 201
    reply = answer.json()
    assert (reply["in_reply_to_id"], reply["body"], reply["user"]["login"]) == (root["id"], "Because.", LOGIN)
    same = ("path", "line", "side", "diff_hunk", "original_commit_id", "original_line", "commit_id")
    assert [reply[key] for key in same] == [api.get(f"{pull}/comments").json()[0][key] for key in same]
    assert reply["original_commit_id"] == root["original_commit_id"] != head == reply["commit_id"]
    assert "in_reply_to_id" not in said(api, pull)[0]
    assert said(api, pull)[1] == reply
    holding = api.get(f"{pull}/reviews/{reply['pull_request_review_id']}").json()
    assert (holding["state"], holding["body"], holding["commit_id"]) == ("COMMENTED", "", head)
    (held,) = api.get(f"{pull}/reviews/{holding['id']}/comments").json()
    assert held == {key: value for key, value in reply.items() if not key.endswith(("line", "side"))}
    assert [len(one["comments"]["nodes"]) for one in threads(Api(url), "replies")] == [1]
    url_of_it = reply["url"].removeprefix(url)
    assert api.get(url_of_it).json() == reply


def test_a_person_replies_and_the_thread_stays_one(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "answered", tmp_path)
    api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": [LINE]})
    (root,) = said(api, pull)
    path = f"{url}/_sim{pull}/comments/{root['id']}/replies"
    client.call("POST", path, {"body": "Won't fix.", "user": "robin"})
    assert [one["user"]["login"] for one in said(api, pull)] == [LOGIN, "robin"]
    assert len(threads(Api(url), "answered")) == 1
    assert [one["body"] for one in api.get(f"{pull}/reviews").json()] == ["", ""]


@pytest.mark.parametrize("body", [{}, {"body": " "}, {"body": 3}, {"body": "x" * 65_537}])
def test_a_reply_that_says_nothing_is_refused(url: str, tmp_path: Path, body: dict[str, Any]) -> None:
    api = Api(url)
    name = f"empty-{str(body)[:20].encode().hex()}"
    pull = pull_of(url, name, tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    assert api.post(f"{pull}/comments/{root['id']}/replies", body).status_code == 422
    assert len(said(api, pull)) == 1
    api.close()


def test_a_reply_is_no_beginning_and_needs_one(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "chains", tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    reply = api.post(f"{pull}/comments/{root['id']}/replies", {"body": "x"}).json()
    for other in (reply["id"], 999_999):
        assert api.post(f"{pull}/comments/{other}/replies", {"body": "x"}).status_code == 404
    assert len(said(api, pull)) == 2


def test_no_reply_beside_a_started_review(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "beside", tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    api.post(f"{pull}/reviews", {"comments": [LINE]})
    refused = api.post(f"{pull}/comments/{root['id']}/replies", {"body": "x"})
    assert (refused.status_code, refused.json()["message"]) == (422, "Validation Failed")
    assert refused.json()["errors"][0]["message"] == "user_id can only have one pending review per pull request"


# Started reviews


def test_a_started_review_is_in_the_way_until_it_is_submitted(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "submitted", tmp_path)
    started = api.post(f"{pull}/reviews", {"body": "first", "comments": [LINE]}).json()
    assert (started["state"], said(api, pull)) == ("PENDING", [])
    for event in ("APPROVE", "REQUEST_CHANGES", "COMMENT"):
        refused = api.post(f"{pull}/reviews", {"event": event, "body": "x"})
        assert (refused.status_code, refused.json()["errors"]) == (422, [PENDING])
    path = f"{pull}/reviews/{started['id']}"
    for body in ({}, {"event": "SHOUT"}):
        assert Api(url).post(f"{path}/events", body).status_code == 422
    done = api.post(f"{path}/events", {"event": "COMMENT", "body": "second"}).json()
    assert (done["state"], done["body"], done["id"]) == ("COMMENTED", "second", started["id"])
    assert done["submitted_at"]
    assert [one["body"] for one in said(api, pull)] == ["Hm."]
    assert api.post(f"{path}/events", {"event": "APPROVE"}).status_code == 422
    assert api.post(f"{pull}/reviews", {"event": "COMMENT", "body": "x"}).status_code == 200


def test_only_a_started_review_is_deleted_and_by_its_author(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "deleted", tmp_path)
    theirs = client.call("POST", f"{url}/_sim{pull}/reviews", {"user": "robin", "comments": [LINE]})
    assert api.delete(f"{pull}/reviews/{theirs['id']}").status_code == 404
    started = api.post(f"{pull}/reviews", {"comments": [LINE]}).json()
    gone = api.delete(f"{pull}/reviews/{started['id']}")
    assert (gone.status_code, gone.json()) == (200, started)
    assert api.get(f"{pull}/reviews/{started['id']}").status_code == 404
    done = api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": [LINE]}).json()
    refused = api.delete(f"{pull}/reviews/{done['id']}")
    words = ["Can not delete a non-pending pull request review"]
    assert (refused.status_code, refused.json()["errors"]) == (422, words)
    assert len(said(api, pull)) == 1


def test_a_review_is_dismissed(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "dismissed", tmp_path)
    review = api.post(f"{pull}/reviews", {"event": "REQUEST_CHANGES", "body": "No."}).json()
    client.call("PATCH", f"{url}/_sim{pull}/reviews/{review['id']}", {"state": "DISMISSED"})
    assert [one["state"] for one in api.get(f"{pull}/reviews").json()] == ["DISMISSED"]
    assert "dismissed" in Api(url).get("/acme/dismissed/pull/1").text
    for state in ("DISMISSED", "closed"):
        with pytest.raises(client.Refused):
            client.call("PATCH", f"{url}/_sim{pull}/reviews/{review['id']}", {"state": state})


# Pushes

TEN = [f"line {number}\n" for number in range(1, 31)]


def text(*, changed: dict[int, str] | None = None, before: str = "") -> bytes:
    """Thirty lines, some of them changed, with more before them."""
    lines = [(changed or {}).get(number, line) for number, line in enumerate(TEN, 1)]
    return (before + "".join(lines)).encode()


def reviewed(url: str, api: Api, name: str, tree: Path) -> str:
    """A pull request that changes lines 5 and 20, with remarks on both, and a review without."""
    changed = {5: "five\n", 20: "twenty\n"}
    pull = pushed_pull(url, name, tree, {"a": text()}, {"a": text(changed=changed)})
    on = [{"path": "a", "line": 5, "body": "five"}, {"path": "a", "line": 20, "start_line": 19, "body": "twenty"}]
    on.append({"path": "a", "line": 20, "side": "LEFT", "body": "old"})
    assert api.post(f"{pull}/reviews", {"event": "COMMENT", "body": "Hm.", "comments": on}).status_code == 200
    client.call("POST", f"{url}/_sim{pull}/reviews", {"user": "robin", "event": "APPROVE"})
    return pull


def places(api: Api, pull: str) -> list[tuple[int | None, int | None, int | None]]:
    return [(one["line"], one["start_line"], one["position"]) for one in said(api, pull)]


def test_a_remark_follows_its_line_until_that_is_changed(url: str, api: CheckedApi, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    pull = reviewed(url, api, "following", tree)
    first = api.get(pull).json()["head"]["sha"]
    assert places(api, pull) == [(5, None, 5), (20, 19, 14), (20, None, 13)]

    second = commit(tree, {"a": text(changed={5: "five\n", 20: "twenty\n"}, before="a\nb\n")})
    push(url, "following", tree)
    assert places(api, pull) == [(7, None, 8), (22, 21, 17), (20, None, 16)]
    assert {one["commit_id"] for one in said(api, pull)} == {second}
    assert {one["original_commit_id"] for one in said(api, pull)} == {first}

    third = commit(tree, {"a": text(changed={5: "cinq\n", 20: "twenty\n"}, before="a\nb\n")})
    push(url, "following", tree)
    outdated, kept, _ = said(api, pull)
    assert (outdated["line"], outdated["position"], outdated["original_line"]) == (None, None, 5)
    assert (outdated["commit_id"], outdated["original_commit_id"]) == (second, first)
    assert (kept["line"], kept["commit_id"]) == (22, third)
    assert [one["isOutdated"] for one in threads(Api(url), "following")] == [True, False, False]

    commit(tree, {"a": text(changed={5: "cinq\n"}, before="a\nb\n")})
    push(url, "following", tree)
    assert places(api, pull) == [(None, None, None)] * 3


@pytest.mark.parametrize("how", ["rebase", "merge"])
def test_reviews_move_to_a_new_head_where_the_change_is_the_same(
    url: str, api: CheckedApi, tmp_path: Path, how: str
) -> None:
    tree = tmp_path / "tree"
    pull = reviewed(url, api, how, tree)
    first = api.get(pull).json()["head"]["sha"]
    git("switch", "--quiet", "main", folder=tree)
    commit(tree, {"a": text(before="of main\n"), "other": b"x\n"})
    git("push", "--quiet", with_token(f"{url}/acme/{how}.git"), "main", folder=tree)
    git("switch", "--quiet", "change", folder=tree)
    git(how, "--quiet", "main", folder=tree)
    push(url, how, tree, force=True)

    head = api.get(pull).json()["head"]["sha"]
    assert head != first
    assert [one["commit_id"] for one in api.get(f"{pull}/reviews").json()] == [head, head]
    assert [one["line"] for one in said(api, pull)] == [6, 21, 21]
    assert {one["commit_id"] for one in said(api, pull)} == {head}


def test_reviews_stay_at_a_head_that_was_rewritten_to_another_change(url: str, api: CheckedApi, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    pull = reviewed(url, api, "rewritten", tree)
    first = api.get(pull).json()["head"]["sha"]
    git("reset", "--quiet", "--hard", "main", folder=tree)
    head = commit(tree, {"a": text(changed={5: "five\n", 21: "new\n"})})
    push(url, "rewritten", tree, force=True)

    assert api.get(pull).json()["head"]["sha"] == head
    reviews = api.get(f"{pull}/reviews").json()
    assert [one["commit_id"] for one in reviews] == [first, first]
    assert [one["line"] for one in said(api, pull)] == [5, None, None]
    assert [one["commit_id"] for one in said(api, pull)] == [head, first, first]
    late = api.post(f"{pull}/reviews", {"event": "COMMENT", "body": "x", "commit_id": first})
    assert late.json()["errors"] == ["The commitOID is not part of the pull request"]

    client.call("PATCH", f"{url}/_sim{pull}/reviews/{reviews[0]['id']}", {"commit_id": head})
    assert [one["commit_id"] for one in api.get(f"{pull}/reviews").json()] == [head, first]


# A file that becomes a link, and the other way round


def test_both_sides_of_a_change_of_type_take_comments(url: str, api: CheckedApi, tmp_path: Path) -> None:
    tree, address = tmp_path / "tree", with_token(f"{url}/acme/types.git")
    pull = pushed_pull(url, "types", tree, {"file": b"1\n2\n3\n"}, {"z": b"1\n"})
    git("switch", "--quiet", "main", folder=tree)
    (tree / "link").symlink_to("somewhere")
    commit(tree, {})
    git("switch", "--quiet", "change", folder=tree)
    git("reset", "--quiet", "--hard", "main", folder=tree)
    for name in ("link", "file"):
        (tree / name).unlink()
    (tree / "file").symlink_to("elsewhere")
    commit(tree, {"link": b"one\ntwo\nthree\n"})
    git("push", "--quiet", "--force", address, "main", "change", folder=tree)
    listed = [(file["filename"], file["status"]) for file in api.get(f"{pull}/files").json()]
    assert listed == [("file", "changed"), ("link", "changed")]
    sides = [("file", "LEFT", 3, 3), ("file", "RIGHT", 1, 5), ("link", "LEFT", 1, 1), ("link", "RIGHT", 3, 6)]
    comments = [{"path": path, "side": side, "line": line, "body": "x"} for path, side, line, _ in sides]
    assert api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": comments}).status_code == 200
    found = [(one["path"], one["side"], one["line"], one["position"]) for one in said(api, pull)]
    assert found == sides
    beyond = {"path": "file", "side": "RIGHT", "line": 2, "body": "x"}
    assert api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": [beyond]}).status_code == 422
