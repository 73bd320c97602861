"""The work of a summary: say in a few lines what a change does, and put that under its pull request."""

from typing import Annotated, Literal

from pydantic import Field

from stack.values import PullNumber, Repository, Sha
from stack.work.kinds import Brief, Report, Start, Usage

MOST_LINES, LONGEST_LINE = 8, 280  # so that a person sees all of it before it is posted

Line = Annotated[str, Field(min_length=1, max_length=LONGEST_LINE)]


class StartSummary(Start):
    """Summarise a pull request; a person sees the summary and decides before it is posted."""

    verb: Literal["summary"] = "summary"
    repository: Repository
    number: PullNumber

    def title(self) -> str:
        return f"Summary of {self.repository}#{self.number}"


class Summary(Report):
    """What a change does, a sentence a line."""

    report: Literal["summary"] = "summary"
    lines: tuple[Line, ...] = Field(min_length=1, max_length=MOST_LINES)
    usage: Usage


class SummariseChange(Brief[Summary]):
    """Read the change between two commits at the forge, and say what it does."""

    do: Literal["summarise_change"] = "summarise_change"
    by = "summariser"
    repository: Repository
    base_sha: Sha
    head_sha: Sha

    def opens(self) -> str:
        return self.repository


class PostedSummary(Report):
    """What GitHub showed of the comment when it was asked afterwards."""

    report: Literal["posted_summary"] = "posted_summary"
    url: str
    proven: bool


class PostSummary(Brief[PostedSummary]):
    """Put the lines under the pull request as one comment, unless this run's is there, and look that it is."""

    do: Literal["post_summary"] = "post_summary"
    by = "forge"
    effect = "The summary is posted"
    repository: Repository
    number: PullNumber
    lines: tuple[Line, ...]
