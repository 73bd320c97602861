"""The six messages: frozen values that everything else reacts to.

Request → orchestrator;  Task → agent or forge;  Result → orchestrator;  Signal → the process that runs a task;
Progress → whoever listens;  Notification → bot.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stack.errors import GiveUp
from stack.ids import uuid7

# GitHub's own limits: 39 letters, digits and hyphens for an owner; 100 letters, digits, `-`, `_`, `.` for a name.
# `\Z` and not `$`, which lets a newline follow.
REPOSITORY_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}\Z"
Repository = Annotated[str, Field(pattern=REPOSITORY_PATTERN)]
PullNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")]
Severity = Literal["critical", "high", "medium", "low"]
Side = Literal["LEFT", "RIGHT"]
RunState = Literal["queued", "running", "waiting", "verified", "unproven", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset({"verified", "unproven", "failed", "cancelled"})


class Value(BaseModel):
    """Base of every frozen value in a message; unknown fields are refused."""

    # a look-ahead in a pattern needs Python's own regular expressions
    model_config = ConfigDict(frozen=True, extra="forbid", regex_engine="python-re")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


# --- what is asked -------------------------------------------------------------------------------


class Chat(Value):
    """Where a run was asked for in Telegram, and so where it reports."""

    chat_id: int
    message_id: int


class StartReview(Value):
    """Review a pull request. With `approval` a person sees the findings and decides before anything is posted."""

    verb: Literal["review"] = "review"
    repository: Repository
    number: PullNumber
    approval: bool = False


class Answer(Value):
    """A person's answer to a question that a run asked."""

    verb: Literal["answer"] = "answer"
    run_id: UUID
    question: str = Field(max_length=40)
    choice: str = Field(max_length=40)


class Cancel(Value):
    """Stop a run."""

    verb: Literal["cancel"] = "cancel"
    run_id: UUID


Ask = Annotated[StartReview | Answer | Cancel, Field(discriminator="verb")]


# --- what is done: briefs and reports ---------------------------------------------------------------


class FetchPullRequest(Value):
    """Forge: mirror the repository and say what the pull request is."""

    do: Literal["fetch_pull_request"] = "fetch_pull_request"
    repository: Repository
    number: PullNumber


class PullRequest(Value):
    """Report of FetchPullRequest: the facts that a review starts from. Texts are a stranger's."""

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


class ReviewPullRequest(Value):
    """pr-reviewer: read the change and report findings."""

    do: Literal["review_pull_request"] = "review_pull_request"
    pull: PullRequest


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


class Usage(Value):
    """What one task's model calls came to, as the agent saw it. The proxy's ledger is the one that counts."""

    model: str
    turns: int = Field(ge=0)
    seconds: float = Field(ge=0)


class Review(Value):
    """Report of ReviewPullRequest."""

    report: Literal["review"] = "review"
    summary: str = Field(max_length=20_000)
    findings: tuple[Finding, ...]
    coverage: Coverage
    usage: Usage


class PostReview(Value):
    """Forge: put one review on the pull request, unless this run's is there, and look that it is."""

    do: Literal["post_review"] = "post_review"
    pull: PullRequest
    review: Review


class Receipt(Value):
    """Report of PostReview: what GitHub showed when it was asked afterwards."""

    report: Literal["receipt"] = "receipt"
    review_id: int
    url: str
    inline_comments: int = Field(ge=0)
    findings_in_body: int = Field(ge=0)
    already_reported: int = Field(ge=0)
    comments_refused: int = Field(ge=0)
    proven: bool
    missing: str = ""


Brief = Annotated[FetchPullRequest | ReviewPullRequest | PostReview, Field(discriminator="do")]


class Failure(Value):
    """A task that did not succeed, named by what to do next. `what` is in words for a person."""

    report: Literal["failure"] = "failure"
    what: str
    next: Literal["retry", "give_up"]


# --- the messages -----------------------------------------------------------------------------------


class Message(Value):
    """What every message has: a schema version, an id that sorts by time, and when it was made (UTC)."""

    version: Literal[1] = 1
    id: UUID = Field(default_factory=uuid7)
    at: datetime = Field(default_factory=now)


class Request(Message):
    """What a person or a clock asks. The id of a request that starts a run is the run's id."""

    type: Literal["request"] = "request"
    person: str = Field(min_length=1, max_length=100)
    chat: Chat | None = None
    ask: Ask


class Task(Message):
    """One unit of work for `role`. The tokens that it needs come with the claim, so none rests in a queue."""

    type: Literal["task"] = "task"
    run_id: UUID
    role: str
    step: str
    brief: Brief


class Result(Message):
    """How a task ended. `attempt` is the claim's number: the fencing token."""

    type: Literal["result"] = "result"
    task_id: UUID
    run_id: UUID
    attempt: int = Field(ge=0)
    outcome: Annotated[PullRequest | Review | Receipt | Failure, Field(discriminator="report")]


class Signal(Message):
    """Orchestrator → the one process that runs a task. May be lost: renewing the lease tells of a cancel too."""

    type: Literal["signal"] = "signal"
    task_id: UUID
    verb: Literal["cancel"] = "cancel"


class Progress(Message):
    """What is happening; may be lost. `kind` step: for a person; hop: a point in time; log: a log record."""

    type: Literal["progress"] = "progress"
    run_id: UUID
    source: str
    kind: Literal["step", "hop", "log"]
    text: str
    data: dict[str, Any] = {}


class Link(Value):
    """A named address."""

    label: str
    url: str


class Ending(Value):
    """How a run ended, for a person."""

    about: Literal["ending"] = "ending"
    state: RunState
    headline: str
    details: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    model: str = ""
    cost_usd: float = 0
    seconds: float = 0


class Question(Value):
    """A run waits for a person. `choices` are what an Answer may say."""

    about: Literal["question"] = "question"
    question: str
    text: str
    details: tuple[str, ...] = ()
    choices: tuple[str, ...]


class Note(Value):
    """A word to a person about a request: refused, too late, not found."""

    about: Literal["note"] = "note"
    text: str


class Notification(Message):
    """What a person must see; may not be lost."""

    type: Literal["notification"] = "notification"
    run_id: UUID
    chat: Chat
    content: Annotated[Ending | Question | Note, Field(discriminator="about")]


AnyMessage = Annotated[Request | Task | Result | Signal | Progress | Notification, Field(discriminator="type")]
_ADAPTER: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)


def encode(message: Message) -> bytes:
    """The message as JSON, UTF-8."""
    return message.model_dump_json().encode()


def decode(body: bytes) -> AnyMessage:
    """The message in `body`. Raises GiveUp where it cannot be read."""
    try:
        return _ADAPTER.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise GiveUp(f"not a message: {first['msg']} at {'.'.join(map(str, first['loc'])) or 'the top'}") from error
