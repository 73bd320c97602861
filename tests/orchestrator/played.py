"""An orchestrator without its threads: the store is real, the broker and the clock of leases are played."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Engine, event, select

from orchestrator.files import Files
from orchestrator.local import Local
from orchestrator.outbox import Outbox
from orchestrator.runs import Runs
from orchestrator.settings import Policy
from orchestrator.store import Base, GateRow, OutboxRow, ResultRow, RunRow, TaskRow, open_store
from orchestrator.stories import Stories, Story
from orchestrator.tasks import Grants, Tasks, Watch, roles_with
from orchestrator.transactions import Transactions
from orchestrator.views import Views
from stack.api import Claim
from stack.broker import PUBLISH_TIMEOUT_SECONDS, Publisher
from stack.errors import StackError, TryAgain
from stack.ids import task_id, uuid7
from stack.messages import Chat, Ending, Message, Note, Notification, Progress, Question, Request, Result, Signal, Task
from stack.people import Person
from stack.work.beforehand import Conversation, Head
from stack.work.kinds import Answer, Ask, Brief, Cancel, Report, Retry
from stack.work.review import PullRequest, Review
from tests.orchestrator.samples import ADA, CHANGE, CHAT, CHECKED, DRAFT, PULL, REVIEW, START, WITH_APPROVAL, drafted

# What the steps of a review bring that few tests are about.
BESIDE: dict[str, Report] = {
    "conversation": Conversation(),
    "check": CHECKED,
    "draft": DRAFT,
    "head1": Head(head_sha=PULL.head_sha),
}
MODEL_KEY, FORGE_KEY = "not-a-model-key", "not-a-forge-key"

T = TypeVar("T")
R = TypeVar("R", bound=Base)


class PlayedPublisher(Publisher):
    """Keeps what it was given; cannot send some messages, or any while it is away."""

    def __init__(self) -> None:
        super().__init__("amqp://127.0.0.1:1", "played")
        self.published: list[Message] = []
        self.mentioned: list[Progress | Signal] = []
        self.tries = 0
        self.faults: dict[UUID, StackError] = {}  # by the message's id
        self.come_back()

    def go_away(self) -> None:
        self.ready.clear()

    def come_back(self) -> None:
        self.ready.set()

    def publish(self, message: Message, *, timeout: float = PUBLISH_TIMEOUT_SECONDS) -> None:
        self.tries += 1
        if not self.ready.is_set():
            raise TryAgain("the message broker cannot be reached")
        if fault := self.faults.get(message.id):
            raise fault
        self.published.append(message)

    def mention(self, message: Progress | Signal) -> None:
        self.mentioned.append(message)


class PlayedCosts:
    """A ledger that tells, or does not."""

    def __init__(self) -> None:
        self.dollars: float | None = 0.25

    def of(self, run_id: UUID) -> tuple[float | None, str]:
        return self.dollars, "" if self.dollars is None else "not-a-model"


class PlayedStories(Stories):
    """Stories that are told when the test says so: what is due is only noted."""

    def __init__(self, transactions: Transactions, due: list[str], **parts: Any) -> None:
        super().__init__(transactions, **parts)
        self._noted = due

    def go_on(self, run_id: str) -> None:
        self._noted.append(run_id)


class World:
    """The parts of an orchestrator on a database of their own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self._folder = url, folder
        self.clock = 0.0
        self.costs = PlayedCosts()
        self.local = Local(Policy())
        self.roles = dict(roles_with({}, budget_usd=None, minutes=None))
        self.publisher = PlayedPublisher()
        self._untold: set[str] = set()  # runs without a story
        self._open()

    def _open(self) -> None:
        self.sessions = open_store(self.url)
        self.engine: Engine = self.sessions.kw["bind"]
        if self.engine.dialect.name == "sqlite":
            self.engine.dispose()
            event.listen(self.engine, "connect", fast)
        self.outbox = Outbox(self.sessions, self.publisher)
        self.transactions = Transactions(self.sessions, self.outbox)
        self.poked: list[str] = []
        self.transactions.go_on = self.poked.append
        grants = Grants({"model": MODEL_KEY, "forge": FORGE_KEY}, self.roles)
        self.tasks = Tasks(self.transactions, grants=grants, watch=Watch(lambda: self.clock))
        self.files = Files(self._folder / "files")
        self.stories: Stories = PlayedStories(self.transactions, self.poked, **self._parts())
        self.runs = Runs(self.transactions, tasks=self.tasks, local=self.local, clock=lambda: self.clock)
        self.views = Views(self.sessions, tasks=self.tasks)

    def _parts(self) -> dict[str, Any]:
        return {"tasks": self.tasks, "costs": self.costs, "local": self.local, "files": self.files}

    def close(self) -> None:
        self.engine.dispose()

    def restart(self) -> None:
        """The process dies and another begins: what is not in the store is gone, and so is the old clock."""
        self.close()
        self.clock += 1000.0
        self._open()

    def limit(self, role: str, **limits: int) -> None:
        """Sets limits of a role."""
        self.roles[role] = replace(self.roles[role], **limits)  # type: ignore[arg-type]

    def use(self, local: Local) -> None:
        """The orchestrator does this by itself, and nothing else."""
        self.local = local
        self.runs = Runs(self.transactions, tasks=self.tasks, local=local, clock=lambda: self.clock)

    def tell(self, story: Story, verb: str = "review") -> None:
        """There is this story, and no other."""
        self.stories = PlayedStories(self.transactions, self.poked, stories={verb: story}, **self._parts())

    # --- what happens ---------------------------------------------------------------------------------

    def ask(self, what: Ask, person: Person = ADA, *, chat: Chat | None = CHAT, **more: Any) -> Request:
        """A request comes from the queue; what follows from it happens."""
        request = Request(person=person, chat=chat, ask=what, **more)
        self.runs.take(request)
        self.go_on()
        return request

    def start(self, what: Ask = START, person: Person = ADA, **more: Any) -> UUID:
        """A run is asked for, and begins."""
        return self.ask(what, person, **more).id

    def start_waiting(self, person: Person = ADA, *, review: Review = REVIEW, **more: Any) -> UUID:
        """A run comes as far as its question."""
        run_id = self.start(WITH_APPROVAL, person, **more)
        self.bring(run_id, "fetch", PULL)
        self.bring(run_id, "review", review)
        self.pass_by(run_id)
        return run_id

    def pass_by(self, run_id: UUID, step: str = "") -> None:
        """The steps that a test is not about are done, until this one is begun, or as many as there are."""
        while (task := self._beside(run_id)) and task.step != step:
            assert self.claim(UUID(task.id)).verdict == "run"
            self.result(UUID(task.id), self._brings(task))

    def _beside(self, run_id: UUID) -> TaskRow | None:
        query = select(TaskRow).where(TaskRow.run_id == str(run_id), TaskRow.state == "sent")
        with self.sessions() as session:
            return session.scalar(query.where(TaskRow.step.in_(BESIDE)))

    def _brings(self, task: TaskRow) -> Report:
        run_id = UUID(task.run_id)
        match task.step:
            case "draft":
                return drafted(Review.model_validate(self.outcome(task_id(run_id, "review"))))
            case "head1":
                return self.head(run_id)
        return BESIDE[task.step]

    def head(self, run_id: UUID) -> Head:
        """The head of a run's pull request, which has not moved since it was fetched."""
        pull = PullRequest.model_validate(self.outcome(task_id(run_id, "fetch")))
        return Head(head_sha=pull.head_sha)

    def answer(
        self, run_id: UUID, choice: str = "Post", person: Person = ADA, *, question: str = "approve", **more: str
    ) -> None:
        self.ask(Answer(run_id=run_id, question=question, choice=choice, **more), person)
        self.pass_by(run_id)

    def retry(self, run_id: UUID, person: Person = ADA) -> Request:
        return self.ask(Retry(run_id=run_id), person)

    def cancel(self, run_id: UUID, person: Person = ADA) -> None:
        self.ask(Cancel(run_id=run_id), person)

    def go_on(self) -> None:
        """Tells the runs that were poked, and sends what is to be sent, until nothing is left."""
        while self.poked:
            if (run_id := self.poked.pop(0)) not in self._untold:
                self.stories.advance(run_id)
        self.send()

    def send(self) -> None:
        """Sends all that was handed to the outbox."""
        tries = -1
        while tries != self.publisher.tries:
            tries = self.publisher.tries
            self.outbox.send_fresh()

    def look(self, after: float = 0) -> None:
        """One round of what is done every few seconds, so many seconds later."""
        self.clock += after
        self.tasks.look()
        self.go_on()

    def add(
        self, brief: Brief[Any] = CHANGE, *, person: Person = ADA, step: str = "review", priority: str = "normal"
    ) -> UUID:
        """A task of a run of its own, without a story; its id."""
        request = Request(id=uuid7(), person=person, chat=CHAT, ask=START)
        self._untold.add(str(request.id))
        row = RunRow(id=str(request.id), workflow="review", title="Review of acme/shop#12", person=person.id)
        row.request, row.priority, row.state = request.model_dump(mode="json"), priority, "running"
        with self.transactions.begin("add") as tx:
            tx.session.add(row)
            tx.session.flush()
            self.tasks.add(tx, row, step, brief)
        self.send()
        return task_id(request.id, step)

    def claim(self, task: UUID, instance: str = "one") -> Claim:
        """A process of the task's role claims it."""
        claim = self.tasks.claim(task, role=self.task(task).role, instance=instance)
        self.send()
        return claim

    def result(self, task: UUID, outcome: Report = REVIEW, *, attempt: int | None = None) -> None:
        """A result comes from the queue; unless it is said, of the last attempt."""
        row = self.task(task)
        attempt = row.attempt if attempt is None else attempt
        self.tasks.receive(Result(task_id=task, run_id=UUID(row.run_id), attempt=attempt, outcome=outcome))
        self.go_on()

    def bring(self, run_id: UUID, step: str, outcome: Report) -> None:
        """The task of a step is claimed and done; those that the test is not about are done before it."""
        self.pass_by(run_id, step)
        task = task_id(run_id, step)
        assert self.claim(task).verdict == "run"
        self.result(task, outcome)

    def outwait(self, task: UUID) -> None:
        """The pause before a task's next attempt passes."""
        self.change(TaskRow, str(task), not_before=time.time() - 1)
        self.look()

    def change(self, kind: type[Base], key: object, **values: Any) -> None:
        """Changes a row, as time or somebody else would."""
        with self.sessions.begin() as session:
            found = session.get_one(kind, key)
            for name, value in values.items():
                setattr(found, name, value)

    # --- what there is then ---------------------------------------------------------------------------

    def rows(self, kind: type[R]) -> list[R]:
        with self.sessions() as session:
            return list(session.scalars(select(kind)))

    def run(self, run_id: UUID) -> RunRow:
        with self.sessions() as session:
            return session.get_one(RunRow, str(run_id))

    def task(self, task: UUID) -> TaskRow:
        with self.sessions() as session:
            return session.get_one(TaskRow, str(task))

    def step(self, run_id: UUID, step: str) -> TaskRow | None:
        with self.sessions() as session:
            return session.scalar(select(TaskRow).where(TaskRow.run_id == str(run_id), TaskRow.step == step))

    def gate(self, run_id: UUID, question: str = "approve") -> GateRow:
        with self.sessions() as session:
            return session.get_one(GateRow, (str(run_id), question))

    def outcome(self, task: UUID) -> dict[str, Any] | None:
        with self.sessions() as session:
            row = session.get(ResultRow, str(task))
            return dict(row.outcome) if row else None

    def sent(self, kind: type[T]) -> list[T]:
        """What the broker has got of one kind of message."""
        return [message for message in self.publisher.published if isinstance(message, kind)]

    def tasks_sent(self) -> list[UUID]:
        return [task.id for task in self.sent(Task)]

    def content(self, kind: type[T]) -> list[T]:
        """What people were told of one kind."""
        contents: list[Any] = [told.content for told in self.sent(Notification)]
        return [content for content in contents if isinstance(content, kind)]

    def notes(self) -> list[str]:
        return [note.text for note in self.content(Note)]

    def ending(self) -> Ending:
        (ending,) = self.content(Ending)
        return ending

    def question(self) -> Question:
        (question,) = self.content(Question)
        return question

    def passing_words(self) -> list[str]:
        """What people were told of a passing state."""
        told = [m for m in self.publisher.mentioned if isinstance(m, Progress) and m.data.get("passing")]
        return [progress.text for progress in told]

    def signals(self) -> list[Signal]:
        return [message for message in self.publisher.mentioned if isinstance(message, Signal)]

    def in_outbox(self) -> set[str]:
        return {row.id for row in self.rows(OutboxRow)}


def fast(connection: Any, _record: object) -> None:
    """No test cuts the power: nothing waits for the disk."""
    connection.execute("PRAGMA synchronous=OFF")


def wait_until(look: Callable[[], object], *, seconds: float = 10) -> None:
    """Returns once `look` finds something. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.02)
