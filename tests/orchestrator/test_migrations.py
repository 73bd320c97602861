"""A store of 64aaa5c, as it was recorded: it is brought up to date, and its runs go on as their person expects."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Engine, Integer, Table, create_engine, inspect, text

from orchestrator.store import Base, EventRow, GateRow, OutboxRow, ResultRow, RunRow, TaskRow
from orchestrator.store.migrations import migrate
from stack.ids import task_id, uuid7
from stack.messages import ENDED, Notification, Question, Request, Task, decode
from stack.work import reports
from stack.work.review import PullRequest, Review
from tests.orchestrator.played import World
from tests.orchestrator.recorded import assert_as_new, begin, endings, finish, questions, recorded
from tests.orchestrator.samples import ADA, final, passing
from tests.orchestrator.test_store import schema

PERSON = ADA.model_copy(update={"id": "telegram:1001"})
# as tests/stores/64aaa5c/README.md has them
VERIFIED = UUID("01a22993-5c48-71c9-a27b-0838614f97e7")
UNPROVEN = UUID("01a22993-6be8-714c-944c-c8c1b9dde07f")
FAILED = (UUID("01a22993-73b8-7c49-aee1-ddc2b17152c6"), UUID("01a22993-7f70-73f1-b432-5b31df43bff1"))
CANCELLED = UUID("01a22993-8358-7aa1-a77c-39769990c1e3")
DISCARDED = UUID("01a22993-8b28-7f81-8824-6556c3b1f8f9")
WAITING = UUID("01a22993-96e0-7b51-b13f-cee941a1905c")
REVIEWING = UUID("01a22993-9eb0-7e7a-b8c8-30d85cae8d2e")
POSTING = UUID("01a22993-a298-77b2-84a2-34297db94bdf")
FETCHING = UUID("01a22993-a680-7f80-b689-a2c57a8116cb")
IN_OUTBOX = UUID("01a22993-a680-7b02-8292-57402347b56a")
QUEUED = UUID("01a22993-a680-72a8-a241-b716552976c8")
TO_POST = ["conversation", "check", "draft", "post"]  # the steps of today after a review that there is
LIVE = {REVIEWING: "review", POSTING: "post", FETCHING: "fetch", IN_OUTBOX: "fetch", QUEUED: "fetch"}


@pytest.fixture
def old_url(store_url: str, tmp_path: Path) -> str:
    """The recorded store, in each database in turn."""
    return recorded("64aaa5c", store_url, tmp_path)


@pytest.fixture
def change_old(old_url: str) -> Iterator[Any]:
    """Executes SQL in the old store."""
    engine: Engine = create_engine(old_url)

    def change(sql: str, **values: object) -> None:
        with engine.begin() as connection:
            connection.execute(text(sql), values)

    yield change
    engine.dispose()


@pytest.fixture
def old(old_url: str, tmp_path: Path) -> Iterator[World]:
    """An orchestrator of today that is started on the recorded store."""
    world = World(old_url, tmp_path)
    begin(world)
    yield world
    world.close()


# --- the schema ---------------------------------------------------------------------------------------


def test_it_has_the_tables_columns_keys_and_indexes_of_a_new_store(
    old: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert_as_new(old, tmp_path, request)


def test_each_table_is_made_by_a_step_and_none_by_what_the_program_knows_today(old_url: str) -> None:
    engine = create_engine(old_url)
    today = Table("of_today", Base.metadata, Column("id", Integer, primary_key=True))
    try:
        migrate(engine)
    finally:
        Base.metadata.remove(today)
    assert set(inspect(engine).get_table_names()) == set(Base.metadata.tables)
    engine.dispose()


def test_a_second_start_changes_nothing(old: World) -> None:
    before = {row.id: (row.state, row.step, row.attempt, row.message) for row in old.rows(TaskRow)}
    waiting = old.gate(WAITING, "post").until
    told = len(old.publisher.published)
    old.restart()
    begin(old)
    assert {row.id: (row.state, row.step, row.attempt, row.message) for row in old.rows(TaskRow)} == before
    assert old.gate(WAITING, "post").until == waiting
    assert len(old.publisher.published) == told


def test_a_migration_that_fails_leaves_the_store_as_it_was(old_url: str, change_old: Any) -> None:
    change_old("UPDATE outbox SET message = :junk", junk=b"junk")
    before = schema(old_url)
    engine = create_engine(old_url)
    with pytest.raises(ValueError, match="Expecting value"):
        migrate(engine)
    engine.dispose()
    assert schema(old_url) == before


# --- what stands in it --------------------------------------------------------------------------------


def test_everything_in_it_can_be_read(old: World) -> None:
    assert len(old.rows(RunRow)) == 12
    for run in old.rows(RunRow):
        request = Request.model_validate(run.request)
        assert (str(request.id), request.person.id, run.person) == (run.id, PERSON.id, PERSON.id)
        assert old.views.show(UUID(run.id)).workflow == "review"
    for task in old.rows(TaskRow):
        if json.loads(task.message)["brief"]["do"] == "post_review":
            assert task.state == "done"  # nobody reads it: what was to be posted is drafted and posted anew
            continue
        message = decode(task.message)
        assert isinstance(message, Task)
        assert (str(message.id), str(message.run_id), message.step, message.brief.by) == (
            task.id, task.run_id, task.step, task.role,
        )  # fmt: skip
        assert (task.effect, task.person) == (message.brief.effect, PERSON.id)
    for result in old.rows(ResultRow):
        reports()[result.outcome["report"]].model_validate(result.outcome)
    for gate in old.rows(GateRow):
        Question.model_validate(gate.content)
    assert old.rows(EventRow)


@pytest.mark.parametrize(
    ("run", "state"),
    [(VERIFIED, "verified"), (UNPROVEN, "unproven"), (FAILED[0], "failed"), (FAILED[1], "failed"),
     (CANCELLED, "cancelled"), (DISCARDED, "cancelled")],
)  # fmt: skip
def test_what_had_ended_stays_as_it_was(old: World, run: UUID, state: str) -> None:
    shown = old.views.show(run)
    assert (shown.state, bool(shown.headline), bool(shown.ended)) == (state, True, True)
    assert all(task.state == "done" for task in shown.tasks)
    assert endings(old, run) == []
    old.cancel(run, PERSON)
    assert old.notes() == ([] if run == CANCELLED else [f"{shown.title} has already ended: {state}."])


def test_an_answer_that_was_given_is_shown(old: World) -> None:
    (gate,) = old.views.show(DISCARDED).gates
    assert (gate.answer, gate.answered_by) == ("Discard", PERSON.id)


# --- runs that were at work ---------------------------------------------------------------------------


def test_what_was_under_way_is_sent_again_and_nothing_else(old: World) -> None:
    under_way = {(run, step) for run, step in LIVE.items() if step != "post"}
    new = {(run, "conversation") for run in (REVIEWING, POSTING, WAITING)}
    assert {(task.run_id, task.step) for task in old.sent(Task)} == under_way | new
    assert len(old.sent(Task)) == len(under_way | new)
    assert {old.run(run).state for run in LIVE} == {"running"}


@pytest.mark.parametrize("run", LIVE)
def test_a_run_at_work_goes_on_and_ends_once(old: World, run: UUID) -> None:
    finish(old, run)
    (ending,) = endings(old, run)
    assert (ending.state, old.run(run).state) == ("verified", "verified")


def test_all_runs_at_work_go_on_beside_each_other(old: World) -> None:
    for run in (*LIVE, WAITING):
        finish(old, run)
    assert {old.run(run).state for run in LIVE} == {"verified"}
    assert sorted(row.state for row in old.rows(RunRow) if row.state not in ENDED) == ["waiting"]


def test_what_a_step_returned_before_is_not_done_again(old: World) -> None:
    assert [row.step for row in old.rows(TaskRow) if row.run_id == str(POSTING)].count("review") == 1
    finish(old, POSTING)
    assert [task.step for task in old.sent(Task) if task.run_id == POSTING] == TO_POST
    (review,) = [r for r in old.rows(ResultRow) if r.task_id == str(task_id(POSTING, "review"))]
    assert isinstance(reports()["review"].model_validate(review.outcome), Review)


def test_a_task_that_was_claimed_has_used_up_an_attempt(old: World) -> None:
    row = old.task(task_id(REVIEWING, "review"))
    assert (row.attempt, row.failures) == (1, 1)
    claim = old.claim(UUID(row.id))
    assert (claim.verdict, claim.attempt) == ("run", 2)
    old.result(UUID(row.id), passing("it failed again"))
    finish(old, REVIEWING)
    assert old.run(REVIEWING).headline == "it failed again"


def test_a_process_of_before_has_lost_its_task(old: World) -> None:
    row = old.task(task_id(REVIEWING, "review"))
    assert old.tasks.renew(UUID(row.id), instance=row.instance, attempt=1).verdict == "lost"


def test_a_run_at_work_can_be_cancelled(old: World) -> None:
    old.cancel(REVIEWING, PERSON)
    assert old.run(REVIEWING).state == "cancelled"
    assert len(endings(old, REVIEWING)) == 1


# --- the run that waited ------------------------------------------------------------------------------


def test_the_run_that_waited_is_asked_anew_with_its_draft(old: World) -> None:
    finish(old, WAITING)
    assert (old.run(WAITING).state, old.gate(WAITING, "post").answer) == ("waiting", None)
    assert questions(old, WAITING) == ["approve"]


@pytest.mark.parametrize("before", ["Post", "Discard"])
@pytest.mark.parametrize(("choice", "state"), [("Post", "verified"), ("Discard", "cancelled")])
def test_an_answer_to_what_was_asked_before_is_none_to_the_draft(
    old: World, before: str, choice: str, state: str
) -> None:
    old.answer(WAITING, before, PERSON, question="post")
    finish(old, WAITING)
    assert (old.run(WAITING).state, endings(old, WAITING)) == ("waiting", [])
    assert old.step(WAITING, "post") is None
    old.answer(WAITING, choice, PERSON)
    finish(old, WAITING)
    (ending,) = endings(old, WAITING)
    assert ending.state == state
    assert questions(old, WAITING) == ["approve"]


# --- situations that the recording has not ------------------------------------------------------------


def test_a_step_that_was_tried_again_has_one_task_with_its_last_outcome(
    old_url: str, tmp_path: Path, change_old: Any
) -> None:
    """64aaa5c made a task for each try: `fetch`, `fetch-2`."""
    second = task_id(POSTING, "fetch-2")
    first = task_id(POSTING, "fetch")
    change_old(
        "INSERT INTO tasks (id, run_id, role, step, message, attempt, holder, instance, lease_until, redispatched,"
        " done, created, sent) SELECT :second, run_id, role, 'fetch-2', message, attempt, holder, instance,"
        " lease_until, redispatched, done, created, sent FROM tasks WHERE id = :first",
        second=str(second), first=str(first),
    )  # fmt: skip
    change_old("UPDATE results SET task_id = :second WHERE task_id = :first", second=str(second), first=str(first))
    world = World(old_url, tmp_path)
    begin(world)
    steps = [row for row in world.rows(TaskRow) if row.run_id == str(POSTING) and row.step.startswith("fetch")]
    assert [(row.id, row.step) for row in steps] == [(str(second), "fetch")]
    assert isinstance(reports()["pull_request"].model_validate(world.outcome(second)), PullRequest)
    finish(world, POSTING)
    assert world.run(POSTING).state == "verified"
    assert [task.step for task in world.sent(Task) if task.run_id == POSTING] == TO_POST
    world.close()


def fail_to_be_tried_again(change_old: Any, task: UUID) -> None:
    """In 64aaa5c a task that fails is done, and after a pause there is another for the next try."""
    change_old("UPDATE tasks SET done = :yes, attempt = 1 WHERE id = :id", yes=True, id=str(task))
    failed = {"outcome": {"report": "failure", "what": "it was overloaded", "next": "retry"}}
    change_old(
        "INSERT INTO results (task_id, attempt, message, created) SELECT id, 1, :message, created FROM tasks"
        " WHERE id = :id",
        message=json.dumps(failed).encode(), id=str(task),
    )  # fmt: skip


def test_a_run_between_two_tries_goes_on(old_url: str, tmp_path: Path, change_old: Any) -> None:
    task = task_id(REVIEWING, "review")
    fail_to_be_tried_again(change_old, task)
    world = World(old_url, tmp_path)
    begin(world)
    sent = {row.id: row.step for row in world.sent(Task) if row.run_id == REVIEWING}
    assert sent == {task: "review", task_id(REVIEWING, "conversation"): "conversation"}
    assert (world.outcome(task), world.task(task).failures) == (None, 1)
    finish(world, REVIEWING)
    (ending,) = endings(world, REVIEWING)
    assert ending.state == "verified"
    world.close()


def test_a_run_whose_last_try_failed_fails(old_url: str, tmp_path: Path, change_old: Any) -> None:
    first, second = task_id(REVIEWING, "review"), task_id(REVIEWING, "review-2")
    change_old(
        "INSERT INTO tasks (id, run_id, role, step, message, attempt, holder, instance, lease_until, redispatched,"
        " done, created, sent) SELECT :second, run_id, role, 'review-2', message, attempt, holder, instance,"
        " lease_until, redispatched, done, created, sent FROM tasks WHERE id = :first",
        second=str(second), first=str(first),
    )  # fmt: skip
    for task in (first, second):
        fail_to_be_tried_again(change_old, task)
    world = World(old_url, tmp_path)
    begin(world)
    finish(world, REVIEWING)
    (ending,) = endings(world, REVIEWING)
    assert (ending.state, ending.headline) == ("failed", "it was overloaded")
    assert "review" not in [task.step for task in world.sent(Task) if task.run_id == REVIEWING]
    world.close()


def test_a_run_that_was_stopped_between_two_tries_ends(old_url: str, tmp_path: Path, change_old: Any) -> None:
    fail_to_be_tried_again(change_old, task_id(REVIEWING, "review"))
    change_old("UPDATE runs SET cancelled = :yes WHERE id = :id", yes=True, id=str(REVIEWING))
    world = World(old_url, tmp_path)
    begin(world)
    assert [task for task in world.sent(Task) if task.run_id == REVIEWING] == []
    (ending,) = endings(world, REVIEWING)
    assert ending.state == "cancelled"
    world.close()


def test_what_failed_in_a_run_that_has_ended_stays(old_url: str, tmp_path: Path, change_old: Any) -> None:
    task = task_id(REVIEWING, "review")
    fail_to_be_tried_again(change_old, task)
    change_old("UPDATE runs SET state = 'failed' WHERE id = :id", id=str(REVIEWING))
    world = World(old_url, tmp_path)
    begin(world)
    assert (world.task(task).state, world.outcome(task) is None) == ("done", False)
    world.close()


def test_a_run_whose_cancel_was_not_yet_told_ends(old_url: str, tmp_path: Path, change_old: Any) -> None:
    for run in (REVIEWING, WAITING):
        change_old("UPDATE runs SET cancelled = :yes WHERE id = :id", yes=True, id=str(run))
    world = World(old_url, tmp_path)
    begin(world)
    for run in (REVIEWING, WAITING):
        assert world.run(run).state == "cancelled"
        assert len(endings(world, run)) == 1
    world.close()


def test_a_run_whose_answer_was_not_yet_told_goes_on_and_asks_with_its_draft(
    old_url: str, tmp_path: Path, change_old: Any
) -> None:
    change_old(
        "INSERT INTO answers (run_id, question, choice, person, created)"
        " SELECT :run, question, 'Post', person, created FROM answers LIMIT 1",
        run=str(WAITING),
    )
    world = World(old_url, tmp_path)
    begin(world)
    finish(world, WAITING)
    assert [task.step for task in world.sent(Task) if task.run_id == WAITING] == TO_POST[:-1]
    assert (world.run(WAITING).state, questions(world, WAITING)) == ("waiting", ["approve"])
    world.close()


def test_a_notification_that_was_not_yet_sent_is_sent(old_url: str, tmp_path: Path, change_old: Any) -> None:
    told = (
        f'{{"version":1,"id":"{uuid7()}","at":"2026-11-29T20:00:00Z","type":"notification","run_id":"{FAILED[0]}",'
        '"chat":{"chat_id":1001,"message_id":5},"content":{"about":"ending","state":"failed","headline":"No",'
        '"details":[],"links":[],"model":"","cost_usd":0.0,"seconds":1.0}}'
    )
    change_old(
        "INSERT INTO outbox (id, message, created) SELECT :id, :message, created FROM outbox LIMIT 1",
        id=str(uuid7()), message=told.encode(),
    )  # fmt: skip
    world = World(old_url, tmp_path)
    begin(world)
    (ending,) = endings(world, FAILED[0])
    assert ending.headline == "No"
    (message,) = [m for m in world.sent(Notification) if m.run_id == FAILED[0]]
    assert (message.person, message.chat and message.chat.message_id) == (PERSON.id, 5)
    assert world.rows(OutboxRow) == []
    world.close()


def test_an_effect_that_failed_before_fails_as_it_would_have(old: World) -> None:
    old.bring(POSTING, "post", final("GitHub says no"))
    assert (old.run(POSTING).state, old.run(POSTING).again) == ("failed", ["post"])
    assert old.run(POSTING).headline.endswith("the review could not be posted: GitHub says no")
