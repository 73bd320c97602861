"""A cancel: by who may, told at once to whoever is at work, and refused once an effect is under way."""

from uuid import UUID

import pytest

from orchestrator.store import RunRow, TaskRow
from stack.ids import task_id
from stack.messages import Ending, Signal
from stack.people import Person
from stack.work.kinds import Cancel
from tests.orchestrator.played import World
from tests.orchestrator.samples import (
    ADA,
    ADMIN,
    APPROVER,
    BOB,
    CLOCK,
    FETCH,
    POST,
    PULL,
    RECEIPT,
    REVIEW,
    START,
    TITLE,
    VIEWER,
    final,
    passing,
)

NOTHING_CHANGED = "Stopped, as you asked. Nothing was changed."


def start_posting(world: World) -> UUID:
    """A run whose review is about to be posted; its id."""
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", REVIEW)
    world.pass_by(run)
    return run


# --- when it is in time -------------------------------------------------------------------------------


def test_before_anything_was_begun_a_cancel_ends_the_run(world: World) -> None:
    request = world.ask(START, chat=None)
    world.change(RunRow, str(request.id), state="queued")
    other = world.ask(START)
    world.runs.take(other)
    world.cancel(request.id)
    assert world.run(request.id).state == "cancelled"
    assert world.ending().headline == NOTHING_CHANGED


def test_a_run_that_was_never_told_begins_nothing(world: World) -> None:
    world.transactions.go_on = lambda _run: None
    run = world.start()
    world.transactions.go_on = world.poked.append
    world.cancel(run)
    assert world.run(run).state == "cancelled"
    assert world.rows(TaskRow) == []


def test_while_somebody_is_at_work_they_are_told(any_world: World) -> None:
    world = any_world
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.pass_by(run)
    task = task_id(run, "review")
    world.claim(task)
    world.cancel(run)
    assert [(signal.task_id, signal.verb) for signal in world.signals()] == [(task, "cancel")]
    assert world.run(run).state == "cancelled"
    assert (world.ending().state, world.ending().headline) == ("cancelled", NOTHING_CHANGED)
    assert world.notes() == []


def test_a_result_after_the_cancel_changes_nothing(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.pass_by(run)
    task = task_id(run, "review")
    world.claim(task)
    world.cancel(run)
    world.result(task, REVIEW)
    assert world.outcome(task) is None
    assert world.run(run).state == "cancelled"
    assert len(world.content(Ending)) == 1


def test_while_a_person_is_asked(world: World) -> None:
    run = world.start_waiting()
    world.cancel(run)
    assert world.run(run).state == "cancelled"
    assert world.step(run, "post") is None


def test_while_its_task_waits_in_the_queue(world: World) -> None:
    world.limit("forge", at_once=1)
    world.start()
    waiting = world.start()
    world.cancel(waiting)
    assert world.run(waiting).state == "cancelled"
    assert world.step(waiting, "fetch").state == "done"  # type: ignore[union-attr]
    assert len(world.tasks_sent()) == 1


def test_while_its_task_waits_for_another_attempt(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", passing(after=600))
    world.cancel(run)
    assert world.run(run).state == "cancelled"
    world.look(after=2)
    assert len(world.tasks_sent()) == 1


def test_a_cancel_that_comes_twice_is_one(world: World) -> None:
    run = world.start()
    request = world.ask(Cancel(run_id=run))
    world.runs.take(request)
    world.send()
    assert len(world.content(Ending)) == 1
    assert world.notes() == []


def test_a_cancel_between_telling_and_writing_down_is_heard(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", final())  # the story would end the run as failed
    request = world.ask(START)
    told = world.run(request.id)
    world.runs.take(request.model_copy(update={"ask": Cancel(run_id=request.id), "id": run}))
    world.stories._apply(told, Ending(state="verified", headline="too fast"))
    world.go_on()
    assert world.run(request.id).state == "cancelled"


# --- when it is too late ------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [False, True])
def test_once_the_review_is_on_its_way_it_is_too_late(any_world: World, claimed: bool) -> None:
    world = any_world
    run = start_posting(world)
    if claimed:
        world.claim(world.tasks_sent()[-1])
    world.cancel(run)
    assert world.notes() == [f"Too late to stop {TITLE}. At this moment: the review is posted."]
    assert not world.run(run).cancelled
    assert world.signals() == []
    world.bring(run, "post", RECEIPT)
    assert world.run(run).state == "verified"


def test_an_effect_that_waits_in_our_queue_is_stopped(world: World) -> None:
    run = start_posting_behind_another(world)
    assert world.step(run, "post").state == "waiting"  # type: ignore[union-attr]
    world.cancel(run)
    assert world.run(run).state == "cancelled"
    assert world.ending().headline == NOTHING_CHANGED


def start_posting_behind_another(world: World) -> UUID:
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", REVIEW)
    world.pass_by(run, "draft")
    world.start()  # its fetch takes the forge's one place
    world.limit("forge", at_once=1)
    world.pass_by(run)
    return run


def test_an_effect_that_was_tried_and_waits_may_have_happened_and_that_is_told(world: World) -> None:
    run = start_posting(world)
    world.bring(run, "post", passing("GitHub answers 502", after=600))
    world.cancel(run)
    assert world.run(run).state == "cancelled"
    assert world.ending().headline == (
        "Stopped, as you asked. It was tried before, and may be so: The review is posted."
    )


@pytest.mark.parametrize("state", ["verified", "unproven", "failed", "cancelled"])  # cancelled: discarded by an answer
def test_after_the_end_it_is_told(world: World, state: str) -> None:
    run = world.start()
    world.change(RunRow, str(run), state=state)
    world.cancel(run)
    assert world.notes() == [f"{TITLE} has already ended: {state}."]
    assert not world.run(run).cancelled


def test_what_was_done_before_is_told(world: World) -> None:
    """A workflow that goes on after its effect: a cancel then says what stands."""

    def story(steps: object, _ask: object) -> Ending:
        steps.call("post", POST)  # type: ignore[attr-defined]
        steps.call("fetch", FETCH)  # type: ignore[attr-defined]
        raise AssertionError("not further")

    world.tell(story)
    run = world.start()
    world.bring(run, "post", RECEIPT)
    world.cancel(run)
    assert world.ending().headline == "Stopped, as you asked. Before that: The review is posted."


# --- who may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [BOB, VIEWER, APPROVER])
def test_to_others_it_is_as_if_there_were_no_such_run(world: World, person: Person) -> None:
    run = world.start()
    world.cancel(run, person)
    assert world.notes() == ["There is no such run of yours."]
    assert not world.run(run).cancelled


@pytest.mark.parametrize("person", [ADA, ADMIN, CLOCK])
def test_the_asker_and_admins_may(world: World, person: Person) -> None:
    run = world.start()
    world.cancel(run, person)
    assert world.run(run).state == "cancelled"
    assert [type(message) for message in world.publisher.mentioned if isinstance(message, Signal)] == [Signal]
