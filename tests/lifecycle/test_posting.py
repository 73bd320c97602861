"""Posting: what is approved is what is posted; what is paid is kept; what GitHub refuses is healed or told."""

from typing import Any

import pytest

from forge.marks import without
from stack.messages import Ending
from stack.work.kinds import Retry
from tests.forge.conftest import finding
from tests.lifecycle.conftest import NewLife
from tests.lifecycle.life import Life


def documents(life: Life) -> list[str]:
    """The documents of all that was asked, as a person would read them."""
    return [life.orchestrator.files.read(file.id).decode() for question in life.asked for file in question.files]


def again(life: Life, ending: Ending) -> Ending:
    """The person presses “Try again”."""
    assert ending.can_retry, ending
    run_id = life.last_run()
    life.orchestrator.ask(Retry(run_id=run_id))
    return life.end(run_id)


# --- approval ---------------------------------------------------------------------------------------


def test_what_is_approved_is_seen_in_full_and_is_what_is_posted(life: Life) -> None:
    life.answers = ["Post"]
    found = finding("Wrong", 4, explanation="Because *of this*.", suggestion="added = int(changed)")
    ending = life.review(found, finding("Elsewhere", 30), approval=True)
    assert ending.state == "verified", ending
    (document,) = documents(life)
    (review,), (comment,) = life.reviews(), life.comments()
    for words in ("Because <em>of this</em>.", "added = int(changed)", "Elsewhere", "shop.py:4"):
        assert words in document
    assert "<script" not in document
    for body in (review["body"], comment["body"]):
        assert "claude-stack" not in without(body).split("\n")[-1] or "commit" in without(body)
    (question,) = life.asked
    assert any(detail.startswith("Draft ") for detail in question.details)


def test_what_is_discarded_is_not_posted(life: Life) -> None:
    life.answers = ["Discard"]
    assert life.review(finding("Wrong", 4), approval=True).state == "cancelled"
    assert life.reviews() == []


def test_a_head_that_moved_while_a_person_thought_is_told_before_it_is_posted(life: Life) -> None:
    life.answers = ["Post", "Post"]
    moves = iter([{"other.py": b"x = 1\n"}, None])

    def move() -> None:
        if files := next(moves):
            life.push(dict(files))

    life.before_answer = move
    read = life.head()
    assert life.review(finding("Wrong", 4), approval=True).state == "verified"
    _, second = life.asked
    assert life.head()[:12] in second.text
    assert read[:12] in second.text
    assert len(life.reviews()) == 1


# --- what no repeat can heal is found before it is paid ----------------------------------------------


@pytest.mark.parametrize(
    ("method", "place", "what"),
    [
        ("POST", "/pending", {"body": "half of a tho"}),
        ("PATCH", "", {"locked": True}),
    ],
)
def test_what_can_be_known_before_is_told_before_it_is_paid(
    life: Life, method: str, place: str, what: dict[str, Any]
) -> None:
    if "locked" in what:
        life.repository_is(permission="read")
    life.person(method, place, **what)
    ending = life.review(finding("Wrong", 4))
    assert (ending.state, life.reviewer.paid) == ("failed", 0)


@pytest.mark.parametrize("refusal", ["locked", "archived", "no right to write", "conflict"])
def test_what_comes_between_loses_nothing_and_is_posted_later_without_paying_again(life: Life, refusal: str) -> None:
    faults = {
        "no right to write": {"status": 403, "body": {"message": "Resource not accessible by personal access token"}},
        "conflict": {"status": 409, "body": {"message": "Conflict"}},
    }

    def comes() -> None:
        if refusal == "locked":
            life.repository_is(permission="read")
            life.person("PATCH", "", locked=True)
        elif refusal == "archived":
            life.repository_is(archived=True)
        else:
            life.forge.fault(path_regex="/reviews$", method="POST", **faults[refusal])

    life.before["post"] = comes
    ending = life.review(finding("Wrong", 4), finding("Elsewhere", 30))
    assert ending.state == "failed", ending
    assert any("Wrong" in detail for detail in ending.details)
    (document,) = (life.orchestrator.files.read(file.id).decode() for file in ending.files)
    assert "Wrong" in document
    assert "Elsewhere" in document
    life.repository_is(archived=False, permission="write")
    life.person("PATCH", "", locked=False)
    ending = again(life, ending)
    assert (ending.state, life.reviewer.paid) == ("verified", 1), ending
    assert len(life.reviews()) == len(life.comments()) == 1


def test_a_review_that_a_person_starts_between_is_waited_for(life: Life) -> None:
    life.before["post"] = lambda: life.person("POST", "/pending", body="half of a tho")
    outwaits = iter(range(3))

    def outwaited() -> None:
        if next(outwaits) == 2:
            life.person("DELETE", "/pending")

    life.on_wait = outwaited
    ending = life.review(finding("Wrong", 4))
    assert (ending.state, life.reviewer.paid, len(life.reviews())) == ("verified", 1, 1), ending


# --- comments that GitHub refuses --------------------------------------------------------------------


def test_what_github_shows_no_patch_of_stands_in_the_text_and_takes_no_other_from_its_line(new_life: NewLife) -> None:
    large = {"large.py": b"".join(b"x = %d\n" % n for n in range(3100))}
    life = new_life({"large.py": b"", "small.py": b"x = 1\n"}, {**large, "small.py": b"x = 2\n"})
    ending = life.review(finding("Small", 1, path="small.py"), finding("Large", 1000, path="large.py"))
    assert ending.state == "verified", ending
    assert [c["path"] for c in life.comments()] == ["small.py"]
    assert "Large" in life.reviews()[0]["body"]


# --- partial reviews ---------------------------------------------------------------------------------


def test_a_review_that_ended_before_its_time_is_posted_as_a_part_and_is_not_verified(new_life: NewLife) -> None:
    names = [f"file{n}.py" for n in range(4)]
    life = new_life(dict.fromkeys(names, b"x = 1\n"), dict.fromkeys(names, b"x = 2\n"))
    life.reviewer.ended, life.reviewer.unread = "it reached its limit of $2.00", 2
    ending = life.review(finding("Wrong", 1, path="file0.py"))
    assert ending.state == "unproven", ending
    assert any("limit of $2.00" in detail for detail in ending.details)
    (review,) = life.reviews()
    assert "part of a review: it reached its limit of" in review["body"]
    assert "No problems" not in review["body"]
    assert life.status()[0] == "error"


def test_what_a_reviewer_handed_in_before_it_died_is_posted(life: Life) -> None:
    life.reviewer.hands_in_and_dies = (finding("Wrong", 4), finding("Elsewhere", 30))
    ending = life.review()
    assert ending.state == "unproven", ending
    assert len(life.comments()) == 1
    assert "Elsewhere" in life.reviews()[0]["body"]
    assert "0 of 1 hunks" in life.reviews()[0]["body"]


# --- the second look ---------------------------------------------------------------------------------


def test_what_does_not_hold_on_a_second_look_is_not_said(life: Life) -> None:
    life.reviewer.doubts = {"Imagined"}
    ending = life.review(finding("Wrong", 4), finding("Imagined", 3, kind="tests"))
    assert len(life.comments()) == 1
    assert any("did not hold" in detail for detail in ending.details)


def test_what_was_there_before_is_told_apart_and_on_no_line(life: Life) -> None:
    life.review(finding("Old fault", 2, pre_existing=True))
    assert life.comments() == []
    assert "There before the change" in life.reviews()[0]["body"]
    assert life.status()[0] == "success"


def test_what_the_change_has_made_was_not_there_before_whatever_a_model_says(life: Life) -> None:
    life.review(finding("On an added line", 4, pre_existing=True), finding("An old one, graver", 5, severity="critical",
                pre_existing=True))  # fmt: skip
    assert [c["line"] for c in life.comments()] == [4]
    assert life.status()[0] == "failure"
