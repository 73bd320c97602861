"""What the orchestrator's tests pass around: people, the work of a review, and what comes of it."""

from typing import Any

from stack.people import Person
from stack.work.kinds import Failure
from stack.work.remarks import Placed
from stack.work.review import (
    Checked,
    Coverage,
    Draft,
    FileCoverage,
    Finding,
    PostReview,
    Receipt,
    Review,
    StartReview,
)
from tests.stack.samples import ADA, CHANGE, CHAT, DRAFT, FETCH, FINDING, PULL
from tests.stack.samples import REVIEW as HALF_A_REVIEW

__all__ = ["ADA", "CHANGE", "CHAT", "DRAFT", "FETCH", "FINDING", "PULL"]  # beside what is made here

BOB = Person(id="telegram:2")
VIEWER = Person(id="telegram:3", standing="viewer")
APPROVER = Person(id="telegram:4", standing="approver")
ADMIN = Person(id="telegram:5", standing="admin")
CLOCK = Person(id="clock", standing="admin")

START = StartReview(repository="acme/shop", number=12)
WITH_APPROVAL = StartReview(repository="acme/shop", number=12, approval=True)
TITLE = "Review of acme/shop#12"

ALL_READ = Coverage(hunks=4, read=4, binary_files=0)
PART_READ = Coverage(hunks=4, read=3, binary_files=1, unread=(FileCoverage(path="big.py", hunks=2, read=1),))
REVIEW = HALF_A_REVIEW.model_copy(update={"coverage": ALL_READ})
RECEIPT = Receipt(
    review_id=1, url="https://example.test/review", inline_comments=1, findings_in_body=0, already_reported=0,
    comments_refused=0, proven=True,
)  # fmt: skip

CHECKED = Checked(verdicts=(), usage=REVIEW.usage)
POST = PostReview(pull=PULL, draft=DRAFT)


def drafted(review: Review) -> Draft:
    """The draft that the forge would make of a review."""
    placed = tuple(
        Placed(
            number=number, path=f.path, line=f.start_line, side=f.side, severity=f.severity, kind=f.kind, title=f.title,
            anchor="a" * 16, where="line",
        )
        for number, f in enumerate(review.findings, 1)
    )  # fmt: skip
    complete = review.coverage.complete and not review.ended
    return DRAFT.model_copy(update={"findings": placed, "complete": complete, "clean": complete and not placed})


def found(*findings: Finding, coverage: Coverage = ALL_READ) -> Review:
    """A review with these findings."""
    return REVIEW.model_copy(update={"findings": findings, "coverage": coverage})


def receipt(**changed: Any) -> Receipt:
    """The receipt, with something else in it."""
    return RECEIPT.model_copy(update=changed)


def final(what: str = "there is no such pull request") -> Failure:
    """A failure that no second attempt would change."""
    return Failure(what=what, next="give_up")


def passing(what: str = "GitHub answers 502", *, after: float | None = None) -> Failure:
    """A failure that is tried again; with `after` a refusal that passes by itself."""
    return Failure(what=what, next="retry", after=after)
