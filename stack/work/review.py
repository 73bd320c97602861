"""The work of a review: fetch a pull request, review its change, look again, draft and post."""

from typing import Literal

from pydantic import Field

from stack.values import PullNumber, Repository, Sha, Value
from stack.work.kinds import About, Brief, Report, Start, Usage
from stack.work.remarks import Dismissed, Kind, Placed, Remark, Said, Severity, Side, Verdict


class StartReview(Start):
    """Review a pull request. With `approval` a person sees the draft and decides before anything is posted.

    With `fresh` all is read, whatever an earlier review has read.
    """

    verb: Literal["review"] = "review"
    repository: Repository
    number: PullNumber
    approval: bool = False
    fresh: bool = False

    def title(self) -> str:
        return f"Review of {self.repository}#{self.number}"

    def target(self) -> tuple[str, int]:
        return self.repository, self.number


class Dismiss(About):
    """Say no more of a finding in its repository. `number` is that of the finding in the run's draft."""

    verb: Literal["dismiss"] = "dismiss"
    number: int = Field(ge=1)
    reason: str = Field(default="", max_length=1000)


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
    """One remark on a change. Lines count from 1: in the new file for RIGHT, in the old one for LEFT.

    `same_as` is the number of a remark that stands on the pull request and says the same; 0: none does. What is
    `pre_existing` was so before the change.
    """

    path: str = Field(min_length=1, max_length=4096)
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    side: Side = "RIGHT"
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    title: str = Field(min_length=1, max_length=200)
    explanation: str = Field(max_length=4000)
    suggestion: str | None = Field(default=None, max_length=4000)
    kind: Kind = "other"
    same_as: int = Field(default=0, ge=0)
    pre_existing: bool = False


class FileCoverage(Value):
    """How much of one diff was shown to the model, by the runner's record. One path may have several diffs.

    `headers` is 1 where the diff's header says something (a rename, a mode, that it is new), and `headers_read` whether
    it was shown.
    """

    path: str
    hunks: int = Field(ge=0)
    read: int = Field(ge=0)
    binary: bool = False
    headers: int = Field(default=0, ge=0)
    headers_read: int = Field(default=0, ge=0)


class Coverage(Value):
    """The units of a change, hunks and headers, by what the runner's record shows of them.

    What git calls binary and is no media counts as a hunk that nobody can read. `kept` are the units, of both kinds,
    that need not be read anew, since their file's diff is as it was when an earlier review read it whole; they are
    counted among neither `read` nor `headers_read`. `unread` has the diffs of which something is missing.
    """

    hunks: int = Field(ge=0)
    read: int = Field(ge=0)
    binary_files: int = Field(ge=0)
    unread: tuple[FileCoverage, ...] = ()
    headers: int = Field(default=0, ge=0)
    headers_read: int = Field(default=0, ge=0)
    kept: int = Field(default=0, ge=0)

    @property
    def complete(self) -> bool:
        """Whether every unit was shown to the model, now or in an earlier review."""
        return self.read + self.headers_read + self.kept == self.hunks + self.headers

    def __str__(self) -> str:
        """How much was read, in words for a person, without a full stop."""
        if not self.complete:
            headers = f", and {self.headers_read} of {self.headers} file headers" if self.headers else ""
            kept = f"; {self.kept} more are unchanged since an earlier review" if self.kept else ""
            return f"Partial: {self.read} of {self.hunks} hunks were read{headers}{kept}"
        kept = f", {self.kept} of them for an earlier review since they are unchanged" if self.kept else ""
        if self.headers and not self.hunks:
            return f"{_all(self.headers, 'file header')} read{kept}"
        headers = f", and {self.headers} file header{'s' * (self.headers != 1)}" if self.headers else ""
        return f"{_all(self.hunks, 'hunk')} read{headers}{kept}"


def _all(count: int, what: str) -> str:
    return f"The one {what} was" if count == 1 else f"All {count} {what}s were"


class Review(Report):
    """What a reviewer found, and how much of the change it was shown."""

    report: Literal["review"] = "review"
    summary: str = Field(max_length=20_000)
    findings: tuple[Finding, ...]
    coverage: Coverage
    usage: Usage
    # path → digest of the file's diff (stack.diff.FileDiff.digest), of those that were read whole or kept
    read: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    fixed: tuple[int, ...] = ()  # numbers of our own remarks that the change has dealt with, as the model says
    ended: str = ""  # why it ended before its time, in words for a person: then it is part of a review


class ReviewChange(Brief[Review]):
    """Read the change between two commits at the forge and report findings; a pull request only where there is one."""

    do: Literal["review_change"] = "review_change"
    by = "pr_reviewer"
    repository: Repository
    base_sha: Sha  # where the change parted from its base
    head_sha: Sha
    pull: PullRequest | None = None
    said: tuple[Said, ...] = ()
    # files that need not be read anew, where their diff still has this digest: as Review.read of an earlier review
    earlier: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it

    def opens(self) -> str:
        return self.repository


class Checked(Report):
    """The verdicts of a second, cheap look."""

    report: Literal["checked"] = "checked"
    verdicts: tuple[Verdict, ...]
    usage: Usage


class CheckFindings(Brief[Checked]):
    """Look at each finding against the code, before it is said. The owners' rules are those at `base_tip`."""

    do: Literal["check_findings"] = "check_findings"
    by = "pr_reviewer"
    repository: Repository
    base_sha: Sha
    head_sha: Sha
    base_tip: Sha | None = None  # of the base branch; without it they are those at `base_sha`
    findings: tuple[Finding, ...]

    def opens(self) -> str:
        return self.repository


class Draft(Report):
    """A review as it will be posted, to the letter. `digest` is of all that people will see."""

    report: Literal["draft"] = "draft"
    head_sha: Sha
    body: str
    remarks: tuple[Remark, ...] = ()
    findings: tuple[Placed, ...] = ()
    digest: str
    verdict: str  # a line: counts and coverage
    complete: bool = True  # all was read
    clean: bool = False  # and nothing that was found stands
    fixed: tuple[str, ...] = ()  # threads that are resolved with it


class DraftReview(Brief[Draft]):
    """Write the review as it will be posted, from what was found and what stands there."""

    do: Literal["draft_review"] = "draft_review"
    by = "forge"
    pull: PullRequest
    review: Review
    said: tuple[Said, ...] = ()
    dismissed: tuple[Dismissed, ...] = ()
    checked: bool = False  # each finding was looked at a second time
    since: str = ""  # what has happened since the last review, in words for the text


class Receipt(Report):
    """What GitHub showed of a posted review when it was asked afterwards, held against what was to be posted.

    `comments_refused` are those that GitHub did not take on their lines: they stand in the text. `status` says why the
    verdict does not stand on the commit, where it does not.
    """

    report: Literal["receipt"] = "receipt"
    review_id: int
    url: str
    inline_comments: int = Field(ge=0)
    findings_in_body: int = Field(ge=0)
    already_reported: int = Field(ge=0)
    comments_refused: int = Field(ge=0)
    resolved: int = Field(default=0, ge=0)
    status: str = ""
    proven: bool
    missing: str = ""


class PostReview(Brief[Receipt]):
    """Put one review on the pull request, unless this run's is there, and look that it is as it was drafted."""

    do: Literal["post_review"] = "post_review"
    by = "forge"
    effect = "The review is posted"
    pull: PullRequest
    draft: Draft
