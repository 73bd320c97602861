"""What the orchestrator's tests pass around: people, the work of a review, and what comes of it."""

from typing import Any

from stack.messages import Chat
from stack.people import Person
from stack.work.kinds import Failure, Usage
from stack.work.review import (
    Coverage,
    FetchPullRequest,
    FileCoverage,
    Finding,
    PostReview,
    PullRequest,
    Receipt,
    Review,
    ReviewChange,
    StartReview,
)

CHAT = Chat(chat_id=-100, message_id=7)
ADA, BOB = Person(id="telegram:1"), Person(id="telegram:2")
VIEWER = Person(id="telegram:3", standing="viewer")
APPROVER = Person(id="telegram:4", standing="approver")
ADMIN = Person(id="telegram:5", standing="admin")
CLOCK = Person(id="clock", standing="admin")

START = StartReview(repository="acme/shop", number=12)
WITH_APPROVAL = StartReview(repository="acme/shop", number=12, approval=True)
TITLE = "Review of acme/shop#12"

PULL = PullRequest(
    repository="acme/shop", number=12, title="Füge <b>Farben</b> hinzu 🎨", body="line\u2028line\r\n\x0c", author="ada",
    url="https://example.test/acme/shop/pull/12", base="main", base_sha="a" * 40, head_sha="b" * 40,
    merge_base="c" * 64, files=3, hunks=4, binary_files=1,
)  # fmt: skip
FINDING = Finding(
    path="src/a b/ü.py", start_line=3, end_line=4, side="LEFT", severity="high", confidence=0.5,
    title="Wrong", explanation="Because.", suggestion="right()\n",
)  # fmt: skip
ALL_READ = Coverage(hunks=4, read=4, binary_files=0)
PART_READ = Coverage(hunks=4, read=3, binary_files=1, unread=(FileCoverage(path="big.py", hunks=2, read=1),))
REVIEW = Review(
    summary="A change.", findings=(FINDING,), coverage=ALL_READ,
    usage=Usage(model="not-a-model", turns=3, seconds=1.5),
)  # fmt: skip
RECEIPT = Receipt(
    review_id=1, url="https://example.test/review", inline_comments=1, findings_in_body=0, already_reported=0,
    comments_refused=0, proven=True,
)  # fmt: skip

FETCH = FetchPullRequest(repository="acme/shop", number=12)
CHANGE = ReviewChange(repository="acme/shop", base_sha=PULL.merge_base, head_sha=PULL.head_sha, pull=PULL)
POST = PostReview(pull=PULL, review=REVIEW)


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
