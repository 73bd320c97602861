"""The runner, once for all roles: claims a task, prepares it, has Claude work on it, brings the result."""

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from agents.cache import Cache
from agents.claude import Claude, Limits, Stop, Stopped
from agents.role import Role
from agents.sandbox import Slot
from stack.api import Claim, OrchestratorApi
from stack.broker import Publisher
from stack.errors import GiveUp, StackError, TryAgain
from stack.ids import dashed
from stack.logs import about
from stack.messages import AnyMessage, Failure, Progress, Result, Review, Signal, Task, Usage

log = logging.getLogger(__name__)

# Results of the last tasks, in case one of them is delivered again.
KEPT_RESULTS = 100


@dataclass(frozen=True)
class Opened:
    """The agent's cache as one task may use it."""

    caches: Cache
    token: str

    def cache(self, repository: str, commits: list[str]) -> Path:
        """See agents.role.Repositories."""
        return self.caches.with_commits(repository, commits, token=self.token)

    def check_out(self, cache: Path, commit: str, folder: Path) -> None:
        """See agents.role.Repositories."""
        self.caches.check_out(cache, commit, folder)


class Runner:
    """One agent process: as many tasks at once as it has slots."""

    def __init__(
        self,
        role: Role,
        *,
        slots: list[Slot],
        caches: Cache,
        claude: Claude,
        api: OrchestratorApi,
        publisher: Publisher,
        holder: str,
        instance: str,
        silence_seconds: float,
    ) -> None:
        self._role = role
        self._slots: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in slots:
            slot.end_processes()  # of a runner that was killed
            self._slots.put(slot)
        self._caches = caches
        self._claude = claude
        self._api = api
        self._publisher = publisher
        self._holder = holder
        self._instance = instance
        self._silence_seconds = silence_seconds
        self._at_work: dict[UUID, Stop] = {}
        self._finished: OrderedDict[UUID, Result] = OrderedDict()

    def take(self, message: AnyMessage) -> None:
        """Handles one delivery. Raises TryAgain while another process works on the task."""
        if not isinstance(message, Task):
            raise GiveUp(f"a {message.type} is not a task")
        with about(message.run_id), self._alone_with(message) as stop:
            if (finished := self._finished.get(message.id)) is not None:
                return self._bring(finished, stop)  # delivered again before the orchestrator had heard of the end
            try:
                claim = self._api.claim(message.id, holder=self._holder, instance=self._instance)
            except GiveUp as error:  # a dead letter would tell nobody, and the run would wait for ever
                outcome = Failure(
                    what=f"the {dashed(self._role.name)} could not take the task: {error}", next="give_up"
                )
                self._publisher.publish(Result(task_id=message.id, run_id=message.run_id, attempt=0, outcome=outcome))
                return
            if claim.verdict == "leased":
                raise TryAgain(f"task {message.id} is being worked on")
            if claim.verdict == "run":
                self._work(message, claim, stop)

    def hear(self, message: AnyMessage) -> None:
        """A signal to whoever runs a task; most are for others."""
        if isinstance(message, Signal) and (stop := self._at_work.get(message.task_id)):
            stop.set("cancelled")

    @contextmanager
    def _alone_with(self, task: Task) -> Iterator[Stop]:
        """Nobody else in this process takes the task meanwhile. Raises TryAgain where somebody has."""
        stop = Stop()
        if self._at_work.setdefault(task.id, stop) is not stop:
            raise TryAgain(f"task {task.id} is being worked on here")
        try:
            yield stop
        finally:
            del self._at_work[task.id]

    def _work(self, task: Task, claim: Claim, stop: Stop) -> None:
        self._tell(task, "hop", "task.claimed", datetime.now(UTC))
        if claim.attempt > 1:
            self._tell(task, "step", f"Started again (attempt {claim.attempt})", datetime.now(UTC))
        outcome: Review | Failure
        with self._leased(task, claim, stop):
            try:
                outcome = self._outcome(task, claim, stop)
            except Stopped as stopped:
                log.info("stopped: %s", stopped)
                return
            except StackError as error:
                log.warning("%s", error)
                outcome = Failure(what=str(error), next="retry" if isinstance(error, TryAgain) else "give_up")
            except Exception:
                log.exception("the runner has a fault")
                outcome = Failure(what=f"the {dashed(self._role.name)} had an internal error", next="retry")
            result = Result(task_id=task.id, run_id=task.run_id, attempt=claim.attempt, outcome=outcome)
            self._bring(result, stop)

    def _bring(self, result: Result, stop: Stop) -> None:
        """Sends a result, however long the broker is away: it was paid for. Ends early where nobody wants it."""
        self._finished[result.task_id] = result
        while len(self._finished) > KEPT_RESULTS:
            self._finished.popitem(last=False)
        while not stop.reason:
            try:
                return self._publisher.publish(result)
            except TryAgain as error:
                log.warning("the result cannot be sent yet: %s", error)

    def _outcome(self, task: Task, claim: Claim, stop: Stop) -> Review:
        slot = self._slots.get()
        try:
            with slot.workspace() as workspace:
                job = self._role.begin(task, workspace, Opened(self._caches, claim.forge_token))
                talk = self._claude.converse(
                    self._role,
                    job,
                    slot=slot,
                    workspace=workspace,
                    token=claim.model_token,
                    limits=Limits(claim.seconds, self._silence_seconds, claim.budget_usd),
                    stop=stop,
                    tell=lambda kind, text, at: self._tell(task, kind, text, at),
                )
        finally:
            self._slots.put(slot)
        if talk.structured is None:
            raise GiveUp("Claude ended without a report")
        return job.report(talk.structured, Usage(model=talk.model, turns=talk.turns, seconds=talk.seconds))

    @contextmanager
    def _leased(self, task: Task, claim: Claim, stop: Stop) -> Iterator[None]:
        """Keeps the lease while the task is worked on; sets the Stop where the run was cancelled or the lease lost."""
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(task, claim, stop, over), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()

    def _renew(self, task: Task, claim: Claim, stop: Stop, over: threading.Event) -> None:
        while not over.wait(claim.lease_seconds / 3):
            try:
                verdict = self._api.renew(task.id, attempt=claim.attempt).verdict
            except StackError as error:
                log.warning("the lease could not be renewed: %s", error)
                continue
            if verdict != "go":
                stop.set(verdict)
                return

    def _tell(self, task: Task, kind: str, text: str, at: datetime) -> None:
        progress = {"run_id": task.run_id, "source": dashed(self._role.name), "kind": kind, "text": text, "at": at}
        self._publisher.mention(Progress.model_validate(progress))
