"""What a run's story is told from, as it stands in the store."""

import json
from collections import defaultdict
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from orchestrator.journal import ANOTHER_VERSION, Gate, Journal, Step
from orchestrator.store import GateRow, PieceRow, ResultRow, RunRow, TaskRow
from stack.errors import GiveUp
from stack.messages import Attachment, Request
from stack.pieces import Piece


def read_journal(session: Session, run: RunRow) -> Journal:
    """The journal of a run. Raises GiveUp where what was asked for can no longer be read."""
    query = select(TaskRow, ResultRow).outerjoin(ResultRow, ResultRow.task_id == TaskRow.id)
    rows = session.execute(query.where(TaskRow.run_id == run.id)).all()
    gates = session.scalars(select(GateRow).where(GateRow.run_id == run.id)).all()
    pieces = _pieces(session, run)
    return Journal(
        run_id=UUID(run.id),
        request=read_request(run),
        cancelled=run.cancelled,
        steps={task.step: _step(task, result, tuple(pieces[task.id])) for task, result in rows},
        gates={gate.question: _gate(gate) for gate in gates},
    )


def read_request(run: RunRow) -> Request:
    """What was asked for. Raises GiveUp where it can no longer be read."""
    try:
        return Request.model_validate(run.request)
    except ValidationError as error:
        raise GiveUp(ANOTHER_VERSION) from error


def _pieces(session: Session, run: RunRow) -> dict[str, list[Piece]]:
    """By task, in order."""
    query = select(PieceRow.task_id, PieceRow.content).join(TaskRow, TaskRow.id == PieceRow.task_id)
    found: dict[str, list[Piece]] = defaultdict(list)
    for task, content in session.execute(query.where(TaskRow.run_id == run.id).order_by(PieceRow.number)):
        found[task].append(content)
    return found


def _step(task: TaskRow, result: ResultRow | None, pieces: tuple[Piece, ...]) -> Step:
    do = json.loads(task.message)["brief"]["do"]  # also where the brief can no longer be read
    undone = task.state == "done" and result is None
    outcome = result.outcome if result else None
    return Step(do, task.effect, outcome, taken=task.attempt > 0, pieces=pieces, undone=undone)


def _gate(gate: GateRow) -> Gate:
    return Gate(gate.answer, gate.person, tuple(map(Attachment.model_validate, gate.files)))
