"""The queue before the broker's: admits waiting tasks, and tells people their place."""

import time
from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from orchestrator.store import TaskRow
from orchestrator.tasks.order import UnderWay, Waiting, admitted, places
from orchestrator.transactions import Transaction
from stack.errors import GiveUp
from stack.ids import dashed
from stack.messages import Progress, Task, decode
from stack.roles import Role


class Queue:
    """The waiting tasks of all roles."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = roles
        self._told: dict[str, dict[str, int]] = defaultdict(dict)

    def admit(self, tx: Transaction, role: str) -> None:
        """Sends as many waiting tasks of a role as may go now."""
        tx.session.flush()
        query = select(TaskRow.person, TaskRow.state).where(
            TaskRow.role == role, TaskRow.state.in_(("sent", "claimed"))
        )
        under_way = [UnderWay(person, state == "claimed") for person, state in tx.session.execute(query)]
        for chosen in admitted(self._roles[role], _waiting(tx.session, TaskRow.role == role)[role], under_way):
            send(tx, tx.session.get_one(TaskRow, chosen.id))

    def tell_places(self, tx: Transaction, role: str) -> None:
        """Tells who waits in the queue of a role their place, where it has changed."""
        tx.session.flush()
        found = places(_waiting(tx.session, TaskRow.role == role)[role])
        for key, place in found.items():
            if self._told[role].get(key) != place:
                row = tx.session.get_one(TaskRow, key)
                say(tx, row, f"Waiting for a free {dashed(role)}: place {place} of {len(found)}")
        self._told[role] = found


def places_of_runs(session: Session) -> dict[str, int]:
    """Runs that wait in a queue, with their place in it."""
    found: dict[str, int] = {}
    for runs in _waiting(session).values():
        run_of = {task.id: run_id for task, run_id in runs.items()}
        found |= {run_of[key]: place for key, place in places(runs).items()}
    return found


def send(tx: Transaction, row: TaskRow) -> None:
    """Puts a task into the queue of its role."""
    row.state, row.sends = "sent", row.sends + 1
    tx.put(decode(row.message))


def is_readable(row: TaskRow) -> bool:
    """Whether a task can be sent: it is of a kind that there is, and still done by its role."""
    try:
        message = decode(row.message)
    except GiveUp:
        return False
    return isinstance(message, Task) and message.brief.by == row.role


def say(tx: Transaction, row: TaskRow, text: str) -> None:
    """What a task waits for, for its person."""
    tx.mention(Progress(run_id=UUID(row.run_id), kind="step", text=text, data={"passing": True}))


def _waiting(session: Session, *only: ColumnElement[bool]) -> dict[str, dict[Waiting, str]]:
    """What waits and may go, by role, with the run of each."""
    found: dict[str, dict[Waiting, str]] = defaultdict(dict)
    query = select(TaskRow.role, TaskRow.run_id, TaskRow.id, TaskRow.person, TaskRow.rank)
    may_go = query.where(TaskRow.state == "waiting", TaskRow.not_before <= time.time(), *only)
    for role, run_id, key, person, rank in session.execute(may_go):
        found[role][Waiting(key, person, rank)] = run_id
    return found
