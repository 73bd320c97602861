"""Many at once: what must happen once happens once, and limits hold, on both databases."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import pytest

from orchestrator.store import GateRow, KeyRow, ResultRow, RunRow, TaskRow, open_store
from orchestrator.store.migrations import LATEST
from stack.errors import GiveUp, TryAgain
from stack.ids import task_id, uuid7
from stack.messages import Ending, Question, Request, Result
from stack.work.kinds import Answer, Cancel, Report
from tests.orchestrator.played import BESIDE, World
from tests.orchestrator.samples import ADA, CHAT, PULL, RECEIPT, REVIEW, START, WITH_APPROVAL
from tests.orchestrator.test_store import version

T = TypeVar("T")
MANY = 8


@pytest.fixture
def world(any_world: World) -> World:
    return any_world


def at_once(*calls: Callable[[], T]) -> list[T | Exception]:
    """What each call returned or raised, where all begin together; an away database is asked again."""
    together = threading.Barrier(len(calls))
    found: list[T | Exception] = []

    def run(call: Callable[[], T]) -> None:
        together.wait(10)
        while True:
            try:
                return found.append(call())
            except TryAgain:
                continue
            except Exception as error:
                return found.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


@pytest.mark.parametrize("round_", range(3))
def test_of_many_that_claim_a_task_one_works_on_it(world: World, round_: int) -> None:
    task = world.add()
    calls = [lambda n=n: world.tasks.claim(task, role="pr_reviewer", instance=f"{n}").verdict for n in range(MANY)]
    assert Counter(at_once(*calls)) == {"run": 1, "leased": MANY - 1}
    assert world.task(task).attempt == 1


def test_a_claim_that_is_repeated_at_once_is_one_attempt(world: World) -> None:
    task = world.add()
    calls = [lambda: world.tasks.claim(task, role="pr_reviewer", instance="one").attempt] * MANY
    assert at_once(*calls) == [1] * MANY


def test_a_result_that_is_delivered_many_times_at_once_is_taken_once(world: World) -> None:
    run = world.start()
    task = world.tasks_sent()[0]
    world.claim(task)
    before = world.run(run).poked
    result = Result(task_id=task, run_id=run, attempt=1, outcome=PULL)
    assert at_once(*[lambda: world.tasks.receive(result)] * MANY) == [None] * MANY
    assert len(world.rows(ResultRow)) == 1
    assert world.run(run).poked == before + 1


@pytest.mark.parametrize("approval", [False, True])
def test_a_run_that_is_told_many_times_at_once_begins_each_step_once(world: World, approval: bool) -> None:
    run = world.start(WITH_APPROVAL if approval else START)
    world.transactions.go_on = lambda _run: None

    def tell() -> None:
        with world.transactions.begin("poke") as tx:
            tx.poke(str(run))
        world.stories.advance(str(run))

    def bring(step: str, outcome: Report) -> None:
        world.claim(task_id(run, step))
        world.result(task_id(run, step), outcome)
        for _ in range(2):  # what the orchestrator does itself, and what follows
            assert at_once(*[tell] * MANY) == [None] * MANY
        world.send()

    outcomes = {"fetch": PULL, "review": REVIEW, "post": RECEIPT, **BESIDE}
    done = ["fetch", "conversation", "review", "check", "draft"]
    for step in done:
        bring(step, outcomes[step])
    if approval:
        assert len(world.rows(GateRow)) == 1
        assert len({question.digest for question in world.content(Question)}) == 1
        world.runs.take(Request(person=ADA, chat=CHAT, ask=Answer(run_id=run, question="approve", choice="Post")))
        assert at_once(*[tell] * MANY) == [None] * MANY
        world.send()
        bring("head1", BESIDE["head1"])
        done.append("head1")
    bring("post", RECEIPT)
    assert world.run(run).state == "verified"
    assert world.tasks_sent() == [task_id(run, step) for step in (*done, "post")]
    assert sorted(row.step for row in world.rows(TaskRow)) == sorted((*done, "plan", "post"))
    assert len(world.content(Ending)) == 1


def test_of_many_answers_at_once_the_first_counts(world: World) -> None:
    run = world.start_waiting()
    requests = [
        Request(person=ADA, ask=Answer(run_id=run, question="approve", choice=choice))
        for choice in ("Post", "Discard") * (MANY // 2)
    ]
    found = at_once(*[lambda request=request: world.runs.handle(request) for request in requests])
    assert found.count(run) == MANY // 2  # the first, and its repeats
    assert sum(isinstance(answer, GiveUp) for answer in found) == MANY // 2
    world.poked.append(str(run))
    world.go_on()
    world.pass_by(run)
    assert (world.step(run, "post") is not None) == (world.gate(run).answer == "Post")


def test_an_answer_and_a_cancel_at_once_do_not_both_count(world: World) -> None:
    for _ in range(5):
        run = world.start_waiting()
        at_once(
            lambda run=run: world.answer(run, "Post"),  # type: ignore[misc]
            lambda run=run: world.runs.take(Request(person=ADA, ask=Cancel(run_id=run))),  # type: ignore[misc]
        )
        world.poked.append(str(run))
        world.go_on()
        world.pass_by(run)
        post = world.step(run, "post")
        if world.run(run).state == "cancelled":
            assert post is None or post.state == "done"
        else:
            assert post is not None
            assert not world.run(run).cancelled


def test_a_request_that_is_delivered_many_times_at_once_is_one_run(world: World) -> None:
    request = Request(person=ADA, chat=CHAT, ask=START)
    found = at_once(*[lambda: world.runs.handle(request)] * MANY)
    assert set(found) == {request.id}
    world.go_on()
    assert len(world.rows(RunRow)) == 1
    assert len(world.tasks_sent()) == 1


def test_a_key_that_is_used_many_times_at_once_is_one_run(world: World) -> None:
    requests = [Request(id=uuid7(), person=ADA, chat=CHAT, ask=START) for _ in range(MANY)]
    found = at_once(
        *[lambda request=request: world.runs.handle(request, caller="cli", key="nightly") for request in requests]
    )
    assert len(set(found)) == 1
    assert isinstance(found[0], UUID)
    assert len(world.rows(RunRow)) == len(world.rows(KeyRow)) == 1


def test_limits_hold_while_much_is_begun_claimed_and_done_at_once(world: World) -> None:
    world.limit("pr_reviewer", at_once=3, per_person=3, ahead=2)
    tasks = [world.add() for _ in range(24)]
    most = 0
    for _ in range(len(tasks)):
        sent = [UUID(row.id) for row in world.rows(TaskRow) if row.state == "sent"]
        claimed = [UUID(row.id) for row in world.rows(TaskRow) if row.state == "claimed"]
        if not sent and not claimed:
            break
        calls: list[Callable[[], object]] = [
            *(lambda t=t: world.tasks.claim(t, role="pr_reviewer", instance="one") for t in sent),
            *(lambda t=t: world.tasks.receive(result(t)) for t in claimed),
            world.tasks.look,
        ]
        assert not [answer for answer in at_once(*calls) if isinstance(answer, Exception)]
        states = Counter(row.state for row in world.rows(TaskRow))
        assert states["sent"] <= 2
        assert states["sent"] + states["claimed"] <= 3
        most = max(most, states["sent"] + states["claimed"])
    assert most == 3
    assert {row.state for row in world.rows(TaskRow)} == {"done"}
    world.send()
    assert Counter(world.tasks_sent()) == Counter(tasks)


def result(task: UUID) -> Result:
    return Result(task_id=task, run_id=uuid7(), attempt=1, outcome=REVIEW)


def test_many_runs_that_begin_at_once_all_begin(world: World) -> None:
    requests = [Request(person=ADA, chat=CHAT, ask=START) for _ in range(MANY)]

    def begin(request: Request) -> None:
        world.runs.take(request)
        world.stories.advance(str(request.id))

    world.transactions.go_on = lambda _run: None
    assert at_once(*[lambda request=request: begin(request) for request in requests]) == [None] * MANY
    world.send()
    assert {row.state for row in world.rows(RunRow)} == {"running"}
    assert len(world.rows(TaskRow)) == MANY
    assert len(world.tasks_sent()) == len(set(world.tasks_sent())) == world.roles["forge"].ahead


def test_processes_that_start_at_once_make_one_store(postgres_url: str) -> None:
    def start() -> None:
        open_store(postgres_url).kw["bind"].dispose()

    assert at_once(*[start] * 4) == [None] * 4
    assert version(postgres_url) == LATEST
