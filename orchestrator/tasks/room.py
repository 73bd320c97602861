"""The life of a task.

waiting   it has a place in our queue; RabbitMQ has not seen it
sent      admitted: it is in the queue of its role, and nobody has taken it yet
claimed   a process works on it as attempt N, and shows that it lives; given back, it waits again
done      it has its one result

Time spent waiting is no silence. A process that is silent for too long has lost its task.
"""

import logging
import time
from uuid import UUID

from sqlalchemy import select

from orchestrator.journal import ANOTHER_VERSION
from orchestrator.store import ResultRow, RunRow, TaskRow, database_may_be_away
from orchestrator.tasks import rows
from orchestrator.tasks.grants import LEASE_SECONDS, Grants
from orchestrator.tasks.order import GIVEN_BACK, RANKS
from orchestrator.tasks.queue import Queue, is_readable, places_of_runs, say, send
from orchestrator.tasks.results import checked, counts
from orchestrator.tasks.watch import Watch
from orchestrator.transactions import Transaction, Transactions
from stack.api import Claim, Renewal
from stack.errors import GiveUp, NotThere
from stack.ids import dashed
from stack.messages import AnyMessage, Envelope, Result, Signal
from stack.pieces import Piece
from stack.work.kinds import Brief, Failure, Report

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
# The broker brings a dead worker's message back by itself, within seconds; this is for when that did not happen.
OVERDUE_SECONDS = 30.0
# A task that was sent and that nobody takes may have been put aside: it is sent again after so long, each time twice.
UNTAKEN_SECONDS, MOST_UNTAKEN_SECONDS = 60.0, 3600.0
# Pauses before an attempt that follows one that ended badly; the last one stays.
PAUSES_SECONDS = (2.0, 10.0, 30.0)
# A refusal that passes by itself is outwaited for so long, all pauses of a task together.
OUTWAITED_SECONDS = 24 * 3600.0
A_TIME = 1e9  # what is above is no sum of pauses: earlier versions kept the time of the first refusal there


class Tasks:
    """All tasks of the stack."""

    def __init__(self, transactions: Transactions, *, grants: Grants, watch: Watch | None = None) -> None:
        self._transactions = transactions
        self._grants = grants
        self._roles = grants.roles
        self._watch = watch or Watch()
        self._queue = Queue(grants.roles)

    # --- waiting → sent -------------------------------------------------------------------------------

    def add(self, tx: Transaction, run: RunRow, step: str, brief: Brief[Report]) -> None:
        """Begins a step of a run, in the caller's transaction."""
        row = rows.begin(tx.session, run, step, brief)
        if row is None:
            return
        self._queue.admit(tx, brief.by)
        if row.state == "waiting":
            self._queue.tell_places(tx, brief.by)

    # --- sent → claimed -------------------------------------------------------------------------------

    def claim(self, task: UUID, *, role: str, instance: str) -> Claim:
        """Asks to work on a task. Raises NotThere where the role has no such task."""
        with self._transactions.begin("claim") as tx:
            row = tx.session.get(TaskRow, str(task), with_for_update=True)
            if row is None or row.role != role:
                raise NotThere(f"there is no task {task} for {dashed(role)}")
            if tx.session.get_one(RunRow, row.run_id).cancelled:
                return Claim(verdict="cancelled")
            if row.state in ("done", "waiting"):  # one that waits comes by a message of its own
                return Claim(verdict="done")
            if row.state == "claimed":
                if row.instance == instance:
                    return self._granted(tx, row)  # our answer to its first claim was lost
                if self._watch.age(row.id, _mark(row)) < LEASE_SECONDS:
                    return Claim(verdict="leased")
                if not self._may_try_again(tx, row):
                    return Claim(verdict="done")
            row.state, row.instance = "claimed", instance
            row.attempt, row.beats = row.attempt + 1, row.beats + 1
            self._queue.admit(tx, role)
            self._watch.age(row.id, _mark(row))
            return self._granted(tx, row)

    def _granted(self, tx: Transaction, row: TaskRow) -> Claim:
        return self._grants.of(row).model_copy(update={"pieces": rows.pieces(tx.session, row.id)})

    def renew(self, task: UUID, *, instance: str, attempt: int) -> Renewal:
        """A sign of life of whoever holds the task."""
        with self._transactions.begin("renew") as tx:
            row = tx.session.get(TaskRow, str(task), with_for_update=True)
            if row is not None and tx.session.get_one(RunRow, row.run_id).cancelled:
                return Renewal(verdict="cancelled")
            if row is None or not _holds(row, instance, attempt):
                return Renewal(verdict="lost")
            row.beats += 1
            return Renewal(verdict="go")

    def keep(self, task: UUID, *, instance: str, attempt: int, piece: Piece) -> Renewal:
        """Stores a piece of what will be the report, for whoever holds the task. Raises GiveUp where it is too much."""
        with self._transactions.begin("keep") as tx:
            row = tx.session.get(TaskRow, str(task), with_for_update=True)
            if row is None or not _holds(row, instance, attempt):
                return Renewal(verdict="lost")
            rows.keep(tx.session, row, piece)
            return Renewal(verdict="go")

    def give_back(self, task: UUID, *, instance: str, attempt: int) -> Renewal:
        """A process that stops lets another take the task over: that is no failed attempt, and the task goes first."""
        with self._transactions.begin("give back") as tx:
            row = tx.session.get(TaskRow, str(task), with_for_update=True)
            if row is None or not _holds(row, instance, attempt):
                return Renewal(verdict="lost")
            row.state, row.instance, row.rank = "waiting", "", GIVEN_BACK
            self._queue.admit(tx, row.role)
            return Renewal(verdict="go")

    def is_alive(self, task: UUID, attempt: int) -> bool:
        """Whether this attempt is at work: its tokens are good for so long. A lease that is over is seen by `look`."""
        with self._transactions.sessions() as session:
            row = session.get(TaskRow, str(task))
        return row is not None and (row.state, row.attempt) == ("claimed", attempt)

    # --- → done ---------------------------------------------------------------------------------------

    @database_may_be_away()
    def receive(self, message: AnyMessage) -> None:
        """Takes what arrives in the queue of results. Raises GiveUp for anything else, or TryAgain."""
        if not isinstance(message, Result):
            raise GiveUp(f"a {message.type} is not a result")
        self.take(message)

    @database_may_be_away()
    def trusts(self, message: AnyMessage, sender: str) -> bool:
        """Whether `sender`, a user of the broker, plays the role whose task this is a result of."""
        return isinstance(message, Result) and self._is_of(message.task_id, sender)

    @database_may_be_away()
    def too_new(self, envelope: Envelope, sender: str) -> None:
        """A result that we cannot read ends its task, in words."""
        if envelope.task_id and self._is_of(envelope.task_id, sender):
            what = f"The {sender} is newer than the orchestrator, which cannot read its result: update all services."
            outcome = Failure(what=what, next="give_up")
            run_id = envelope.run_id or envelope.task_id
            self.take(Result(task_id=envelope.task_id, run_id=run_id, attempt=envelope.attempt, outcome=outcome))

    def _is_of(self, task: UUID, sender: str) -> bool:
        with self._transactions.sessions() as session:
            row = session.get(TaskRow, str(task))
        return row is not None and sender == dashed(row.role)

    def take(self, result: Result) -> None:
        """Takes a result in, unless it is a repeat, of an older attempt, or of no task that we know."""
        with self._transactions.begin("result") as tx:
            row = tx.session.get(TaskRow, str(result.task_id), with_for_update=True)
            if row is None or not counts(tx.session, row, result):
                log.info("a result that is not waited for: task %s attempt %s", result.task_id, result.attempt)
                return
            outcome: Report | None = checked(row, result.outcome)
            if isinstance(outcome, Failure) and outcome.next == "retry":
                if row.state != "claimed":
                    return  # a repeat, or of a process that was taken for dead: its attempt is counted
                outcome = self._again(tx, row, outcome)
            if outcome is not None:
                self._end(tx, row, outcome)
            self._queue.admit(tx, row.role)

    def _again(self, tx: Transaction, row: TaskRow, failure: Failure) -> Failure | None:
        """Lets the task wait for another attempt; the failure, final, where there is none."""
        if failure.after is not None:
            outwaited = 0.0 if row.refused > A_TIME else row.refused
            left = OUTWAITED_SECONDS - outwaited
            if left <= 0:
                return Failure(what=f"{failure.what} (for a day, again and again)", next="give_up")
            pause = max(min(failure.after, left), PAUSES_SECONDS[0])
            row.refused = outwaited + pause
            told = f"{failure.what}; going on in {_seconds(pause)}"
        else:
            if self._was_the_last(row):
                return Failure(what=failure.what, next="give_up")
            pause = PAUSES_SECONDS[min(row.failures, len(PAUSES_SECONDS)) - 1]
            told = f"{failure.what}; trying again"
        row.state, row.instance, row.not_before = "waiting", "", time.time() + pause
        row.rank = RANKS[tx.session.get_one(RunRow, row.run_id).priority]  # where it was given back before
        say(tx, row, told)
        return None

    def _may_try_again(self, tx: Transaction, row: TaskRow) -> bool:
        """Counts an attempt that ended without a word; ends the task where it was the last."""
        if not self._was_the_last(row):
            return True
        times = f"{row.failures} times" if row.failures > 1 else "once"
        self._end(tx, row, Failure(what=f"The {dashed(row.role)} stopped {times} while at work", next="give_up"))
        return False

    def _was_the_last(self, row: TaskRow) -> bool:
        """Counts an attempt that ended badly."""
        row.failures += 1
        return row.failures >= self._roles[row.role].attempts

    @staticmethod
    def _end(tx: Transaction, row: TaskRow, outcome: Report) -> None:
        row.state = "done"
        tx.session.add(ResultRow(task_id=row.id, attempt=row.attempt, outcome=outcome.model_dump(mode="json")))
        tx.poke(row.run_id)

    def cancel(self, tx: Transaction, run: RunRow) -> None:
        """As `let_go`, where a person wants it. Raises GiveUp where an effect is under way."""
        if too_late := [row.effect for row in _left(tx, run) if row.effect and row.state in ("sent", "claimed")]:
            raise GiveUp(f"Too late to stop {run.title}. At this moment: {too_late[0].lower()}.")
        self.let_go(tx, run)

    def let_go(self, tx: Transaction, run: RunRow) -> None:
        """Ends what is left of a run that ends, in the caller's transaction."""
        rows = _left(tx, run)
        for row in rows:
            row.state = "done"
            tx.mention(Signal(task_id=UUID(row.id)))
        for role in {row.role for row in rows}:
            self._queue.admit(tx, role)

    def end_unreadable(self) -> None:
        """Ends tasks that another version of the stack began and this one cannot read. Call it once, at the start."""
        with self._transactions.begin("unreadable") as tx:
            rows = list(tx.session.scalars(select(TaskRow).where(TaskRow.state != "done")))
            for row in rows:
                if not is_readable(row):
                    log.error("task %s, the step %s, can no longer be read", row.id, row.step)
                    self._end(tx, row, Failure(what=ANOTHER_VERSION, next="give_up"))

    # --- from time to time ----------------------------------------------------------------------------

    def look(self) -> None:
        """Sends again what was lost, admits what had to wait, tells people their place. Call it every LOOK_SECONDS."""
        with self._transactions.sessions() as session:
            rows = list(session.scalars(select(TaskRow).where(TaskRow.state != "done")))
        self._watch.keep({row.id for row in rows})
        due = {row.role for row in rows if row.state == "waiting"}
        lost = [row.id for row in rows if self._is_lost(row)]
        if not due and not lost:
            return
        with self._transactions.begin("look") as tx:
            for row in (tx.session.get_one(TaskRow, key, with_for_update=True) for key in lost):
                if self._is_lost(row):
                    self._send_again(tx, row)
            for role in sorted(due):
                self._queue.admit(tx, role)
                self._queue.tell_places(tx, role)

    def _is_lost(self, row: TaskRow) -> bool:
        age = self._watch.age(row.id, _mark(row))
        if row.state == "claimed":
            return age > LEASE_SECONDS + OVERDUE_SECONDS
        doublings = min(row.sends - 1, 10)  # no float is large enough for what is not taken for months
        return row.state == "sent" and age > min(UNTAKEN_SECONDS * 2**doublings, MOST_UNTAKEN_SECONDS)

    def places(self) -> dict[str, int]:
        """Runs that wait in a queue, with their place in it, from 1."""
        with self._transactions.sessions() as session:
            return places_of_runs(session)

    def _send_again(self, tx: Transaction, row: TaskRow) -> None:
        if row.state == "claimed" and not self._may_try_again(tx, row):
            return
        log.warning("task %s was lost; sending it again", row.id)
        row.instance = ""
        send(tx, row)


def _left(tx: Transaction, run: RunRow) -> list[TaskRow]:
    return list(tx.session.scalars(select(TaskRow).where(TaskRow.run_id == run.id, TaskRow.state != "done")))


def _mark(row: TaskRow) -> tuple[str, int, int, int]:
    """What changes with each sign of life of a task."""
    return row.state, row.attempt, row.beats, row.sends


def _holds(row: TaskRow, instance: str, attempt: int) -> bool:
    return (row.state, row.instance, row.attempt) == ("claimed", instance, attempt)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
