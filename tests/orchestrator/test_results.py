"""Results: the first of the current attempt counts, and whoever waits is told."""

import threading

from stack.ids import uuid7
from stack.messages import Failure, Result
from tests.orchestrator.played import World
from tests.stack.samples import REVIEW, forge_task, review_result, review_task


def test_the_first_result_counts(world: World) -> None:
    task = world.task(attempt=1)
    assert world.take(task)
    failed = Result(task_id=task.id, run_id=task.run_id, attempt=1, outcome=Failure(what="no", next="give_up"))
    assert not world.results.take(failed)
    assert world.outcome(task) == REVIEW
    assert world.row(task).done


def test_a_result_delivered_many_times_at_once_is_taken_once(world: World) -> None:
    task, taken = world.task(attempt=1), []
    threads = [threading.Thread(target=lambda: taken.append(world.take(task))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True]


def test_a_result_of_an_older_or_a_newer_attempt_is_not_taken(world: World) -> None:
    task = world.task(attempt=2)
    assert [world.take(task, attempt) for attempt in (0, 1, 3)] == [False] * 3
    assert world.results.of(task.id) is None


def test_a_result_of_no_task_is_not_taken(world: World) -> None:
    assert not world.results.take(review_result(review_task(uuid7())))


def test_the_forge_claims_nothing_and_its_result_is_taken(world: World) -> None:
    task = world.task(task=forge_task(world.run()))
    assert world.take(task, attempt=0)


def test_a_task_fails_in_words(world: World) -> None:
    task = world.task(attempt=2)
    world.results.fail(task.id, "it is gone")
    assert world.outcome(task) == Failure(what="it is gone", next="give_up")
    world.results.fail(task.id, "again")
    assert world.outcome(task).what == "it is gone"


def test_whoever_waits_for_the_task_hears_of_its_result_whatever_run_the_result_names(world: World) -> None:
    task = world.task(attempt=1)
    found: list[object] = []
    looked = threading.Event()

    def look() -> Result | None:
        result = world.results.of(task.id)
        looked.set()
        return result

    waiting = threading.Thread(target=lambda: found.append(world.waiters.wait(str(task.run_id), look, 10)))
    waiting.start()
    assert looked.wait(10)
    world.results.take(review_result(task).model_copy(update={"run_id": uuid7()}))
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(found) == 1
