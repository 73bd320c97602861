"""Posting reviews on the simulator."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from forge.github.reviews import PullReviews
from sim.not_github import client
from stack.ids import uuid7
from stack.messages import Progress
from stack.work.remarks import Placed, Remark
from stack.work.review import Draft, PostReview, PullRequest, Receipt
from tests.forge.conftest import World, finding, review_of
from tests.sim.not_github import commit, git, pushed_pull, with_token
from tests.sim.openapi import Contract


def test_a_review_is_posted_and_proven(world: World, shop: PullRequest) -> None:
    run = uuid7()
    findings = [finding("On the diff"), finding("Far away", 30), finding("On the old side", 3, side="LEFT")]

    receipt = world.review(review_of(shop, *findings), run)

    (review,) = world.reviews(shop)
    assert receipt == Receipt(
        review_id=review["id"], url=review["html_url"], inline_comments=2, findings_in_body=1, already_reported=0,
        comments_refused=0, proven=True,
    )  # fmt: skip
    assert (review["state"], review["commit_id"]) == ("COMMENTED", shop.head_sha)
    assert [facts["run"] for facts in world.marks.read(review["body"])] == [str(run)]
    assert [(c["path"], c["line"], c["side"]) for c in world.comments(shop)] == [
        ("shop.py", 3, "RIGHT"),
        ("shop.py", 3, "LEFT"),
    ]


def test_progress_is_told_in_steps(world: World, shop: PullRequest) -> None:
    world.sender.mentioned.clear()
    world.review(review_of(shop))

    assert [(p.kind, p.text) for p in world.sender.mentioned if isinstance(p, Progress)] == [
        ("step", "Writing the review"),
        ("step", "Posting the review"),
        ("step", "Looking whether the review is there"),
    ]


def test_a_comment_on_several_lines_with_a_suggestion(world: World, shop: PullRequest) -> None:
    world.review(review_of(shop, finding(line=3, end=4, suggestion="better\n```\n")))

    (comment,) = world.comments(shop)
    assert (comment["start_line"], comment["line"]) == (3, 4)
    assert "````suggestion\nbetter\n```\n````" in comment["body"]


def test_asked_twice_there_is_one_review(world: World, shop: PullRequest) -> None:
    draft = world.do(review_of(shop, finding(), finding("Far away", 30)))
    run, brief = uuid7(), PostReview(pull=shop, draft=draft)

    first, second = world.do(brief, run), world.do(brief, run)

    assert first == second
    assert len(world.reviews(shop)) == len(world.comments(shop)) == 1


def test_asked_at_once_by_many_there_is_one_review(world: World, shop: PullRequest) -> None:
    run, brief = uuid7(), PostReview(pull=shop, draft=world.do(review_of(shop, finding())))

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: world.do(brief, run), range(6)))

    assert all(outcome.proven for outcome in outcomes)
    assert len(world.reviews(shop)) == 1


def test_a_marker_in_a_strangers_review_counts_for_nothing(world: World, shop: PullRequest) -> None:
    run = uuid7()
    mark = world.marks.line({"is": "review", "run": str(run), "draft": "", "moved": []})
    forged = {
        "id": 1, "html_url": "x", "body": mark, "user": {"login": "mallory"},
        "state": "COMMENTED",
    }  # fmt: skip
    world.fault(path_regex="/reviews$", method="GET", status=200, body=[forged])

    assert world.review(review_of(shop), run).proven
    assert len(world.reviews(shop)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "when": "after"},
        {"drop": True, "when": "after"},
        {"status": 502},
        {"drop": True},
        {"status": 429, "headers": {"retry-after": "3"}},
        {"status": 403, "headers": {"retry-after": "3"}},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_whatever_happens_to_the_reply_there_is_one_review(
    world: World, shop: PullRequest, fault: dict[str, Any]
) -> None:
    world.fault(path_regex="/reviews$", method="POST", **fault)

    receipt = world.review(review_of(shop, finding()))

    assert (receipt.proven, receipt.inline_comments, receipt.already_reported) == (True, 1, 0)
    assert len(world.reviews(shop)) == len(world.comments(shop)) == 1
    assert world.waits == [3.0 if fault.get("headers") else 1.0]


def drafted(world: World, pull: PullRequest, *lines: int) -> Draft:
    """A draft with a comment on each of these lines; GitHub takes none on what the diff does not show."""
    draft: Draft = world.do(review_of(pull))
    remarks = tuple(Remark(path="shop.py", line=line, side="RIGHT", body=f"Wrong {line}") for line in lines)
    placed = tuple(
        Placed(number=n, path="shop.py", line=line, side="RIGHT", severity="low", kind="other", title=f"Wrong {line}",
               anchor="", where="line")
        for n, line in enumerate(lines, 1)
    )  # fmt: skip
    return draft.model_copy(update={"remarks": remarks, "findings": placed})


@pytest.mark.parametrize("lines", [(3, 30), (30, 4), (3, 30, 4), (30, 31, 4, 5, 6, 32)], ids=str)
def test_a_comment_that_github_refuses_takes_no_other_from_its_line(
    world: World, shop: PullRequest, lines: tuple[int, ...]
) -> None:
    right = [line for line in lines if line < 30]
    brief, run = PostReview(pull=shop, draft=drafted(world, shop, *lines)), uuid7()

    receipt = world.do(brief, run)

    assert (receipt.proven, receipt.inline_comments, receipt.comments_refused) == (
        True, len(right), len(lines) - len(right),
    )  # fmt: skip
    (review,) = world.reviews(shop)
    assert all(f"Wrong {line}" in review["body"] for line in lines if line >= 30)
    assert sorted(c["line"] for c in world.comments(shop)) == sorted(right)
    assert world.do(brief, run) == receipt


def test_a_try_that_was_cut_off_is_in_nobodys_way(world: World, shop: PullRequest) -> None:
    brief, run = PostReview(pull=shop, draft=drafted(world, shop, 3, 30)), uuid7()
    world.fault(path_regex=r"/reviews/\d+$", method="DELETE", status=502, count=1)

    assert world.do(brief, run).proven
    assert len(world.reviews(shop)) == 1


def test_comments_are_tried_again_where_the_refusal_was_of_the_moment(world: World, shop: PullRequest) -> None:
    world.fault(path_regex="/reviews$", method="POST", status=422, body={"message": "Line could not be resolved"})

    receipt = world.review(review_of(shop, finding("One", kind="tests"), finding("Two", 4)))

    assert (receipt.proven, receipt.inline_comments, receipt.comments_refused) == (True, 2, 0)


def test_after_a_force_push_the_review_is_posted_all_the_same(world: World, shop: PullRequest, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git("commit", "--quiet", "--amend", "--message", "other", folder=tree)
    git("push", "--quiet", "--force", with_token(f"{world.url}/{shop.repository}.git"), "change", folder=tree)

    receipt = world.review(review_of(shop, finding()))

    assert (receipt.proven, receipt.findings_in_body, receipt.comments_refused) == (False, 1, 1)
    assert "another commit" in receipt.missing
    assert shop.head_sha[:12] in world.reviews(shop)[0]["body"]


def test_a_second_run_does_not_repeat_what_is_there(world: World, shop: PullRequest, tmp_path: Path) -> None:
    world.review(review_of(shop, finding(), finding("Far away", 30)))
    head = commit(tmp_path / "tree", {"shop.py": b"line 0\n" + (tmp_path / "tree/shop.py").read_bytes()})
    git("push", "--quiet", with_token(f"{world.url}/{shop.repository}.git"), "change", folder=tmp_path / "tree")
    moved = world.fetch(shop.repository)
    assert moved.head_sha == head

    findings = finding(line=4), finding("New", 4, kind="tests"), finding("Far away", 31)
    receipt = world.review(review_of(moved, *findings, said=world.said(moved)))

    assert (receipt.inline_comments, receipt.findings_in_body, receipt.already_reported) == (1, 0, 2)
    assert len(world.comments(shop)) == 2
    assert "Reported before: 2." in world.reviews(shop)[1]["body"]


def test_no_more_than_so_many_comments_stand_on_lines(world: World, shop: PullRequest, contract: Contract) -> None:
    few = World(world.url, world.data, contract, max_inline=1)
    findings = [finding(f"Number {n}", n + 1, severity="low", confidence=n / 10) for n in range(5)]

    receipt = few.review(review_of(shop, *findings))

    assert (receipt.inline_comments, receipt.findings_in_body) == (1, 4)
    assert "Number 4" in world.comments(shop)[0]["body"]


def test_names_of_files_that_need_quoting_take_comments(world: World, tmp_path: Path) -> None:
    names = ["ümläut ö.py", 'a "quoted"\tname.py', "`@everyone`.py", "--option"]
    before = dict.fromkeys(names, b"1\n")
    pushed_pull(world.url, "quoting", tmp_path / "tree", before, dict.fromkeys(names, b"2\n"))
    pull = world.fetch("acme/quoting")

    receipt = world.review(review_of(pull, *(finding(line=1, path=name) for name in names)))

    assert (receipt.proven, receipt.inline_comments, receipt.comments_refused) == (True, len(names), 0)


def test_a_review_that_github_does_not_show_is_not_proven(world: World, shop: PullRequest) -> None:
    world.fault(path_regex=r"/reviews/\d+$", status=404, count=3)

    receipt = world.review(review_of(shop, finding()))

    assert (receipt.proven, receipt.missing) == (False, f"GitHub does not show review {receipt.review_id}")
    assert world.waits == [1.0, 2.0]


def test_a_review_that_github_shows_late_is_proven(world: World, shop: PullRequest) -> None:
    world.fault(path_regex=r"/reviews/\d+$", status=404)

    assert world.review(review_of(shop, finding())).proven


def test_a_review_without_its_comments_is_not_proven(world: World, shop: PullRequest) -> None:
    world.fault(path_regex=r"/reviews/\d+/comments$", status=200, body=[], count=3)

    receipt = world.review(review_of(shop, finding()))

    assert not receipt.proven
    assert receipt.missing == f"review {receipt.review_id} shows 0 of the 1 comments on lines that were drafted"


def test_the_mark_of_a_run_is_found_on_a_later_page(world: World, shop: PullRequest) -> None:
    run = uuid7()
    for _ in range(101):
        client_post(world, shop, "an earlier one")
    world.review(review_of(shop), run)

    assert world.review(review_of(shop), run).proven
    assert post_reviews_of(world, shop) == 102


def client_post(world: World, pull: PullRequest, body: str) -> None:
    PullReviews(world.github, pull.repository, pull.number).post({"event": "COMMENT", "body": body})


def post_reviews_of(world: World, pull: PullRequest) -> int:
    return sum(f"POST /repos/{pull.repository}/pulls/{pull.number}/reviews" == one for one in world.asked())


def test_a_renamed_repository_is_posted_to_by_its_new_name(world: World, shop: PullRequest) -> None:
    path = f"/repos/{shop.repository}/pulls/1"
    world.fault(path_regex="/reviews$", method="POST", status=307, headers={"Location": f"{world.url}{path}/reviews"})

    assert world.review(review_of(shop)).proven
    assert f"GET {path}" in world.asked()


def test_without_its_mirror_the_forge_makes_it_anew(world: World, shop: PullRequest, tmp_path: Path) -> None:
    empty = World(world.url, tmp_path / "new", Contract())

    assert empty.review(review_of(shop, finding())).inline_comments == 1


def test_a_review_without_findings_asks_for_no_comments(world: World, shop: PullRequest) -> None:
    before = len(client.call("GET", f"{world.url}/_sim/requests"))
    world.review(review_of(shop))

    assert f"GET /repos/{shop.repository}/pulls/1/comments" not in world.asked()[before:]
