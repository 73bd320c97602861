"""GitHub's refusals: what passes by itself comes with the seconds to wait, what does not with what a person can do."""

import time
from pathlib import Path
from typing import Any

import pytest

from forge.github.refusals import FIRST_SECONDS, MOST_SECONDS, Backoff
from sim.not_github import client
from stack.ids import uuid7
from stack.work.review import PullRequest
from tests.forge.conftest import Refusal, World, finding, review_of
from tests.sim.openapi import Contract

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
BLOCKED = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)
ABUSE = {
    "message": "Validation Failed",
    "errors": [{"resource": "PullRequestReview", "code": "abuse", "field": "base"}],
}
TOO_QUICKLY = {"message": "Unprocessable Entity", "errors": ["was submitted too quickly"]}
PENDING = {"message": "Unprocessable Entity", "errors": ["User can only have one pending review per pull request"]}


# --- what passes by itself, as a pull request is fetched ------------------------------------------------


def test_a_passing_fault_is_waited_for(world: World) -> None:
    world.fault(path_regex="/pulls/12$", status=502, count=2)

    assert isinstance(world.fetch("acme/shop", 12), PullRequest)
    assert world.waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "words", "after"),
    [
        ({"status": 503}, "GitHub answers 503 (Service Unavailable)", 30),
        (
            {"status": 500, "body": "<html>Unicorn!"},
            "GitHub answers 500 (Internal Server Error)",
            30,
        ),
        (
            {"status": 503, "headers": {"retry-after": "120"}, "body": {"message": "Maintenance"}},
            "GitHub answers 503 (Maintenance)",
            120,
        ),
        ({"status": 408}, "GitHub answers 408 (Request Timeout)", 30),
        (
            {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<h1>We'll be back</h1>"},
            "GitHub answers with a page instead of data",
            30,
        ),
        ({"drop": True}, "GitHub cannot be reached", 30),
    ],
    ids=lambda value: str(value.get("status", "drop")) if isinstance(value, dict) else "",
)
def test_a_github_that_is_away_is_outwaited(world: World, fault: dict[str, Any], words: str, after: float) -> None:
    world.fault(path_regex="/pulls/12$", count=4, **fault)

    assert world.fetch("acme/shop", 12) == Refusal("try again", words, after)
    assert world.waits == ([] if fault.get("status") == 200 else [1.0, 2.0, 4.0])
    client.call("DELETE", f"{world.url}/_sim/faults")
    assert isinstance(world.fetch("acme/shop", 12), PullRequest)


def test_a_github_that_is_not_there_is_outwaited(tmp_path: Path, contract: Contract) -> None:
    world = World("http://127.0.0.1:9", tmp_path, contract)

    assert world.fetch("acme/shop", 12).after == 30


@pytest.mark.parametrize("status", [403, 429])
def test_a_short_limit_is_waited_out_here(world: World, status: int) -> None:
    world.fault(path_regex="/pulls/12$", status=status, headers={"retry-after": "3"})

    assert isinstance(world.fetch("acme/shop", 12), PullRequest)
    assert world.waits == [3.0]


@pytest.mark.parametrize(
    ("status", "headers", "body", "after"),
    [
        (403, {"retry-after": "60"}, {"message": SECONDARY}, 60),
        (429, {"retry-after": "1800"}, {"message": "Too many"}, 1800),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+600"}, {"message": "API rate limit exceeded"}, 600),
        (
            429,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-600"},
            {"message": "API rate limit exceeded"},
            None,
        ),
        (403, {}, {"message": SECONDARY}, 60),
        (403, {}, {"message": BLOCKED}, 60),
        (403, {}, {"message": "You have triggered an abuse detection mechanism."}, 60),
        (403, {}, {"message": "Maximum number of login attempts exceeded. Please try again later."}, 60),
        (403, {}, {"message": "Slow down", "documentation_url": "https://docs.github.com/x#secondary-rate-limits"}, 60),
        (429, {}, {"message": "Whoa there"}, 60),
    ],
)
def test_a_limit_is_for_the_orchestrator_to_outwait(
    world: World, status: int, headers: dict[str, str], body: dict[str, str], after: float | None
) -> None:
    told = headers.get("x-ratelimit-reset")
    if told:
        headers = {**headers, "x-ratelimit-reset": str(int(time.time() + int(told)))}
    world.fault(path_regex="/pulls/12$", status=status, headers=headers, body=body)

    outcome = world.fetch("acme/shop", 12)

    if after is None:  # it has opened: a second is waited, here
        assert isinstance(outcome, PullRequest)
        return
    assert (outcome.kind, outcome.after) == ("try again", pytest.approx(after, abs=3))
    assert f"({body['message']})" in outcome.what
    assert world.waits == []


def test_githubs_clock_counts_and_not_ours(world: World) -> None:
    """Ours may be ahead: then the limit would seem to have opened, and GitHub would be asked every second."""
    hour_ago = time.time() - 3600
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(hour_ago))
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(hour_ago) + 900), "Date": date}
    world.fault(path_regex="/pulls/12$", status=403, headers=headers)

    assert world.fetch("acme/shop", 12).after == pytest.approx(900, abs=2)


def test_an_answer_that_cannot_be_read_is_tried_again_a_few_times(world: World) -> None:
    world.fault(path_regex="/pulls/12$", status=200, body={"state": "open"}, count=4)

    outcome = world.fetch("acme/shop", 12)

    assert (outcome.kind, outcome.after) == ("try again", None)
    assert outcome.what.startswith("GitHub's answer cannot be read: Field required at title")


@pytest.mark.parametrize(
    ("status", "words", "after"),
    [
        (503, "acme/shop cannot be fetched from GitHub now: ", 30),
        (429, "GitHub's limit is reached, acme/shop cannot be fetched", 60),
    ],
)
def test_git_that_fails_for_now_is_outwaited(world: World, status: int, words: str, after: float) -> None:
    world.fault(path_regex="info/refs", status=status)

    outcome = world.fetch("acme/shop", 12)

    assert (outcome.kind, outcome.after) == ("try again", after)
    assert outcome.what.startswith(words)


def test_a_page_in_the_place_of_gits_answer_is_outwaited(world: World) -> None:
    world.fault(
        path_regex="info/refs", status=200, headers={"Content-Type": "text/html"}, body="<h1>We'll be back</h1>"
    )

    assert world.fetch("acme/shop", 12).after == 30


def test_the_wait_doubles_while_github_goes_on_to_refuse() -> None:
    now = 0.0
    backoff, waits = Backoff(lambda: now), []
    for _ in range(6):
        waits.append(backoff.seconds())
        now += waits[-1] + 5
    assert waits == [60, 120, 240, 480, MOST_SECONDS, MOST_SECONDS]

    now -= 5 + 100
    assert backoff.seconds() == pytest.approx(100)  # another task waits for the same moment

    now += 10_000
    assert backoff.seconds() == FIRST_SECONDS


# --- what passes by itself, as a review is posted -------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        ({"status": 403, "headers": {"retry-after": "60"}, "body": {"message": SECONDARY}}, 60),
        ({"status": 403, "body": {"message": BLOCKED}}, 60),
        ({"status": 422, "body": ABUSE}, 60),
        ({"status": 422, "body": TOO_QUICKLY}, 60),
        ({"status": 503, "count": 4}, 30),
        ({"drop": True, "count": 4}, 30),
        ({"status": 200, "body": "<html>", "headers": {"Content-Type": "text/html"}, "count": 4}, 30),
    ],
)
def test_a_review_that_github_does_not_take_now_is_posted_later(
    world: World, shop: PullRequest, fault: dict[str, Any], after: float
) -> None:
    run, brief, before = uuid7(), review_of(shop, finding()), len(posts(world, shop))
    world.fault(path_regex="/reviews$", method="POST", **fault)

    outcome = world.review(brief, run)

    assert (outcome.kind, outcome.after) == ("try again", after)
    assert len(posts(world, shop)) - before == fault.get("count", 1)
    receipt = world.review(brief, run)
    assert (receipt.proven, receipt.inline_comments) == (True, 1)
    assert len(world.reviews(shop)) == 1


def test_a_review_that_was_taken_though_github_was_away_is_posted_once(world: World, shop: PullRequest) -> None:
    run = uuid7()
    world.fault(path_regex="/reviews$", method="POST", status=500, count=3)
    world.fault(path_regex="/reviews$", method="POST", status=500, when="after")

    words = "GitHub does not take the review now: GitHub answers 500 (Internal Server Error)"
    assert world.review(review_of(shop), run) == Refusal("try again", words, 30)
    assert world.review(review_of(shop), run).proven
    assert len(world.reviews(shop)) == 1


def posts(world: World, pull: PullRequest) -> list[str]:
    return [one for one in world.asked() if one == f"POST /repos/{pull.repository}/pulls/{pull.number}/reviews"]


# --- a review that somebody has started with the token's account ----------------------------------------


def test_with_a_started_review_nothing_is_fetched_and_nothing_paid(world: World, shop: PullRequest) -> None:
    pending = f"{shop.repository}/pulls/1/pending"
    world.person("POST", pending, body="half of a tho")

    outcome = world.fetch(shop.repository)

    assert outcome.kind == "give up"
    assert outcome.what.startswith(
        f"reviewer has started a review of pull request 1 of {shop.repository}, and GitHub takes no other beside it: "
        f"submit or discard it, then ask again: {world.url}/{shop.repository}/pull/1#pullrequestreview-"
    )
    world.person("DELETE", pending)
    assert world.fetch(shop.repository) == shop


def test_a_try_of_ours_that_was_left_is_in_nobodys_way(world: World, shop: PullRequest) -> None:
    body = world.marks.line({"is": "try", "run": str(uuid7())})
    world.person("POST", f"{shop.repository}/pulls/1/pending", body=body)

    assert world.fetch(shop.repository) == shop
    assert world.review(review_of(shop)).proven


def test_anothers_started_review_is_in_nobodys_way(world: World, shop: PullRequest) -> None:
    world.person("POST", f"{shop.repository}/pulls/1/pending", user="robin")

    assert world.fetch(shop.repository) == shop
    assert world.review(review_of(shop)).proven


@pytest.mark.parametrize("end", ["PATCH", "DELETE"])
def test_a_review_waits_for_a_started_one_to_be_submitted_or_discarded(
    world: World, shop: PullRequest, end: str
) -> None:
    pending, run, brief = f"{shop.repository}/pulls/1/pending", uuid7(), review_of(shop, finding())
    world.person("POST", pending)
    before = len(posts(world, shop))

    for _ in range(3):
        outcome = world.review(brief, run)
        assert (outcome.kind, outcome.after) == ("try again", 60)
        assert "reviewer has started a review" in outcome.what
        assert "submit or discard it" in outcome.what
    assert len(posts(world, shop)) == before

    world.person(end, pending)
    receipt = world.review(brief, run)
    assert (receipt.proven, receipt.inline_comments) == (True, 1)


def test_a_review_that_is_started_in_this_moment_is_waited_for_too(world: World, shop: PullRequest) -> None:
    world.fault(path_regex="/reviews$", method="POST", status=422, body=PENDING)

    outcome = world.review(review_of(shop, finding()))

    words = "The token's account has started a review there: submit or discard it on GitHub"
    assert outcome == Refusal("try again", words, 60)
    assert len(posts(world, shop)) == 1


def test_a_started_review_with_the_mark_of_the_run_is_not_taken_for_its_review(world: World, shop: PullRequest) -> None:
    run = uuid7()
    world.person("POST", f"{shop.repository}/pulls/1/pending", body=f"<!-- claude-stack run:{run} -->")

    assert world.review(review_of(shop), run).after == 60


# --- what a person has to mend --------------------------------------------------------------------------


def test_a_wrong_token_is_told_in_words(not_github: str, tmp_path: Path, contract: Contract) -> None:
    world = World(not_github, tmp_path, contract, token="not-the-token")

    assert world.fetch("acme/shop", 12) == Refusal(
        "give up", "The GitHub token is not accepted (401): it is wrong, has expired or was revoked"
    )


def test_a_token_that_git_refuses_is_told_in_words(world: World) -> None:
    for status in (401, 403):
        world.fault(path_regex="info/refs", status=status)
        outcome = world.fetch("acme/shop", 12)
        assert (outcome.kind, f"({status})" in outcome.what) == ("give up", True), outcome


def test_an_archived_repository_is_given_up_before_anything_is_paid(world: World, shop: PullRequest) -> None:
    world.person("PATCH", shop.repository, archived=True)

    words = f"{shop.repository} is archived, so it takes no reviews: unarchive it, then ask again"
    assert world.fetch(shop.repository) == Refusal("give up", words)


def test_a_locked_conversation_is_given_up_where_the_account_may_not_write(world: World, shop: PullRequest) -> None:
    world.person("PATCH", f"{shop.repository}/pulls/1", locked=True)
    assert world.fetch(shop.repository) == shop

    world.person("PATCH", shop.repository, permission="read")
    assert world.fetch(shop.repository) == Refusal(
        "give up",
        f"The conversation of pull request 1 of {shop.repository} is locked: unlock it, or give reviewer "
        "write access to the repository, then ask again",
    )


def test_a_lock_that_comes_before_the_review_is_told(world: World, shop: PullRequest) -> None:
    world.person("PATCH", f"{shop.repository}/pulls/1", locked=True)
    world.person("PATCH", shop.repository, permission="read")

    assert world.review(review_of(shop, finding())) == Refusal(
        "give up",
        "GitHub will not have it (422): Unprocessable Entity; lock prevents review. The conversation is locked or the "
        "repository archived: unlock it, or give the token's account write access, then ask again",
    )
    assert len(posts(world, shop)) == 2, "the second one asks whether it is the comments"


@pytest.mark.parametrize(
    ("words", "to_do"),
    [
        (
            "Resource not accessible by personal access token",
            "Give the token the right to read and write pull requests",
        ),
        ("Repository was archived so is read-only.", "unarchive it"),
        ("Resource protected by organization SAML enforcement.", "Authorize the token"),
        ("`acme` forbids access via a fine-grained personal access token", "does not take such a token"),
        (
            "Although you appear to have the correct authorization, the `acme` IP allow list",
            "Add this machine's address",
        ),
        ("Sorry. Your account was suspended.", "use another's token"),
        ("Repository access blocked", "have it unblocked"),
        ("Must have admin rights to Repository.", "GitHub refuses (403): Must have admin rights to Repository."),
    ],
)
def test_a_refusal_is_told_with_what_to_do(world: World, shop: PullRequest, words: str, to_do: str) -> None:
    world.fault(path_regex="/reviews$", method="POST", status=403, body={"message": words})

    outcome = world.review(review_of(shop, finding()))

    assert (outcome.kind, outcome.after) == ("give up", None)
    assert outcome.what.startswith(f"GitHub refuses (403): {words}")
    assert to_do in outcome.what
    assert len(posts(world, shop)) == 1


def test_a_pull_request_that_takes_no_review_any_more_is_told_in_words(world: World, shop: PullRequest) -> None:
    world.fault(path_regex="/reviews$", method="POST", status=404)

    words = f"Pull request 1 of {shop.repository} is gone, or the token may not write reviews there"
    assert world.review(review_of(shop)) == Refusal("give up", words)


def test_what_a_model_wrote_is_no_limit(world: World, shop: PullRequest) -> None:
    """A refusal may repeat what was sent: only the words of GitHub's own guard count in it."""
    words = "For 'properties/body', \"the rate limit of the API; try again later\" is not a string."
    world.fault(path_regex="/reviews$", method="POST", status=422, body={"message": words}, count=3)

    assert world.review(review_of(shop, finding())).kind == "give up"
