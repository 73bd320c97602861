"""Rounds: a run that has ended goes on from what failed; what succeeded stands, and each end is told once."""

from contextlib import suppress
from uuid import UUID

import pytest

from orchestrator.journal import Failed, Steps
from orchestrator.store import ResultRow, RunRow, TaskRow
from stack.errors import NotThere, TryAgain
from stack.ids import task_id, uuid7
from stack.messages import Ending, Notification, Progress, Question, Request, Result, Task
from stack.people import Person
from stack.work.kinds import Report, Retry
from stack.work.review import StartReview
from tests.orchestrator.played import World
from tests.orchestrator.samples import (
    ADA,
    ADMIN,
    APPROVER,
    BOB,
    CHANGE,
    FETCH,
    POST,
    PULL,
    RECEIPT,
    REVIEW,
    TITLE,
    VIEWER,
    final,
    passing,
    receipt,
)

UNPROVEN = Ending(state="unproven", headline="as far as it went")


def plain(steps: Steps, ask: StartReview) -> Ending:
    """Three steps, one after the other."""
    for step, brief in (("fetch", FETCH), ("review", CHANGE)):
        steps.call(step, brief)
    shown = steps.call("post", POST)
    return Ending(state="verified" if shown.proven else "unproven", headline="done")


def lenient(steps: Steps, ask: StartReview) -> Ending:
    """It goes on without the review, and ends in words where nothing could be posted."""
    steps.call("fetch", FETCH)
    with suppress(Failed):
        steps.call("review", CHANGE)
    try:
        steps.call("post", POST)
    except Failed:
        return UNPROVEN
    return Ending(state="unproven", headline="posted in part")


@pytest.fixture(autouse=True)
def _story(request: pytest.FixtureRequest) -> None:
    for name in ("world", "any_world"):
        if name in request.fixturenames:
            request.getfixturevalue(name).tell(plain)


OUTCOMES: dict[str, Report] = {"fetch": PULL, "review": REVIEW, "post": RECEIPT}


def failed(world: World, at: str = "post", what: str = "GitHub says no") -> UUID:
    """A run that failed at a step."""
    run = world.start()
    for step, outcome in OUTCOMES.items():
        world.bring(run, step, final(what) if step == at else outcome)
        if step == at:
            break
    assert world.run(run).state in ("failed", "unproven")
    return run


def endings(world: World) -> list[Ending]:
    return world.content(Ending)


# --- what is done again, and what is not ------------------------------------------------------------------


def test_a_run_goes_on_from_the_step_that_failed_and_what_succeeded_stands(any_world: World) -> None:
    world = any_world
    run = failed(world, "post")
    row = world.run(run)
    assert (row.state, row.again, row.round, endings(world)[0].can_retry) == ("failed", ["post"], 1, True)
    world.retry(run)
    row = world.run(run)
    assert (row.state, row.again, row.round, row.headline, row.ended) == ("running", [], 2, "", None)
    assert [task.step for task in world.sent(Task)] == ["fetch", "review", "post", "post"]
    world.bring(run, "post", RECEIPT)
    assert (world.run(run).state, world.run(run).headline) == ("verified", "done")
    assert [task.step for task in world.sent(Task)].count("review") == 1


@pytest.mark.parametrize("step", OUTCOMES)
def test_any_step_that_failed_is_done_again_with_the_same_task(world: World, step: str) -> None:
    run = failed(world, step)
    world.retry(run)
    assert world.tasks_sent()[-1] == task_id(run, step)
    for name in list(OUTCOMES)[list(OUTCOMES).index(step) :]:
        world.bring(run, name, OUTCOMES[name])
    assert world.run(run).state == "verified"
    assert len(world.rows(TaskRow)) == len(world.rows(ResultRow)) == 3


def test_each_round_is_told_by_a_message_of_its_own(world: World) -> None:
    run = failed(world)
    for _ in range(2):
        world.retry(run)
        world.bring(run, "post", final())
    world.retry(run)
    world.bring(run, "post", RECEIPT)
    assert [ending.state for ending in endings(world)] == ["failed"] * 3 + ["verified"]
    assert len({told.id for told in world.sent(Notification)}) == 4
    assert [ending.can_retry for ending in endings(world)] == [True] * 3 + [False]


def test_the_person_sees_that_it_goes_on(world: World) -> None:
    run = failed(world)
    world.retry(run)
    told = [m for m in world.publisher.mentioned if isinstance(m, Progress) and m.data.get("again")]
    assert [(progress.run_id, progress.kind, progress.text) for progress in told] == [(run, "step", "Trying again")]


def test_how_long_it_took_is_that_of_the_round(world: World) -> None:
    run = failed(world)
    world.change(RunRow, str(run), created=world.run(run).created.replace(year=2020))
    world.retry(run)
    assert world.views.summary(run).seconds < 60
    world.bring(run, "post", RECEIPT)
    assert endings(world)[-1].seconds < 60
    assert world.views.summary(run).seconds < 60


def test_attempts_are_counted_on_and_faults_and_refusals_anew(world: World) -> None:
    run = world.start()
    task = task_id(run, "fetch")
    for attempt in range(world.roles["forge"].attempts):
        assert world.claim(task).attempt == attempt + 1
        world.result(task, passing(after=1) if attempt == 0 else passing())
        world.outwait(task)
    world.claim(task)
    world.result(task, passing())
    assert world.run(run).state == "failed"
    before = world.task(task)
    assert (before.failures, bool(before.refused)) == (world.roles["forge"].attempts, True)
    world.retry(run)
    row = world.task(task)
    assert (row.failures, row.refused, row.not_before, row.state) == (0, 0.0, 0.0, "sent")
    assert world.claim(task).attempt > before.attempt
    world.result(task, passing())
    assert world.run(run).state == "running"


def test_a_task_that_this_version_could_not_read_is_begun_as_it_is_read_now(world: World) -> None:
    run = world.start()
    task = task_id(run, "fetch")
    world.change(TaskRow, str(task), message=b'{"brief": {"do": "fetch_pull_request", "gone": 1}}')
    world.stories.begin()
    world.go_on()
    assert world.run(run).state == "failed"
    world.retry(run)
    world.bring(run, "fetch", PULL)
    assert world.task(task_id(run, "review")).state == "sent"


# --- what the story went on from stands ---------------------------------------------------------------------


def test_of_what_failed_only_what_nothing_followed_is_done_again(world: World) -> None:
    """The review was made do without, and posted; to pay for it now would change nothing that stands there."""
    world.tell(lenient)
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", final())
    world.bring(run, "post", RECEIPT)
    assert world.run(run).again == []
    assert endings(world)[-1].can_retry is False
    world.retry(run)
    assert world.notes() == [f"{TITLE} has ended as unproven, but no step of it failed: ask for it anew."]


def test_an_unproven_run_whose_last_steps_failed_goes_on_from_the_first_of_them(world: World) -> None:
    world.tell(lenient)
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", final())
    world.bring(run, "post", final())
    assert (world.run(run).state, world.run(run).again) == ("unproven", ["review", "post"])
    world.retry(run)
    assert [task.step for task in world.sent(Task)] == ["fetch", "review", "post", "review"]
    world.bring(run, "review", REVIEW)
    world.bring(run, "post", RECEIPT)
    assert world.run(run).headline == "posted in part"


def asking(steps: Steps, ask: StartReview) -> Ending:
    steps.call("fetch", FETCH)
    choice = steps.ask(Question(question="post", text="Post it?", choices=("Post", "Discard")), otherwise="Discard")
    steps.call("post", POST)
    return Ending(state="verified", headline=choice)


def test_what_was_answered_is_not_asked_again(world: World) -> None:
    world.tell(asking)
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.answer(run, question="post")
    world.bring(run, "post", final())
    world.retry(run)
    world.bring(run, "post", RECEIPT)
    assert world.run(run).headline == "Post"
    assert len(world.content(Question)) == 1


# --- who may, and when ------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [BOB, APPROVER, VIEWER])
def test_only_the_asker_and_admins_try_a_run_again(world: World, person: Person) -> None:
    run = failed(world)
    world.retry(run, person)
    assert world.run(run).round == 1
    assert world.notes() == ["There is no such run of yours."]
    world.retry(run, ADMIN)
    assert world.run(run).round == 2


def test_a_run_that_is_under_way_is_not_begun_again(world: World) -> None:
    run = world.start()
    world.retry(run)
    assert world.notes() == [f"{TITLE} is still under way."]
    assert len(world.tasks_sent()) == 1


def test_a_run_that_is_verified_or_was_stopped_is_left_as_it_is(world: World) -> None:
    run, stopped = world.start(), world.start()
    for step, outcome in OUTCOMES.items():
        world.bring(run, step, outcome)
    world.cancel(stopped)
    for one in (run, stopped):
        world.retry(one)
    assert world.notes() == [
        f"{TITLE} has ended as {state}: there is nothing to try again." for state in ("verified", "cancelled")
    ]


def test_a_run_in_which_nothing_failed_is_asked_for_anew(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", REVIEW)
    world.bring(run, "post", receipt(proven=False, missing="it is not there"))
    assert (world.run(run).state, endings(world)[-1].can_retry) == ("unproven", False)
    world.retry(run)
    assert world.notes() == [f"{TITLE} has ended as unproven, but no step of it failed: ask for it anew."]


def test_a_run_that_is_not_there_is_told_or_waited_for(world: World) -> None:
    with pytest.raises(TryAgain, match="not there yet"):
        world.retry(uuid7())
    with pytest.raises(NotThere):
        world.runs.handle(Request(person=ADA, ask=Retry(run_id=uuid7(milliseconds=1))))


# --- once -------------------------------------------------------------------------------------------------


def test_the_same_request_begins_one_round_even_where_that_has_failed_since(any_world: World) -> None:
    world = any_world
    run = failed(world)
    request = world.retry(run)
    world.runs.take(request)
    world.bring(run, "post", final("no again"))
    world.restart()
    world.tell(plain)
    world.runs.take(request)
    world.go_on()
    assert (world.run(run).round, world.run(run).state) == (2, "failed")
    assert world.notes() == []


def test_a_second_request_while_the_round_is_under_way_is_refused_in_words(world: World) -> None:
    run = failed(world)
    world.retry(run)
    world.retry(run)
    assert world.run(run).round == 2
    assert world.notes() == [f"{TITLE} is still under way."]


def test_a_key_begins_one_round(world: World) -> None:
    run = failed(world)
    for _ in range(2):
        world.runs.handle(Request(person=ADA, ask=Retry(run_id=run)), key="again")
        world.go_on()
        if world.run(run).state == "running":
            world.bring(run, "post", final())
    assert world.run(run).round == 2


# --- what still comes of before ---------------------------------------------------------------------------


def result(world: World, run: UUID, outcome: Report, attempt: int, step: str = "post") -> None:
    """A result comes once more."""
    world.tasks.receive(Result(task_id=task_id(run, step), run_id=run, attempt=attempt, outcome=outcome))
    world.go_on()


@pytest.mark.parametrize("claimed", [True, False])
def test_a_result_of_an_earlier_round_does_not_count(world: World, claimed: bool) -> None:
    run = failed(world)
    world.retry(run)
    if claimed:
        world.claim(task_id(run, "post"))
    for outcome in (final("GitHub says no"), RECEIPT):
        result(world, run, outcome, attempt=1)
    assert world.run(run).state == "running"
    world.claim(task_id(run, "post"))
    world.result(task_id(run, "post"), RECEIPT)
    assert world.run(run).state == "verified"


def test_a_good_end_that_comes_before_the_step_is_begun_anew_counts(world: World) -> None:
    """It was taken for dead, and has posted all the same: nothing is posted twice."""
    run = failed(world, what="The forge stopped 4 times while at work")
    world.runs.handle(Request(person=ADA, ask=Retry(run_id=run)))
    result(world, run, final(), attempt=1)
    assert world.run(run).state == "running"


def test_a_good_end_of_a_task_that_was_undone_counts_until_another_has_begun(world: World) -> None:
    run = failed(world)
    world.runs.handle(Request(person=ADA, ask=Retry(run_id=run)))
    world.poked.clear()  # the story is not told yet
    world.tasks.receive(Result(task_id=task_id(run, "post"), run_id=run, attempt=1, outcome=RECEIPT))
    world.go_on()
    assert world.run(run).state == "verified"
    assert [task.step for task in world.sent(Task)].count("post") == 1


def test_after_the_end_nothing_counts_any_more(world: World) -> None:
    run = world.start()
    world.claim(task_id(run, "fetch"))
    world.cancel(run)
    result(world, run, PULL, attempt=1, step="fetch")
    assert world.rows(ResultRow) == []


def test_a_story_that_was_told_before_the_round_began_ends_nothing(world: World) -> None:
    run = failed(world)
    told = world.run(run)
    world.retry(run)
    world.stories._apply(told, Ending(state="failed", headline="of before"))
    assert (world.run(run).state, world.run(run).round) == ("running", 2)


def test_a_cancel_in_a_later_round_says_what_may_have_happened(world: World) -> None:
    run = failed(world)
    world.runs.handle(Request(person=ADA, ask=Retry(run_id=run)))
    world.poked.clear()
    world.cancel(run)
    assert world.run(run).headline == (
        "Stopped, as you asked. It was tried before, and may be so: The review is posted."
    )
