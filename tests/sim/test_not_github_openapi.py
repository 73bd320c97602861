"""Every answer of not-github keeps GitHub's published OpenAPI description."""

from collections.abc import Iterator
from typing import Any

import pytest

from sim.not_github import client
from tests.sim.checked_api import CheckedApi
from tests.sim.not_github import running
from tests.sim.openapi import Contract

SHOP = "/repos/acme/shop"
PULL = f"{SHOP}/pulls/12"
COMMENTS = f"{SHOP}/issues/12/comments"
LINE = {"path": "shop/vouchers.py", "line": 15, "side": "RIGHT", "body": "`eval` of what an editor wrote"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("not-github")) as url:
        client.example(url)
        yield url


@pytest.fixture(scope="module")
def review(url: str, contract: Contract) -> Any:
    """Two reviews and a comment are there to be read; the first review is returned."""
    api = CheckedApi(url, contract)
    several = {**LINE, "start_line": 11, "start_side": "RIGHT"}
    by_position = {"path": "shop/orders.py", "position": 3, "body": "why not `secrets`?"}
    body = {"event": "COMMENT", "body": "Three remarks.", "comments": [LINE, several, by_position]}
    first = api.post(f"{PULL}/reviews", body)
    assert first.status_code == 200
    assert api.post(f"{PULL}/reviews", {"body": "not yet sent"}).json()["state"] == "PENDING"
    assert api.post(COMMENTS, {"body": "Thank you."}).status_code == 201
    api.close()
    return first.json()


@pytest.mark.parametrize(
    "path",
    [
        "/user",
        "/rate_limit",
        SHOP,
        f"{SHOP}/branches",
        f"{SHOP}/branches/voucher-codes",
        f"{SHOP}/pulls",
        f"{SHOP}/pulls?state=all&head=acme:voucher-codes&base=main&per_page=5&page=1",
        PULL,
        f"{PULL}/files?per_page=2&page=2",
        f"{PULL}/commits",
        f"{PULL}/reviews",
        f"{PULL}/comments",
        COMMENTS,
    ],
)
@pytest.mark.usefixtures("review")
def test_what_is_read_has_the_published_shape(api: CheckedApi, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    assert answer.json()


def test_a_review_and_its_comments_have_the_published_shape(api: CheckedApi, review: dict[str, Any]) -> None:
    assert api.get(f"{PULL}/reviews/{review['id']}").json() == review
    assert len(api.get(f"{PULL}/reviews/{review['id']}/comments").json()) == 3


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{PULL}/reviews", {"event": "COMMENT"}, 422),
        (f"{PULL}/reviews", {"event": "COMMENT", "body": "x", "commit_id": "0" * 40}, 422),
        (f"{PULL}/reviews", {"event": "COMMENT", "comments": [{**LINE, "line": 999}]}, 422),
        (f"{SHOP}/pulls/404/reviews", {"event": "COMMENT", "body": "x"}, 404),
        (COMMENTS, {"body": ""}, 422),
        (COMMENTS, {"body": "x" * 65_537}, 422),
        (f"{SHOP}/issues/404/comments", {"body": "x"}, 404),
    ],
)
def test_refusals_have_the_published_shape(api: CheckedApi, path: str, body: object, status: int) -> None:
    assert api.post(path, body).status_code == status


@pytest.mark.parametrize("path", ["/repos/acme/nothing", f"{SHOP}/branches/none", f"{SHOP}/pulls/404"])
def test_what_is_missing_has_the_published_shape(api: CheckedApi, path: str) -> None:
    assert api.get(path).status_code == 404


def test_a_wrong_token_has_the_published_shape(url: str, contract: Contract) -> None:
    api = CheckedApi(url, contract, token="not-this-one")
    assert api.get("/user").status_code == 401
    assert api.get(PULL).status_code == 401
    api.close()


def test_an_answer_without_a_required_field_is_found(api: CheckedApi, contract: Contract) -> None:
    pull = api.get(PULL).json()
    del pull["head"]["repo"]["clone_url"]
    with pytest.raises(AssertionError, match="'clone_url' is a required property"):
        contract.check_response("GET", PULL, 200, pull)


def test_an_outdated_comment_is_on_no_line(api: CheckedApi, contract: Contract, review: dict[str, Any]) -> None:
    comments = api.get(f"{PULL}/comments").json()
    comment = next(one for one in comments if one["pull_request_review_id"] == review["id"])
    contract.check_response("GET", f"{PULL}/comments", 200, [{**comment, "line": None, "position": None}])


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("POST", f"{PULL}/reviews", {"event": "SHOUT"}, "SHOUT"),
        ("POST", f"{PULL}/reviews", {"boddy": "x"}, "boddy"),
        ("POST", f"{PULL}/reviews", {"comments": [{"path": "x"}]}, "body"),
        ("POST", COMMENTS, None, "required"),
        ("GET", f"{PULL}/files?perpage=3", None, "perpage"),
        ("GET", "/repos/acme/shop/dreams", None, "dreams"),
    ],
)
def test_a_request_that_github_does_not_know_is_found(
    contract: Contract, method: str, path: str, body: object, problem: str
) -> None:
    with pytest.raises(AssertionError, match=problem):
        contract.check_request(method, path, body)
