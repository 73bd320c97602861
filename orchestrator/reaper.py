"""Finds tasks whose worker is gone and whose message did not come back by itself, and sends them again."""

import logging
import time
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select

from orchestrator.outbox import Outbox
from orchestrator.results import Results
from orchestrator.store import Run, Sessions, TaskRow
from stack.messages import ENDED, decode, now

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
# The broker brings a dead worker's message back by itself, within seconds; this is for when that did not happen.
LEASE_OVERDUE_SECONDS = 30.0
# The forge holds no lease. Its effects are safe to repeat, so a second copy of a task does no harm.
FORGE_SILENT = timedelta(seconds=150)
MOST_REDISPATCHES = 3
# An agent's task that nobody has taken: its message may have been put aside, or there is just a lot to do.
UNTAKEN = timedelta(hours=1)


class Reaper:
    """A task that was sent again too often fails, so that no run waits for ever."""

    def __init__(self, sessions: Sessions, *, outbox: Outbox, results: Results) -> None:
        self._sessions = sessions
        self._outbox = outbox
        self._results = results

    def look(self) -> None:
        """Sends again what is overdue."""
        for task_id in self._overdue():
            self._send_again(task_id)

    def _overdue(self) -> list[str]:
        claimed = (TaskRow.lease_until > 0) & (TaskRow.lease_until < time.time() - LEASE_OVERDUE_SECONDS)
        silent = (TaskRow.role == "forge") & (TaskRow.sent < now() - FORGE_SILENT)
        untaken = (TaskRow.role != "forge") & (TaskRow.lease_until == 0) & (TaskRow.sent < now() - UNTAKEN)
        waiting = TaskRow.done.is_(False) & Run.cancelled.is_(False) & Run.state.not_in(ENDED)
        query = select(TaskRow.id).join(Run, Run.id == TaskRow.run_id).where(waiting, or_(claimed, silent, untaken))
        with self._sessions() as session:
            return list(session.scalars(query))

    def _send_again(self, task_id: str) -> None:
        with self._sessions.begin() as session:
            task = session.get_one(TaskRow, task_id)
            task.redispatched += 1
            task.sent = now()
            if task.lease_until:
                task.lease_until = time.time()  # overdue again only after another LEASE_OVERDUE_SECONDS
            given_up = task.redispatched > MOST_REDISPATCHES
            message = decode(task.message)
            if not given_up:
                self._outbox.put(session, message)
        if given_up:
            self._results.fail(UUID(task_id), f"the {task.role.replace('_', '-')} did not answer")
        else:
            log.warning("task %s was lost; sending it again", task_id)
            self._outbox.send(message)
