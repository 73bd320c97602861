"""Runs that have ended, written into a store as they would stand there, and what is planned from them."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from orchestrator.local import review
from orchestrator.settings import Policy
from orchestrator.store import ResultRow, RunRow, TaskRow
from stack.ids import task_id, uuid7
from stack.messages import Request
from stack.values import now
from stack.work.beforehand import Plan, PlanReview
from stack.work.kinds import Report
from stack.work.review import Draft, StartReview
from tests.orchestrator.played import World
from tests.orchestrator.samples import ADA, PULL, RECEIPT, REVIEW

DAY = timedelta(days=1)


Rows = tuple[RunRow, list[TaskRow], list[ResultRow]]


def rows(
    *,
    repository: str = "acme/shop",
    number: int = 12,
    days_ago: float = 1,
    cost: float = 0.0,
    hunks: int = 4,
    state: str = "verified",
    outcomes: dict[str, Report] | None = None,
) -> Rows:
    """Those of a review that ended so many days ago; with `outcomes` other ones than usual, by step."""
    ask, at = StartReview(repository=repository, number=number), now() - days_ago * DAY
    run_id = uuid7(milliseconds=int(at.timestamp() * 1000))
    request = Request(id=run_id, person=ADA, ask=ask)
    run = RunRow(id=str(run_id), workflow="review", title=ask.title(), person=ADA.id, number=number, state=state)
    run.request, run.repository = request.model_dump(mode="json"), repository.lower()
    run.cost_usd, run.created, run.ended = cost, at, at
    usual = {"fetch": PULL.model_copy(update={"hunks": hunks}), "review": REVIEW, "post": RECEIPT}
    tasks, results = [], []
    for step, outcome in (usual if outcomes is None else outcomes).items():
        key, told = str(task_id(run_id, step)), outcome.model_dump(mode="json")
        tasks.append(TaskRow(id=key, run_id=run.id, role="x", step=step, message=b"{}", state="done", created=at))
        results.append(ResultRow(task_id=key, attempt=1, outcome=told, created=at))
    return run, tasks, results


def add_all(world: World, runs: Iterable[Rows]) -> None:
    """Writes them down."""
    found, tasks, results = zip(*runs, strict=True)
    with world.sessions.begin() as session:
        for kind in (found, chain(*tasks), chain(*results)):
            session.add_all(kind)
            session.flush()


def add(world: World, **run: Any) -> UUID:
    """Writes one down; its id."""
    made = rows(**run)
    add_all(world, [made])
    return UUID(made[0].id)


def plan(world: World, *, repository: str = "acme/shop", number: int = 12, hunks: int = 10, **set_: Any) -> Plan:
    """What is planned for a run that begins now, where the owner has set this."""
    run = RunRow(id=str(uuid7()), workflow="review", repository=repository.lower(), number=number)
    brief = PlanReview(repository=repository, number=number, hunks=hunks)
    with world.sessions() as session:
        return review.plan(session, brief, run, Policy(**set_))


def draft(**changed: Any) -> Draft:
    """A draft with nothing in it but what is given."""
    return Draft.model_validate({"head_sha": PULL.head_sha, "body": "", "digest": "d", "verdict": "v", **changed})
