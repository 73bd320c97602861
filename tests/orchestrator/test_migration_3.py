"""A store of 1c69344, of version 2, as it was recorded: its runs go on, and what failed can be tried again."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from orchestrator.store import OutboxRow, ResultRow, RunRow, TaskRow
from stack.ids import task_id
from stack.messages import ENDED, Notification, Request, Result, Task, decode
from stack.work import reports
from stack.work.remarks import Earlier
from stack.work.review import Dismiss
from tests.orchestrator.earlier import plan
from tests.orchestrator.played import World
from tests.orchestrator.recorded import assert_as_new, begin, endings, finish, questions, recorded
from tests.orchestrator.samples import ADA, RECEIPT, final
from tests.orchestrator.test_claims import silence

PERSON = ADA.model_copy(update={"id": "telegram:1001"})
# as tests/stores/1c69344/README.md has them
VERIFIED = UUID("01a22a64-f0a0-75e9-9691-0e74ee0c13f6")
UNPROVEN = UUID("01a22a65-0040-7d7d-ac21-b915c012adb1")
FAILED = {
    UUID("01a22a65-0fe0-740a-a7a8-94e5c6bd5260"): "review",
    UUID("01a22a65-13c8-73da-8f12-0dfd9adac8a2"): "fetch",
    UUID("01a22a65-17b0-7a0f-ad54-9fb0178e0d78"): "post",
}
CANCELLED = UUID("01a22a65-1f80-79d9-b057-fb46327c0d17")
DISCARDED = UUID("01a22a65-2b38-7b48-b51c-cb491ba78cad")
APPROVED = UUID("01a22a65-3308-7593-be8f-41f869f29867")
WAITING = UUID("01a22a65-8ce0-78e8-91fe-b357eff147fd")
REVIEWING = UUID("01a22a65-a838-77fc-95a3-e1cb0897f9cb")
POSTING_CLAIMED = UUID("01a22a65-9c80-7d25-ba18-246241f07a93")
POSTING_SENT = UUID("01a22a65-9898-78e8-abc2-23ebcaf00510")
POSTING_OUTBOX = UUID("01a22a65-90c8-786e-b6f8-f853c6cce39b")
FETCHING = UUID("01a22a65-b008-7f8e-9619-4ee13bf84631")
FETCHING_OUTBOX = UUID("01a22a65-b507-75c7-aa40-0d5ba3421738")
QUEUED = UUID("01a22a66-2a1d-7e4b-9203-732f1ccc742a")
ENDED_AS = {
    VERIFIED: "verified", UNPROVEN: "unproven", **dict.fromkeys(FAILED, "failed"), CANCELLED: "cancelled",
    DISCARDED: "cancelled", APPROVED: "verified",
}  # fmt: skip
POSTING = (POSTING_CLAIMED, POSTING_SENT, POSTING_OUTBOX)
LIVE = (REVIEWING, *POSTING, FETCHING, FETCHING_OUTBOX, QUEUED)


@pytest.fixture
def opened(store_url: str, tmp_path: Path) -> Iterator[World]:
    """An orchestrator of today on the recorded store, which has not begun."""
    world = World(recorded("1c69344", store_url, tmp_path), tmp_path)
    yield world
    world.close()


@pytest.fixture
def old(opened: World) -> World:
    """The same, begun."""
    begin(opened)
    return opened


def test_it_has_the_tables_columns_keys_and_indexes_of_a_new_store(
    old: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert_as_new(old, tmp_path, request)


def test_a_second_start_changes_nothing(old: World) -> None:
    before = {row.id: (row.state, row.step, row.attempt, row.message) for row in old.rows(TaskRow)}
    told = len(old.publisher.published)
    old.restart()
    begin(old)
    assert {row.id: (row.state, row.step, row.attempt, row.message) for row in old.rows(TaskRow)} == before
    assert len(old.publisher.published) == told


def test_everything_in_it_can_be_read(old: World) -> None:
    assert len(old.rows(RunRow)) == len(ENDED_AS) + len(LIVE) + 1
    for run in old.rows(RunRow):
        assert run.repository == run.request["ask"]["repository"].lower()
        assert (run.number, run.round) == (run.request["ask"]["number"], 1)
        Request.model_validate(run.request)
        old.views.show(UUID(run.id))
    for task in old.rows(TaskRow):
        if task.state != "done":
            assert isinstance(decode(task.message), Task)
    for result in old.rows(ResultRow):
        reports()[result.outcome["report"]].model_validate(result.outcome)


@pytest.mark.parametrize("run", ENDED_AS)
def test_what_had_ended_stays_as_it_was(old: World, run: UUID) -> None:
    shown = old.views.show(run)
    assert (shown.state, bool(shown.headline), bool(shown.ended)) == (ENDED_AS[run], True, True)
    assert endings(old, run) == []
    assert old.run(run).again == ([FAILED[run]] if run in FAILED else [])


# --- what was under way -----------------------------------------------------------------------------------


def test_all_runs_at_work_go_on_beside_each_other_and_end_once(old: World) -> None:
    silence(old, 60)  # of whoever held a task
    for run in LIVE:
        finish(old, run)
        if run in POSTING:
            approve(old, run)
        (ending,) = endings(old, run)
        assert (ending.state, old.run(run).state) == ("verified", "verified")
    assert sorted(row.state for row in old.rows(RunRow) if row.state not in ENDED) == ["waiting"]
    assert old.rows(OutboxRow) == []


def approve(world: World, run: UUID) -> None:
    """The person, who had answered before, sees the draft now, and wants it posted."""
    assert (world.run(run).state, world.gate(run, "post").answer) == ("waiting", "Post")
    assert (questions(world, run), endings(world, run)) == (["approve"], [])
    assert world.task(task_id(run, "post")).state == "done"  # nothing is posted until then
    world.answer(run, "Post", PERSON)
    finish(world, run)


def test_nothing_is_read_again_that_was_paid(old: World) -> None:
    silence(old, 60)
    for run in POSTING:
        finish(old, run)
        approve(old, run)
        assert not [task for task in old.sent(Task) if task.run_id == run and task.step in ("fetch", "review")]


@pytest.mark.parametrize("run", POSTING)
def test_a_posting_in_the_form_of_before_is_not_sent_and_the_story_goes_on_to_it(opened: World, run: UUID) -> None:
    before = opened.task(task_id(run, "post"))
    assert str(task_id(run, "post")) not in opened.in_outbox()
    assert before.state == "done"
    begin(opened)
    finish(opened, run)
    approve(opened, run)
    (sent,) = [task for task in opened.sent(Task) if task.run_id == run and task.step == "post"]
    assert sent.id == task_id(run, "post")
    after = opened.task(sent.id)
    assert after.attempt == (3 if run == POSTING_CLAIMED else 1)


def test_a_receipt_that_still_comes_counts_and_nothing_is_posted_twice(opened: World) -> None:
    """The forge of before had posted as it was stopped, and what it said lay in the queue."""
    post = task_id(POSTING_CLAIMED, "post")
    opened.tasks.receive(Result(task_id=post, run_id=POSTING_CLAIMED, attempt=1, outcome=RECEIPT))
    begin(opened)
    finish(opened, POSTING_CLAIMED)
    assert opened.run(POSTING_CLAIMED).state == "verified"
    assert post not in opened.tasks_sent()
    assert questions(opened, POSTING_CLAIMED) == []  # what stands there is not asked about


def test_a_receipt_that_comes_while_its_person_is_asked_ends_the_question(opened: World) -> None:
    begin(opened)
    finish(opened, POSTING_CLAIMED)
    assert opened.run(POSTING_CLAIMED).state == "waiting"
    post = task_id(POSTING_CLAIMED, "post")
    opened.tasks.receive(Result(task_id=post, run_id=POSTING_CLAIMED, attempt=1, outcome=RECEIPT))
    opened.go_on()
    assert (opened.run(POSTING_CLAIMED).state, len(endings(opened, POSTING_CLAIMED))) == ("verified", 1)
    opened.answer(POSTING_CLAIMED, "Discard", PERSON)
    assert opened.run(POSTING_CLAIMED).state == "verified"
    assert post not in opened.tasks_sent()


def test_a_failure_that_still_comes_does_not_count(opened: World) -> None:
    post = task_id(POSTING_CLAIMED, "post")
    opened.tasks.receive(Result(task_id=post, run_id=POSTING_CLAIMED, attempt=1, outcome=final()))
    begin(opened)
    opened.tasks.receive(Result(task_id=post, run_id=POSTING_CLAIMED, attempt=1, outcome=final()))
    opened.go_on()
    assert opened.run(POSTING_CLAIMED).state == "running"


@pytest.mark.parametrize("before", ["Post", "Discard"])
@pytest.mark.parametrize(("choice", "state"), [("Post", "verified"), ("Discard", "cancelled")])
def test_the_run_that_waited_still_waits_and_its_answer_is_none_to_the_draft(
    old: World, before: str, choice: str, state: str
) -> None:
    assert (old.run(WAITING).state, old.gate(WAITING, "post").answer) == ("waiting", None)
    assert [m for m in old.sent(Notification) if m.run_id == WAITING] == []
    old.answer(WAITING, before, PERSON, question="post")
    finish(old, WAITING)
    assert (questions(old, WAITING), endings(old, WAITING)) == (["approve"], [])
    assert old.step(WAITING, "post") is None
    old.answer(WAITING, choice, PERSON)
    finish(old, WAITING)
    assert (old.run(WAITING).state, len(endings(old, WAITING))) == (state, 1)


# --- what is new ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", FAILED)
def test_what_had_failed_can_be_tried_again(old: World, run: UUID) -> None:
    old.retry(run, PERSON)
    finish(old, run)
    (ending,) = endings(old, run)
    assert (ending.state, old.run(run).round) == ("verified", 2)
    done = ["fetch", "review", "post"]
    sent = [task.step for task in old.sent(Task) if task.run_id == run and task.step in done]
    assert sent == done[done.index(FAILED[run]) :]


def test_what_was_posted_and_paid_is_known_to_the_next_plan(old: World) -> None:
    fetched = old.outcome(task_id(VERIFIED, "fetch"))
    assert fetched is not None
    posted = [old.outcome(task_id(run, "post")) for run in (VERIFIED, APPROVED)]
    planned = plan(old, repository="acme/shop", number=1)
    assert planned.earlier
    assert planned.earlier.url in [receipt["url"] for receipt in posted if receipt]
    assert planned.earlier == Earlier(head_sha=fetched["head_sha"], url=planned.earlier.url)
    assert 0.1 < planned.estimate.low <= planned.estimate.high < 0.5  # ten hunks; each of three runs had one


def test_a_review_of_before_has_no_finding_with_a_number(old: World) -> None:
    old.ask(Dismiss(run_id=VERIFIED, number=1), PERSON)
    assert old.notes() == ["Review of acme/shop#1 has no findings yet that could be named by a number."]
