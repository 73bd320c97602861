"""Rows of tasks: begun, undone, and the pieces that are kept for them. Nothing is sent here."""

import hashlib
import json
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from orchestrator.store import PieceRow, ResultRow, RunRow, TaskRow
from orchestrator.tasks.order import RANKS
from stack.errors import GiveUp
from stack.ids import task_id
from stack.messages import Task, encode
from stack.pieces import Piece
from stack.work.kinds import Brief, Report

MOST_PIECES = 500
MOST_PIECE_BYTES = 64 << 10


def begin(session: Session, run: RunRow, step: str, brief: Brief[Report]) -> TaskRow | None:
    """The task of a step, which waits; None where it was begun before. One that was undone is begun anew.

    Its attempts are counted on, and so nothing of an attempt of before counts for it.
    """
    row = session.scalar(select(TaskRow).where(TaskRow.run_id == run.id, TaskRow.step == step))
    if row is None:
        row = TaskRow(id=str(task_id(UUID(run.id), step)), run_id=run.id, step=step, attempt=0, beats=0)
        session.add(row)
    elif not is_undone(session, row):
        return None
    elif row.attempt:
        row.attempt += 1
    task = Task(id=UUID(row.id), run_id=UUID(run.id), step=step, brief=brief)
    row.role, row.message, row.effect = brief.by, encode(task), brief.effect
    row.state, row.instance, row.person, row.rank = "waiting", "", run.person, RANKS[run.priority]
    row.failures, row.sends, row.not_before, row.refused = 0, 0, 0.0, 0.0
    row.beats += 1
    return row


def is_undone(session: Session, row: TaskRow) -> bool:
    """Whether a task of a run that goes on is to be done anew."""
    return row.state == "done" and session.get(ResultRow, row.id) is None


def undo(session: Session, run: RunRow, steps: Collection[str]) -> None:
    """What came of these steps does not count: as soon as the story comes to one, it is done anew."""
    undone = select(TaskRow.id).where(TaskRow.run_id == run.id, TaskRow.step.in_(steps))
    session.execute(delete(ResultRow).where(ResultRow.task_id.in_(undone)))


def keep(session: Session, row: TaskRow, piece: Piece) -> None:
    """Stores a piece of what will be the report, once. Raises GiveUp where it is too large, or there are too many."""
    content = _canonical(piece)
    if len(content) > MOST_PIECE_BYTES:
        raise GiveUp(f"the piece has {len(content)} bytes, {MOST_PIECE_BYTES} are most")
    digest = hashlib.sha256(content).hexdigest()
    if session.get(PieceRow, (row.id, digest)) is not None:
        return
    kept = session.scalar(select(func.count()).select_from(PieceRow).where(PieceRow.task_id == row.id)) or 0
    if kept >= MOST_PIECES:
        raise GiveUp(f"there are {kept} pieces, and that is most")
    session.add(PieceRow(task_id=row.id, digest=digest, number=kept + 1, content=piece))


def pieces(session: Session, task: str) -> tuple[Piece, ...]:
    """The pieces that were kept for a task, in the order in which they came."""
    query = select(PieceRow.content).where(PieceRow.task_id == task).order_by(PieceRow.number)
    return tuple(session.scalars(query))


def _canonical(piece: Piece) -> bytes:
    """The same bytes for the same content. Raises GiveUp where it has what JSON or UTF-8 cannot have."""
    try:
        return json.dumps(piece, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise GiveUp(f"the piece cannot be kept: {error}") from None
