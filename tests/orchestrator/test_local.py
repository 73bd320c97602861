"""Steps that the orchestrator does by itself: in the transaction that begins them, with a result like any other."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from orchestrator import local
from orchestrator.journal import Steps
from orchestrator.local import Local
from orchestrator.settings import Policy
from orchestrator.store import ResultRow, RunRow, TaskRow
from stack import work
from stack.errors import GiveUp, TryAgain
from stack.ids import task_id
from stack.messages import Ending, Notification, Task
from stack.work.beforehand import Plan, PlanReview
from stack.work.kinds import ORCHESTRATOR, About, Answer, Cancel, Failure, Report, Retry, Steer
from stack.work.review import Dismiss, StartReview
from tests.orchestrator.played import World
from tests.orchestrator.samples import ADA, FETCH, PULL, START

PLAN = PlanReview(repository="acme/shop", number=12, hunks=4)
POLICY = Policy(ask_above_usd=3, check_findings=False)


def planned(steps: Steps, ask: StartReview) -> Ending:
    plan = steps.call("plan", PLAN)
    steps.call("fetch", FETCH)
    return Ending(state="verified", headline=f"checked: {plan.check}")


def with_step(world: World, do: Callable[..., Report]) -> None:
    """A story whose step `plan` is done so."""
    world.use(Local(POLICY, steps={PlanReview: do}, asks={}))
    world.tell(planned)


def returns_policy(_session: Session, brief: PlanReview, run: RunRow, policy: Policy) -> Plan:
    assert (brief, run.title) == (PLAN, START.title())
    return Plan(check=policy.check_findings)


def test_a_step_of_our_own_is_done_at_once_and_the_story_goes_on(any_world: World) -> None:
    world = any_world
    with_step(world, returns_policy)
    run = world.start()
    row = world.task(task_id(run, "plan"))
    assert (row.role, row.state, row.attempt) == (ORCHESTRATOR, "done", 1)
    assert world.outcome(task_id(run, "plan")) == Plan(check=False).model_dump(mode="json")
    assert [task.step for task in world.sent(Task)] == ["fetch"]
    world.bring(run, "fetch", PULL)
    assert world.run(run).headline == "checked: False"
    shown = {task.step: (task.role, task.state) for task in world.views.show(run).tasks}
    assert shown["plan"] == (ORCHESTRATOR, "done")


def test_it_is_done_once_however_often_the_story_is_told(world: World) -> None:
    done: list[RunRow] = []

    def counts(_session: Session, _brief: PlanReview, run: RunRow, _policy: Policy) -> Plan:
        done.append(run)
        return Plan()

    with_step(world, counts)
    run = world.start()
    for _ in range(3):
        world.stories.advance(str(run))
    world.bring(run, "fetch", PULL)
    assert len(done) == len([row for row in world.rows(ResultRow) if row.task_id == str(task_id(run, "plan"))]) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [(GiveUp("There is no such thing."), "There is no such thing."), (ZeroDivisionError("secret"), local.FAULT)],
)
def test_what_it_cannot_do_is_a_failure_in_words(world: World, error: Exception, words: str) -> None:
    def fails(*_: object) -> Report:
        raise error

    with_step(world, fails)
    run = world.start()
    assert world.outcome(task_id(run, "plan")) == Failure(what=words, next="give_up").model_dump(mode="json")
    assert (world.run(run).state, world.run(run).headline) == ("failed", words)


def test_a_kind_that_nobody_does_is_a_failure_and_no_task(world: World) -> None:
    world.use(Local(POLICY, steps={}, asks={}))
    world.tell(planned)
    run = world.start()
    assert (world.run(run).state, world.run(run).headline) == ("failed", local.FAULT)


def test_a_database_that_is_away_meanwhile_leaves_the_step_to_the_next_telling(world: World) -> None:
    faults = [TryAgain("the database is busy")]

    def busy(*_: object) -> Report:
        if faults:
            raise faults.pop()
        return Plan()

    with_step(world, busy)
    with pytest.raises(TryAgain, match="busy"):
        world.start()
    assert world.rows(TaskRow) == []
    world.stories.sweep()
    world.go_on()
    assert [task.step for task in world.sent(Task)] == ["fetch"]


def test_what_the_database_does_not_take_breaks_the_run_off_and_leaves_nothing(any_world: World) -> None:
    def asks_wrongly(session: Session, *_: object) -> Report:
        session.execute(text("SELECT no_such_column FROM runs"))
        return Plan()

    world = any_world
    with_step(world, asks_wrongly)
    if world.engine.dialect.name == "sqlite":  # which calls it a fault that passes
        with pytest.raises(TryAgain):
            world.start()
    else:
        assert world.run(world.start()).headline.startswith("The run broke off")
    assert world.rows(TaskRow) == []


def test_each_kind_of_brief_that_is_done_here_has_its_function() -> None:
    ours = {brief for brief in work.briefs().values() if brief.by == ORCHESTRATOR}
    assert set(local.found("STEPS")) == ours


def test_each_ask_about_a_run_is_every_runs_or_that_of_a_workflow() -> None:
    about = {ask for ask in work.asks().values() if issubclass(ask, About)}
    assert about == {Answer, Cancel, Retry, Steer, *local.found("ASKS")}
    assert Dismiss in about


# --- asks about a run that a workflow knows ---------------------------------------------------------------


def with_ask(world: World, handle: Callable[..., str]) -> UUID:
    world.use(Local(POLICY, steps={}, asks={Dismiss: handle}))
    return world.start()


def test_an_ask_of_a_workflow_is_handled_by_its_function_and_its_words_are_told_once(world: World) -> None:
    told: list[object] = []

    def handle(_tx: object, run: RunRow, request: Any) -> str:
        told.append((run.title, request.person, request.ask.number))
        return "Done."

    run = with_ask(world, handle)
    request = world.ask(Dismiss(run_id=run, number=2))
    world.runs.take(request)
    world.go_on()
    assert told == [(START.title(), ADA, 2)] * 2
    assert set(world.notes()) == {"Done."}
    assert len({note.id for note in world.sent(Notification)}) == 1


def test_an_ask_that_nobody_handles_is_refused_in_words(world: World) -> None:
    world.use(Local(POLICY, steps={}, asks={}))
    world.ask(Dismiss(run_id=world.start(), number=2))
    assert world.notes() == ["Nobody here knows how to dismiss a run."]
