"""Runs go on: from step to step, each begun once, and the end is kept and told once."""

import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from orchestrator.journal import ANOTHER_VERSION, Steps
from orchestrator.store import OutboxRow, RunRow, TaskRow
from orchestrator.stories import Stories, found
from stack.errors import TryAgain
from stack.ids import task_id, uuid7
from stack.messages import Ending, Notification, Progress, Task
from stack.work import starts
from stack.work.beforehand import Conversation, FetchConversation
from stack.work.kinds import Brief
from stack.work.review import CheckFindings, DraftReview
from tests.orchestrator.played import World, wait_until
from tests.orchestrator.samples import ADA, CHANGE, CHECKED, DRAFT, FETCH, POST, PULL, RECEIPT, REVIEW, START, final

ABOUT = FetchConversation(repository="acme/shop", number=12, base_sha=PULL.base_sha, head_sha=PULL.head_sha)
CHECK = CheckFindings(
    repository="acme/shop", base_sha=PULL.merge_base, head_sha=PULL.head_sha, base_tip=PULL.base_sha,
    findings=REVIEW.findings,
)  # fmt: skip
VERIFIED = Ending(state="verified", headline="Done", details=("all of it",))


def hops(world: World) -> list[str]:
    return [m.text for m in world.publisher.mentioned if isinstance(m, Progress) and m.kind == "hop"]


# --- a whole run --------------------------------------------------------------------------------------


def test_a_review_goes_from_step_to_step_to_its_end(any_world: World) -> None:
    world = any_world
    run = world.start()
    assert [task.brief for task in world.sent(Task)] == [FETCH]
    assert world.run(run).state == "running"
    done: list[Brief[Any]] = [FETCH]
    for step, outcome, then in (
        ("fetch", PULL, ABOUT),
        ("conversation", Conversation(), CHANGE),
        ("review", REVIEW, CHECK),
        ("check", CHECKED, DraftReview(pull=PULL, review=REVIEW, checked=True)),
        ("draft", DRAFT, POST),
    ):
        world.bring(run, step, outcome)
        done.append(then)
        assert [task.brief for task in world.sent(Task)] == done
    assert [row.step for row in world.rows(TaskRow) if row.role == "orchestrator"] == ["plan"]
    world.bring(run, "post", RECEIPT)

    row = world.run(run)
    assert (row.state, row.headline) == ("verified", "acme/shop#12 reviewed: 1 finding (1 high)")
    assert (row.cost_usd, row.model, row.poked - row.seen) == (0.25, "not-a-model", 0)
    assert row.ended is not None
    (told,) = world.sent(Notification)
    assert (told.person, told.chat, told.title) == (ADA.id, world.sent(Notification)[0].chat, "Review of acme/shop#12")
    ending = world.ending()
    assert (ending.state, ending.cost_usd, ending.model) == ("verified", 0.25, "not-a-model")
    assert ending.seconds == pytest.approx((row.ended - row.created).total_seconds())
    assert world.in_outbox() == set()
    assert hops(world) == ["run.started", "run.ended"]


def test_every_step_is_a_task_with_its_own_id(world: World) -> None:
    run = world.start()
    assert world.tasks_sent() == [task_id(run, "fetch")]
    (task,) = world.sent(Task)
    assert (task.run_id, task.step) == (run, "fetch")


def test_a_process_that_dies_between_two_steps_goes_on_where_it_stood(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", PULL)
    outcomes = {"conversation": Conversation(), "review": REVIEW, "check": CHECKED, "draft": DRAFT, "post": RECEIPT}
    for step, outcome in outcomes.items():
        world.restart()
        world.bring(run, step, outcome)
    assert world.run(run).state == "verified"
    assert world.tasks_sent() == [task_id(run, step) for step in ("fetch", *outcomes)]


def test_there_is_a_story_for_each_ask_that_begins_a_run() -> None:
    assert found().keys() == starts().keys()
    assert all(callable(story) for story in found().values())


def test_a_workflow_that_is_broken_keeps_the_service_from_starting_and_ends_no_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "orchestrator.workflows.review", ModuleType("review"))
    with pytest.raises(AttributeError, match="review"):
        Stories(world.transactions, tasks=world.tasks, costs=world.costs, local=world.local, files=world.files)


# --- telling again ------------------------------------------------------------------------------------


def test_a_run_that_is_told_again_does_nothing_again(world: World) -> None:
    run = world.start()
    for _ in range(3):
        world.stories.advance(str(run))
    world.go_on()
    assert len(world.rows(TaskRow)) == 1
    assert len(world.tasks_sent()) == 1


def test_an_ending_is_told_once_however_often_the_run_is_told(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", final())
    for _ in range(3):
        world.stories.advance(str(run))
    world.go_on()
    assert world.ending().headline == "there is no such pull request"


def test_a_question_is_asked_once_however_often_the_run_is_told(world: World) -> None:
    run = world.start_waiting()
    for _ in range(3):
        world.stories.advance(str(run))
    world.go_on()
    assert world.question().question == "approve"
    assert world.run(run).state == "waiting"


def test_what_people_are_told_has_the_same_id_in_every_life_of_the_process(world: World) -> None:
    """The bot looks at the id: no final message appears twice."""
    run = world.start_waiting()
    world.answer(run, "Discard")
    asked, ended = world.sent(Notification)
    assert asked.id == task_id(run, "ask approve")
    assert ended.id == task_id(run, "ending")


def test_a_run_that_is_not_there_or_has_ended_is_left_alone(world: World) -> None:
    world.stories.advance(str(uuid7()))
    run = world.start()
    world.change(RunRow, str(run), state="failed")
    world.bring(run, "fetch", PULL)
    assert world.run(run).state == "failed"
    assert len(world.rows(TaskRow)) == 1


def test_what_happens_while_a_story_is_told_is_told_after_it(world: World) -> None:
    run = world.start()

    def interrupted(steps: Steps, ask: Any) -> Ending:
        with world.transactions.begin("meanwhile") as tx:
            tx.poke(str(run))
        steps.call("fetch", FETCH)
        return VERIFIED

    world.tell(interrupted)
    world.stories.advance(str(run))
    row = world.run(run)
    assert row.poked > row.seen
    assert world.poked == [str(run)]


# --- ends ---------------------------------------------------------------------------------------------


def test_a_step_that_failed_ends_the_run_in_its_words(world: World) -> None:
    run = world.start()
    world.bring(run, "fetch", final("acme/shop#12 is closed"))
    assert (world.ending().state, world.ending().headline) == ("failed", "acme/shop#12 is closed")
    assert world.run(run).state == "failed"


def test_a_story_with_a_fault_ends_its_run_and_shows_nothing_of_the_fault(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(steps: Steps, ask: Any) -> Ending:
        raise ZeroDivisionError("a secret of the inside")

    world.tell(faulty)
    run = world.start()
    assert world.run(run).state == "failed"
    assert world.ending().headline == "Something went wrong inside the stack; its log says what."
    assert "a secret of the inside" in caplog.text


def test_a_run_of_a_workflow_that_is_gone_ends_in_words(world: World) -> None:
    world.tell(lambda _steps, _ask: VERIFIED, verb="another")
    run = world.start()
    assert world.run(run).state == "failed"


def test_a_run_that_was_begun_by_an_earlier_version_of_its_workflow_ends_in_words(world: World) -> None:
    run = world.start()

    def changed(steps: Steps, ask: Any) -> Ending:
        steps.call("fetch", CHANGE)
        return VERIFIED

    world.tell(changed)
    world.bring(run, "fetch", PULL)
    assert world.ending().headline == ANOTHER_VERSION


def test_a_cost_that_is_not_known_is_not_called_nothing(world: World) -> None:
    world.costs.dollars = None
    world.tell(lambda _steps, _ask: VERIFIED)
    run = world.start()
    assert world.ending().details == ("all of it", "What it cost is not known: no ledger.")
    assert world.run(run).details == ["all of it", "What it cost is not known: no ledger."]


def test_a_run_that_a_program_began_is_told_to_its_person_without_a_chat(world: World) -> None:
    world.tell(lambda _steps, _ask: VERIFIED)
    world.start(chat=None)
    (told,) = world.sent(Notification)
    assert (told.person, told.chat, told.title) == (ADA.id, None, "Review of acme/shop#12")


# --- what can no longer be read -----------------------------------------------------------------------


def update(world: World, run: UUID, **request: object) -> None:
    """The stack is another version now, which does not know what was asked for; the process begins anew."""
    world.restart()
    world.change(RunRow, str(run), request={**world.run(run).request, **request})
    world.stories.begin()
    world.go_on()


@pytest.mark.parametrize("request_", [{"ask": {"verb": "dance"}}, {"version": 4}, {"person": None, "chat": "x"}])
def test_a_run_whose_request_can_no_longer_be_read_ends_at_once_and_its_person_is_told(
    world: World, request_: dict[str, object]
) -> None:
    run = world.start()
    task = world.tasks_sent()[0]
    world.claim(task)
    update(world, run, **request_)
    assert world.run(run).state == "failed"
    (told,) = world.sent(Notification)
    assert (told.person, told.chat is None, told.title) == (ADA.id, "chat" in request_, "Review of acme/shop#12")
    assert world.ending().headline == f"The run broke off: {ANOTHER_VERSION}."
    assert world.task(task).state == "done"  # nobody works on for it
    assert [signal.task_id for signal in world.signals()] == [task]


def test_a_run_that_waits_for_a_person_and_can_no_longer_be_read_ends_too(world: World) -> None:
    run, other = world.start_waiting(), world.start_waiting()
    update(world, run, ask={"verb": "dance"})
    assert (world.run(run).state, world.run(other).state) == ("failed", "waiting")
    world.answer(run)
    assert world.notes() == ["Review of acme/shop#12 has already ended: failed."]


@pytest.mark.parametrize("state", ["waiting", "sent", "claimed"])
@pytest.mark.parametrize("brief", [b'"do":"dance"', b'"do":"review_change"', b'"do":"fetch_pull_request","new":1'])
def test_a_run_whose_task_can_no_longer_be_read_ends_in_words_and_holds_up_no_other(
    world: World, state: str, brief: bytes
) -> None:
    run, other = world.start(), world.start()
    task = task_id(run, "fetch")
    message = world.task(task).message.replace(b'"do":"fetch_pull_request"', brief)
    world.change(TaskRow, str(task), message=message, state=state)
    world.change(TaskRow, str(task_id(other, "fetch")), state="waiting")
    world.restart()
    world.stories.begin()
    world.go_on()
    assert (world.run(run).state, world.ending().state) == ("failed", "failed")
    assert world.ending().headline == ANOTHER_VERSION
    world.look()
    assert world.task(task_id(other, "fetch")).state == "sent"


def test_a_task_that_is_done_need_not_be_read(world: World) -> None:
    run = world.start_waiting()
    for step in ("fetch", "plan", "conversation", "review", "check", "draft"):
        task = task_id(run, step)
        world.change(TaskRow, str(task), message=world.task(task).message.replace(b'"run_id"', b'"was_id"'))
    world.answer(run)
    assert world.step(run, "post") is not None


def test_what_is_left_of_a_run_that_ends_is_let_go(world: World) -> None:
    """As of a story that has changed meanwhile, and no longer asks for it."""
    run = world.start()
    world.tell(lambda _steps, _ask: VERIFIED)
    world.stories.advance(str(run))
    task = world.tasks_sent()[0]
    assert world.claim(task).verdict == "done"
    assert [signal.task_id for signal in world.signals()] == [task]


# --- what cannot be written down ----------------------------------------------------------------------


def test_a_run_whose_result_cannot_be_written_down_ends_in_words(world: World) -> None:
    with world.engine.begin() as connection:  # as a database refuses a value that it has no room for
        connection.execute(
            text(
                "CREATE TRIGGER narrow BEFORE UPDATE ON runs WHEN NEW.headline = 'too long'"
                " BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        )
    world.tell(lambda _steps, _ask: Ending(state="verified", headline="too long"))
    run = world.start()
    assert world.run(run).state == "failed"
    assert world.ending().headline == "The run broke off: the database does not take it: IntegrityError."


def test_a_text_that_postgres_does_not_take_ends_the_run_in_words(postgres_world: World) -> None:
    world = postgres_world
    world.tell(lambda _steps, _ask: Ending(state="verified", headline="a \x00 within"))
    run = world.start()
    assert world.run(run).state == "failed"
    assert world.ending().headline == "The run broke off: the database does not take it: DataError."


def test_while_the_database_is_away_nothing_is_decided(world: World) -> None:
    run = world.start()
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE tasks RENAME TO elsewhere"))
    with pytest.raises(TryAgain, match="the database does not answer"):
        world.stories.advance(str(run))
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO tasks"))
    assert world.run(run).state == "running"


# --- the sweep ----------------------------------------------------------------------------------------


def test_a_run_that_was_poked_and_not_told_is_found_after_a_restart(world: World) -> None:
    request = world.ask(START)
    world.bring(request.id, "fetch", PULL)
    with world.transactions.begin("result") as tx:
        tx.poke(str(request.id))
    world.restart()
    world.stories.sweep()
    assert world.poked == [str(request.id)]


def test_a_run_that_waits_for_a_task_or_has_ended_is_left_alone_by_the_sweep(world: World) -> None:
    world.start()
    ended = world.start()
    world.change(RunRow, str(ended), state="failed", poked=9)
    world.stories.sweep()
    assert world.poked == []


# --- in threads ---------------------------------------------------------------------------------------


def with_threads(world: World) -> None:
    """The stories of a service, in place of those that wait for the test."""
    world.stories = Stories(
        world.transactions, tasks=world.tasks, costs=world.costs, local=world.local, files=world.files
    )
    world.transactions.go_on = world.stories.go_on


@pytest.fixture
def started(world: World) -> Iterator[World]:
    """A world whose stories have their threads."""
    with_threads(world)
    world.outbox.start()
    world.stories.start()
    yield world
    world.stories.stop()
    world.outbox.stop()


def test_threads_advance_what_was_poked(started: World) -> None:
    requests = [started.ask(START) for _ in range(20)]
    wait_until(lambda: len(started.rows(TaskRow)) == 20)
    assert {row.run_id for row in started.rows(TaskRow)} == {str(request.id) for request in requests}
    wait_until(lambda: len(started.tasks_sent()) == started.roles["forge"].ahead)


def test_what_happens_to_a_run_while_a_thread_tells_it_is_told_after_it(world: World) -> None:
    telling, go_on = threading.Event(), threading.Event()
    told: list[int] = []

    def slow(steps: Steps, ask: Any) -> Ending:
        told.append(len(told))
        telling.set()
        assert go_on.wait(10)
        steps.call("fetch", FETCH)
        return VERIFIED

    parts: dict[str, Any] = {"tasks": world.tasks, "costs": world.costs, "local": world.local}
    world.stories = Stories(world.transactions, stories={"review": slow}, files=world.files, **parts)
    world.transactions.go_on = world.stories.go_on
    world.stories.start()
    run = world.start()
    assert telling.wait(10)
    for _ in range(5):
        with world.transactions.begin("meanwhile") as tx:
            tx.poke(str(run))
    assert told == [0]  # no second thread tells the same run
    go_on.set()
    wait_until(lambda: world.run(run).poked == world.run(run).seen)
    world.stories.stop()
    assert told == [0, 1]


def test_a_thread_that_could_not_tell_a_run_goes_on_with_the_next(
    started: World, caplog: pytest.LogCaptureFixture
) -> None:
    bad = started.start()
    wait_until(lambda: started.step(bad, "fetch"))
    started.change(TaskRow, str(task_id(bad, "fetch")), message=b"junk", state="done")
    started.stories.go_on(str(bad))
    wait_until(lambda: "the run could not go on" in caplog.text)
    run = started.start()
    wait_until(lambda: task_id(run, "fetch") in started.tasks_sent())


def test_stopping_lets_what_is_told_end(world: World) -> None:
    with_threads(world)
    world.stories.start()
    world.ask(START)
    world.stories.stop()
    assert [row.step for row in world.rows(TaskRow)] == ["fetch"]
    assert len(world.rows(OutboxRow)) == 1  # no thread of the outbox here
