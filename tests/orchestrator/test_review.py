"""The story of a review: what is done in which order, and the words that the person reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest

from orchestrator.steps import Cancelled, Failed, Steps
from orchestrator.workflows.review import review
from stack.messages import (
    Brief,
    Coverage,
    Ending,
    FetchPullRequest,
    FileCoverage,
    Finding,
    PostReview,
    Question,
    Receipt,
    Request,
    Review,
    ReviewPullRequest,
    StartReview,
    Value,
)
from tests.orchestrator.played import World
from tests.stack.samples import FINDING, PULL, REVIEW, RUN, review_request

R = TypeVar("R", bound=Value)

ALL_READ = Coverage(hunks=4, read=4, binary_files=0)
PART_READ = Coverage(hunks=4, read=3, binary_files=1, unread=(FileCoverage(path="big.py", hunks=2, read=1),))
RECEIPT = Receipt(
    review_id=1, url="https://example.test/review", inline_comments=1, findings_in_body=0, already_reported=0,
    comments_refused=0, proven=True,
)  # fmt: skip


class PlayedSteps(Steps):
    """Steps whose tasks end at once, as a test says."""

    def __init__(self, world: World, *reports: Value | Exception, choice: str = "") -> None:
        parts = {"outbox": world.outbox, "publisher": world.publisher, "waiters": world.waiters}
        super().__init__(world.sessions, results=world.results, costs=world.costs, **parts)  # type: ignore[arg-type]
        self._reports = list(reports)
        self._choice = choice
        self.done: list[tuple[str, str, Brief]] = []
        self.asked: list[Question] = []

    def call(self, run_id: UUID, step: str, role: str, brief: Brief, report: type[R]) -> R:
        self.done.append((step, role, brief))
        played = self._reports.pop(0)
        if isinstance(played, Exception):
            raise played
        assert isinstance(played, report)
        return played

    def ask(self, run_id: UUID, question: Question, *, default: str) -> str:
        self.asked.append(question)
        return self._choice or default


@pytest.fixture
def play(world: World) -> Callable[..., PlayedSteps]:
    return lambda *reports, **more: PlayedSteps(world, *reports, **more)


def tell(steps: Steps, *, approval: bool = False) -> Ending:
    ask = StartReview(repository="acme/shop", number=12, approval=approval)
    request: Request = review_request().model_copy(update={"ask": ask})
    return review(steps, RUN, request)


def found(*findings: Finding, coverage: Coverage = ALL_READ) -> Review:
    return REVIEW.model_copy(update={"findings": findings, "coverage": coverage})


def severity(name: str) -> Finding:
    return FINDING.model_copy(update={"severity": name})


def receipt(**changed: Any) -> Receipt:
    return RECEIPT.model_copy(update=changed)


def test_it_fetches_reads_and_posts(play: Callable[..., PlayedSteps]) -> None:
    seen = found(FINDING)
    steps = play(PULL, seen, RECEIPT)
    tell(steps)
    assert steps.done == [
        ("fetch", "forge", FetchPullRequest(repository="acme/shop", number=12)),
        ("review", "pr_reviewer", ReviewPullRequest(pull=PULL)),
        ("post", "forge", PostReview(pull=PULL, review=seen)),
    ]
    assert steps.asked == []


def test_what_is_proven_and_wholly_read_is_verified(play: Callable[..., PlayedSteps]) -> None:
    ending = tell(play(PULL, found(FINDING), RECEIPT))
    assert (ending.state, ending.headline) == ("verified", "acme/shop#12 reviewed: 1 finding (1 high)")
    assert ending.details == ("1 comment on lines", "All 4 hunks were read")
    assert [(link.label, link.url) for link in ending.links] == [("Review", RECEIPT.url), ("Pull request", PULL.url)]


def test_what_the_forge_did_not_find_again_is_unproven_and_it_says_what(play: Callable[..., PlayedSteps]) -> None:
    ending = tell(play(PULL, found(), receipt(proven=False, missing="GitHub shows 2 of 3 comments")))
    assert ending.state == "unproven"
    assert ending.details[0] == "Not proven: GitHub shows 2 of 3 comments"


def test_what_was_read_in_part_is_unproven_and_it_says_what_was_not(play: Callable[..., PlayedSteps]) -> None:
    ending = tell(play(PULL, found(FINDING, coverage=PART_READ), RECEIPT))
    assert ending.state == "unproven"
    assert ending.details[-1] == (
        "Partial: 3 of 4 hunks were read. Not read: big.py (1 of 2); 1 binary file not reviewed"
    )


def test_a_clean_verdict_needs_complete_coverage(play: Callable[..., PlayedSteps]) -> None:
    assert tell(play(PULL, found(), RECEIPT)).headline == "acme/shop#12 reviewed: no problems found"
    partly = tell(play(PULL, found(coverage=PART_READ), RECEIPT))
    assert (partly.state, partly.headline) == (
        "unproven", "acme/shop#12 reviewed: nothing found in the part that was read",
    )  # fmt: skip


def test_findings_are_counted_worst_first(play: Callable[..., PlayedSteps]) -> None:
    seen = found(*map(severity, ["low", "critical", "low", "medium"]))
    assert tell(play(PULL, seen, RECEIPT)).headline.endswith(": 4 findings (1 critical, 1 medium, 2 low)")


def test_where_the_findings_went_is_told(play: Callable[..., PlayedSteps]) -> None:
    ending = tell(play(PULL, found(), receipt(inline_comments=10, findings_in_body=3, already_reported=2)))
    assert ending.details[0] == "10 comments on lines, 3 in the review's text, 2 reported before and not repeated"


def test_of_many_unread_files_five_are_named(play: Callable[..., PlayedSteps]) -> None:
    unread = tuple(FileCoverage(path=f"{n}.py", hunks=1, read=0) for n in range(7))
    coverage = Coverage(hunks=9, read=2, binary_files=0, unread=unread)
    text = tell(play(PULL, found(coverage=coverage), RECEIPT)).details[-1]
    assert "4.py (1 of 1) and 2 more files" in text
    assert "5.py" not in text


# --- with a person's approval -------------------------------------------------------------------------


def test_a_person_sees_the_findings_and_says_post(play: Callable[..., PlayedSteps]) -> None:
    steps = play(PULL, found(FINDING), RECEIPT, choice="Post")
    assert tell(steps, approval=True).state == "verified"
    (question,) = steps.asked
    assert question.text == "Review of acme/shop#12: 1 finding (1 high). Post it?"
    assert question.details == ("high: Wrong (src/a b/ü.py:3)", "All 4 hunks were read")
    assert question.choices == ("Post", "Discard")


@pytest.mark.parametrize("choice", ["Discard", "", "post", "discard", "yes"])
def test_nothing_but_post_posts(play: Callable[..., PlayedSteps], choice: str) -> None:
    steps = play(PULL, found(FINDING), choice=choice)
    ending = tell(steps, approval=True)
    assert (ending.state, ending.headline) == ("cancelled", "acme/shop#12: discarded. Nothing was posted.")
    assert [step for step, _, _ in steps.done] == ["fetch", "review"]


@pytest.mark.parametrize("end", [Cancelled(), Failed("the forge did not answer")])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_nothing_follows_a_step_that_ended_the_run(
    play: Callable[..., PlayedSteps], end: Exception, step: int, tmp_path: Path
) -> None:
    reports: list[Value | Exception] = [PULL, found(), RECEIPT]
    reports[step] = end
    steps = play(*reports)
    with pytest.raises(type(end)):
        tell(steps)
    assert len(steps.done) == step + 1
