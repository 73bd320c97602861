"""Runs go on: the story of a run is told again from its start, and the first thing that it lacks is begun."""

import hashlib
import importlib
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select

from orchestrator.journal import Asking, Call, Cancelled, Failed, Gate, Journal, Step, Steps, Suspended
from orchestrator.store import GateRow, ResultRow, RunRow, TaskRow, database_may_be_away
from orchestrator.tasks import Tasks
from orchestrator.transactions import Transaction, Transactions
from stack.errors import GiveUp
from stack.ids import task_id
from stack.logs import about
from stack.messages import ENDED, Ending, Notification, Progress, Question, Request, Task, decode
from stack.values import now
from stack.work import starts

log = logging.getLogger(__name__)

THREADS = 4
SWEEP_SECONDS = 5.0

Story = Callable[[Steps, Any], Ending]  # (steps, the ask that began the run) → how it ended


class Costs(Protocol):
    """Knows what a run's model calls cost."""

    def of(self, run_id: UUID) -> tuple[float | None, str]:
        """Dollars (None: not known now) and the names of the models that answered."""


def stories() -> dict[str, Story]:
    """The story of each workflow: the function `review` in orchestrator/workflows/review.py for the verb `review`."""
    return {verb: getattr(importlib.import_module(f"orchestrator.workflows.{verb}"), verb) for verb in starts()}


class Stories:
    """Advances runs in a few threads; a run that waits for something holds none."""

    def __init__(
        self, transactions: Transactions, *, tasks: Tasks, costs: Costs, stories: dict[str, Story] | None = None
    ) -> None:
        self._transactions = transactions
        self._tasks = tasks
        self._costs = costs
        self._stories = stories
        self._due: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at_work: dict[str, bool] = {}  # run → whether it must be told once more
        self._threads = [threading.Thread(target=self._run, name=f"story-{n}", daemon=True) for n in range(THREADS)]

    # --- a part of the service ------------------------------------------------------------------------

    def start(self) -> None:
        """Begins with all runs to which something has happened."""
        self.sweep()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets what is being told end."""
        for _ in self._threads:
            self._due.put(None)
        for thread in self._threads:
            thread.join(timeout=10)

    def go_on(self, run_id: str) -> None:
        """Has a run advanced soon."""
        with self._lock:
            if run_id in self._at_work:
                self._at_work[run_id] = True
                return
            self._at_work[run_id] = False
        self._due.put(run_id)

    def sweep(self) -> None:
        """Finds what fell between: runs that were poked and not told, and questions whose deadline has passed."""
        with self._transactions.sessions() as session:
            query = select(RunRow.id).where(RunRow.state.not_in(ENDED), RunRow.poked != RunRow.seen)
            forgotten = list(session.scalars(query))
            late = select(GateRow).where(GateRow.answer.is_(None), GateRow.until < now())
            passed = [(gate.run_id, gate.question) for gate in session.scalars(late)]
        for run_id, question in passed:
            with self._transactions.begin("deadline") as tx:
                gate = tx.session.get_one(GateRow, (run_id, question), with_for_update=True)
                if gate.answer is None:
                    gate.answer, gate.answered = "", now()
                    tx.poke(run_id)
        for run_id in forgotten:
            self.go_on(run_id)

    def _run(self) -> None:
        while (run_id := self._due.get()) is not None:
            with about(UUID(run_id)):
                try:
                    self.advance(run_id)
                except Exception:
                    log.exception("the run could not go on; the next sweep tries again")
            with self._lock:
                again = self._at_work.pop(run_id)
            if again:
                self.go_on(run_id)

    # --- one run ----------------------------------------------------------------------------------------

    @database_may_be_away()
    def advance(self, run_id: str) -> None:
        """Tells the story and begins what it lacks. Raises TryAgain where the database is away."""
        found = self._read(run_id)
        if found is None:
            return
        journal, poked = found
        try:
            with database_may_be_away():
                self._apply(run_id, journal, poked, self._tell(journal))
        except GiveUp as error:  # what the run brought cannot be written down: it would come again and again
            log.exception("the run breaks off")
            self._apply(run_id, journal, poked, Ending(state="failed", headline=f"The run broke off: {error}."))

    def _read(self, run_id: str) -> tuple[Journal, int] | None:
        """The journal of a run that has not ended, and how often it was poked when it was read."""
        with self._transactions.sessions() as session:
            run = session.get(RunRow, run_id)
            if run is None or run.state in ENDED:
                return None
            query = select(TaskRow, ResultRow).outerjoin(ResultRow, ResultRow.task_id == TaskRow.id)
            rows = session.execute(query.where(TaskRow.run_id == run_id)).all()
            gates = session.scalars(select(GateRow).where(GateRow.run_id == run_id)).all()
        journal = Journal(
            run_id=UUID(run_id),
            request=Request.model_validate(run.request),
            cancelled=run.cancelled,
            steps={task.step: _step(task, result) for task, result in rows},
            gates={gate.question: Gate(gate.answer, gate.person) for gate in gates},
        )
        return journal, run.poked

    def _tell(self, journal: Journal) -> Call | Asking | Ending | None:
        """What is next in the story; None: it waits for something that is under way."""
        try:
            self._stories = self._stories or stories()
            return self._stories[journal.request.ask.verb](Steps(journal), journal.request.ask)
        except Suspended as suspended:
            return suspended.next
        except Cancelled:
            return Ending(state="cancelled", headline=_stopped(journal))
        except Failed as failure:
            return Ending(state="failed", headline=str(failure))
        except Exception:
            log.exception("the workflow has a fault")
            return Ending(state="failed", headline="Something went wrong inside the stack; its log says what.")

    def _apply(self, run_id: str, journal: Journal, poked: int, next_: Call | Asking | Ending | None) -> None:
        """Writes down what is next, in one transaction with what must be sent for it."""
        ending = self._with_costs(journal, next_) if isinstance(next_, Ending) else None
        with self._transactions.begin(_name(next_)) as tx:
            run = tx.session.get_one(RunRow, run_id, with_for_update=True)
            if run.state in ENDED:
                return
            if run.cancelled != journal.cancelled:
                return tx.poke(run_id)  # a person was faster: told again
            run.seen = poked
            if run.state == "queued":
                _hop(tx, run, "run.started")
            if run.state in ("queued", "waiting"):
                run.state = "running"
            match next_:
                case Call(step, brief):
                    self._tasks.add(tx, run, step, brief)
                case Asking(question):
                    self._ask(tx, run, journal, question)
                case None:
                    if any(gate.answer is None for gate in journal.gates.values()):
                        run.state = "waiting"
            if ending:
                _finish(tx, run, journal, ending)

    def _ask(self, tx: Transaction, run: RunRow, journal: Journal, question: Question) -> None:
        if tx.session.get(GateRow, (run.id, question.question)) is not None:
            return  # told twice at once: it was asked by the other
        shown = question.model_copy(update={"digest": ""}).model_dump_json()
        asked = question.model_copy(update={"digest": hashlib.sha256(shown.encode()).hexdigest()})
        run.state = "waiting"
        tx.session.add(
            GateRow(
                run_id=run.id,
                question=asked.question,
                content=asked.model_dump(mode="json"),
                until=asked.until or now(),
            )
        )
        tx.put(_notification(run, journal.request, f"ask {asked.question}", asked))

    def _with_costs(self, journal: Journal, ending: Ending) -> Ending:
        dollars, model = self._costs.of(journal.run_id)
        unknown = () if dollars is not None else ("What it cost is not known: no ledger.",)
        details = (*ending.details, *unknown)
        return ending.model_copy(update={"details": details, "cost_usd": dollars or 0.0, "model": model})


def _name(next_: Call | Asking | Ending | None) -> str:
    match next_:
        case Call(step, _):
            return f"begin {step}"
        case Asking(question):
            return f"ask {question.question}"
        case Ending():
            return "finish"
    return "wait"


def _step(task: TaskRow, result: ResultRow | None) -> Step:
    message = decode(task.message)
    assert isinstance(message, Task)  # noqa: S101 - what we stored ourselves
    return Step(message.brief.do, task.effect, result.outcome if result else None, taken=task.attempt > 0)


def _stopped(journal: Journal) -> str:
    done, doubts = "; ".join(journal.effects()), "; ".join(journal.doubts())
    before = f" Before that: {done}." if done else ""
    perhaps = f" It was tried before, and may be so: {doubts}." if doubts else ""
    return (
        f"Stopped, as you asked.{before}{perhaps}" if done or doubts else "Stopped, as you asked. Nothing was changed."
    )


def _finish(tx: Transaction, run: RunRow, journal: Journal, ending: Ending) -> None:
    run.state, run.headline, run.details = ending.state, ending.headline, list(ending.details)
    run.cost_usd, run.model, run.ended = ending.cost_usd, ending.model[:100], now()
    seconds = (run.ended - run.created).total_seconds()
    _hop(tx, run, "run.ended")
    tx.put(_notification(run, journal.request, "ending", ending.model_copy(update={"seconds": seconds})))


def _hop(tx: Transaction, run: RunRow, name: str) -> None:
    tx.mention(Progress(run_id=UUID(run.id), kind="hop", text=name))


def _notification(run: RunRow, request: Request, what: str, content: Ending | Question) -> Notification:
    run_id = UUID(run.id)
    return Notification(
        id=task_id(run_id, what), run_id=run_id, person=run.person, chat=request.chat, title=run.title, content=content
    )
