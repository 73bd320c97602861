"""The six messages: frozen envelopes that everything else reacts to. What travels in them is the table of work.

Request → orchestrator;  Task → agent or forge;  Result → orchestrator;  Signal → the process that runs a task;
Progress → whoever listens;  Notification → bot.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stack.earlier import brought_up
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.people import Person, Standing
from stack.values import Value, now
from stack.work import AnyAsk, AnyBrief, AnyReport, complaint

VERSION = 3
RunState = Literal["queued", "running", "waiting", "verified", "unproven", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset({"verified", "unproven", "failed", "cancelled"})
Priority = Literal["urgent", "high", "normal", "low"]


class Message(Value):
    """What every message has: a schema version, an id that sorts by time, and when it was made (UTC)."""

    version: Literal[3] = 3
    id: UUID = Field(default_factory=uuid7)
    at: datetime = Field(default_factory=now)


class Chat(Value):
    """A message in Telegram that is answered."""

    chat_id: int
    message_id: int


class Attachment(Value):
    """A file that goes with a message. Its bytes are at the orchestrator, under its id (their SHA-256)."""

    id: str = Field(pattern=r"^[0-9a-f]{64}\Z")
    name: str = Field(min_length=1, max_length=200)
    size: int = Field(ge=0)


class Request(Message):
    """What a person or a clock asks. The id of a request that starts a run is the run's id."""

    type: Literal["request"] = "request"
    person: Person
    chat: Chat | None = None
    ask: AnyAsk
    priority: Priority = "normal"
    files: tuple[Attachment, ...] = ()


class Task(Message):
    """One unit of work. The tokens that it needs come with the claim, so none rests in a queue."""

    type: Literal["task"] = "task"
    run_id: UUID
    step: str
    brief: AnyBrief


class Result(Message):
    """How a task ended. `attempt` is the claim's number: the fencing token."""

    type: Literal["result"] = "result"
    task_id: UUID
    run_id: UUID
    attempt: int = Field(ge=0)
    outcome: AnyReport


class Signal(Message):
    """Orchestrator → the one process that runs a task. May be lost: renewing the lease tells of a cancel too.

    cancel: end it; steer: a word of the person to whoever works, with the id of its request, so that it is told once
    where that comes twice; answer: to what was asked in the middle of the work.
    """

    type: Literal["signal"] = "signal"
    task_id: UUID
    verb: Literal["cancel", "steer", "answer"] = "cancel"
    text: str = Field(default="", max_length=4000)


class Progress(Message):
    """What is happening; may be lost. `kind` step: for a person; hop: a point in time; log: a log record.

    Whoever hears it knows the source from the broker, which lets nobody name another user than its own.
    """

    type: Literal["progress"] = "progress"
    run_id: UUID
    source: str = ""
    kind: Literal["step", "hop", "log"]
    text: str
    data: dict[str, Any] = Field(default_factory=dict)


class Link(Value):
    """A named address."""

    label: str
    url: str


class Ending(Value):
    """How a run ended, for a person. `can_retry`: what failed can be tried again (stack.work.kinds.Retry)."""

    about: Literal["ending"] = "ending"
    state: RunState
    headline: str
    details: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    files: tuple[Attachment, ...] = ()
    model: str = ""
    cost_usd: float = 0
    seconds: float = 0
    can_retry: bool = False


class Question(Value):
    """A run waits for a person. `choices` are what an Answer may say, and where `free` is set any other text.

    Besides whose run it is, people of a standing in `by` may answer. `digest` is of all that is shown, and of what the
    story does where the answer is yes. The deadline is `until`.
    """

    about: Literal["question"] = "question"
    question: str
    text: str
    details: tuple[str, ...] = ()
    choices: tuple[str, ...]
    free: bool = False
    by: tuple[Standing, ...] = ("approver", "admin")
    files: tuple[Attachment, ...] = ()
    until: datetime | None = None
    digest: str = ""


class Note(Value):
    """A word to a person about a request: refused, too late, not found."""

    about: Literal["note"] = "note"
    text: str


class Notification(Message):
    """What a person must see; may not be lost. It goes to a person, as a reply to `chat` where there is one.

    `title` is the run's, for a person who did not ask for it themselves.
    """

    type: Literal["notification"] = "notification"
    run_id: UUID
    person: str
    chat: Chat | None = None
    title: str = ""
    content: Annotated[Ending | Question | Note, Field(discriminator="about")]


AnyMessage = Annotated[Request | Task | Result | Signal | Progress | Notification, Field(discriminator="type")]
_ADAPTER: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)


class Envelope(BaseModel):
    """What can be read of a message of any version, so that somebody is told of one that came after ours."""

    model_config = ConfigDict(extra="ignore")

    version: int
    type: str = Field(max_length=40)
    id: UUID
    run_id: UUID | None = None
    task_id: UUID | None = None
    attempt: int = 0
    person: Any = None
    chat: Any = None


def encode(message: Message) -> bytes:
    """The message as JSON, UTF-8."""
    return message.model_dump_json().encode()


def decode(body: bytes) -> AnyMessage:
    """The message in `body`. Raises GiveUp where it cannot be read."""
    try:
        return _ADAPTER.validate_json(body)
    except ValidationError as error:
        if earlier := brought_up(body):
            return decode(earlier)
        envelope = glance(body)
        if envelope and envelope.version > VERSION:
            read = f"this service reads up to {VERSION}"
            raise GiveUp(f"a {envelope.type} of version {envelope.version}; {read}") from error
        raise GiveUp(f"not a message: {complaint(error)}") from error


def glance(body: bytes) -> Envelope | None:
    """What can be read of a message whatever its version; None of what is no message."""
    try:
        return Envelope.model_validate_json(body)
    except ValidationError:
        return None
