"""What a role's folder says: how Claude is set up for each kind of its work, and the few lines that are its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agents.sandbox.workspace import Part, Workspace
from stack.roles import Tier
from stack.values import Value
from stack.work.kinds import Report, Usage


class Repositories(Protocol):
    """Where a role gets a repository from: the agent's cache, opened by the task's token."""

    def cache(self, repository: str, commits: list[str]) -> Path:
        """A bare repository that has these commits, and keeps them while the task is at work."""

    def check_out(self, cache: Path, commit: str, folder: Path) -> None:
        """The files of a commit in `folder`."""


@dataclass(frozen=True)
class Answer:
    """What Claude ended with: a report by the schema or, for work without one, a text."""

    structured: dict[str, Any] = field(default_factory=dict)
    text: str = ""


class Job(ABC):
    """One task as a role sees it, from the brief to the report.

    `prompt` is the same for the same brief and the same workspace: a session is resumed where it began with it.
    """

    prompt: str

    def conclusion(self) -> Report | None:
        """The report, where it takes no model to make it; asked before Claude is started."""
        return None

    def recall(self, pieces: Sequence[dict[str, Any]], handed_in: Sequence[dict[str, Any]] = ()) -> str:
        """Takes in the pieces that earlier attempts have kept. What the model is to know of them; empty: nothing.

        `handed_in` is what tools of the role's own took in the session that is resumed, in order: not all of it may
        have been stored.
        """
        return ""

    def heard(self, tool: str, asked: dict[str, Any], answer: Any) -> None:  # noqa: B027 - many roles keep no record
        """The model was shown what a tool answered, now or in the session that is resumed: it has gone on since."""

    def ask_no_more(self) -> None:  # noqa: B027 - most reports are taken as they come
        """The model was told to hand in what it has, or can say no more: a report is handed back for its form alone."""

    def objection(self, report: dict[str, Any]) -> str | None:
        """What is wrong with the report that the model wants to hand in, in words for the model; None: nothing.

        A report that has the wrong form is refused here too, where `report` would fail on it.
        """
        return None

    @abstractmethod
    def report(self, answer: Answer, usage: Usage) -> Report:
        """The task's report."""

    def partial(self, why: str, usage: Usage) -> Report | None:
        """What there is where a session ended for good without a report, and `why`; None: nothing that is worth it."""
        return None


@dataclass(frozen=True)
class Reply:
    """What a tool of the role's own answers the model. `refused`: what is wrong with what it was given, in words.

    A `piece` of the report is stored before the model hears the words, unless the orchestrator is away just then, and
    outlives the session.
    """

    words: str
    piece: Value | None = None
    refused: bool = False


@dataclass(frozen=True)
class Tool:
    """A tool of the role's own, which the runner serves to Claude; `schema` is what it is given (JSON Schema).

    `handle` answers: (the job, what it is given) → the reply.
    """

    name: str
    description: str
    schema: dict[str, Any]
    handle: Callable[[Any, dict[str, Any]], Reply]


@dataclass(frozen=True)
class Setup:
    """How Claude is set up for a kind of work, and how a job of it begins: (brief, workspace, repositories) → job.

    `parts` are the folders that Claude works in; `begin` fills them. Without a `schema` Claude ends in a text. What
    `recorded_tools` answer comes to `Job.heard` once the model has it. With `asks` Claude may put questions to the
    person in between.
    """

    system_prompt: str
    schema: dict[str, Any] | None
    begin: Callable[[Any, Workspace, Repositories], Job]
    parts: tuple[Part, ...]
    tools: tuple[str, ...] = ("Read", "Grep", "Glob")
    own_tools: tuple[Tool, ...] = ()
    recorded_tools: tuple[str, ...] = ()
    tier: Tier = "sonnet"
    max_turns: int = 200
    asks: bool = False
