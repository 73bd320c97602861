"""Results: each task has one, the first that its current attempt brings."""

import logging
from uuid import UUID

from orchestrator.store import ResultRow, Run, Sessions, TaskRow, database_may_be_away
from orchestrator.waiters import Waiters
from stack.errors import GiveUp
from stack.ids import dashed
from stack.messages import AnyMessage, Failure, Result, decode, encode

log = logging.getLogger(__name__)


class Results:
    """Takes results in, and says what a run is waiting for."""

    def __init__(self, sessions: Sessions, waiters: Waiters) -> None:
        self._sessions = sessions
        self._waiters = waiters

    @database_may_be_away()
    def receive(self, message: AnyMessage) -> None:
        """Takes what arrives in the queue of results. Raises GiveUp for anything else, or TryAgain."""
        if not isinstance(message, Result):
            raise GiveUp(f"a {message.type} is not a result")
        self.take(message)

    @database_may_be_away()
    def trusts(self, message: AnyMessage, sender: str) -> bool:
        """Whether `sender`, a user of the broker, plays the role whose task this is a result of."""
        if not isinstance(message, Result):
            return False
        with self._sessions() as session:
            task = session.get(TaskRow, str(message.task_id))
        return task is not None and dashed(task.role) == sender

    def take(self, result: Result) -> bool:
        """Stores a result. False where it is a repeat, of an older attempt, or of no task that we know."""
        with self._sessions.begin() as session:
            task = session.get(TaskRow, str(result.task_id), with_for_update=True)
            if task is None or task.done or task.attempt != result.attempt:
                log.info("a result that is not waited for: task %s attempt %s", result.task_id, result.attempt)
                return False
            task.done = True
            session.add(ResultRow(task_id=task.id, attempt=result.attempt, message=encode(result)))
        self._waiters.poke(task.run_id)
        return True

    def fail(self, task_id: UUID, what: str) -> None:
        """Ends a task that nobody will bring a result of."""
        with self._sessions() as session:
            task = session.get_one(TaskRow, str(task_id))
        outcome = Failure(what=what, next="give_up")
        self.take(Result(task_id=task_id, run_id=UUID(task.run_id), attempt=task.attempt, outcome=outcome))

    def of(self, task_id: UUID) -> Result | None:
        """The result of a task, if it has come."""
        with self._sessions() as session:
            row = session.get(ResultRow, str(task_id))
        if row is None:
            return None
        message = decode(row.message)
        assert isinstance(message, Result)  # noqa: S101 - what we stored ourselves
        return message

    def is_cancelled(self, run_id: UUID) -> bool:
        """Whether a person has cancelled the run."""
        with self._sessions() as session:
            return bool(session.get_one(Run, str(run_id)).cancelled)
