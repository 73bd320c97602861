"""The story of a review: what is done in which order, and the words that the person reads."""

import pytest

from orchestrator.journal import Asking, Call, Cancelled, Failed, Gate, Journal, Step, Steps, Suspended
from orchestrator.workflows.review import review
from stack.ids import uuid7
from stack.messages import Ending, Question, Request
from stack.work.kinds import Report
from stack.work.review import Coverage, FileCoverage, Finding, Receipt, Review
from tests.orchestrator.samples import (
    ADA,
    CHANGE,
    FETCH,
    FINDING,
    PART_READ,
    POST,
    PULL,
    RECEIPT,
    START,
    WITH_APPROVAL,
    final,
    found,
    receipt,
)

STEPS = {"fetch": FETCH, "review": CHANGE, "post": POST}


def tell(*outcomes: Report, approval: bool = False, choice: str | None = None, cancelled: bool = False) -> Ending:
    """The story of a run whose first steps had these outcomes. Raises what its next thing is suspended by."""
    done = zip(STEPS.items(), outcomes, strict=False)
    steps = {name: Step(brief.do, brief.effect, outcome.model_dump(mode="json")) for (name, brief), outcome in done}
    gates = {} if choice is None else {"post": Gate(choice, ADA.id)}
    ask = WITH_APPROVAL if approval else START
    request = Request(id=uuid7(), person=ADA, ask=ask)
    return review(Steps(Journal(request.id, request, cancelled=cancelled, steps=steps, gates=gates)), ask)


def next_after(*outcomes: Report, approval: bool = False, choice: str | None = None) -> Call | Asking | None:
    with pytest.raises(Suspended) as stopped:
        tell(*outcomes, approval=approval, choice=choice)
    return stopped.value.next


def ended(seen: Review, shown: Receipt = RECEIPT) -> Ending:
    return tell(PULL, seen, shown)


def severity(name: str) -> Finding:
    return FINDING.model_copy(update={"severity": name})


def test_it_fetches_reads_and_posts() -> None:
    seen = found(FINDING)
    assert next_after() == Call("fetch", FETCH)
    assert next_after(PULL) == Call("review", CHANGE)
    assert next_after(PULL, seen) == Call("post", POST.model_copy(update={"review": seen}))


def test_what_is_proven_and_wholly_read_is_verified() -> None:
    ending = ended(found(FINDING))
    assert (ending.state, ending.headline) == ("verified", "acme/shop#12 reviewed: 1 finding (1 high)")
    assert ending.details == ("1 comment on lines", "All 4 hunks were read")
    assert [(link.label, link.url) for link in ending.links] == [("Review", RECEIPT.url), ("Pull request", PULL.url)]


def test_what_the_forge_did_not_find_again_is_unproven_and_it_says_what() -> None:
    ending = ended(found(), receipt(proven=False, missing="GitHub shows 2 of 3 comments"))
    assert ending.state == "unproven"
    assert ending.details[0] == "Not proven: GitHub shows 2 of 3 comments"


def test_what_was_read_in_part_is_unproven_and_it_says_what_was_not() -> None:
    ending = ended(found(FINDING, coverage=PART_READ))
    assert ending.state == "unproven"
    assert ending.details[-1] == (
        "Partial: 3 of 4 hunks were read. Not read: big.py (1 of 2); 1 binary file not reviewed"
    )


def test_a_clean_verdict_needs_complete_coverage() -> None:
    assert ended(found()).headline == "acme/shop#12 reviewed: no problems found"
    partly = ended(found(coverage=PART_READ))
    assert (partly.state, partly.headline) == (
        "unproven", "acme/shop#12 reviewed: nothing found in the part that was read",
    )  # fmt: skip


def test_findings_are_counted_worst_first() -> None:
    seen = found(*map(severity, ["low", "critical", "low", "medium"]))
    assert ended(seen).headline.endswith(": 4 findings (1 critical, 1 medium, 2 low)")


def test_where_the_findings_went_is_told() -> None:
    ending = ended(found(), receipt(inline_comments=10, findings_in_body=3, already_reported=2))
    assert ending.details[0] == "10 comments on lines, 3 in the review's text, 2 reported before and not repeated"


def test_of_many_unread_files_five_are_named() -> None:
    unread = tuple(FileCoverage(path=f"{n}.py", hunks=1, read=0) for n in range(7))
    text = ended(found(coverage=Coverage(hunks=9, read=2, binary_files=0, unread=unread))).details[-1]
    assert "4.py (1 of 1) and 2 more files" in text
    assert "5.py" not in text


# --- with a person's approval -------------------------------------------------------------------------


def asked(seen: Review) -> Question:
    asking = next_after(PULL, seen, approval=True)
    assert isinstance(asking, Asking)
    return asking.question


def test_a_person_sees_the_findings_and_says_post() -> None:
    question = asked(found(FINDING))
    assert question.text == "Review of acme/shop#12: 1 finding (1 high). Post it?"
    assert question.details == ("high: Wrong (src/a b/ü.py:3)", "All 4 hunks were read")
    assert (question.choices, question.free) == (("Post", "Discard"), False)
    assert isinstance(next_after(PULL, found(FINDING), approval=True, choice="Post"), Call)
    assert tell(PULL, found(FINDING), RECEIPT, approval=True, choice="Post").state == "verified"


@pytest.mark.parametrize("choice", ["Discard", "", "post", "discard", "yes"])
def test_nothing_but_post_posts(choice: str) -> None:
    ending = tell(PULL, found(FINDING), approval=True, choice=choice)
    assert (ending.state, ending.headline) == ("cancelled", "acme/shop#12: discarded. Nothing was posted.")


# --- ends before the end ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1, 2])
def test_nothing_follows_a_step_that_failed(step: int) -> None:
    with pytest.raises(Failed, match="the forge is gone"):
        tell(*[PULL, found()][:step], final("the forge is gone"))


@pytest.mark.parametrize("step", [0, 1, 2])
def test_nothing_follows_a_cancel(step: int) -> None:
    with pytest.raises(Cancelled):
        tell(*[PULL, found()][:step], cancelled=True)
