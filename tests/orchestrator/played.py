"""An orchestrator without its processes: the store is real, the broker and the workflows are played."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from orchestrator.leases import Leases, Limits
from orchestrator.outbox import Outbox
from orchestrator.results import Results
from orchestrator.runs import Runs
from orchestrator.steps import Steps
from orchestrator.store import OutboxRow, Run, TaskRow, open_store, sqlite_url
from orchestrator.waiters import Waiters
from stack.broker import PUBLISH_TIMEOUT_SECONDS, Publisher
from stack.errors import StackError
from stack.ids import uuid7
from stack.messages import Message, Progress, Request, Result, Signal, Task, decode, encode
from tests.stack.samples import review_request, review_result, review_task

MODEL_KEY, FORGE_KEY = "not-a-model-key", "not-a-forge-key"
LIMITS = Limits(budget_usd=1.5, seconds=600)

T = TypeVar("T")


class PlayedPublisher(Publisher):
    """Keeps what it was given; fails where it was told to."""

    def __init__(self) -> None:
        super().__init__("amqp://127.0.0.1:1", "played")
        self.published: list[Message] = []
        self.mentioned: list[Progress | Signal] = []
        self.fault: StackError | None = None

    def publish(self, message: Message, *, timeout: float = PUBLISH_TIMEOUT_SECONDS) -> None:
        if self.fault:
            raise self.fault
        self.published.append(message)

    def mention(self, message: Progress | Signal) -> None:
        self.mentioned.append(message)


class PlayedCosts:
    """A ledger that tells, or does not."""

    def __init__(self) -> None:
        self.dollars: float | None = 0.25

    def of(self, run_id: UUID) -> tuple[float | None, str]:
        return self.dollars, "" if self.dollars is None else "not-a-model"


class PlainSteps(Steps):
    """The steps as they are, each run once and at once: what DBOS adds is left out."""

    def durable(self, name: str, step: Callable[..., T], *arguments: Any) -> T:
        return step(*arguments)


class World:
    """The parts of an orchestrator on a database of their own."""

    def __init__(self, folder: Path, workflows: dict[str, Callable[[str], None]] | None = None) -> None:
        self.sessions = open_store(sqlite_url(folder, "orchestrator.sqlite"))
        self.engine = self.sessions.kw["bind"]
        self.publisher = PlayedPublisher()
        self.waiters = Waiters()
        self.costs = PlayedCosts()
        self.outbox = Outbox(self.sessions, self.publisher)
        self.results = Results(self.sessions, self.waiters)
        self.leases = Leases(
            self.sessions, results=self.results, model_key=MODEL_KEY, forge_key=FORGE_KEY, limits=LIMITS
        )
        parts = {"outbox": self.outbox, "publisher": self.publisher, "waiters": self.waiters}
        self.runs = Runs(self.sessions, workflows=workflows or {}, **parts)  # type: ignore[arg-type]
        self.steps = PlainSteps(self.sessions, results=self.results, costs=self.costs, **parts)  # type: ignore[arg-type]

    def close(self) -> None:
        self.engine.dispose()

    def run(self, request: Request | None = None, **more: Any) -> UUID:
        """A run in the store, as a request makes it."""
        asked = request or review_request(uuid7())
        with self.sessions.begin() as session:
            row = {"workflow": "review", "title": "Review of acme/shop#12", "person": asked.person, **more}
            session.add(Run(id=str(asked.id), request=asked.model_dump(mode="json"), **row))
        return asked.id

    def task(self, run_id: UUID | None = None, task: Task | None = None, **more: Any) -> Task:
        """A dispatched task in the store."""
        made = task or review_task(run_id or self.run())
        with self.sessions.begin() as session:
            session.add(
                TaskRow(
                    id=str(made.id), run_id=str(made.run_id), role=made.role, step=made.step, message=encode(made),
                    **more,
                )
            )  # fmt: skip
        return made

    def row(self, task: Task) -> TaskRow:
        with self.sessions() as session:
            return session.get_one(TaskRow, str(task.id))

    def run_row(self, run_id: UUID) -> Run:
        with self.sessions() as session:
            return session.get_one(Run, str(run_id))

    def change(self, row: type[Run | TaskRow], key: UUID, **values: Any) -> None:
        """Changes a row, as time or somebody else would."""
        with self.sessions.begin() as session:
            found = session.get_one(row, str(key))
            for name, value in values.items():
                setattr(found, name, value)

    def take(self, task: Task, attempt: int = 1) -> bool:
        return self.results.take(review_result(task, attempt))

    def outcome(self, task: Task) -> Any:
        result = self.results.of(task.id)
        assert isinstance(result, Result)
        return result.outcome

    def waiting(self) -> list[Message]:
        """What the outbox keeps."""
        with self.sessions() as session:
            return [decode(row.message) for row in session.query(OutboxRow).order_by(OutboxRow.id)]
