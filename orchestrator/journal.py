"""The journal of a run and the steps that its story is told in: pure, with no store and no broker.

A story is a plain function that is told again from its start whenever something has happened to its run. A step that
stands in the journal returns what it returned; the first one that does not says what is to be done, and suspends it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from stack.messages import Attachment, Question, Request
from stack.roles import AGENTS
from stack.values import Value, now
from stack.work import reports
from stack.work.kinds import Brief, Failure, Report

R = TypeVar("R", bound=Report)

ANSWER_WITHIN = timedelta(days=7)
ANOTHER_VERSION = "It was begun by another version of the stack, and this one cannot finish it"


class Cancelled(Exception):
    """A person stopped the run."""


class Failed(Exception):
    """The run cannot go on; the text says why, in words for a person."""


@dataclass(frozen=True)
class Step:
    """A step that was begun: what is to be done, whether somebody has taken it, and what came of it once it is done.

    `pieces` are those of a report that were kept until it ended. One that was `undone` is begun anew.
    """

    do: str
    effect: str = ""
    outcome: Mapping[str, Any] | None = None
    taken: bool = False
    pieces: tuple[dict[str, Any], ...] = ()
    undone: bool = False


@dataclass(frozen=True)
class Gate:
    """A question that was asked, and the first answer to it. Without a person, the deadline has passed."""

    answer: str | None = None
    person: str = ""
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Journal:
    """All that a story is told from."""

    run_id: UUID
    request: Request
    cancelled: bool = False
    steps: Mapping[str, Step] = field(default_factory=dict)
    gates: Mapping[str, Gate] = field(default_factory=dict)

    def effects(self) -> list[str]:
        """What has happened outside, in words: the effects of the steps that succeeded."""
        done = (step for step in self.steps.values() if step.outcome and step.outcome["report"] != "failure")
        return [step.effect for step in done if step.effect]

    def doubts(self) -> list[str]:
        """What may have happened outside, in words: the effects of steps that somebody took and did not finish."""
        return [step.effect for step in self.steps.values() if step.effect and step.taken and not step.outcome]


@dataclass(frozen=True)
class Call:
    """To be done next: a task."""

    step: str
    brief: Brief[Report]


@dataclass(frozen=True)
class Asking:
    """To be done next: a question to a person. `binds` is what is done where the answer is yes, as JSON."""

    question: Question
    binds: str = ""


class Suspended(BaseException):  # no `except Exception` of a story may stop it
    """The story cannot go on now. `next` is to be done first; None: that is under way."""

    def __init__(self, next_: Call | Asking | None) -> None:
        super().__init__()
        self.next = next_


class Steps:
    """The steps of one run's story. `failed` are those that failed and were followed by none that succeeded.

    With them a further round of the run begins; what failed before, and the story went on from, stands.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._unanswered = ""
        self.attached: dict[str, bytes] = {}  # by name: what is to be kept before what is next
        self.failed: list[str] = []
        self.run_id = journal.run_id
        self.request = journal.request

    def call(self, step: str, brief: Brief[R]) -> R:
        """Has a task done by whoever does this kind, and returns its report.

        `step` names the task within the run. Raises Cancelled, or Failed where the task failed for good.
        """
        known = self._journal.steps.get(step)
        if known is None or known.outcome is None:
            if self._journal.cancelled:
                raise Cancelled
            fresh = known is None or known.undone
            if fresh and self._unanswered and (brief.effect or brief.by in AGENTS):
                raise Failed(f"Nobody answered: {self._unanswered} Nothing that costs or shows is done on silence.")
            raise Suspended(Call(step, brief) if fresh else None)
        if known.do != brief.do:
            raise Failed(ANOTHER_VERSION)
        try:
            outcome = reports()[known.outcome["report"]].model_validate(known.outcome)
        except (KeyError, ValidationError) as error:
            raise Failed(ANOTHER_VERSION) from error
        if isinstance(outcome, Failure):
            self.failed.append(step)
            raise Failed(outcome.what)
        self.failed.clear()
        return outcome  # type: ignore[return-value]  # checked when it came: it is what this kind of brief brings

    def done(self, step: str) -> bool:
        """Whether a step has brought what it was begun for: an earlier version of the story may have come to it."""
        known = self._journal.steps.get(step)
        return bool(known and known.outcome and known.outcome["report"] != "failure")

    def pieces(self, step: str) -> tuple[dict[str, Any], ...]:
        """What was kept of a step's report while it was worked on, in order; of a step that has failed, too."""
        known = self._journal.steps.get(step)
        return known.pieces if known and known.outcome else ()

    def ask(
        self, question: Question, *, otherwise: str, binds: Value | None = None, within: timedelta = ANSWER_WITHIN
    ) -> str:
        """A person's choice, or their own words where the question takes them. Raises Cancelled.

        `binds` is what will be done where the answer is yes: its digest is part of what is answered. `otherwise` counts
        where nobody answers `within` that time; after that no step is begun that has an effect or costs money.
        """
        known = self._journal.gates.get(question.question)
        if self._journal.cancelled and (known is None or known.answer is None):
            raise Cancelled
        if known is None:
            asked = question.model_copy(update={"until": now() + within})
            raise Suspended(Asking(asked, binds.model_dump_json() if binds else ""))
        if known.answer is None:
            raise Suspended(None)
        if known.person:
            return known.answer
        self._unanswered = question.text
        return otherwise

    def attach(self, name: str, content: bytes) -> Attachment:
        """A file that goes with a question or an ending."""
        found = Attachment(id=hashlib.sha256(content).hexdigest(), name=name, size=len(content))
        self.attached[found.name] = content
        return found

    def files(self, question: str) -> tuple[Attachment, ...]:
        """The files that came with the answer to a question."""
        known = self._journal.gates.get(question)
        return known.files if known else ()
