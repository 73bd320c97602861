"""What callers may see of runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orchestrator.store import EventRow, GateRow, ResultRow, RunRow, Sessions, TaskRow
from orchestrator.tasks import Tasks
from stack.api import EventView, GateView, RunDetail, RunSummary, TaskView
from stack.errors import NotThere
from stack.messages import Question

MOST_RUNS = 100
MOST_EVENTS = 1000


class Views:
    """Reads the store."""

    def __init__(self, sessions: Sessions, *, tasks: Tasks) -> None:
        self._sessions = sessions
        self._tasks = tasks

    def newest(self, *, person: str | None, limit: int) -> list[RunSummary]:
        """The newest runs, of one person or of all."""
        query = select(RunRow).order_by(RunRow.created.desc(), RunRow.id.desc()).limit(min(max(limit, 1), MOST_RUNS))
        places = self._tasks.places()
        with self._sessions() as session:
            found = session.scalars(query.where(RunRow.person == person) if person else query)
            return [RunSummary(**_facts(run, places)) for run in found]

    def summary(self, run_id: UUID) -> RunSummary:
        """One run. Raises NotThere."""
        places = self._tasks.places()
        with self._sessions() as session:
            return RunSummary(**_facts(_run(session, run_id), places))

    def show(self, run_id: UUID) -> RunDetail:
        """One run with its tasks and their outcomes, questions, hops and steps. Raises NotThere."""
        places = self._tasks.places()
        with self._sessions() as session:
            run = _run(session, run_id)
            query = select(TaskRow, ResultRow).outerjoin(ResultRow, ResultRow.task_id == TaskRow.id)
            tasks = session.execute(query.where(TaskRow.run_id == run.id).order_by(TaskRow.created))
            gates = session.scalars(select(GateRow).where(GateRow.run_id == run.id).order_by(GateRow.asked))
            return RunDetail(
                **_facts(run, places),
                details=tuple(run.details),
                tasks=tuple(_task(task, result) for task, result in tasks),
                gates=tuple(map(_gate, gates)),
                events=_events(session, run.id, ("step", "hop")),
            )

    def log(self, run_id: UUID) -> tuple[EventView, ...]:
        """The last log records of a run, oldest first. Raises NotThere."""
        with self._sessions() as session:
            return _events(session, _run(session, run_id).id, ("log",))

    def count_by_state(self) -> dict[str, int]:
        """How many runs are in each state."""
        with self._sessions() as session:
            rows = session.execute(select(RunRow.state, func.count()).group_by(RunRow.state))
            return {row[0]: row[1] for row in rows}


def _run(session: Session, run_id: UUID) -> RunRow:
    run = session.get(RunRow, str(run_id))
    if run is None:
        raise NotThere(f"there is no run {run_id}")
    return run


def _facts(run: RunRow, places: Mapping[str, int]) -> dict[str, Any]:
    end = run.ended or datetime.now(run.created.tzinfo)
    return {
        "id": UUID(run.id),
        "workflow": run.workflow,
        "title": run.title,
        "person": run.person,
        "state": run.state,
        "headline": run.headline,
        "priority": run.priority,
        "place": places.get(run.id),
        "started": run.created,
        "ended": run.ended,
        "seconds": max((end - (run.begun or run.created)).total_seconds(), 0.0),
        "cost_usd": run.cost_usd,
        "model": run.model,
    }


def _task(task: TaskRow, result: ResultRow | None) -> TaskView:
    facts = {"id": UUID(task.id), "step": task.step, "role": task.role, "state": task.state, "attempt": task.attempt}
    return TaskView(**facts, outcome=result and result.outcome)


def _gate(gate: GateRow) -> GateView:
    shown = Question.model_validate(gate.content)
    return GateView(
        question=gate.question,
        text=shown.text,
        choices=shown.choices,
        free=shown.free,
        digest=shown.digest,
        asked=gate.asked,
        until=gate.until,
        answer=gate.answer,
        answered_by=gate.person,
    )


def _events(session: Session, run_id: str, kinds: tuple[str, ...]) -> tuple[EventView, ...]:
    """The last MOST_EVENTS of these kinds, oldest first."""
    query = select(EventRow).where(EventRow.run_id == run_id, EventRow.kind.in_(kinds)).order_by(EventRow.at.desc())
    last = session.scalars(query.limit(MOST_EVENTS)).all()
    return tuple(EventView(at=e.at, source=e.source, kind=e.kind, text=e.text, data=e.data) for e in reversed(last))
