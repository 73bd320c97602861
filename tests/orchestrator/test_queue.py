"""The queue before the broker's: limits by role and person, urgency, turns, and a place that people are told."""

from collections import Counter
from uuid import UUID

import pytest

from orchestrator.store import TaskRow
from stack.messages import Progress
from tests.orchestrator.played import World
from tests.orchestrator.samples import ADA, BOB, FETCH, PULL, START, passing


def finish_next(world: World) -> UUID:
    """The task that the broker has had for longest is claimed and done."""
    task = next(task for task in world.tasks_sent() if world.task(task).state == "sent")
    world.claim(task)
    world.result(task)
    return task


@pytest.fixture
def one_at_a_time(world: World) -> World:
    world.limit("pr_reviewer", at_once=1, ahead=1)
    return world


def test_the_broker_sees_admitted_work_only(world: World) -> None:
    tasks = [world.add() for _ in range(10)]
    ahead = world.roles["pr_reviewer"].ahead
    assert world.tasks_sent() == tasks[:ahead]
    assert Counter(world.task(task).state for task in tasks) == {"sent": ahead, "waiting": 10 - ahead}


def test_a_claim_makes_room_in_the_brokers_queue(world: World) -> None:
    tasks = [world.add() for _ in range(10)]
    world.claim(tasks[0])
    assert world.tasks_sent() == tasks[: world.roles["pr_reviewer"].ahead + 1]


def test_no_more_than_the_roles_limit_are_under_way(world: World) -> None:
    world.limit("pr_reviewer", at_once=3, per_person=9, ahead=9)
    tasks = [world.add() for _ in range(6)]
    for task in tasks[:3]:
        world.claim(task)
    assert world.tasks_sent() == tasks[:3]
    world.result(tasks[1])
    assert world.tasks_sent() == tasks[:4]


def test_no_more_than_the_persons_limit_are_under_way(world: World) -> None:
    world.limit("pr_reviewer", per_person=2, ahead=9)
    of_ada = [world.add(person=ADA) for _ in range(4)]
    of_bob = world.add(person=BOB)
    assert world.tasks_sent() == [*of_ada[:2], of_bob]
    world.claim(of_ada[0])
    world.result(of_ada[0])
    assert world.tasks_sent()[-1] == of_ada[2]


def test_each_role_has_a_queue_of_its_own(one_at_a_time: World) -> None:
    world = one_at_a_time
    world.add()
    world.add()
    fetch = world.add(FETCH, step="fetch")
    assert world.tasks_sent()[-1] == fetch


def test_the_more_urgent_goes_first(one_at_a_time: World) -> None:
    world = one_at_a_time
    under_way = world.add(priority="low")
    tasks = {priority: world.add(priority=priority) for priority in ("low", "normal", "urgent", "high")}
    order = [finish_next(world) for _ in range(5)]
    assert order == [under_way, *(tasks[priority] for priority in ("urgent", "high", "normal", "low"))]


def test_who_asked_for_many_does_not_keep_others_waiting(one_at_a_time: World) -> None:
    world = one_at_a_time
    of_ada = [world.add(person=ADA) for _ in range(4)]
    of_bob = [world.add(person=BOB) for _ in range(2)]
    world.claim(of_ada[0])
    world.limit("pr_reviewer", at_once=3, ahead=2)
    world.look()
    assert world.tasks_sent() == [of_ada[0], of_bob[0], of_ada[1]]


def test_the_first_that_was_asked_for_goes_first(one_at_a_time: World) -> None:
    tasks = [one_at_a_time.add() for _ in range(5)]
    assert [finish_next(one_at_a_time) for _ in range(5)] == tasks


def test_a_run_has_the_priority_that_was_asked_for_in_each_of_its_steps(world: World) -> None:
    run = world.start(START, priority="urgent")
    world.bring(run, "fetch", PULL)
    assert {row.step: row.rank for row in world.rows(TaskRow)} == {"fetch": 0, "plan": 0, "conversation": 0}


def test_what_waits_is_admitted_after_a_restart(one_at_a_time: World) -> None:
    world = one_at_a_time
    first, second = world.add(), world.add()
    world.restart()
    world.limit("pr_reviewer", at_once=2, ahead=2)
    world.look()
    assert world.tasks_sent() == [first, second]


def test_a_cancel_makes_room(world: World) -> None:
    world.limit("forge", at_once=1)
    first, second = world.start(), world.start()
    assert world.step(second, "fetch").state == "waiting"  # type: ignore[union-attr]
    world.cancel(first)
    assert world.step(second, "fetch").state == "sent"  # type: ignore[union-attr]


def test_a_task_in_a_pause_keeps_no_one_waiting(one_at_a_time: World) -> None:
    world = one_at_a_time
    first, second = world.add(), world.add()
    world.claim(first)
    world.result(first, passing(after=600))
    assert world.tasks_sent() == [first, second]


def test_a_task_that_was_given_back_goes_first_until_an_attempt_of_it_has_failed(one_at_a_time: World) -> None:
    world = one_at_a_time
    given_back = world.add(priority="low")
    world.claim(given_back)
    urgent = world.add(priority="urgent")
    world.tasks.give_back(given_back, instance="one", attempt=1)
    world.send()
    assert world.tasks_sent() == [given_back, given_back]
    world.claim(given_back)
    world.result(given_back, passing())
    assert world.tasks_sent()[2:] == [urgent]
    other = world.add(priority="normal")
    world.outwait(given_back)
    assert [finish_next(world) for _ in range(3)] == [urgent, other, given_back]


# --- places -------------------------------------------------------------------------------------------


def told(world: World, task: UUID) -> list[str]:
    """What the person of a task was told of the queue."""
    run = world.task(task).run_id
    return [m.text for m in world.publisher.mentioned if isinstance(m, Progress) and str(m.run_id) == run]


def test_a_person_is_told_the_place_and_when_it_changes(one_at_a_time: World) -> None:
    world = one_at_a_time
    under_way, second, third = (world.add() for _ in range(3))
    assert told(world, under_way) == []
    assert told(world, second) == ["Waiting for a free pr-reviewer: place 1 of 1"]
    assert told(world, third) == ["Waiting for a free pr-reviewer: place 2 of 2"]
    world.look()
    assert len(told(world, third)) == 1  # nothing new
    assert finish_next(world) == under_way
    world.look()
    assert told(world, third)[1:] == ["Waiting for a free pr-reviewer: place 1 of 1"]
    assert all(m.data == {"passing": True} for m in world.publisher.mentioned if isinstance(m, Progress))


def test_who_is_overtaken_is_told(one_at_a_time: World) -> None:
    world = one_at_a_time
    world.add()
    waiting = world.add()
    world.add(priority="urgent")
    assert told(world, waiting)[-1] == "Waiting for a free pr-reviewer: place 2 of 2"


def test_places_are_shown_with_the_run(one_at_a_time: World) -> None:
    world = one_at_a_time
    tasks = [world.add() for _ in range(3)]
    places = [world.views.summary(UUID(world.task(task).run_id)).place for task in tasks]
    assert places == [None, 1, 2]
    assert world.tasks.places() == {world.task(tasks[1]).run_id: 1, world.task(tasks[2]).run_id: 2}


def test_a_run_whose_task_outwaits_a_refusal_has_no_place(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.result(task, passing(after=600))
    assert world.tasks.places() == {}
