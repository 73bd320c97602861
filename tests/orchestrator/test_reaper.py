"""The reaper: a task whose worker is gone is sent again, a few times, and then fails in words."""

import time
from datetime import timedelta

import pytest

from orchestrator.reaper import FORGE_SILENT, LEASE_OVERDUE_SECONDS, MOST_REDISPATCHES, Reaper
from orchestrator.store import Run, TaskRow
from stack.messages import Failure, Task, now
from tests.orchestrator.played import World
from tests.stack.samples import forge_task

LONG_AGO = time.time() - 3600


@pytest.fixture
def reaper(world: World) -> Reaper:
    return Reaper(world.sessions, outbox=world.outbox, results=world.results)


def look(reaper: Reaper) -> None:
    """One round of what it does every few seconds."""
    reaper.look()


def silent_forge_task(world: World) -> Task:
    return world.task(task=forge_task(world.run()), sent=now() - FORGE_SILENT - timedelta(seconds=1))


def test_a_task_whose_lease_is_long_over_is_sent_again(world: World, reaper: Reaper) -> None:
    task = world.task(attempt=1, holder="one", lease_until=LONG_AGO)
    look(reaper)
    assert world.publisher.published == [task]
    look(reaper)  # not twice in a row
    assert world.publisher.published == [task]


def test_whoever_gets_it_then_may_claim_it(world: World, reaper: Reaper) -> None:
    task = world.task(attempt=1, holder="one", lease_until=LONG_AGO)
    look(reaper)
    assert world.leases.claim(task.id, holder="two", instance="b").attempt == 2


@pytest.mark.parametrize("over", [-5.0, LEASE_OVERDUE_SECONDS / 2])
def test_a_lease_that_lives_or_has_only_just_ended_is_left_to_the_broker(
    world: World, reaper: Reaper, over: float
) -> None:
    world.task(attempt=1, lease_until=time.time() - over)
    look(reaper)
    assert world.publisher.published == []


def test_a_task_that_waits_for_a_free_agent_is_sent_again_after_an_hour_only(world: World, reaper: Reaper) -> None:
    world.task(sent=now() - timedelta(minutes=59))
    look(reaper)
    assert world.publisher.published == []


def test_a_task_that_nobody_takes_is_sent_again_for_its_message_may_be_a_dead_letter(
    world: World, reaper: Reaper
) -> None:
    task = world.task(sent=now() - timedelta(minutes=61))
    look(reaper)
    assert world.publisher.published == [task]


def test_a_task_that_is_done_is_not_sent_again(world: World, reaper: Reaper) -> None:
    world.task(attempt=1, lease_until=LONG_AGO, done=True)
    look(reaper)
    assert world.publisher.published == []


def test_the_forge_holds_no_lease_and_is_asked_again_when_it_is_silent(world: World, reaper: Reaper) -> None:
    task = silent_forge_task(world)
    look(reaper)
    look(reaper)
    assert world.publisher.published == [task]


def test_it_gives_up_in_words(world: World, reaper: Reaper) -> None:
    task = silent_forge_task(world)
    for _ in range(MOST_REDISPATCHES + 1):
        world.change(TaskRow, task.id, sent=now() - FORGE_SILENT - timedelta(seconds=1))
        look(reaper)
    assert world.publisher.published == [task] * MOST_REDISPATCHES
    assert world.outcome(task) == Failure(what="the forge did not answer", next="give_up")
    assert world.waiting() == []


def test_a_run_that_was_cancelled_or_has_ended_is_left_alone(world: World, reaper: Reaper) -> None:
    for change in ({"cancelled": True}, {"state": "failed"}):
        task = silent_forge_task(world)
        world.change(Run, task.run_id, **change)
    look(reaper)
    assert world.publisher.published == []
