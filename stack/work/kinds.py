"""What a kind of work is made of: an ask (what a person wants), briefs (who does what), reports (what came of it)."""

from typing import Any, ClassVar, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import Field

from stack.values import Value

ORCHESTRATOR = "orchestrator"  # does some work by itself, and is no role


class Ask(Value):
    """What is asked for; `verb` tells the kinds apart."""

    verb: str


class Start(Ask):
    """Begins a run of the workflow that is named like the verb."""

    def title(self) -> str:
        """What the run is called, in chat and lists."""
        raise NotImplementedError

    def target(self) -> tuple[str, int]:
        """What it is about: a repository (`owner/name`; none if empty), and the number of a pull request there, or 0.

        Later runs find it by that.
        """
        return "", 0


class About(Ask):
    """Asks something of a run that is there."""

    run_id: UUID


class Answer(About):
    """A person's answer to a question of a run: one of its choices, or a text of their own where it takes one."""

    verb: Literal["answer"] = "answer"
    question: str = Field(max_length=40)
    choice: str = Field(max_length=4000)
    digest: str = Field(
        default="", max_length=64, description="Of what the person saw, where their way of asking knows"
    )


class Cancel(About):
    """Stop a run."""

    verb: Literal["cancel"] = "cancel"


class Retry(About):
    """Do again what failed of a run that has ended."""

    verb: Literal["retry"] = "retry"


class Steer(About):
    """A word to whoever works for a run."""

    verb: Literal["steer"] = "steer"
    text: str = Field(min_length=1, max_length=4000)


class Report(Value):
    """What came of a task; `report` tells the kinds apart."""

    report: str


class Failure(Report):
    """A task that did not succeed, named by what to do next. `what` is in words for a person.

    With `after` it is a refusal that passes by itself: it is tried again after so many seconds, within a day.
    """

    report: Literal["failure"] = "failure"
    what: str
    next: Literal["retry", "give_up"]
    after: float | None = Field(default=None, ge=0)


class Usage(Value):
    """What one task's model calls came to, as the agent saw it. The proxy's ledger is the one that counts."""

    model: str
    turns: int = Field(ge=0)
    seconds: float = Field(ge=0)


R = TypeVar("R", bound=Report, covariant=True)


class Brief(Value, Generic[R]):
    """One unit of work, as it is given to whoever does it; `do` tells the kinds apart. R is what comes back."""

    do: str

    by: ClassVar[str]  # the role that does it: a row of stack.roles; or ORCHESTRATOR
    # What has happened once it is sent, in words for a person ("the review is posted"): then it is too late to cancel.
    effect: ClassVar[str] = ""
    writes: ClassVar[bool] = False  # whether its tokens may also write to the repository

    def opens(self) -> str:
        """The repository that its tokens open, as `owner/name`; none if empty."""
        return ""

    @classmethod
    def report_type(cls) -> type[Report]:
        """The R of this kind."""
        for base in cls.__mro__:
            metadata: dict[str, Any] = getattr(base, "__pydantic_generic_metadata__", {})
            if metadata.get("origin") is Brief and metadata["args"]:
                found: type[Report] = metadata["args"][0]
                return found
        raise TypeError(f"{cls.__name__} does not say what comes back: class {cls.__name__}(Brief[…])")
