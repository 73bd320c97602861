"""The durable steps that workflows are written in. DBOS checkpoints each: a restart goes on after the last one."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

from dbos import DBOS, StepOptions

from orchestrator.outbox import Outbox
from orchestrator.results import Results
from orchestrator.store import AnswerRow, Run, Sessions, TaskRow
from orchestrator.waiters import Waiters
from stack.broker import Publisher
from stack.ids import task_id
from stack.messages import (
    Brief,
    Ending,
    Failure,
    Notification,
    Progress,
    Question,
    Request,
    Task,
    Value,
    encode,
    now,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R", bound=Value)

# Seconds to wait before a task whose failure says "retry" is dispatched anew; an agent's is paid for, so once only.
PAUSES = {"forge": (2.0, 10.0)}
AGENT_PAUSES = (5.0,)
DAYS_TO_ANSWER = 7


class Cancelled(Exception):
    """A person stopped the run."""


class Failed(Exception):
    """The run cannot go on; the text says why, in words for a person."""


class Costs(Protocol):
    """Knows what a run's model calls cost."""

    def of(self, run_id: UUID) -> tuple[float | None, str]:
        """Dollars (None: not known now) and the names of the models that answered."""


class Steps:
    """The steps of one orchestrator. They run inside a DBOS workflow whose id is the run's id."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        outbox: Outbox,
        publisher: Publisher,
        results: Results,
        waiters: Waiters,
        costs: Costs,
    ) -> None:
        self._sessions = sessions
        self._outbox = outbox
        self._publisher = publisher
        self._results = results
        self._waiters = waiters
        self._costs = costs

    def durable(self, name: str, step: Callable[..., T], *arguments: Any) -> T:
        """Runs `step` as the workflow's next step: once it has returned, a restart does not run it again.

        A fault of the database is tried again for about a minute.
        """
        options = StepOptions(name=name, retries_allowed=True, max_attempts=6, interval_seconds=1.0)
        return DBOS.run_step(options, partial(step, *arguments))

    def begin(self, run_id: UUID) -> Request:
        """Marks the run as running, and returns what was asked."""
        return Request.model_validate(self.durable("begin", self._begin, str(run_id)))

    def call(self, run_id: UUID, step: str, role: str, brief: Brief, report: type[R]) -> R:
        """Has a task done by an agent or the forge, and returns its report.

        Raises Cancelled, or Failed where the task failed for good.
        """
        pauses = PAUSES.get(role, AGENT_PAUSES)
        for number, pause in enumerate((*pauses, None)):
            name = step if number == 0 else f"{step}-{number + 1}"
            outcome = self._call_once(run_id, name, role, brief)
            if isinstance(outcome, report):
                return outcome
            if not isinstance(outcome, Failure):
                raise Failed(f"the {role} sent a wrong report")
            if outcome.next == "give_up" or pause is None:
                raise Failed(outcome.what)
            self.say(run_id, f"{outcome.what}; trying again")
            DBOS.sleep(pause)
        raise AssertionError("the last pause is None")

    def _call_once(self, run_id: UUID, name: str, role: str, brief: Brief) -> Value:
        """Dispatches the task and waits for what comes of it."""
        task = task_id(run_id, name)
        self.durable(f"dispatch {name}", self._dispatch, str(run_id), name, role, brief.model_dump(mode="json"))
        if self.durable(f"receive {name}", self._receive, str(run_id), str(task)) == "cancelled":
            raise Cancelled
        result = self._results.of(task)
        assert result is not None  # noqa: S101 - `_receive` has seen it
        return result.outcome

    def ask(self, run_id: UUID, question: Question, *, default: str) -> str:
        """Waits for a person to choose; `default` after DAYS_TO_ANSWER. Raises Cancelled."""
        self.durable(f"ask {question.question}", self._ask, str(run_id), question.model_dump(mode="json"))
        choice = self.durable(f"answer {question.question}", self._answer, str(run_id), question.question)
        if choice == "cancelled":
            raise Cancelled
        self.durable(f"resume {question.question}", self._set_state, str(run_id), "running")
        return choice or default

    def finish(self, run_id: UUID, ending: Ending) -> None:
        """Ends the run, and tells whoever asked."""
        self.durable("finish", self._finish, str(run_id), ending.model_dump(mode="json"))

    def abandon(self, run_id: UUID) -> None:
        """Ends a run whose workflow has failed, so that whoever asked is told."""
        ending = Ending(state="failed", headline="The run broke off inside the stack; its log says why.")
        self._finish(str(run_id), ending.model_dump(mode="json"))

    def say(self, run_id: UUID, text: str) -> None:
        """A word of progress, which may be lost."""
        self._publisher.mention(Progress(run_id=run_id, source="orchestrator", kind="step", text=text))

    def _hop(self, run_id: UUID, name: str) -> None:
        self._publisher.mention(Progress(run_id=run_id, source="orchestrator", kind="hop", text=name))

    # --- the steps themselves: what DBOS keeps of them is plain data ---------------------------------

    def _begin(self, run_id: str) -> dict[str, Any]:
        self._set_state(run_id, "running")
        self._hop(UUID(run_id), "run.started")
        with self._sessions() as session:
            return dict(session.get_one(Run, run_id).request)

    def _dispatch(self, run_id: str, step: str, role: str, brief: dict[str, Any]) -> None:
        message = Task.model_validate(
            {"id": task_id(UUID(run_id), step), "run_id": run_id, "role": role, "step": step, "brief": brief}
        )
        with self._sessions.begin() as session:
            if session.get_one(Run, run_id, with_for_update=True).cancelled:
                return  # from here on nothing new is begun; `_receive` tells the story
            if session.get(TaskRow, str(message.id)) is None:
                row = TaskRow(id=str(message.id), run_id=run_id, role=role, step=step, message=encode(message))
                session.add(row)
            self._outbox.put(session, message)
        self._outbox.send(message)

    def _receive(self, run_id: str, task: str) -> str:
        """Waits until the task has a result or the run is cancelled."""

        def look() -> str | None:
            if self._results.of(UUID(task)) is not None:
                return "result"
            return "cancelled" if self._results.is_cancelled(UUID(run_id)) else None

        return self._waiters.wait(run_id, look) or "cancelled"

    def _ask(self, run_id: str, question: dict[str, Any]) -> None:
        content = Question.model_validate(question)
        self._set_state(run_id, "waiting")
        self._notify(run_id, f"ask {content.question}", content)

    def _answer(self, run_id: str, question: str) -> str:
        deadline = timedelta(days=DAYS_TO_ANSWER).total_seconds()

        def look() -> str | None:
            with self._sessions() as session:
                row = session.get(AnswerRow, (run_id, question))
                if row is not None:
                    return row.choice
            return "cancelled" if self._results.is_cancelled(UUID(run_id)) else None

        return self._waiters.wait(run_id, look, deadline) or ""

    def _finish(self, run_id: str, ending: dict[str, Any]) -> None:
        dollars, model = self._costs.of(UUID(run_id))
        final = Ending.model_validate(ending)
        details = final.details if dollars is not None else (*final.details, "What it cost is not known: no ledger.")
        with self._sessions.begin() as session:
            run = session.get_one(Run, run_id)
            run.state, run.headline, run.details = final.state, final.headline, list(details)
            run.cost_usd, run.model, run.ended = dollars or 0.0, model, now()
            seconds = (run.ended - run.created).total_seconds()
        told = final.model_copy(
            update={"details": details, "cost_usd": dollars or 0.0, "model": model, "seconds": seconds}
        )
        self._hop(UUID(run_id), "run.ended")
        self._notify(run_id, "ending", told)

    def _set_state(self, run_id: str, state: str) -> None:
        with self._sessions.begin() as session:
            session.get_one(Run, run_id).state = state

    def _notify(self, run_id: str, what: str, content: Ending | Question) -> None:
        """Sends a notification to where the run was asked for; one started by a clock or the API has no chat."""
        with self._sessions.begin() as session:
            request = Request.model_validate(session.get_one(Run, run_id).request)
            if request.chat is None:
                return
            message = Notification(
                id=task_id(UUID(run_id), what), run_id=UUID(run_id), chat=request.chat, content=content
            )
            self._outbox.put(session, message)
        self._outbox.send(message)
