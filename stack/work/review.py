"""The work of a review: fetch a pull request, review a change, post the review."""

from typing import Literal

from pydantic import Field

from stack.values import PullNumber, Repository, Sha, Value
from stack.work.kinds import Brief, Report, Start, Usage

Severity = Literal["critical", "high", "medium", "low"]
Side = Literal["LEFT", "RIGHT"]


class StartReview(Start):
    """Review a pull request. With `approval` a person sees the findings and decides before anything is posted."""

    verb: Literal["review"] = "review"
    repository: Repository
    number: PullNumber
    approval: bool = False

    def title(self) -> str:
        return f"Review of {self.repository}#{self.number}"


class PullRequest(Report):
    """The facts that a review of a pull request starts from. Texts are a stranger's."""

    report: Literal["pull_request"] = "pull_request"
    repository: Repository
    number: PullNumber
    title: str
    body: str
    author: str
    url: str
    base: str
    base_sha: Sha
    head_sha: Sha
    merge_base: Sha
    files: int
    hunks: int
    binary_files: int


class FetchPullRequest(Brief[PullRequest]):
    """Mirror the repository and say what the pull request is."""

    do: Literal["fetch_pull_request"] = "fetch_pull_request"
    by = "forge"
    repository: Repository
    number: PullNumber


class Finding(Value):
    """One remark on a change. Lines count from 1: in the new file for RIGHT, in the old one for LEFT."""

    path: str = Field(min_length=1, max_length=4096)
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    side: Side = "RIGHT"
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    title: str = Field(min_length=1, max_length=200)
    explanation: str = Field(max_length=4000)
    suggestion: str | None = Field(default=None, max_length=4000)


class FileCoverage(Value):
    """How much of one changed file's diff was shown to the model, by the runner's record."""

    path: str
    hunks: int = Field(ge=0)
    read: int = Field(ge=0)
    binary: bool = False


class Coverage(Value):
    """Hunks by what the runner's record shows of them. Binary files have no hunks and are counted apart."""

    hunks: int = Field(ge=0)
    read: int = Field(ge=0)
    binary_files: int = Field(ge=0)
    unread: tuple[FileCoverage, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every hunk was shown to the model."""
        return self.read == self.hunks


class Review(Report):
    """What a reviewer found, and how much of the change it was shown."""

    report: Literal["review"] = "review"
    summary: str = Field(max_length=20_000)
    findings: tuple[Finding, ...]
    coverage: Coverage
    usage: Usage


class ReviewChange(Brief[Review]):
    """Read the change between two commits at the forge and report findings; a pull request only where there is one."""

    do: Literal["review_change"] = "review_change"
    by = "pr_reviewer"
    repository: Repository
    base_sha: Sha  # where the change parted from its base
    head_sha: Sha
    pull: PullRequest | None = None

    def opens(self) -> str:
        return self.repository


class Receipt(Report):
    """What GitHub showed of a posted review when it was asked afterwards."""

    report: Literal["receipt"] = "receipt"
    review_id: int
    url: str
    inline_comments: int = Field(ge=0)
    findings_in_body: int = Field(ge=0)
    already_reported: int = Field(ge=0)
    comments_refused: int = Field(ge=0)
    proven: bool
    missing: str = ""


class PostReview(Brief[Receipt]):
    """Put one review on the pull request, unless this run's is there, and look that it is."""

    do: Literal["post_review"] = "post_review"
    by = "forge"
    effect = "The review is posted"
    pull: PullRequest
    review: Review
