"""Requests: runs are begun, answered, steered, cancelled and tried again, each once, by who may."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from orchestrator.local import Local
from orchestrator.rounds import begin_round
from orchestrator.store import GateRow, KeyRow, RunRow, TaskRow, database_may_be_away
from orchestrator.tasks import Tasks
from orchestrator.transactions import Transaction, Transactions
from stack.errors import GiveUp, NotThere, Refused, TryAgain
from stack.ids import uuid7
from stack.logs import about
from stack.messages import ENDED, AnyMessage, Chat, Envelope, Note, Notification, Question, Request, Signal
from stack.people import Person, Right
from stack.roles import AGENTS
from stack.topology import BOT
from stack.values import now
from stack.work.kinds import About, Answer, Cancel, Retry, Start, Steer

log = logging.getLogger(__name__)

# A request about a run may overtake the one that begins it: for so long, from when it was first seen here, it is
# waited for. Of more than that many the first are forgotten, and waited for anew.
OVERTAKING_SECONDS, MOST_WAITED_FOR = 60.0, 10_000
MOST_TITLE = 200


class Missing(NotThere):
    """There is no such run, perhaps not yet."""


class Runs:
    """Takes requests from the queue and from the API."""

    def __init__(
        self,
        transactions: Transactions,
        *,
        tasks: Tasks,
        local: Local,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transactions = transactions
        self._tasks = tasks
        self._local = local
        self._clock = clock
        self._lock = threading.Lock()
        self._first_seen: dict[UUID, float] = {}  # requests about runs that are not there

    @database_may_be_away()
    def take(self, message: AnyMessage) -> None:
        """Handles one request; a repeat changes nothing, and a refusal is told to the person.

        Raises GiveUp for a message of another kind, else TryAgain.
        """
        if not isinstance(message, Request):
            raise GiveUp(f"a {message.type} is not a request")
        run_id = _run_of(message)
        with about(run_id):
            try:
                with database_may_be_away():
                    self.handle(message)
            except GiveUp as refusal:
                if isinstance(refusal, Missing) and self._may_come(message.id):
                    raise TryAgain("the run is not there yet") from refusal
                log.info("refused: %s", refusal)
                self._note(message.person.id, message.chat, message.id, run_id, str(refusal))

    @staticmethod
    def trusts(message: AnyMessage, sender: str) -> bool:
        """Whether `sender`, a user of the broker, may speak for who asks: the bot, for people of Telegram."""
        return isinstance(message, Request) and sender == BOT and message.person.id.startswith("telegram:")

    def _may_come(self, request_id: UUID) -> bool:
        """Whether the run that this request is about is still waited for."""
        with self._lock:
            first = self._first_seen.setdefault(request_id, self._clock())
            if len(self._first_seen) > MOST_WAITED_FOR:
                del self._first_seen[next(iter(self._first_seen))]
            return self._clock() - first < OVERTAKING_SECONDS

    @database_may_be_away()
    def too_new(self, envelope: Envelope, _sender: str) -> None:
        """Tells whoever asked that what they asked cannot be read here."""
        said: Any = envelope.person
        person = said.get("id") if isinstance(said, dict) else said
        if not isinstance(person, str) or not person:
            return
        try:
            chat = None if envelope.chat is None else Chat.model_validate(envelope.chat)
        except ValueError:
            chat = None
        text = "Your request comes from a newer version than the orchestrator's: update all services."
        self._note(person, chat, envelope.id, envelope.id, text)

    def handle(self, request: Request, *, caller: str = "", key: str = "") -> UUID:
        """As `take`; returns the run's id. With a `key` the first request of that caller and key counts, where a run is
        begun or tried again.

        Raises GiveUp in words where it is refused.
        """
        with self._transactions.begin(f"take {request.ask.verb}") as tx:
            match request.ask:
                case Start() as ask:
                    return self._start(tx, request, ask, caller, key)
                case Answer() as answer:
                    self._answer(tx, request, answer)
                case Cancel() as cancel:
                    self._cancel(tx, request, cancel)
                case Steer() as steer:
                    self._steer(tx, request, steer)
                case Retry() as retry:
                    self._retry(tx, request, retry, caller, key)
                case About() as ask:
                    words = self._local.take(tx, self._run(tx, request, ask), request)
                    tx.put(_note(request.person.id, request.chat, request.id, ask.run_id, words))
        return _run_of(request)

    def _start(self, tx: Transaction, request: Request, ask: Start, caller: str, key: str) -> UUID:
        if not request.person.may("start"):
            raise Refused("You may look at runs, but not start any.")
        if known := self._known(tx, request, caller, key):
            return known
        if tx.session.get(RunRow, str(request.id)) is None:
            run = RunRow(
                id=str(request.id), workflow=ask.verb, title=ask.title()[:MOST_TITLE], person=request.person.id
            )
            repository, run.number = ask.target()
            run.repository = repository.lower()
            run.request, run.priority = request.model_dump(mode="json"), request.priority
            tx.session.add(run)
            tx.session.flush()
            tx.poke(run.id)
        return request.id

    @staticmethod
    def _known(tx: Transaction, request: Request, caller: str, key: str) -> UUID | None:
        """The run for which the caller used this key before. Raises GiveUp where it asked for something else."""
        if not key:
            return None
        asked = request.model_dump(mode="json", include={"person", "ask", "priority", "files"})
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        row = tx.session.get(KeyRow, (caller, key))
        if row is None:
            tx.session.add(KeyRow(caller=caller, key=key, digest=digest, run_id=str(_run_of(request))))
            return None
        if row.digest != digest:
            raise GiveUp("this Idempotency-Key was used for another request")
        return UUID(row.run_id)

    def _answer(self, tx: Transaction, request: Request, answer: Answer) -> None:
        run = self._run(tx, request, answer)
        gate = tx.session.get(GateRow, (run.id, answer.question), with_for_update=True)
        if gate is None:
            raise GiveUp(f"{run.title} has not asked that.")
        if (gate.answer, gate.person) == (answer.choice, request.person.id):
            return  # a repeat
        _refuse_if_ended(run)
        _check(run, gate, request.person, answer)
        gate.answer, gate.person, gate.answered = answer.choice, request.person.id, now()
        gate.files = [file.model_dump(mode="json") for file in request.files]
        tx.poke(run.id)

    def _cancel(self, tx: Transaction, request: Request, cancel: Cancel) -> None:
        run = self._run(tx, request, cancel)
        if run.cancelled:
            return  # a repeat
        _refuse_if_ended(run)
        self._tasks.cancel(tx, run)
        run.cancelled = True
        tx.session.flush()
        tx.poke(run.id)

    def _steer(self, tx: Transaction, request: Request, steer: Steer) -> None:
        run = self._run(tx, request, steer)
        _refuse_if_ended(run)
        hears = select(TaskRow).where(TaskRow.run_id == run.id, TaskRow.state == "claimed", TaskRow.role.in_(AGENTS))
        tasks = list(tx.session.scalars(hears))
        if not tasks:
            raise GiveUp(f"Nobody is at work for {run.title} now, so nobody has heard it.")
        for task in tasks:
            tx.mention(Signal(id=request.id, task_id=UUID(task.id), verb="steer", text=steer.text))

    def _retry(self, tx: Transaction, request: Request, retry: Retry, caller: str, key: str) -> None:
        run = self._run(tx, request, retry)
        if not self._known(tx, request, caller, key or str(request.id)):  # a repeat may come after the round has ended
            begin_round(tx, run)

    @staticmethod
    def _run(tx: Transaction, request: Request, ask: About) -> RunRow:
        """The run that is asked about. Raises NotThere where there is none, or it is not this person's."""
        run, person = tx.session.get(RunRow, str(ask.run_id), with_for_update=True), request.person
        right: Right = "approve" if isinstance(ask, Answer) else "manage"
        mine = run is not None and run.person == person.id and person.may("start")
        if run is None or not (mine or person.may(right)):
            raise (Missing if run is None else NotThere)("There is no such run of yours.")
        return run

    def _note(self, person: str, chat: Chat | None, request_id: UUID, run_id: UUID, text: str) -> None:
        with self._transactions.begin("note") as tx:
            tx.put(_note(person, chat, request_id, run_id, text))


def _note(person: str, chat: Chat | None, request_id: UUID, run_id: UUID, text: str) -> Notification:
    """A word about a request: however often it comes, it is the same one."""
    note_id = uuid7(milliseconds=request_id.int >> 80, seed=f"{request_id}/note")
    return Notification(id=note_id, run_id=run_id, person=person, chat=chat, content=Note(text=text))


def _run_of(request: Request) -> UUID:
    """The run that a request is about: the one that it begins has its own id."""
    return request.ask.run_id if isinstance(request.ask, About) else request.id


def _refuse_if_ended(run: RunRow) -> None:
    if run.state in ENDED:
        raise GiveUp(f"{run.title} has already ended: {run.state}.")


def _check(run: RunRow, gate: GateRow, person: Person, answer: Answer) -> None:
    """Raises GiveUp where this is no answer to the question as it was asked."""
    shown: Any = Question.model_validate(gate.content)
    if not person.is_human:
        raise Refused("Only a person can answer.")
    if person.id != run.person and person.standing not in shown.by:
        raise Refused(
            f"{run.title} asks {run.person}; nobody else can answer that, but: {', '.join(shown.by) or 'no one'}."
        )
    if gate.answer is not None:
        by = f" by {gate.person}" if gate.person and gate.person != person.id else ""
        raise GiveUp(f"{run.title} was answered before{by}: {gate.answer or 'too late'}.")
    if gate.until < now():
        raise GiveUp(f"{run.title} waited until {gate.until:%d %B %H:%M} UTC: it is too late to answer.")
    if answer.choice not in shown.choices and not (shown.free and answer.choice.strip()):
        raise GiveUp(f"“{answer.choice[:60]}” is not an answer to it; these are: {', '.join(shown.choices)}.")
    if answer.digest and shown.digest and answer.digest != shown.digest:
        raise GiveUp(f"What you answered is not what {run.title} asks now. Please look at its latest question.")
