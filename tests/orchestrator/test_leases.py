"""Leases: one process at a time works on a task, twice at most, and the one before is fenced off."""

import threading
import time
from uuid import UUID

import pytest

from orchestrator.leases import LEASE_SECONDS, MAX_ATTEMPTS, PREPARATION_SECONDS
from orchestrator.store import Run, TaskRow
from stack.api import Claim
from stack.errors import GiveUp, Refused
from stack.ids import uuid7
from stack.messages import Failure, Review, Task
from stack.tokens import verify
from tests.orchestrator.played import FORGE_KEY, LIMITS, MODEL_KEY, World
from tests.stack.samples import forge_task


def claim(world: World, task: Task, holder: str = "one", instance: str = "a") -> Claim:
    return world.leases.claim(task.id, holder=holder, instance=instance)


def expire(world: World, task: Task) -> None:
    """The holder was silent for longer than its lease."""
    world.change(TaskRow, task.id, lease_until=time.time() - 1)


def test_the_first_to_claim_runs(world: World) -> None:
    task = world.task()
    answer = claim(world, task)
    assert (answer.verdict, answer.attempt, answer.lease_seconds) == ("run", 1, LEASE_SECONDS)
    assert (answer.budget_usd, answer.seconds) == (LIMITS.budget_usd, LIMITS.seconds)


def test_tokens_are_for_this_task_alone(world: World) -> None:
    task = world.task()
    answer = claim(world, task)
    for token, key, kind in ((answer.model_token, MODEL_KEY, "model"), (answer.forge_token, FORGE_KEY, "forge")):
        claims = verify(key, kind, token)  # type: ignore[arg-type]
        assert (claims.task, claims.run, claims.attempt) == (str(task.id), str(task.run_id), 1)
        assert (claims.person, claims.role, claims.repository) == ("telegram:1", "pr_reviewer", "acme/shop")
        assert claims.budget_usd == LIMITS.budget_usd
        assert 0 < claims.expires - time.time() <= LIMITS.seconds + PREPARATION_SECONDS
    with pytest.raises(Refused):
        verify(MODEL_KEY, "forge", answer.model_token)


def test_an_agent_cannot_claim_what_the_forge_is_asked_for(world: World) -> None:
    with pytest.raises(GiveUp, match=r"no task .* for an agent"):
        claim(world, world.task(task=forge_task(world.run())))


def test_a_task_with_a_result_is_done(world: World) -> None:
    task = world.task()
    claim(world, task)
    world.take(task)
    assert claim(world, task, "two") == Claim(verdict="done")


def test_a_cancelled_run_is_left_alone(world: World) -> None:
    task = world.task()
    world.change(Run, task.run_id, cancelled=True)
    assert claim(world, task) == Claim(verdict="cancelled")
    assert world.row(task).attempt == 0


@pytest.mark.parametrize("instance", ["a", "b"])
def test_a_task_at_work_is_leased(world: World, instance: str) -> None:
    task = world.task()
    claim(world, task, "one", "a")
    assert claim(world, task, "two", instance) == Claim(verdict="leased")
    assert world.row(task).attempt == 1


def test_a_process_whose_answer_was_lost_gets_the_same_attempt_again(world: World) -> None:
    task = world.task()
    first, again = claim(world, task, "one", "a"), claim(world, task, "one", "a")
    assert (first.verdict, again.verdict) == ("run", "run")
    assert (first.attempt, again.attempt, world.row(task).attempt) == (1, 1, 1)


def test_a_holder_that_was_restarted_takes_over_at_once(world: World) -> None:
    task = world.task()
    claim(world, task, "one", "a")
    answer = claim(world, task, "one", "b")
    assert (answer.verdict, answer.attempt) == ("run", 2)
    assert claim(world, task, "one", "a") == Claim(verdict="done")  # the second restart was one too many


def test_another_holder_takes_over_when_the_lease_has_ended(world: World) -> None:
    task = world.task()
    claim(world, task)
    expire(world, task)
    answer = claim(world, task, "two")
    assert (answer.verdict, answer.attempt) == ("run", 2)


@pytest.mark.parametrize("attempt", range(5))
def test_of_many_that_claim_at_once_one_runs(world: World, attempt: int) -> None:
    task, together, answers = world.task(), threading.Barrier(6), []

    def ask(name: str) -> None:
        together.wait(10)
        answers.append(claim(world, task, name).verdict)

    threads = [threading.Thread(target=ask, args=(f"agent {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["leased"] * 5 + ["run"]
    assert world.row(task).attempt == 1


def test_a_third_attempt_is_refused_and_the_task_fails_in_words(world: World) -> None:
    task = world.task()
    for n in range(MAX_ATTEMPTS):
        assert claim(world, task, f"agent {n}").verdict == "run"
        expire(world, task)
    assert claim(world, task, "another") == Claim(verdict="done")
    assert world.outcome(task) == Failure(what="the pr-reviewer stopped 2 times while at work", next="give_up")


def test_a_result_of_an_attempt_that_was_taken_over_is_not_taken(world: World) -> None:
    task = world.task()
    claim(world, task, "one")
    expire(world, task)
    claim(world, task, "two")
    assert not world.take(task, attempt=1)
    assert world.results.of(task.id) is None
    assert world.take(task, attempt=2)
    assert isinstance(world.outcome(task), Review)


def test_a_task_that_is_not_there_is_given_up(world: World) -> None:
    with pytest.raises(GiveUp, match="there is no task"):
        world.leases.claim(uuid7(), holder="one", instance="a")


# --- renewals -----------------------------------------------------------------------------------------


def renew(world: World, task_id: UUID, attempt: int = 1) -> str:
    return world.leases.renew(task_id, attempt=attempt).verdict


def test_a_renewal_keeps_the_lease(world: World) -> None:
    task = world.task()
    claim(world, task)
    world.change(TaskRow, task.id, lease_until=time.time() + 1)
    assert renew(world, task.id) == "go"
    assert world.row(task).lease_until > time.time() + LEASE_SECONDS / 2


def test_a_lease_that_was_taken_over_is_lost(world: World) -> None:
    task = world.task()
    claim(world, task, "one")
    expire(world, task)
    claim(world, task, "two")
    assert (renew(world, task.id, 1), renew(world, task.id, 2)) == ("lost", "go")


def test_the_lease_of_a_task_with_a_result_or_of_none_is_lost(world: World) -> None:
    task = world.task()
    claim(world, task)
    world.take(task)
    assert renew(world, task.id) == "lost"
    assert renew(world, uuid7()) == "lost"


def test_a_renewal_tells_of_a_cancel(world: World) -> None:
    task = world.task()
    claim(world, task)
    world.change(Run, task.run_id, cancelled=True)
    assert renew(world, task.id) == "cancelled"
