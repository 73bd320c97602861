"""Claims: which process works on a task, until when, and as which attempt.

The attempt's number is the fencing token: a result of an older attempt is not taken.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orchestrator.results import Results
from orchestrator.store import ResultRow, Run, Sessions, TaskRow
from stack import tokens
from stack.api import Claim, Renewal
from stack.errors import GiveUp
from stack.ids import dashed
from stack.messages import ReviewPullRequest, Task, decode
from stack.topology import AGENT_ROLES

LEASE_SECONDS = 15.0
# A token outlives the limit of the conversation by the time that the repository may take to arrive.
PREPARATION_SECONDS = 900.0
# One run of the model, and one more after a crash: what a fault may cost at most.
MAX_ATTEMPTS = 2
# Tiers that a role's model calls may use: its own, and haiku, which Claude Code takes for small things.
TIERS = {"pr_reviewer": ("haiku", "sonnet")}


@dataclass(frozen=True)
class Limits:
    """What one task may use: dollars for model calls, seconds of wall clock."""

    budget_usd: float
    seconds: float


class Leases:
    """Hands out leases on tasks, with the tokens that the work needs."""

    def __init__(self, sessions: Sessions, *, results: Results, model_key: str, forge_key: str, limits: Limits) -> None:
        self._sessions = sessions
        self._results = results
        self._model_key = model_key
        self._forge_key = forge_key
        self._limits = limits

    def claim(self, task_id: UUID, *, holder: str, instance: str) -> Claim:
        """Asks for the lease. A process that works on the task already must not ask again: it would get it twice.

        Raises GiveUp where there is no such task.
        """
        with self._sessions.begin() as session:
            task = session.get(TaskRow, str(task_id), with_for_update=True)
            if task is None or task.role not in AGENT_ROLES:
                raise GiveUp(f"there is no task {task_id} for an agent")
            run = session.get_one(Run, task.run_id)
            if session.get(ResultRow, task.id) is not None:
                return Claim(verdict="done")
            if run.cancelled:
                return Claim(verdict="cancelled")
            if task.lease_until > time.time() and (task.holder, task.instance) == (holder, instance):
                return self._granted(task, run.person)  # our answer to its first claim was lost
            if task.lease_until > time.time() and task.holder != holder:
                return Claim(verdict="leased")
            # the same holder as a new process means that the old process is gone
            if self._attempts(session, task) < MAX_ATTEMPTS:
                task.attempt += 1
                task.holder, task.instance = holder, instance
                task.lease_until = time.time() + LEASE_SECONDS
                return self._granted(task, run.person)
        self._results.fail(task_id, f"the {dashed(task.role)} stopped {MAX_ATTEMPTS} times while at work")
        return Claim(verdict="done")

    def renew(self, task_id: UUID, *, attempt: int) -> Renewal:
        """Keeps the lease of this attempt for another LEASE_SECONDS, unless it is over."""
        with self._sessions.begin() as session:
            task = session.get(TaskRow, str(task_id), with_for_update=True)
            if task is None or task.done or task.attempt != attempt:
                return Renewal(verdict="lost")
            if session.get_one(Run, task.run_id).cancelled:
                return Renewal(verdict="cancelled")
            task.lease_until = time.time() + LEASE_SECONDS
            return Renewal(verdict="go")

    @staticmethod
    def _attempts(session: Session, task: TaskRow) -> int:
        """How often this role has worked for this run, on this task or on one that it took the place of."""
        same = select(func.sum(TaskRow.attempt)).where(TaskRow.run_id == task.run_id, TaskRow.role == task.role)
        return int(session.scalar(same) or 0)

    def _granted(self, task: TaskRow, person: str) -> Claim:
        message = decode(task.message)
        repository = ""
        if isinstance(message, Task) and isinstance(message.brief, ReviewPullRequest):
            repository = message.brief.pull.repository
        claims = tokens.Claims(
            run=task.run_id,
            task=task.id,
            person=person,
            role=task.role,
            attempt=task.attempt,
            budget_usd=self._limits.budget_usd,
            expires=time.time() + self._limits.seconds + PREPARATION_SECONDS,
            repository=repository,
            tiers=TIERS[task.role],
        )
        return Claim(
            verdict="run",
            attempt=task.attempt,
            lease_seconds=LEASE_SECONDS,
            model_token=tokens.sign(self._model_key, "model", claims),
            forge_token=tokens.sign(self._forge_key, "forge", claims),
            budget_usd=self._limits.budget_usd,
            seconds=self._limits.seconds,
        )
