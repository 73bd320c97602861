"""Who may do what at not-github, where a renamed repository is found, and GitHub's own refusals on demand."""

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from sim.not_github import client
from sim.not_github.refusals import REFUSALS
from tests.sim.checked_api import CheckedApi
from tests.sim.not_github import Api, commit, git, push, pushed_pull, with_token
from tests.sim.not_github_threads import remark

NO_RIGHT = "Resource not accessible by personal access token"
REVIEW = {"event": "COMMENT", "body": "x"}


def pull_of(url: str, name: str, tmp_path: Path) -> str:
    return pushed_pull(url, name, tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})


def change(url: str, name: str, /, **what: object) -> None:
    client.call("PATCH", f"{url}/_sim/repos/acme/{name}", what)


# Rights


def writes(api: Api, pull: str, root: int) -> dict[str, requests.Response]:
    """Everything that the token may be kept from, tried."""
    place, _, number = pull.rpartition("/pulls/")
    sha = api.get(pull).json()["head"]["sha"]
    return {
        "review": api.post(f"{pull}/reviews", REVIEW),
        "reply": api.post(f"{pull}/comments/{root}/replies", {"body": "x"}),
        "comment": api.post(f"{place}/issues/{number}/comments", {"body": "x"}),
        "status": api.post(f"{place}/statuses/{sha}", {"state": "success"}),
    }


@pytest.mark.parametrize(
    ("lacks", "refused"),
    [
        ([], set()),
        (["pull_requests"], {"review", "reply"}),
        (["issues"], set()),
        (["issues", "pull_requests"], {"review", "reply", "comment"}),
        (["statuses"], {"status"}),
        (["contents"], set()),
    ],
)
def test_a_token_is_kept_from_what_it_has_no_right_to(
    url: str, api: CheckedApi, tmp_path: Path, lacks: list[str], refused: set[str]
) -> None:
    name = f"lacks-{'-'.join(lacks)}"
    pull = pull_of(url, name, tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    change(url, name, lacks=lacks)
    answers = writes(api, pull, root["id"])
    assert {what for what, answer in answers.items() if answer.status_code == 403} == refused
    assert {answers[what].json()["message"] for what in refused} <= {NO_RIGHT}
    assert {"x-accepted-github-permissions" in answers[what].headers for what in refused} <= {True}
    assert all(answer.ok for what, answer in answers.items() if what not in refused)


def test_a_token_without_contents_pushes_nothing(url: str, tmp_path: Path) -> None:
    pull_of(url, "contents", tmp_path)
    change(url, "contents", lacks=["contents"])
    commit(tmp_path / "tree", {"a": b"3\n"})
    with pytest.raises(RuntimeError, match="403"):
        push(url, "contents", tmp_path / "tree")


def test_an_account_that_may_only_read_says_no_status(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "reader", tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    change(url, "reader", permission="read")
    assert {what: answer.status_code for what, answer in writes(api, pull, root["id"]).items()} == {
        "review": 200, "reply": 201, "comment": 201, "status": 404,
    }  # fmt: skip


def test_a_private_repository_is_hidden_from_an_account_without_access(
    url: str, api: CheckedApi, tmp_path: Path
) -> None:
    client.call("POST", f"{url}/_sim/repos/acme/hidden?private=1")
    assert api.get("/repos/acme/hidden").status_code == 200
    change(url, "hidden", permission="none")
    assert api.get("/repos/acme/hidden").status_code == 404
    with pytest.raises(RuntimeError, match="not found"):
        git("ls-remote", with_token(f"{url}/acme/hidden.git"), folder=tmp_path)


@pytest.mark.parametrize("what", [{"permission": "all"}, {"lacks": ["everything"]}, {"lacks": "issues"}, {"name": "/"}])
def test_a_right_that_is_not_known_is_refused(url: str, what: dict[str, object]) -> None:
    name = f"rights-{str(what).encode().hex()}"
    client.call("POST", f"{url}/_sim/repos/acme/{name}")
    with pytest.raises(client.Refused, match="422"):
        change(url, name, **what)


# Locked and archived


def test_where_nobody_may_speak_nothing_is_added(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "silent", tmp_path)
    root = remark(url, pull, "robin", path="a", line=1)
    started = api.post(f"{pull}/reviews", {"body": "x"}).json()
    client.call("PATCH", f"{url}/_sim{pull}", {"locked": True})
    change(url, "silent", permission="read")
    for path, body in ((f"{pull}/reviews", REVIEW), (f"{pull}/comments/{root['id']}/replies", {"body": "x"})):
        assert api.post(path, body).json()["errors"] == ["lock prevents review"]
    events = f"{pull}/reviews/{started['id']}/events"
    assert api.post(events, {"event": "COMMENT"}).json()["errors"] == ["lock prevents review"]
    remark(url, pull, "robin", path="a", line=1)
    client.call("PATCH", f"{url}/_sim{pull}", {"locked": False})

    change(url, "silent", archived=True, permission="write")
    assert api.delete(f"{pull}/reviews/{started['id']}").json()["message"] == "Repository was archived so is read-only."
    answers = writes(api, pull, root["id"])
    assert {what: answer.status_code for what, answer in answers.items()} == {
        "review": 422, "reply": 422, "comment": 403, "status": 403,
    }  # fmt: skip


# Renamed


def test_a_renamed_repository_is_found_by_a_redirect(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "old", tmp_path)
    number = api.get("/repos/acme/old").json()["id"]
    change(url, "old", name="new")

    led = api.session.get(f"{url}/repos/acme/old/pulls?state=all&per_page=1", allow_redirects=False, timeout=30)
    assert led.status_code == 301
    assert led.headers["Location"] == f"{url}/repositories/{number}/pulls?state=all&per_page=1"
    assert (led.json()["message"], led.json()["url"]) == ("Moved Permanently", led.headers["Location"])
    api.contract.check_response("GET", "/repos/acme/old", 301, led.json())
    led = api.session.post(f"{url}{pull}/reviews", json=REVIEW, allow_redirects=False, timeout=30)
    assert (led.status_code, led.json()["message"]) == (307, "Moved Permanently")
    assert led.headers["Location"] == f"{url}/repositories/{number}/pulls/1/reviews"
    assert api.get("/repos/acme/new/pulls/1/reviews").json() == []

    assert api.get(pull).json()["base"]["repo"]["full_name"] == "acme/new"
    assert api.post(f"{pull}/reviews", REVIEW).status_code == 200
    assert len(api.get("/repos/acme/new/pulls/1/reviews").json()) == 1
    assert api.get("/repos/acme/old/branches/change").json()["name"] == "change"
    assert Api(url).get("/acme/old/pull/1").url == f"{url}/acme/new/pull/1"
    git("clone", "--quiet", f"{url}/acme/old.git", "clone", folder=tmp_path)
    commit(tmp_path / "tree", {"a": b"3\n"})
    push(url, "old", tmp_path / "tree")
    assert api.get("/repos/acme/new/pulls/1").json()["commits"] == 2


def test_a_former_name_can_be_taken_again(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull_of(url, "taken", tmp_path)
    change(url, "taken", owner="other", name="kept")
    assert api.get("/repos/acme/taken").json()["full_name"] == "other/kept"
    client.call("POST", f"{url}/_sim/repos/acme/taken")
    assert api.get("/repos/acme/taken").json()["full_name"] == "acme/taken"
    with pytest.raises(client.Refused, match="409"):
        change(url, "taken", owner="other", name="kept")


def test_what_is_private_is_not_betrayed_by_its_former_name(url: str) -> None:
    client.call("POST", f"{url}/_sim/repos/acme/secret?private=1")
    change(url, "secret", name="secrets")
    stranger = Api(url, token=None)
    assert stranger.get("/repos/acme/secret", allow_redirects=False).status_code == 404
    assert stranger.get("/acme/secret/pull/1", allow_redirects=False).status_code == 401
    stranger.close()


# Refusals on demand


def fault(url: str, **what: Any) -> None:
    client.call("POST", f"{url}/_sim/faults", {"path_regex": "/reviews$", "method": "POST", **what})


@pytest.mark.parametrize("like", [name for name in REFUSALS if name != "graphql limit"])
def test_each_refusal_of_github_can_be_had_and_adds_nothing(
    url: str, api: CheckedApi, tmp_path: Path, like: str
) -> None:
    pull = pull_of(url, f"like-{like.replace(' ', '-')}", tmp_path)
    fault(url, like=like)
    answer = Api(url).post(f"{pull}/reviews", REVIEW)
    assert answer.status_code == REFUSALS[like].status >= 400
    if answer.status_code == 502:
        assert answer.headers["Content-Type"].startswith("text/html")
    elif like != "abuse":  # which does not keep the description at GitHub either
        api.contract.check_response("POST", f"{pull}/reviews", answer.status_code, answer.json())
    assert api.get(f"{pull}/reviews").json() == []
    assert api.post(f"{pull}/reviews", REVIEW).status_code == 200


def test_a_limit_can_last_long(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pull_of(url, "limits", tmp_path)
    for status in (403, 429):
        fault(url, like="secondary limit", status=status, retry_after=3_600)
        answer = Api(url).post(f"{pull}/reviews", REVIEW)
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "3600")
        assert "secondary rate limit" in answer.json()["message"]
        assert answer.json()["status"] == str(status)
    fault(url, like="primary limit", retry_after=1_800)
    headers = Api(url).post(f"{pull}/reviews", REVIEW).headers
    assert headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in headers
    assert abs(int(headers["x-ratelimit-reset"]) - time.time() - 1_800) < 60


@pytest.mark.parametrize("what", [{"like": "nothing"}, {"like": 3}, {"like": "pending", "retry_after": "1"}])
def test_a_refusal_that_is_not_known_is_refused(url: str, what: dict[str, Any]) -> None:
    with pytest.raises(client.Refused, match="422"):
        fault(url, **what)
