"""Runs go on: the story of a run is told again from its start, and the first thing that it lacks is begun."""

import hashlib
import importlib
import json
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select

from orchestrator.journal import ANOTHER_VERSION, Asking, Call, Cancelled, Failed, Gate, Journal, Step, Steps, Suspended
from orchestrator.store import GateRow, ResultRow, RunRow, TaskRow, database_may_be_away
from orchestrator.tasks import Tasks
from orchestrator.transactions import Transaction, Transactions
from stack.errors import GiveUp
from stack.ids import task_id
from stack.logs import about
from stack.messages import ENDED, Attachment, Chat, Ending, Notification, Progress, Question, Request
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


def found() -> dict[str, Story]:
    """The story of each workflow: the function `review` in orchestrator/workflows/review.py for the verb `review`."""
    return {verb: getattr(importlib.import_module(f"orchestrator.workflows.{verb}"), verb) for verb in starts()}


class Stories:
    """Advances runs in a few threads; a run that waits for something holds none.

    A workflow that cannot be imported is an error at once: it must not end the runs that are under way.
    """

    def __init__(
        self, transactions: Transactions, *, tasks: Tasks, costs: Costs, stories: dict[str, Story] | None = None
    ) -> None:
        self._transactions = transactions
        self._tasks = tasks
        self._costs = costs
        self._stories = stories or found()
        self._due: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._at_work: dict[str, bool] = {}  # run → whether it must be told once more
        self._threads = [threading.Thread(target=self._run, name=f"story-{n}", daemon=True) for n in range(THREADS)]

    # --- a part of the service ------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to advance runs, all to which something has happened first."""
        self.begin()
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

    def begin(self) -> None:
        """Finds what an earlier process left: what can no longer be read ends now, and not when it has cost more."""
        self._tasks.end_unreadable()
        with self._transactions.sessions() as session:
            live = list(session.scalars(select(RunRow).where(RunRow.state.not_in(ENDED))))
        for run in live:
            try:
                _request(run)
            except GiveUp:
                self.go_on(run.id)
        self.sweep()

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
        with self._transactions.sessions() as session:
            run = session.get(RunRow, run_id)
        if run is None or run.state in ENDED:
            return
        try:
            with database_may_be_away():
                self._apply(run, self._tell(self._journal(run)))
        except GiveUp as error:  # what is stored cannot be read, or what it brought not be written: now or ever
            log.exception("the run breaks off")
            self._apply(run, Ending(state="failed", headline=f"The run broke off: {error}."))

    def _journal(self, run: RunRow) -> Journal:
        """What the story of a run is told from. Raises GiveUp where it cannot be read."""
        with self._transactions.sessions() as session:
            query = select(TaskRow, ResultRow).outerjoin(ResultRow, ResultRow.task_id == TaskRow.id)
            rows = session.execute(query.where(TaskRow.run_id == run.id)).all()
            gates = session.scalars(select(GateRow).where(GateRow.run_id == run.id)).all()
        return Journal(
            run_id=UUID(run.id),
            request=_request(run),
            cancelled=run.cancelled,
            steps={task.step: _step(task, result) for task, result in rows},
            gates={gate.question: _gate(gate) for gate in gates},
        )

    def _tell(self, journal: Journal) -> Call | Asking | Ending | None:
        """What is next in the story; None: it waits for something that is under way."""
        try:
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

    def _apply(self, told: RunRow, next_: Call | Asking | Ending | None) -> None:
        """Writes down what is next for a run that was `told` so, in one transaction with what must be sent for it."""
        ending = self._with_costs(told, next_) if isinstance(next_, Ending) else None
        with self._transactions.begin(_name(next_)) as tx:
            run = tx.session.get_one(RunRow, told.id, with_for_update=True)
            if run.state in ENDED:
                return
            if run.cancelled != told.cancelled:
                return tx.poke(run.id)  # a person was faster: told again
            run.seen = told.poked
            if run.state == "queued":
                _hop(tx, run, "run.started")
            if run.state in ("queued", "waiting"):
                run.state = "running"
            match next_:
                case Call(step, brief):
                    self._tasks.add(tx, run, step, brief)
                case Asking() as asking:
                    run.state = "waiting"
                    _ask(tx, run, asking)
                case None:
                    open_gates = select(GateRow.question).where(GateRow.run_id == run.id, GateRow.answer.is_(None))
                    if tx.session.scalars(open_gates).first():
                        run.state = "waiting"
            if ending:
                self._tasks.let_go(tx, run)
                _finish(tx, run, ending)

    def _with_costs(self, run: RunRow, ending: Ending) -> Ending:
        dollars, model = self._costs.of(UUID(run.id))
        unknown = () if dollars is not None else ("What it cost is not known: no ledger.",)
        details = (*ending.details, *unknown)
        return ending.model_copy(update={"details": details, "cost_usd": dollars or 0.0, "model": model})


def _name(next_: Call | Asking | Ending | None) -> str:
    match next_:
        case Call(step, _):
            return f"begin {step}"
        case Asking(question, _):
            return f"ask {question.question}"
        case Ending():
            return "finish"
    return "wait"


def _request(run: RunRow) -> Request:
    """What was asked for. Raises GiveUp where it can no longer be read."""
    try:
        return Request.model_validate(run.request)
    except ValidationError as error:
        raise GiveUp(ANOTHER_VERSION) from error


def _step(task: TaskRow, result: ResultRow | None) -> Step:
    do = json.loads(task.message)["brief"]["do"]  # also where the brief can no longer be read
    return Step(do, task.effect, result.outcome if result else None, taken=task.attempt > 0)


def _gate(gate: GateRow) -> Gate:
    return Gate(gate.answer, gate.person, tuple(map(Attachment.model_validate, gate.files)))


def _stopped(journal: Journal) -> str:
    done, doubts = "; ".join(journal.effects()), "; ".join(journal.doubts())
    before = f" Before that: {done}." if done else ""
    perhaps = f" It was tried before, and may be so: {doubts}." if doubts else ""
    return (
        f"Stopped, as you asked.{before}{perhaps}" if done or doubts else "Stopped, as you asked. Nothing was changed."
    )


def _ask(tx: Transaction, run: RunRow, asking: Asking) -> None:
    question = asking.question
    if tx.session.get(GateRow, (run.id, question.question)) is not None:
        return  # told twice at once: it was asked by the other
    shown = question.model_copy(update={"digest": ""}).model_dump_json()
    asked = question.model_copy(update={"digest": hashlib.sha256(f"{shown}{asking.binds}".encode()).hexdigest()})
    tx.session.add(
        GateRow(
            run_id=run.id,
            question=asked.question,
            content=asked.model_dump(mode="json"),
            until=asked.until or now(),
        )
    )
    tx.put(_notification(run, f"ask {asked.question}", asked))


def _finish(tx: Transaction, run: RunRow, ending: Ending) -> None:
    run.state, run.headline, run.details = ending.state, ending.headline, list(ending.details)
    run.cost_usd, run.model, run.ended = ending.cost_usd, ending.model[:100], now()
    seconds = (run.ended - run.created).total_seconds()
    _hop(tx, run, "run.ended")
    tx.put(_notification(run, "ending", ending.model_copy(update={"seconds": seconds})))


def _hop(tx: Transaction, run: RunRow, name: str) -> None:
    tx.mention(Progress(run_id=UUID(run.id), kind="hop", text=name))


def _notification(run: RunRow, what: str, content: Ending | Question) -> Notification:
    run_id, chat = UUID(run.id), None
    with suppress(ValidationError):  # there is none, or the request can no longer be read
        chat = Chat.model_validate(run.request.get("chat"))
    return Notification(
        id=task_id(run_id, what), run_id=run_id, person=run.person, chat=chat, title=run.title, content=content
    )
