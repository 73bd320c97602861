"""What not-github remembers besides git, a kind of row each. Times are texts as GitHub writes them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Literal, TypeVar

Side = Literal["LEFT", "RIGHT"]

# Rights to write that a fine-grained token can have; it can read whatever its account can.
RIGHTS = ("contents", "issues", "pull_requests", "statuses")


def now() -> str:
    """The time as GitHub writes it, in UTC and whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, kw_only=True)
class Repository:
    TABLE: ClassVar[str] = "repositories"
    id: int = 0
    owner: str
    name: str
    private: int
    created_at: str
    pushed_at: str
    archived: int = 0
    permission: str = "write"  # of the token's account: none, read or write; none is as read where it is public
    lacks: str = ""  # which of RIGHTS the token has not been given, with spaces between

    writers: str = ""  # other accounts that may push, with spaces between

    @property
    def writable(self) -> bool:
        """Whether the token's account may push."""
        return self.permission == "write" and not self.archived

    def grants(self, *rights: str) -> bool:
        """Whether the token has one of the rights; its account may still not."""
        return any(right not in self.lacks.split() for right in rights)


@dataclass(frozen=True, kw_only=True)
class Pull:
    TABLE: ClassVar[str] = "pulls"
    id: int = 0
    repository: int
    number: int
    title: str
    body: str
    state: str
    user: str
    base_ref: str
    head_ref: str
    base_sha: str
    head_sha: str
    created_at: str
    updated_at: str
    closed_at: str | None
    locked: int = 0
    draft: int = 0


@dataclass(frozen=True, kw_only=True)
class Review:
    TABLE: ClassVar[str] = "reviews"
    id: int = 0
    pull: int
    user: str
    body: str
    state: str
    commit_id: str
    submitted_at: str


@dataclass(frozen=True, kw_only=True)
class ReviewComment:
    """A comment on lines, with the place that it was made at. One without `in_reply_to` begins a thread.

    `commit_id` is the commit that it was made on, `seen_at` the newest head whose diff still had its line.
    """

    TABLE: ClassVar[str] = "review_comments"
    id: int = 0
    review: int = 0
    user: str
    path: str
    body: str
    line: int
    side: Side
    start_line: int | None
    start_side: Side | None
    position: int
    diff_hunk: str
    commit_id: str
    created_at: str
    seen_at: str = ""
    in_reply_to: int | None = None
    resolved_by: str = ""  # of the one that begins a thread; empty while it is open


@dataclass(frozen=True, kw_only=True)
class IssueComment:
    TABLE: ClassVar[str] = "issue_comments"
    id: int = 0
    pull: int
    user: str
    body: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """What somebody says of a commit."""

    TABLE: ClassVar[str] = "statuses"
    id: int = 0
    repository: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: str
    created_at: str


Row = TypeVar("Row", Repository, Pull, Review, ReviewComment, IssueComment, Status)
