"""Requests become runs: started once, answered, cancelled; and what callers may see of them."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dbos import DBOS, SetWorkflowID
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orchestrator.outbox import Outbox
from orchestrator.store import AnswerRow, EventRow, ResultRow, Run, Sessions, TaskRow, database_may_be_away
from orchestrator.waiters import Waiters
from stack.broker import Publisher
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.logs import about
from stack.messages import (
    ENDED,
    Answer,
    AnyMessage,
    Cancel,
    Note,
    Notification,
    Request,
    Result,
    Signal,
    StartReview,
    decode,
    now,
)

log = logging.getLogger(__name__)


class Runs:
    """Takes requests, and tells about runs."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        workflows: dict[str, Callable[[str], None]],
        outbox: Outbox,
        publisher: Publisher,
        waiters: Waiters,
    ) -> None:
        self._sessions = sessions
        self._workflows = workflows
        self._outbox = outbox
        self._publisher = publisher
        self._waiters = waiters

    @database_may_be_away()
    def take(self, message: AnyMessage) -> None:
        """Handles one request; a repeat changes nothing. Raises GiveUp for a message of another kind, else TryAgain."""
        if not isinstance(message, Request):
            raise GiveUp(f"a {message.type} is not a request")
        run_id = message.id if isinstance(message.ask, StartReview) else message.ask.run_id
        with about(run_id):
            try:
                self._handle(message)
            except GiveUp as refusal:
                self._note(message, run_id, str(refusal))

    def _handle(self, request: Request) -> None:
        match request.ask:
            case StartReview() as ask:
                self._start(request, ask)
            case Answer() as answer:
                self._answer(request, answer)
            case Cancel() as cancel:
                self._cancel(request, cancel)

    def _start(self, request: Request, ask: StartReview) -> None:
        run_id = str(request.id)
        with self._sessions.begin() as session:
            if session.get(Run, run_id) is None:
                title = f"Review of {ask.repository}#{ask.number}"
                asked = request.model_dump(mode="json")
                session.add(Run(id=run_id, workflow=ask.verb, title=title, request=asked, person=request.person))
        with SetWorkflowID(run_id):
            DBOS.start_workflow(self._workflows[ask.verb], run_id)

    def _answer(self, request: Request, answer: Answer) -> None:
        with self._sessions.begin() as session:
            run = self._own_run(session, answer.run_id, request)
            if session.get(AnswerRow, (run.id, answer.question)) is None:
                session.add(
                    AnswerRow(run_id=run.id, question=answer.question, choice=answer.choice, person=request.person)
                )
        self._waiters.poke(str(answer.run_id))

    def _cancel(self, request: Request, cancel: Cancel) -> None:
        with self._sessions.begin() as session:
            run = self._own_run(session, cancel.run_id, request)
            tasks = list(session.scalars(select(TaskRow).where(TaskRow.run_id == run.id)))
            if any(task.step.startswith("post") for task in tasks):
                raise GiveUp(f"Too late to stop {run.title}: it is being posted.")
            run.cancelled = True
        for task in tasks:
            self._publisher.mention(Signal(task_id=UUID(task.id)))
        self._waiters.poke(run.id)

    @staticmethod
    def _own_run(session: Session, run_id: UUID, request: Request) -> Run:
        """The run. Raises GiveUp where it is not there, not this person's, or has ended."""
        run = session.get(Run, str(run_id), with_for_update=True)
        if run is None or run.person != request.person:
            raise GiveUp("There is no such run of yours.")
        if run.state in ENDED:
            raise GiveUp(f"{run.title} has already ended: {run.state}.")
        return run

    def _note(self, request: Request, run_id: UUID, text: str) -> None:
        """Tells the person; a request by a program has no chat, so the log has to do."""
        log.info("refused: %s", text)
        if request.chat is None:
            return
        note_id = uuid7(milliseconds=request.id.int >> 80, seed=f"{request.id}/note")
        note = Notification(id=note_id, run_id=run_id, chat=request.chat, content=Note(text=text))
        with self._sessions.begin() as session:
            self._outbox.put(session, note)
        self._outbox.send(note)

    def mend(self, abandon: Callable[[UUID], None]) -> None:
        """Starts runs whose workflow was not started, and has those whose workflow has failed told of by `abandon`."""
        with self._sessions() as session:
            query = select(Run.id, Run.workflow).where(
                Run.state.not_in(ENDED), Run.created < now() - timedelta(minutes=1)
            )
            unended = list(session.execute(query))
        for run_id, workflow in unended:
            status = DBOS.get_workflow_status(run_id)
            if status is None:
                log.warning("run %s had no workflow; starting it", run_id)
                with SetWorkflowID(run_id):
                    DBOS.start_workflow(self._workflows[workflow], run_id)
            elif status.status not in ("PENDING", "ENQUEUED", "DELAYED"):
                log.error("the workflow of run %s ended as %s; telling of it", run_id, status.status)
                abandon(UUID(run_id))

    # --- what callers may see ---------------------------------------------------------------------

    def newest(self, *, person: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest runs, of one person or of all."""
        query = select(Run).order_by(Run.created.desc(), Run.id.desc()).limit(min(max(limit, 1), 100))
        if person:
            query = query.where(Run.person == person)
        with self._sessions() as session:
            return [_summary(run) for run in session.scalars(query)]

    def show(self, run_id: UUID) -> dict[str, Any]:
        """One run with its tasks and their outcomes, hops and steps. Raises GiveUp where there is none."""
        with self._sessions() as session:
            run = session.get(Run, str(run_id))
            if run is None:
                raise GiveUp(f"there is no run {run_id}")
            query = select(TaskRow, ResultRow).outerjoin(ResultRow, ResultRow.task_id == TaskRow.id)
            tasks = session.execute(query.where(TaskRow.run_id == run.id).order_by(TaskRow.created))
            return {
                **_summary(run),
                "details": run.details,
                "tasks": [_task(task, result) for task, result in tasks],
                "events": self._events(session, run.id, ("step", "hop")),
            }

    def log(self, run_id: UUID) -> list[dict[str, Any]]:
        """The log records of a run, oldest first."""
        with self._sessions() as session:
            return self._events(session, str(run_id), ("log",))

    def count_by_state(self) -> dict[str, int]:
        """How many runs are in each state."""
        with self._sessions() as session:
            rows = session.execute(select(Run.state, func.count()).group_by(Run.state))
            return {row[0]: row[1] for row in rows}

    @staticmethod
    def _events(session: Session, run_id: str, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
        query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind.in_(kinds)).order_by(EventRow.at)
        return [
            {"at": e.at.isoformat(), "source": e.source, "kind": e.kind, "text": e.text, "data": e.data}
            for e in session.scalars(query.limit(1000))
        ]


def _task(task: TaskRow, result: ResultRow | None) -> dict[str, Any]:
    message = decode(result.message) if result else None
    outcome = message.outcome.model_dump(mode="json") if isinstance(message, Result) else None
    return {"step": task.step, "role": task.role, "attempt": task.attempt, "done": task.done, "outcome": outcome}


def _summary(run: Run) -> dict[str, Any]:
    end = run.ended or datetime.now(run.created.tzinfo)
    return {
        "id": run.id,
        "workflow": run.workflow,
        "title": run.title,
        "person": run.person,
        "state": run.state,
        "headline": run.headline,
        "started": run.created.isoformat(),
        "ended": run.ended.isoformat() if run.ended else None,
        "seconds": (end - run.created).total_seconds(),
        "cost_usd": run.cost_usd,
        "model": run.model,
    }
