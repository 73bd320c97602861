"""What is asked before and beside a review: what is known from earlier ones, what stands there, where the head is."""

from typing import Literal

from pydantic import Field

from stack.values import PullNumber, Repository, Sha
from stack.work.kinds import ORCHESTRATOR, Brief, Report
from stack.work.remarks import Dismissed, Earlier, Estimate, Said


class Plan(Report):
    """What is known beforehand of a review. With `ask` a person is asked first; with `check` there is a second look."""

    report: Literal["review_plan"] = "review_plan"
    estimate: Estimate = Estimate()
    ask: bool = False
    check: bool = True
    earlier: Earlier | None = None
    dismissed: tuple[Dismissed, ...] = ()


class PlanReview(Brief[Plan]):
    """Say what is known of this pull request and repository from earlier runs, and what the owner has set."""

    do: Literal["plan_review"] = "plan_review"
    by = ORCHESTRATOR
    repository: Repository
    number: PullNumber
    hunks: int


class Head(Report):
    """The commit that a pull request offers now."""

    report: Literal["head"] = "head"
    head_sha: Sha


class FetchHead(Brief[Head]):
    """Look where a pull request's branch stands now."""

    do: Literal["fetch_head"] = "fetch_head"
    by = "forge"
    repository: Repository
    number: PullNumber


class Conversation(Report):
    """What stands on a pull request, and how it came from an earlier head to this one.

    pushed: commits were added; merged: all that was added are merges of the base; rebased: the same changes on another
    base; forced: the branch was rewritten. Empty: there was no earlier head, or it is not known any more.
    """

    report: Literal["conversation"] = "conversation"
    said: tuple[Said, ...] = ()
    moved: Literal["", "same", "pushed", "merged", "rebased", "forced"] = ""
    commits: int = Field(default=0, ge=0)  # that were added since, where they were


class FetchConversation(Brief[Conversation]):
    """Read what stands on the lines of a pull request, and what has happened since an earlier head."""

    do: Literal["fetch_conversation"] = "fetch_conversation"
    by = "forge"
    repository: Repository
    number: PullNumber
    base_sha: Sha
    head_sha: Sha
    since: Sha | None = None
