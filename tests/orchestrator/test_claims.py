"""Claims: one process at a time works on a task, and whoever lost it is fenced off."""

import time

import pytest

from orchestrator.store import RunRow
from orchestrator.tasks import LEASE_SECONDS
from stack.api import Claim
from stack.errors import NotThere, Refused
from stack.ids import uuid7
from stack.tokens import verify
from tests.orchestrator.played import FORGE_KEY, MODEL_KEY, World
from tests.orchestrator.samples import ADA, CHANGE, FETCH, POST, REVIEW, passing

LONG = LEASE_SECONDS + 1


def silence(world: World, seconds: float = LONG) -> None:
    """Whoever holds a task is not heard of; the orchestrator looks as it always does."""
    for _ in range(int(seconds / 2) + 1):
        world.look(after=2)


# --- what a claim grants ------------------------------------------------------------------------------


def test_the_first_to_claim_runs(world: World) -> None:
    task = world.add()
    answer = world.claim(task)
    role = world.roles["pr_reviewer"]
    assert (answer.verdict, answer.attempt, answer.lease_seconds) == ("run", 1, LEASE_SECONDS)
    assert (answer.budget_usd, answer.seconds) == (role.budget_usd, role.minutes * 60)
    assert world.task(task).state == "claimed"


def test_tokens_are_for_this_task_alone(world: World) -> None:
    task = world.add()
    tokens = world.claim(task).tokens
    assert tokens.keys() == {"model", "forge"}
    for key, kind in ((MODEL_KEY, "model"), (FORGE_KEY, "forge")):
        claims = verify(key, kind, tokens[kind])  # type: ignore[index, arg-type]
        assert (claims.task, claims.run, claims.attempt) == (str(task), world.task(task).run_id, 1)
        assert (claims.person, claims.role, claims.repository) == (ADA.id, "pr_reviewer", "acme/shop")
        assert (claims.budget_usd, claims.tiers) == (2.0, ("haiku", "sonnet"))
        assert 0 < claims.expires - time.time() <= 24 * 3600
    with pytest.raises(Refused):
        verify(MODEL_KEY, "forge", tokens["model"])


def test_the_forge_gets_no_tokens_for_it_needs_none(world: World) -> None:
    assert world.claim(world.add(FETCH, step="fetch")).tokens == {}


@pytest.mark.parametrize("step", ["fetch", "review", "post"])
def test_a_task_is_claimed_by_the_role_of_its_brief(world: World, step: str) -> None:
    brief = {"fetch": FETCH, "review": CHANGE, "post": POST}[step]
    task = world.add(brief, step=step)
    other = {"forge": "pr_reviewer", "pr_reviewer": "forge"}[brief.by]
    with pytest.raises(NotThere, match=f"there is no task {task} for"):
        world.tasks.claim(task, role=other, instance="one")
    assert world.task(task).state == "sent"
    assert world.tasks.claim(task, role=brief.by, instance="one").verdict == "run"


def test_a_task_that_is_not_there_is_given_up(world: World) -> None:
    with pytest.raises(NotThere, match=r"there is no task .* for pr-reviewer"):
        world.tasks.claim(uuid7(), role="pr_reviewer", instance="one")


# --- verdicts -----------------------------------------------------------------------------------------


def test_a_task_with_a_result_is_done(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.result(task)
    for instance in ("one", "two"):
        assert world.claim(task, instance) == Claim(verdict="done")


def test_a_task_of_a_cancelled_run_is_left_alone(world: World) -> None:
    run = world.start()
    task = world.tasks_sent()[0]
    world.cancel(run)
    assert world.claim(task) == Claim(verdict="cancelled")
    assert world.task(task).attempt == 0


def test_a_cancel_that_is_written_down_stops_every_claim(world: World) -> None:
    task = world.add()
    world.change(RunRow, world.task(task).run_id, cancelled=True)
    assert world.claim(task) == Claim(verdict="cancelled")


def test_no_other_process_of_the_role_takes_a_task_whose_holder_lives(world: World) -> None:
    task = world.add()
    world.claim(task, "one")
    for _ in range(20):
        world.look(after=5)
        assert world.tasks.renew(task, instance="one", attempt=1).verdict == "go"
        for other in ("two", "three"):
            assert world.claim(task, other) == Claim(verdict="leased")
    assert world.task(task).attempt == 1


def test_a_process_whose_answer_was_lost_gets_the_same_attempt_again(world: World) -> None:
    task = world.add()
    first, again = world.claim(task, "one"), world.claim(task, "one")
    assert (first.verdict, again.verdict) == ("run", "run")
    assert (first.attempt, again.attempt, world.task(task).attempt) == (1, 1, 1)


def test_a_task_that_waits_comes_by_a_message_of_its_own(world: World) -> None:
    """An old copy of its message, or a second one, begins nothing before its pause is over."""
    task = world.add()
    world.claim(task)
    world.result(task, passing())
    assert world.task(task).state == "waiting"
    assert world.claim(task) == Claim(verdict="done")


def test_another_process_takes_over_from_one_that_was_silent_for_its_lease(world: World) -> None:
    task = world.add()
    world.claim(task, "one")
    silence(world)
    answer = world.claim(task, "two")
    assert (answer.verdict, answer.attempt) == ("run", 2)
    assert world.tasks.renew(task, instance="one", attempt=1).verdict == "lost"


def test_a_restart_of_the_holder_is_another_process_that_waits_for_the_lease(world: World) -> None:
    task = world.add()
    world.claim(task, "one")
    assert world.claim(task, "one, restarted") == Claim(verdict="leased")
    silence(world)
    assert world.claim(task, "one, restarted").attempt == 2


def test_a_task_whose_processes_all_die_fails_in_words(world: World) -> None:
    task = world.add()
    for n in range(world.roles["pr_reviewer"].attempts):
        assert world.claim(task, f"agent {n}").verdict == "run"
        silence(world)
    assert world.claim(task, "another") == Claim(verdict="done")
    outcome = world.outcome(task)
    assert outcome is not None
    assert (outcome["what"], outcome["next"]) == ("The pr-reviewer stopped 2 times while at work", "give_up")


def test_a_claim_says_whether_a_further_attempt_would_follow_and_what_costs_none_is_not_counted(world: World) -> None:
    task = world.add()
    assert not world.claim(task, "one").last
    world.tasks.give_back(task, instance="one", attempt=1)
    assert not world.claim(task, "two").last
    world.result(task, passing(after=1), attempt=2)
    world.outwait(task)
    claim = world.claim(task, "three")
    assert (claim.attempt, claim.last) == (3, False)
    world.result(task, passing(), attempt=3)
    world.outwait(task)
    assert world.claim(task, "four").last
    world.limit("pr_reviewer", attempts=1)
    assert world.claim(world.add(), "five").last


def test_a_role_with_one_attempt_fails_the_first_time(world: World) -> None:
    world.limit("pr_reviewer", attempts=1)
    task = world.add()
    world.claim(task)
    silence(world)
    world.claim(task, "two")
    assert (world.outcome(task) or {})["what"] == "The pr-reviewer stopped once while at work"


# --- renewals -----------------------------------------------------------------------------------------


def test_a_renewal_keeps_the_lease(world: World) -> None:
    task = world.add()
    world.claim(task)
    for _ in range(30):
        world.look(after=LEASE_SECONDS / 3)
        assert world.tasks.renew(task, instance="one", attempt=1).verdict == "go"
    assert world.tasks_sent() == [task]


def test_only_the_holder_keeps_the_lease_and_only_of_its_attempt(world: World) -> None:
    task = world.add()
    world.claim(task, "one")
    assert world.tasks.renew(task, instance="two", attempt=1).verdict == "lost"
    assert world.tasks.renew(task, instance="one", attempt=2).verdict == "lost"
    assert world.tasks.renew(task, instance="one", attempt=1).verdict == "go"


def test_the_lease_of_a_task_with_a_result_or_of_none_is_lost(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.result(task, REVIEW)
    assert world.tasks.renew(task, instance="one", attempt=1).verdict == "lost"
    assert world.tasks.renew(uuid7(), instance="one", attempt=1).verdict == "lost"


def test_a_renewal_tells_of_a_cancel(world: World) -> None:
    run = world.start()
    task = world.tasks_sent()[0]
    world.claim(task)
    world.cancel(run)
    assert world.tasks.renew(task, instance="one", attempt=1).verdict == "cancelled"


# --- tokens live as long as the lease -----------------------------------------------------------------


def test_a_token_lives_while_its_attempt_is_at_work(world: World) -> None:
    task = world.add()
    assert not world.tasks.is_alive(task, 0)
    world.claim(task)
    assert world.tasks.is_alive(task, 1)
    assert not world.tasks.is_alive(task, 2)
    assert not world.tasks.is_alive(uuid7(), 1)


def test_a_token_dies_with_the_result(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.result(task)
    assert not world.tasks.is_alive(task, 1)


def test_a_token_dies_with_the_cancel(world: World) -> None:
    run = world.start()
    task = world.tasks_sent()[0]
    world.claim(task)
    world.cancel(run)
    assert not world.tasks.is_alive(task, 1)


def test_a_token_dies_as_its_task_is_given_back_taken_over_or_tried_again(world: World) -> None:
    given_back, taken_over, tried_again = world.add(), world.add(), world.add()
    for task in (given_back, taken_over, tried_again):
        world.claim(task)
    world.tasks.give_back(given_back, instance="one", attempt=1)
    world.result(tried_again, passing())
    silence(world)
    world.claim(taken_over, "two")
    for task in (given_back, taken_over, tried_again):
        assert not world.tasks.is_alive(task, 1)
    assert world.tasks.is_alive(taken_over, 2)


def test_a_token_dies_with_a_process_that_is_silent_for_too_long(world: World) -> None:
    task = world.add()
    world.claim(task)
    silence(world, 20)
    assert world.tasks.is_alive(task, 1)  # a moment's trouble ends no model call
    silence(world, 40)
    assert not world.tasks.is_alive(task, 1)
