"""What callers see of runs: typed, and the same as their client reads."""

from datetime import timedelta

import pytest

from orchestrator.events import Events
from orchestrator.store import EventRow, RunRow
from orchestrator.views import MOST_EVENTS
from stack.api import EventView, RunDetail, RunSummary
from stack.errors import NotThere
from stack.ids import task_id, uuid7
from stack.messages import Progress
from stack.values import now
from stack.work.beforehand import Plan
from tests.orchestrator.played import World
from tests.orchestrator.samples import ADA, BOB, PULL, RECEIPT, START, TITLE, final


@pytest.mark.parametrize(("limit", "shown"), [(2, 2), (10, 3), (0, 1), (-1, 1), (10**9, 3)])
def test_the_newest_runs_of_a_person_come_first(world: World, limit: int, shown: int) -> None:
    runs = [world.start() for _ in range(3)]
    world.start(START, BOB)
    found = world.views.newest(person=ADA.id, limit=limit)
    assert [run.id for run in found] == runs[::-1][:shown]


def test_without_a_person_all_runs_are_shown(world: World) -> None:
    world.start()
    world.start(START, BOB)
    assert len(world.views.newest(person=None, limit=10)) == len(world.views.newest(person="", limit=10)) == 2


def test_a_run_at_work_is_shown(world: World) -> None:
    run = world.start(START, priority="high")
    shown = world.views.summary(run)
    assert (shown.id, shown.workflow, shown.title, shown.person) == (run, "review", TITLE, ADA.id)
    assert (shown.state, shown.priority, shown.ended, shown.headline) == ("running", "high", None, "")
    assert 0 <= shown.seconds < 60


def test_a_run_that_has_ended_is_shown_with_what_it_came_to(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", final("it is closed"))
    shown = world.views.show(run)
    assert (shown.state, shown.headline, shown.cost_usd, shown.model) == ("failed", "it is closed", 0.25, "not-a-model")
    assert shown.ended is not None
    assert shown.seconds == pytest.approx((shown.ended - shown.started).total_seconds())


def test_a_run_is_shown_with_what_became_of_its_tasks(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.pass_by(run)
    world.claim(task_id(run, "review"))
    fetch, plan, _, review = world.views.show(run).tasks
    assert (fetch.step, fetch.role, fetch.state, fetch.attempt) == ("fetch", "forge", "done", 1)
    assert fetch.outcome == PULL.model_dump(mode="json")
    assert (plan.step, plan.role, plan.state, plan.attempt) == ("plan", "orchestrator", "done", 1)
    assert Plan.model_validate(plan.outcome) == Plan()
    assert (review.step, review.role, review.state, review.attempt, review.outcome) == (
        "review", "pr_reviewer", "claimed", 1, None,
    )  # fmt: skip


def test_a_run_is_shown_with_its_questions_and_who_answered(world: World) -> None:
    run = world.start_waiting()
    (gate,) = world.views.show(run).gates
    question = world.question()
    assert (gate.question, gate.text, gate.choices, gate.free) == ("approve", question.text, ("Post", "Discard"), False)
    assert gate.digest == question.digest != ""
    assert (gate.until, gate.answer, gate.answered_by) == (question.until, None, "")
    world.answer(run)
    (gate,) = world.views.show(run).gates
    assert (gate.answer, gate.answered_by) == ("Post", ADA.id)


def test_steps_and_hops_are_shown_with_the_run_and_log_records_apart(world: World) -> None:
    run = world.start()
    events = Events(world.sessions)
    for kind in ("step", "hop", "log"):
        events.hear(Progress(run_id=run, source="forge", kind=kind, text=f"a {kind}", data={"n": 1}))
    events.start()
    events.stop()
    assert [(event.kind, event.source) for event in world.views.show(run).events] == [
        ("step", "forge"), ("hop", "forge"),
    ]  # fmt: skip
    (record,) = world.views.log(run)
    assert (record.text, record.data) == ("a log", {"n": 1})


def test_of_very_many_log_records_the_last_are_shown(world: World) -> None:
    run = world.start()
    with world.sessions.begin() as session:
        for n in range(MOST_EVENTS + 5):
            at = now() + timedelta(seconds=n)
            session.add(EventRow(id=str(uuid7()), run_id=str(run), at=at, source="forge", kind="log", text=str(n)))
    assert [record.text for record in world.views.log(run)] == [str(n) for n in range(5, MOST_EVENTS + 5)]


def test_what_is_shown_is_what_its_client_reads(world: World) -> None:
    run = world.start_waiting()
    world.answer(run)
    world.bring(run, "post", RECEIPT)
    shown = world.views.show(run)
    assert RunDetail.model_validate_json(shown.model_dump_json()) == shown
    summary = world.views.summary(run)
    assert RunSummary.model_validate_json(summary.model_dump_json()) == summary
    assert [task.step for task in shown.tasks] == [
        "fetch", "plan", "conversation", "review", "check", "draft", "head1", "post",
    ]  # fmt: skip
    assert all(EventView.model_validate_json(event.model_dump_json()) == event for event in shown.events)


def test_a_clock_that_was_set_back_shows_no_negative_time(world: World) -> None:
    run = world.start()
    row = world.run(run)
    world.change(RunRow, str(run), created=row.created.replace(year=row.created.year + 1))
    assert world.views.summary(run).seconds == 0


def test_runs_are_counted_by_state(world: World) -> None:
    world.start()
    world.start_waiting()
    world.bring(world.start(), "fetch", final())
    assert world.views.count_by_state() == {"running": 1, "waiting": 1, "failed": 1}


def test_a_run_that_is_not_there_cannot_be_shown(world: World) -> None:
    for look in (world.views.show, world.views.summary, world.views.log):
        with pytest.raises(NotThere, match="there is no run"):
            look(uuid7())
