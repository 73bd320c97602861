"""The steps: a repeated one changes nothing, and a run's end is told once, in words."""

import threading
from uuid import UUID

import pytest

from native.review import wait_until
from orchestrator import steps as steps_module
from orchestrator.steps import Cancelled, Failed
from orchestrator.store import AnswerRow, Run, TaskRow
from stack.ids import task_id, uuid7
from stack.messages import (
    Ending,
    Failure,
    FetchPullRequest,
    Notification,
    Progress,
    PullRequest,
    Question,
    Result,
    Task,
    Value,
)
from tests.orchestrator.played import World
from tests.stack.samples import PULL, REVIEW, review_request

FETCH = FetchPullRequest(repository="acme/shop", number=12)
QUESTION = Question(question="post", text="Post it?", choices=("Post", "Discard"))
VERIFIED = Ending(state="verified", headline="Done", details=("all of it",))


class Called:
    """A call to the forge in a thread of its own, as a workflow makes it."""

    def __init__(self, world: World, run: UUID) -> None:
        self._world, self._run = world, run
        self.report: Value | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def _call(self) -> None:
        try:
            self.report = self._world.steps.call(self._run, "fetch", "forge", FETCH, PullRequest)
        except Exception as error:
            self.error = error

    def answer(self, step: str, outcome: PullRequest | Failure) -> None:
        """The forge's answer to the task of that step, as soon as there is one."""
        task = task_id(self._run, step)
        wait_until(lambda: any(m.id == task for m in self._world.publisher.published), seconds=10)
        self._world.results.take(Result(task_id=task, run_id=self._run, attempt=0, outcome=outcome))

    def end(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(steps_module.PAUSES, "forge", (0.0, 0.0))


@pytest.fixture
def run(world: World) -> UUID:
    return world.run()


def failure(what: str, *, final: bool = False) -> Failure:
    return Failure(what=what, next="give_up" if final else "retry")


def endings(world: World) -> list[Notification]:
    return [m for m in world.publisher.published if isinstance(m, Notification)]


# --- calling ------------------------------------------------------------------------------------------


def test_a_call_brings_the_report(world: World, run: UUID) -> None:
    called = Called(world, run)
    called.answer("fetch", PULL)
    called.end()
    assert called.report == PULL


def test_a_failure_that_says_retry_is_tried_anew_and_told(world: World, run: UUID) -> None:
    called = Called(world, run)
    called.answer("fetch", failure("GitHub answers 502"))
    called.answer("fetch-2", PULL)
    called.end()
    assert called.report == PULL
    said = [m.text for m in world.publisher.mentioned if isinstance(m, Progress) and m.kind == "step"]
    assert said == ["GitHub answers 502; trying again"]


def test_tries_come_to_an_end_with_the_last_words(world: World, run: UUID) -> None:
    called = Called(world, run)
    for n, step in enumerate(("fetch", "fetch-2", "fetch-3")):
        called.answer(step, failure(f"failure {n}"))
    called.end()
    assert isinstance(called.error, Failed)
    assert str(called.error) == "failure 2"


def test_a_final_failure_ends_the_run_at_once(world: World, run: UUID) -> None:
    called = Called(world, run)
    called.answer("fetch", failure("there is no such pull request", final=True))
    called.end()
    assert str(called.error) == "there is no such pull request"
    assert len(world.publisher.published) == 1


def test_a_report_of_another_kind_is_a_failure(world: World, run: UUID) -> None:
    called = Called(world, run)
    called.answer("fetch", REVIEW)  # type: ignore[arg-type]
    called.end()
    assert str(called.error) == "the forge sent a wrong report"


def test_a_cancel_wakes_a_run_that_waits(world: World, run: UUID) -> None:
    called = Called(world, run)
    wait_until(lambda: world.publisher.published, seconds=10)
    world.change(Run, run, cancelled=True)
    world.waiters.poke(str(run))
    called.end()
    assert isinstance(called.error, Cancelled)


def test_nothing_is_dispatched_after_a_cancel(world: World, run: UUID) -> None:
    world.change(Run, run, cancelled=True)
    called = Called(world, run)
    called.end()
    assert isinstance(called.error, Cancelled)
    assert world.publisher.published == []
    with world.sessions() as session:
        assert session.query(TaskRow).count() == 0


def test_a_dispatch_that_is_repeated_is_the_same_task(world: World, run: UUID) -> None:
    for _ in range(2):
        world.steps._dispatch(str(run), "fetch", "forge", FETCH.model_dump(mode="json"))
    first, second = world.publisher.published
    assert isinstance(first, Task)
    assert first.id == second.id == task_id(run, "fetch")
    with world.sessions() as session:
        assert session.query(TaskRow).count() == 1


# --- beginning, asking, ending ------------------------------------------------------------------------


def test_a_run_begins_with_what_was_asked(world: World) -> None:
    request = review_request(uuid7())
    world.run(request)
    assert world.steps.begin(request.id) == request
    assert world.run_row(request.id).state == "running"


def test_a_question_is_asked_and_answered(world: World, run: UUID) -> None:
    with world.sessions.begin() as session:
        session.add(AnswerRow(run_id=str(run), question="post", choice="Post", person="telegram:1"))
    assert world.steps.ask(run, QUESTION, default="Discard") == "Post"
    assert [m.content for m in endings(world)] == [QUESTION]
    assert world.run_row(run).state == "running"


def test_a_cancel_answers_a_question(world: World, run: UUID) -> None:
    world.change(Run, run, cancelled=True)
    with pytest.raises(Cancelled):
        world.steps.ask(run, QUESTION, default="Discard")


def test_the_end_is_kept_and_told(world: World, run: UUID) -> None:
    world.steps.finish(run, VERIFIED)
    row = world.run_row(run)
    assert (row.state, row.headline, row.cost_usd, row.model) == ("verified", "Done", 0.25, "not-a-model")
    assert row.ended is not None
    (told,) = endings(world)
    assert isinstance(told.content, Ending)
    assert (told.content.cost_usd, told.content.model, told.content.details) == (0.25, "not-a-model", ("all of it",))
    assert told.content.seconds == (row.ended - row.created).total_seconds()


def test_an_end_that_is_told_twice_is_the_same_notification(world: World, run: UUID) -> None:
    """The bot looks at the id: no final message appears twice."""
    world.steps.finish(run, VERIFIED)
    world.steps.finish(run, VERIFIED)
    assert len({m.id for m in endings(world)}) == 1


def test_a_cost_that_is_not_known_is_not_called_nothing(world: World, run: UUID) -> None:
    world.costs.dollars = None
    world.steps.finish(run, VERIFIED)
    (told,) = endings(world)
    assert isinstance(told.content, Ending)
    assert told.content.details == ("all of it", "What it cost is not known: no ledger.")


def test_a_run_that_a_clock_started_has_nobody_to_tell(world: World) -> None:
    run = world.run(review_request(uuid7(), chat=None))
    world.steps.finish(run, VERIFIED)
    assert world.publisher.published == []
    assert world.run_row(run).state == "verified"
