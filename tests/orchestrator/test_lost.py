"""A task whose worker is gone is sent again, a few times; one that is worked on, or that waits, is not."""

import time
from collections.abc import Callable
from itertools import pairwise
from uuid import UUID

import pytest

from orchestrator.store import TaskRow
from orchestrator.tasks import LEASE_SECONDS, LOOK_SECONDS
from orchestrator.tasks.room import MOST_UNTAKEN_SECONDS, OVERDUE_SECONDS, UNTAKEN_SECONDS
from tests.orchestrator.played import World
from tests.orchestrator.samples import FETCH, PULL, passing

GONE = LEASE_SECONDS + OVERDUE_SECONDS
HOUR = 3600.0
real_time = time.time


def let_pass(world: World, seconds: float, *, every: float = LOOK_SECONDS, renewing: UUID | None = None) -> None:
    """Time passes, and the orchestrator looks as it always does; the holder `one` of a task may show that it lives."""
    for _ in range(int(seconds / every)):
        if renewing:
            world.tasks.renew(renewing, instance="one", attempt=1)
        world.look(after=every)


# --- a worker that is gone ----------------------------------------------------------------------------


def test_a_task_whose_holder_is_silent_for_long_is_sent_again_once(world: World) -> None:
    task = world.add()
    world.claim(task)
    let_pass(world, GONE + 4)
    assert world.tasks_sent() == [task, task]
    let_pass(world, 20)
    assert world.tasks_sent() == [task, task]
    assert (world.task(task).state, world.task(task).failures) == ("sent", 1)


def test_whoever_gets_it_then_may_claim_it_at_once(world: World) -> None:
    task = world.add()
    world.claim(task)
    let_pass(world, GONE + 4)
    assert world.claim(task, "two").attempt == 2


def test_a_lease_that_has_only_just_ended_is_left_to_the_broker(world: World) -> None:
    task = world.add()
    world.claim(task)
    let_pass(world, GONE - 4)
    assert world.tasks_sent() == [task]


def test_a_task_whose_workers_all_fall_silent_fails_in_words(world: World) -> None:
    task = world.add(FETCH, step="fetch")
    for n in range(world.roles["forge"].attempts):
        world.claim(task, f"forge {n}")
        let_pass(world, GONE + 4)
    assert world.tasks_sent() == [task] * world.roles["forge"].attempts
    assert (world.outcome(task) or {})["what"] == "The forge stopped 4 times while at work"
    assert world.in_outbox() == set()


def test_a_task_that_is_done_is_not_sent_again(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.result(task)
    let_pass(world, GONE + 4)
    assert world.tasks_sent() == [task]


def test_a_task_of_a_cancelled_run_is_not_sent_again(world: World) -> None:
    run = world.start()
    world.claim(world.tasks_sent()[0])
    world.cancel(run)
    let_pass(world, GONE + 4)
    assert len(world.tasks_sent()) == 1


# --- a worker that lives ------------------------------------------------------------------------------


def test_work_that_takes_an_hour_is_not_sent_again_while_its_holder_lives(world: World) -> None:
    task = world.add(FETCH, step="fetch")
    world.claim(task)
    let_pass(world, HOUR, every=5, renewing=task)
    assert world.tasks_sent() == [task]
    assert world.task(task).failures == 0


def test_after_a_restart_of_ours_nothing_is_overdue(world: World) -> None:
    task = world.add()
    world.claim(task)
    let_pass(world, GONE - 4)
    world.restart()
    world.look()
    assert world.claim(task, "two").verdict == "leased"
    assert world.tasks.is_alive(task, 1)
    let_pass(world, GONE - 4, renewing=task)
    assert world.tasks_sent() == [task]


def test_after_a_restart_of_ours_whoever_is_silent_from_then_on_is_gone(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.restart()
    let_pass(world, GONE + 4)
    assert world.tasks_sent() == [task, task]


def test_time_in_which_we_did_not_look_is_no_silence(world: World) -> None:
    """The process stood still, or its database was away: nobody could have told it anything."""
    task = world.add()
    world.claim(task)
    let_pass(world, 4)
    world.clock += 50
    assert world.claim(task, "two").verdict == "leased"
    assert world.tasks.is_alive(task, 1)
    world.look()
    assert world.tasks_sent() == [task]
    let_pass(world, GONE - 10)
    assert world.tasks_sent() == [task]
    let_pass(world, 14)
    assert world.tasks_sent() == [task, task]


@pytest.mark.parametrize("jump", [12 * HOUR, -12 * HOUR])
def test_a_jump_of_the_wall_clock_changes_nothing(world: World, jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, waiting = world.add(), []
    world.claim(at_work)
    world.limit("pr_reviewer", at_once=2)
    sent = world.add()
    waiting = [world.add() for _ in range(3)]
    shifted: Callable[[], float] = lambda: real_time() + jump  # noqa: E731 - as `time.time` is
    monkeypatch.setattr(time, "time", shifted)
    let_pass(world, GONE, renewing=at_work)
    assert world.tasks_sent() == [at_work, sent]
    assert world.claim(at_work, "two").verdict == "leased"
    assert [world.task(task).state for task in waiting] == ["waiting"] * 3
    assert all(row.failures == 0 for row in world.rows(TaskRow))


# --- nobody takes it ----------------------------------------------------------------------------------


def test_what_nobody_takes_may_have_been_put_aside_and_is_sent_again_each_time_later(world: World) -> None:
    task = world.add()
    sent_at = [0.0]
    begun = world.clock
    while world.clock - begun < 6 * HOUR:
        before = len(world.tasks_sent())
        world.look(after=10)
        if len(world.tasks_sent()) > before:
            sent_at.append(world.clock - begun)
    pauses = [later - earlier for earlier, later in pairwise(sent_at)]
    expected = [UNTAKEN_SECONDS * 2**n for n in range(6)] + [MOST_UNTAKEN_SECONDS] * 4
    assert pauses == pytest.approx(expected[: len(pauses)], abs=20)
    assert len(pauses) >= 8
    assert (world.task(task).state, world.task(task).failures) == ("sent", 0)


def test_what_nobody_takes_for_months_neither_fails_nor_disturbs_others(world: World) -> None:
    task = world.add()
    world.change(TaskRow, str(task), sends=5000)
    world.look()
    lost = world.add(FETCH, step="fetch")
    world.claim(lost)
    let_pass(world, GONE + 4)
    assert world.tasks_sent().count(lost) == 2
    assert world.task(task).failures == 0


def test_waiting_in_the_queue_is_no_failure_however_long(world: World) -> None:
    """Tasks of half an hour with one agent: the last one waits for 4 hours and a half."""
    world.limit("pr_reviewer", at_once=1, ahead=1)
    tasks = [world.add() for _ in range(10)]
    for n, task in enumerate(tasks):
        assert world.claim(task).attempt == 1
        let_pass(world, HOUR / 2, every=10, renewing=task)
        assert {world.task(other).state for other in tasks[n + 1 :]} <= {"waiting"}
        world.result(task)
    assert world.tasks_sent() == tasks
    assert all((row.state, row.failures, row.attempt) == ("done", 0, 1) for row in world.rows(TaskRow))


# --- given back ---------------------------------------------------------------------------------------


def test_a_task_that_is_given_back_costs_no_attempt(world: World) -> None:
    task = world.add()
    for n in range(1, 10):  # nine deploys in a row
        assert world.claim(task, f"agent {n}").attempt == n
        assert world.tasks.give_back(task, instance=f"agent {n}", attempt=n).verdict == "go"
        world.send()
    assert world.tasks_sent() == [task] * 10
    assert (world.task(task).state, world.task(task).failures) == ("sent", 0)


def test_a_task_that_is_given_back_goes_first(world: World) -> None:
    world.limit("pr_reviewer", at_once=2)
    first, second = world.add(priority="low"), world.add(priority="low")
    world.claim(first, "one")
    world.claim(second, "two")
    for priority in ("urgent", "high", "normal", "low"):
        world.add(priority=priority)
    world.tasks.give_back(second, instance="two", attempt=1)
    world.send()
    assert world.tasks_sent() == [first, second, second]


def test_only_the_holder_gives_a_task_back(world: World) -> None:
    task = world.add()
    assert world.tasks.give_back(task, instance="one", attempt=0).verdict == "lost"
    world.claim(task, "one")
    assert world.tasks.give_back(task, instance="two", attempt=1).verdict == "lost"
    assert world.tasks.give_back(task, instance="one", attempt=2).verdict == "lost"
    assert world.task(task).state == "claimed"
    world.result(task)
    assert world.tasks.give_back(task, instance="one", attempt=1).verdict == "lost"


def test_a_task_that_was_given_back_by_the_broker_costs_no_attempt_and_counts_once(world: World) -> None:
    """As in a deploy of all services: the orchestrator is away when the worker stops."""
    stopped = passing("The pr-reviewer was stopped", after=0)
    task = world.add()
    for n in range(1, 5):
        assert world.claim(task, f"agent {n}").attempt == n
        world.restart()
        world.result(task, stopped, attempt=n)
        world.result(task, stopped, attempt=n)
        world.outwait(task)
    assert (world.task(task).state, world.task(task).failures) == ("sent", 0)
    assert world.tasks_sent() == [task] * 5


def test_a_run_outlives_two_deploys(world: World) -> None:
    run = world.start()
    fetch = world.tasks_sent()[0]
    for n in (1, 2):
        world.claim(fetch, f"forge {n}")
        world.tasks.give_back(fetch, instance=f"forge {n}", attempt=n)
        world.restart()
        world.look()
        world.outbox.sweep(float("inf"))
    world.bring(run, "fetch", PULL)
    assert world.run(run).state == "running"
    world.pass_by(run)
    assert world.step(run, "review") is not None
