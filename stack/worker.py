"""The worker, once for forge and agents: claims a task, has it done by a table of functions, brings what came of it.

Whatever happens there is a result, or the task is given back: no run waits for ever.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

from stack.api import Claim, Renewal
from stack.assignment import GIVEN_BACK, Assignment, Sender, Stop, Stopped
from stack.errors import GiveUp, StackError, TryAgain
from stack.ids import dashed
from stack.inbox import Inbox
from stack.logs import about
from stack.messages import AnyMessage, Envelope, Result, Signal, Task
from stack.pieces import LAST_PAUSES_SECONDS, Pieces
from stack.work.kinds import Brief, Failure, Report

log = logging.getLogger(__name__)

KEPT_RESULTS = 100  # of the last tasks, in case one of them is delivered again


class Tasks(Protocol):
    """What a worker needs of stack.api.TasksApi."""

    def claim(self, task_id: UUID) -> Claim: ...

    def renew(self, task_id: UUID, *, attempt: int) -> Renewal: ...

    def give_back(self, task_id: UUID, *, attempt: int) -> Renewal: ...

    def keep(self, task_id: UUID, *, attempt: int, piece: dict[str, Any]) -> Renewal: ...


Do = Callable[[Any, Assignment], Report]  # (the brief of the kind that the table names, the task) → its report


class Worker:
    """One process of a role. `table` says for each kind of brief who does it; `take` may run in several threads."""

    def __init__(self, role: str, table: Mapping[type[Brief[Any]], Do], *, tasks: Tasks, sender: Sender) -> None:
        self._name = dashed(role)
        self._table = table
        self._tasks = tasks
        self._sender = sender
        self._stopping = False
        self._at_work: dict[UUID, tuple[Stop, Inbox]] = {}
        self._lock = threading.Lock()
        self._finished: OrderedDict[tuple[UUID, int], Result] = OrderedDict()

    # --- a part of the service: stopped before its consumer -------------------------------------------

    def start(self) -> None:
        """Nothing: work comes by `take`."""

    def stop(self) -> None:
        """Gives back what can be interrupted; what cannot, ends, and its result is brought."""
        self._stopping = True
        with self._lock:
            at_work = list(self._at_work.values())
        for stop, _ in at_work:
            stop.set(GIVEN_BACK)

    # --- messages ---------------------------------------------------------------------------------------

    def take(self, message: AnyMessage) -> None:
        """Handles one delivery. Raises TryAgain while another process works on the task."""
        if not isinstance(message, Task):
            raise GiveUp(f"a {message.type} is not a task")
        with about(message.run_id), self._alone_with(message) as (stop, inbox):
            if self._stopping:
                raise TryAgain(f"the {self._name} is stopping")
            try:
                claim = self._tasks.claim(message.id)
            except GiveUp as error:  # a dead letter would tell nobody, and the run would wait for ever
                what = f"The {self._name} could not take the task: {error}"
                return self._bring(_failed(message.id, message.run_id, 0, what))
            if claim.verdict == "leased":
                raise TryAgain(f"task {message.id} is being worked on")
            if claim.verdict != "run":
                return
            if finished := self._finished.get((message.id, claim.attempt)):
                return self._bring(finished)  # delivered again before the orchestrator had heard of the end
            pieces = Pieces(lambda piece: self._tasks.keep(message.id, attempt=claim.attempt, piece=piece))
            self._work(Assignment(message, claim, self._sender, pieces.keep, stop=stop, inbox=inbox), pieces)

    def too_new(self, envelope: Envelope, _sender: str) -> None:
        """Answers a task that cannot be read here, so that the person is told."""
        if envelope.type == "task" and envelope.run_id:
            what = f"The {self._name} is older than the orchestrator and cannot read its task: update all services."
            self._bring(_failed(envelope.id, envelope.run_id, 0, what))

    def hear(self, message: AnyMessage) -> None:
        """A signal to whoever runs a task; most are for others."""
        if not isinstance(message, Signal) or not (reached := self._at_work.get(message.task_id)):
            return
        stop, inbox = reached
        if message.verb == "cancel":
            stop.set("cancelled")
        else:
            inbox.put(message)

    # --- one task -----------------------------------------------------------------------------------------

    @contextmanager
    def _alone_with(self, task: Task) -> Iterator[tuple[Stop, Inbox]]:
        """Nobody else in this process takes the task meanwhile, and by these it is reached from outside.

        Raises TryAgain where somebody has it.
        """
        with self._lock:
            if task.id in self._at_work:
                raise TryAgain(f"task {task.id} is being worked on here")
            self._at_work[task.id] = reached = Stop(), Inbox()
        try:
            yield reached
        finally:
            with self._lock:
                del self._at_work[task.id]

    def _work(self, at: Assignment, pieces: Pieces) -> None:
        at.hop(f"{at.task.step}.claimed")
        if at.claim.attempt > 1:
            at.say(f"Started again (attempt {at.claim.attempt})")
        with self._leased(at):
            try:
                outcome = self._outcome(at)
                if isinstance(outcome, Failure) and not self._renewed(at):
                    # a task's tokens die with it, and its stop may come after that: what failed so is no failure
                    raise Stopped(at.stop.reason)
                if isinstance(outcome, Failure):  # a report has them all
                    pieces.send_left(LAST_PAUSES_SECONDS)
            except Stopped as stopped:
                log.info("stopped: %s", stopped)
                _close(at)
                if at.stop.reason == GIVEN_BACK:
                    pieces.send_left()
                    self._give_back(at)
                return
            _close(at)
            at.hop(f"{at.task.step}.done")
            self._bring(_result(at, outcome), at.stop)

    def _outcome(self, at: Assignment) -> Report:
        """What came of the task. Raises Stopped."""
        do = self._table.get(type(at.task.brief))
        if do is None:
            return Failure(what=f"The {self._name} does not know how to {at.task.brief.do}", next="give_up")
        try:
            return do(at.task.brief, at)
        except TryAgain as error:
            log.warning("%s: to be tried again: %s", at.task.step, error)
            return Failure(what=str(error), next="retry", after=error.after)
        except GiveUp as error:
            log.warning("%s: given up: %s", at.task.step, error)
            return Failure(what=str(error), next="give_up")
        except Stopped:
            raise
        except Exception:
            log.exception("%s", at.task.step)
            return Failure(what=f"The {self._name} had an internal error", next="retry")

    def _bring(self, result: Result, stop: Stop | None = None) -> None:
        """Sends a result, however long the broker is away: it was paid for. Once the task has ended, one try is enough:
        until another has begun, the result of who was taken for dead counts.
        """
        self._finished[result.task_id, result.attempt] = result
        while len(self._finished) > KEPT_RESULTS:
            self._finished.popitem(last=False)
        while True:
            try:
                return self._sender.publish(result)
            except TryAgain as error:
                log.warning("the result cannot be sent yet: %s", error)
            if stop and stop.reason not in ("", GIVEN_BACK):
                return

    def _give_back(self, at: Assignment) -> None:
        try:
            self._tasks.give_back(at.task.id, attempt=at.claim.attempt)
        except StackError as error:  # it stops too, as in a deploy of all: it hears of it when it is back
            log.warning("the task is given back by the broker: %s", error)
            stopped = Failure(what=f"The {self._name} was stopped", next="retry", after=0)
            try:
                self._sender.publish(_result(at, stopped))
            except StackError as away:  # then its lease runs out
                log.warning("the task could not be given back: %s", away)

    @contextmanager
    def _leased(self, at: Assignment) -> Iterator[None]:
        """Keeps the lease while the task is worked on; sets the Stop where the run was cancelled or the lease lost."""
        over = threading.Event()
        threading.Thread(target=self._renew, args=(at, over), name="lease", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _renew(self, at: Assignment, over: threading.Event) -> None:
        while not over.wait(at.claim.lease_seconds / 3):
            if not self._renewed(at):
                return

    def _renewed(self, at: Assignment) -> bool:
        """Renews the lease. False, and the Stop is set, where the run was cancelled or the lease lost."""
        try:
            verdict = self._tasks.renew(at.task.id, attempt=at.claim.attempt).verdict
        except (StackError, ValueError) as error:  # ValueError: an answer that says something else
            log.warning("the lease could not be renewed: %s", error)
            return True
        if verdict != "go":
            at.stop.set(verdict)
        return verdict == "go"


def _close(at: Assignment) -> None:
    """Tells the person what nobody has heard, and what comes from now on. Of another attempt that one tells."""
    if at.stop.reason in ("", GIVEN_BACK):
        at.hear = lambda signal: at.say(f"Nobody has heard this any more: {signal.text}")


def _result(at: Assignment, outcome: Report) -> Result:
    return Result(task_id=at.task.id, run_id=at.task.run_id, attempt=at.claim.attempt, outcome=outcome)


def _failed(task_id: UUID, run_id: UUID, attempt: int, what: str) -> Result:
    return Result(task_id=task_id, run_id=run_id, attempt=attempt, outcome=Failure(what=what, next="give_up"))
