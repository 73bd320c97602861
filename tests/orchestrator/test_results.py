"""Results: the first of the current attempt counts, and what failed is tried again as often as its role's row says."""

import time

import pytest

from orchestrator.store import ResultRow, TaskRow
from orchestrator.tasks.room import OUTWAITED_SECONDS, PAUSES_SECONDS
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.messages import Envelope, Progress, Result
from stack.work.kinds import Report
from tests.orchestrator.played import World
from tests.orchestrator.samples import FETCH, POST, PULL, RECEIPT, REVIEW, final, passing


def words(world: World, task: object) -> str:
    outcome = world.outcome(task)  # type: ignore[arg-type]
    assert outcome is not None
    assert outcome["report"] == "failure"
    return str(outcome["what"])


# --- which results count ------------------------------------------------------------------------------


def test_the_first_result_counts(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.result(task)
    world.result(task, final())
    assert world.outcome(task) == REVIEW.model_dump(mode="json")
    assert world.task(task).state == "done"
    assert len(world.rows(ResultRow)) == 1


def test_a_result_that_comes_twice_pokes_its_run_once(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", PULL)
    before = world.run(run).poked
    world.result(world.tasks_sent()[0], PULL)
    assert world.run(run).poked == before


def test_a_result_of_an_older_or_a_newer_attempt_is_not_taken(world: World) -> None:
    task = world.add()
    world.change(TaskRow, str(task), attempt=2, state="claimed", instance="one")
    for attempt in (0, 1, 3):
        world.result(task, attempt=attempt)
    assert world.outcome(task) is None
    world.result(task, attempt=2)
    assert world.outcome(task) is not None


def test_a_result_of_no_task_is_not_taken(world: World) -> None:
    world.tasks.receive(Result(task_id=uuid7(), run_id=uuid7(), attempt=1, outcome=REVIEW))
    assert world.rows(ResultRow) == []


def test_what_is_no_result_is_given_up(world: World) -> None:
    with pytest.raises(GiveUp, match="a progress is not a result"):
        world.tasks.receive(Progress(run_id=uuid7(), kind="step", text=""))


def test_the_run_that_a_result_names_does_not_matter(world: World) -> None:
    run = world.start()
    task = world.tasks_sent()[0]
    world.claim(task)
    world.tasks.receive(Result(task_id=task, run_id=uuid7(), attempt=1, outcome=PULL))
    assert world.poked == [str(run)]


def test_a_report_of_a_process_that_was_taken_for_dead_counts_until_another_has_begun(world: World) -> None:
    """It was paid for: it is not done a second time."""
    task = world.add()
    world.claim(task)
    world.change(TaskRow, str(task), state="sent", instance="", failures=1)
    world.result(task, attempt=1)
    assert world.outcome(task) == REVIEW.model_dump(mode="json")


def test_a_report_of_a_task_that_was_given_back_counts_until_another_has_begun(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.tasks.give_back(task, instance="one", attempt=1)
    world.result(task, attempt=1)
    assert world.task(task).state == "done"


def test_a_role_that_could_not_take_the_task_says_so_before_any_claim(world: World) -> None:
    task = world.add()
    world.result(task, final("The pr-reviewer could not take the task: no"), attempt=0)
    assert words(world, task) == "The pr-reviewer could not take the task: no"


def test_it_says_so_for_a_later_attempt_too_but_not_for_one_that_another_has_claimed(world: World) -> None:
    """As an agent that was not updated with the others, where the first attempt was another's."""
    task = world.add()
    world.claim(task)
    world.result(task, passing())
    older = final("The pr-reviewer is older than the orchestrator")
    world.result(task, older, attempt=0)
    assert world.task(task).state == "waiting"
    world.outwait(task)
    world.claim(task)
    world.result(task, older, attempt=0)
    world.result(task, REVIEW, attempt=0)
    assert world.task(task).state == "claimed"
    world.tasks.give_back(task, instance="one", attempt=2)
    world.result(task, REVIEW, attempt=0)
    assert world.task(task).state == "sent"
    world.result(task, older, attempt=0)
    assert words(world, task) == "The pr-reviewer is older than the orchestrator"


# --- whose results count ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "trusted"),
    [("pr-reviewer", True), ("cli", False), ("forge", False), ("bot", False), ("pr_reviewer", False), ("", False)],
)
def test_a_result_is_taken_from_the_role_of_its_task_alone(world: World, sender: str, trusted: bool) -> None:
    task = world.add()
    result = Result(task_id=task, run_id=uuid7(), attempt=1, outcome=REVIEW)
    assert world.tasks.trusts(result, sender) is trusted


def test_a_result_of_no_task_is_trusted_from_nobody(world: World) -> None:
    result = Result(task_id=uuid7(), run_id=uuid7(), attempt=1, outcome=REVIEW)
    assert not world.tasks.trusts(result, "forge")
    assert not world.tasks.trusts(Progress(run_id=uuid7(), kind="step", text=""), "forge")


def too_new(task: object, **more: object) -> Envelope:
    facts = {"version": 3, "type": "result", "id": uuid7(), "run_id": uuid7(), "task_id": task, **more}
    return Envelope.model_validate(facts)


def test_a_result_of_a_newer_version_ends_its_task_in_words(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.tasks.too_new(too_new(task, attempt=1), "pr-reviewer")
    assert words(world, task) == (
        "The pr-reviewer is newer than the orchestrator, which cannot read its result: update all services."
    )


def test_a_newer_result_of_another_sender_attempt_or_task_ends_nothing(world: World) -> None:
    task = world.add()
    world.claim(task)
    world.tasks.too_new(too_new(task, attempt=1), "forge")
    world.tasks.too_new(too_new(task, attempt=2), "pr-reviewer")
    world.tasks.too_new(too_new(None, attempt=1), "pr-reviewer")
    world.tasks.too_new(too_new(uuid7(), attempt=1), "pr-reviewer")
    assert world.task(task).state == "claimed"


@pytest.mark.parametrize("wrong", [PULL, RECEIPT])
def test_a_report_of_another_kind_is_a_failure(world: World, wrong: Report) -> None:
    task = world.add()
    world.claim(task)
    world.result(task, wrong)
    assert words(world, task) == "The pr-reviewer sent a wrong report"


# --- trying again -------------------------------------------------------------------------------------


def test_a_failure_that_may_pass_is_tried_again_after_a_pause_and_told(world: World) -> None:
    task = world.add(FETCH, step="fetch")
    world.claim(task)
    world.result(task, passing("GitHub answers 502"))
    assert world.passing_words() == ["GitHub answers 502; trying again"]
    world.look()
    assert world.tasks_sent() == [task]  # not before its pause is over
    world.outwait(task)
    assert world.tasks_sent() == [task, task]
    assert world.claim(task).attempt == 2
    world.result(task, PULL)
    assert world.outcome(task) == PULL.model_dump(mode="json")


def test_pauses_grow_and_the_last_one_stays(world: World) -> None:
    world.limit("forge", attempts=6)
    task = world.add(FETCH, step="fetch")
    pauses = []
    for _ in range(5):
        world.claim(task)
        world.change(TaskRow, str(task), not_before=0.0)
        before = time.time()
        world.result(task, passing())
        pauses.append(round(world.task(task).not_before - before))
        world.outwait(task)
    assert pauses == [*map(round, PAUSES_SECONDS), 30, 30]


def test_attempts_come_to_an_end_with_the_last_words(world: World) -> None:
    task = world.add(FETCH, step="fetch")
    attempts = world.roles["forge"].attempts
    for n in range(1, attempts + 1):
        assert world.claim(task).attempt == n
        world.result(task, passing(f"failure {n}"))
        if n < attempts:
            world.outwait(task)
    assert words(world, task) == f"failure {attempts}"
    assert world.tasks_sent() == [task] * attempts


def test_what_is_final_is_not_tried_again(world: World) -> None:
    task = world.add(FETCH, step="fetch")
    world.claim(task)
    world.result(task, final())
    assert words(world, task) == "there is no such pull request"
    assert world.tasks_sent() == [task]


def test_a_failure_that_is_delivered_twice_is_one_failed_attempt(world: World) -> None:
    task = world.add()
    world.claim(task)
    for _ in range(5):
        world.result(task, passing(), attempt=1)
    assert world.task(task).failures == 1
    world.outwait(task)
    world.result(task, passing(), attempt=1)
    assert (world.task(task).state, world.task(task).failures) == ("sent", 1)


def test_an_attempt_that_was_silent_and_then_fails_is_one_failed_attempt(world: World) -> None:
    task = world.add()
    world.claim(task)
    for _ in range(30):
        world.look(after=2)
    assert world.task(task).failures == 1
    world.result(task, passing(), attempt=1)
    assert (world.task(task).state, world.task(task).failures) == ("sent", 1)


def test_attempts_are_counted_by_step(world: World) -> None:
    """A third finished task of the same role in one run is nothing special."""
    world.limit("forge", attempts=2)
    run = world.start_waiting()
    world.answer(run)
    world.bring(run, "post", passing())
    task = world.tasks_sent()[-1]
    assert world.task(task).step == "post"
    world.outwait(task)
    world.bring(run, "post", RECEIPT)
    assert world.run(run).state == "verified"


def test_many_finished_tasks_of_one_role_in_one_run_are_fine(world: World) -> None:
    steps = [f"fetch {n}" for n in range(9)]

    def many(steps_: object, _ask: object) -> object:
        for step in steps:
            steps_.call(step, FETCH)  # type: ignore[attr-defined]
        raise AssertionError("not further")

    world.tell(many)  # type: ignore[arg-type]
    run = world.start()
    for step in steps:
        world.bring(run, step, PULL)
        assert (world.step(run, step) or TaskRow()).attempt == 1
    assert len(world.rows(ResultRow)) == 9


# --- refusals that pass by themselves -----------------------------------------------------------------


def test_a_refusal_that_passes_by_itself_is_outwaited_and_costs_no_attempt(world: World) -> None:
    task = world.add(POST, step="post")
    for n in range(1, 20):
        assert world.claim(task).attempt == n
        before = time.time()
        world.result(task, passing("GitHub asks us to wait", after=60))
        assert 59 < world.task(task).not_before - before < 61
        world.outwait(task)
    assert world.task(task).failures == 0
    assert set(world.passing_words()) == {"GitHub asks us to wait; going on in 60 s"}
    world.claim(task)
    world.result(task, RECEIPT)
    assert world.outcome(task) == RECEIPT.model_dump(mode="json")


def test_a_long_wait_is_told_in_minutes(world: World) -> None:
    task = world.add(POST, step="post")
    world.claim(task)
    world.result(task, passing("GitHub is being mended", after=1800))
    assert world.passing_words() == ["GitHub is being mended; going on in 30 min"]


def test_it_is_given_up_after_a_day_of_waiting(world: World) -> None:
    task = world.add(POST, step="post")
    world.change(TaskRow, str(task), refused=OUTWAITED_SECONDS - 60)
    world.claim(task)
    world.result(task, passing("GitHub is being mended", after=600))
    assert world.task(task).state == "waiting"
    assert world.task(task).not_before - time.time() < 61  # once more as the day ends
    world.outwait(task)
    world.claim(task)
    world.result(task, passing("GitHub is being mended", after=600))
    assert words(world, task) == "GitHub is being mended (for a day, again and again)"


def test_pauses_add_up_to_the_day_and_what_else_passed_does_not_count(world: World) -> None:
    """As where the forge was away for a weekend between two refusals."""
    task = world.add(POST, step="post")
    for _ in range(3):
        world.claim(task)
        world.result(task, passing("GitHub is being mended", after=600))
        world.outwait(task)
    assert world.task(task).refused == 1800


def test_the_time_of_the_first_refusal_that_an_earlier_version_kept_counts_for_nothing(world: World) -> None:
    task = world.add(POST, step="post")
    world.change(TaskRow, str(task), refused=time.time() - 3 * OUTWAITED_SECONDS)
    world.claim(task)
    world.result(task, passing("GitHub is being mended", after=600))
    assert (world.task(task).state, world.task(task).refused) == ("waiting", 600)


def test_a_refusal_of_more_than_a_day_is_not_waited_for_longer(world: World) -> None:
    task = world.add(POST, step="post")
    world.claim(task)
    world.result(task, passing("GitHub asks us to wait", after=1e9))
    assert world.task(task).not_before - time.time() < OUTWAITED_SECONDS + 1


def test_what_waits_in_a_pause_is_not_lost_by_a_restart(world: World) -> None:
    task = world.add(POST, step="post")
    world.claim(task)
    world.result(task, passing(after=60))
    world.restart()
    world.look()
    assert world.tasks_sent() == [task]
    world.outwait(task)
    assert world.tasks_sent() == [task, task]


def test_a_failure_of_both_kinds_counts_only_what_was_a_fault(world: World) -> None:
    world.limit("forge", attempts=2)
    task = world.add(POST, step="post")
    for outcome in (passing(after=1), passing("a fault"), passing(after=1)):
        world.claim(task)
        world.result(task, outcome)
        world.outwait(task)
    assert world.task(task).failures == 1
