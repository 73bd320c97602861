"""Requests become runs: once, by who may; what is refused is told in words, once."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from orchestrator.runs import MOST_WAITED_FOR, OVERTAKING_SECONDS
from orchestrator.store import KeyRow, RunRow
from stack.errors import GiveUp, TryAgain
from stack.ids import task_id, uuid7
from stack.messages import Attachment, Envelope, Note, Notification, Request, Signal, Task
from stack.people import Person
from stack.work.kinds import Answer, Ask, Cancel, Steer
from stack.work.review import StartReview
from tests.orchestrator.played import World
from tests.orchestrator.samples import (
    ADA,
    ADMIN,
    APPROVER,
    BOB,
    CHAT,
    CLOCK,
    FETCH,
    PULL,
    START,
    TITLE,
    VIEWER,
)

OTHER = StartReview(repository="acme/other", number=1)


def request(ask: Ask = START, **more: Any) -> Request:
    return Request.model_validate({"person": ADA, "chat": CHAT, "ask": ask, **more})


# --- starting -----------------------------------------------------------------------------------------


def test_a_request_is_a_run_with_its_id(world: World) -> None:
    asked = request(priority="high")
    world.runs.take(asked)
    row = world.run(asked.id)
    assert (row.workflow, row.title, row.person, row.priority) == ("review", TITLE, ADA.id, "high")
    assert (row.state, row.cancelled, row.ended) == ("queued", False, None)
    assert Request.model_validate(row.request) == asked
    assert world.poked == [str(asked.id)]


def test_the_same_request_many_times_is_one_run(world: World) -> None:
    asked = request()
    for _ in range(3):
        world.runs.take(asked)
        world.go_on()
    world.restart()
    world.runs.take(asked)
    world.go_on()
    assert len(world.rows(RunRow)) == 1
    assert len(world.sent(Task)) == 1


def test_a_request_of_the_same_id_by_somebody_else_changes_nothing(world: World) -> None:
    asked = request()
    world.runs.take(asked)
    world.runs.take(asked.model_copy(update={"person": BOB, "ask": OTHER}))
    assert (world.run(asked.id).person, world.run(asked.id).title) == (ADA.id, TITLE)


def test_a_request_after_the_end_of_its_run_does_not_start_it_anew(world: World) -> None:
    asked = request()
    world.runs.take(asked)
    world.change(RunRow, str(asked.id), state="verified")
    world.runs.take(asked)
    world.go_on()
    assert world.run(asked.id).state == "verified"
    assert world.sent(Task) == []


def test_who_may_only_look_starts_nothing_and_is_told(world: World) -> None:
    world.ask(START, VIEWER)
    assert world.rows(RunRow) == []
    assert world.notes() == ["You may look at runs, but not start any."]


@pytest.mark.parametrize("person", [ADA, APPROVER, ADMIN, CLOCK])
def test_everybody_else_may_start_a_run(world: World, person: Person) -> None:
    world.ask(START, person)
    assert len(world.rows(RunRow)) == 1


def test_files_go_with_the_request(world: World) -> None:
    file = Attachment(id="f" * 64, name="a.txt", size=3)
    run = world.start(START, files=(file,))
    assert Request.model_validate(world.run(run).request).files == (file,)


def test_what_is_no_request_is_given_up(world: World) -> None:
    task = Task(run_id=uuid7(), step="fetch", brief=FETCH)
    with pytest.raises(GiveUp, match="a task is not a request"):
        world.runs.take(task)


# --- a request that overtakes the start of its run ----------------------------------------------------


@pytest.mark.parametrize("verb", ["cancel", "answer", "steer"])
def test_a_request_that_overtakes_the_start_of_its_run_comes_again(world: World, verb: str) -> None:
    start = request()
    asks = {
        "cancel": Cancel(run_id=start.id),
        "answer": Answer(run_id=start.id, question="approve", choice="Post"),
        "steer": Steer(run_id=start.id, text="hm"),
    }
    with pytest.raises(TryAgain, match="not there yet"):
        world.runs.take(request(asks[verb]))
    assert world.notes() == []


def test_it_counts_as_soon_as_its_run_is_there(world: World) -> None:
    start = request()
    cancel = request(Cancel(run_id=start.id))
    with pytest.raises(TryAgain):
        world.runs.take(cancel)
    world.runs.take(start)
    world.runs.take(cancel)
    world.go_on()
    assert world.run(start.id).state == "cancelled"


LONG_AGO = uuid7(milliseconds=1_750_000_000_000)
RUN_IDS = [
    LONG_AGO,
    UUID("ffffffff-ffff-4fff-bfff-ffffffffffff"),
    UUID("7b0c8f4e-2b8e-4bb5-9d3c-111111111111"),
    UUID(int=0),
]


def test_it_is_waited_for_however_long_ago_both_were_asked_for(world: World) -> None:
    """The orchestrator was down, and finds both in its queue."""
    start = request(id=LONG_AGO)
    cancel = request(Cancel(run_id=start.id))
    with pytest.raises(TryAgain):
        world.runs.take(cancel)
    world.runs.take(start)
    world.runs.take(cancel)
    world.go_on()
    assert world.run(start.id).state == "cancelled"
    assert world.notes() == []


@pytest.mark.parametrize("run_id", RUN_IDS)
def test_what_does_not_come_within_a_minute_is_told(world: World, run_id: UUID) -> None:
    asked = request(Cancel(run_id=run_id))
    for _ in range(2):
        with pytest.raises(TryAgain):
            world.runs.take(asked)
        world.clock += OVERTAKING_SECONDS - 1
    world.clock += 2
    world.runs.take(asked)
    world.send()
    assert world.notes() == ["There is no such run of yours."]


def test_each_request_is_waited_for_from_when_it_was_first_seen(world: World) -> None:
    first, second = request(Cancel(run_id=LONG_AGO)), request(Cancel(run_id=LONG_AGO))
    with pytest.raises(TryAgain):
        world.runs.take(first)
    world.clock += OVERTAKING_SECONDS
    with pytest.raises(TryAgain):
        world.runs.take(second)
    world.runs.take(first)
    world.send()
    assert world.notes() == ["There is no such run of yours."]


def test_of_too_many_the_first_are_forgotten_and_waited_for_anew(world: World) -> None:
    asked = [request(Cancel(run_id=LONG_AGO)) for _ in range(MOST_WAITED_FOR + 1)]
    for one in asked:
        assert world.runs._may_come(one.id)
    world.clock += OVERTAKING_SECONDS
    assert not world.runs._may_come(asked[1].id)
    assert world.runs._may_come(asked[0].id)


def test_a_young_run_of_somebody_else_is_not_waited_for(world: World) -> None:
    run = world.start()
    world.cancel(run, BOB)
    assert world.notes() == ["There is no such run of yours."]


# --- steering -----------------------------------------------------------------------------------------


def start_reviewing(world: World) -> tuple[UUID, UUID]:
    """A run whose agent is at work, and the agent's task."""
    run = world.start()
    world.bring(run, "fetch", PULL)
    world.pass_by(run)
    world.claim(task_id(run, "review"))
    return run, task_id(run, "review")


def test_a_word_reaches_the_agent_that_is_at_work(world: World) -> None:
    run, task = start_reviewing(world)
    world.ask(Steer(run_id=run, text="Look at the tests too"))
    (signal,) = world.signals()
    assert (signal.task_id, signal.verb, signal.text) == (task, "steer", "Look at the tests too")
    assert world.notes() == []


def test_a_word_that_comes_twice_can_be_told_from_two_words(world: World) -> None:
    run, _ = start_reviewing(world)
    steer = request(Steer(run_id=run, text="Look at the tests too"))
    for asked in (steer, steer, request(steer.ask)):
        world.runs.take(asked)
    first, second, other = (signal.id for signal in world.signals())
    assert first == second == steer.id != other


@pytest.mark.parametrize("fetching", [False, True])
def test_a_word_that_nobody_could_hear_is_told(world: World, fetching: bool) -> None:
    run = world.start()
    if fetching:
        world.claim(world.tasks_sent()[0])  # by the forge, which is told nothing
    world.ask(Steer(run_id=run, text="Look at the tests too"))
    assert world.notes() == [f"Nobody is at work for {TITLE} now, so nobody has heard it."]


@pytest.mark.parametrize("person", [BOB, APPROVER, VIEWER])
def test_only_the_asker_and_admins_steer(world: World, person: Person) -> None:
    run, _ = start_reviewing(world)
    world.ask(Steer(run_id=run, text="hm"), person)
    assert world.signals() == []
    world.ask(Steer(run_id=run, text="hm"), ADMIN)
    assert len(world.signals()) == 1


# --- what people are told -----------------------------------------------------------------------------


def test_a_word_to_a_person_is_said_once_however_often_the_request_comes(world: World) -> None:
    asked = request(START, person=VIEWER)
    for _ in range(3):
        world.runs.take(asked)
        world.send()
    assert len({note.id for note in world.sent(Notification)}) == 1


def test_a_refusal_without_a_chat_goes_to_the_person(world: World) -> None:
    world.runs.take(request(START, person=VIEWER, chat=None))
    world.send()
    (told,) = world.sent(Notification)
    assert (told.person, told.chat, told.content) == (
        VIEWER.id, None, Note(text="You may look at runs, but not start any."),
    )  # fmt: skip


def test_what_the_database_does_not_take_is_told(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER narrow BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END")
        )
    world.ask(START)
    assert world.notes() == ["the database does not take it: IntegrityError"]


def newer(**more: object) -> Envelope:
    facts = {"version": 4, "type": "request", "id": uuid7(), "person": ADA.model_dump(), **more}
    return Envelope.model_validate(facts)


def test_a_request_of_a_newer_version_is_told_to_its_person(world: World) -> None:
    envelope = newer(chat=CHAT.model_dump())
    for _ in range(2):
        world.runs.too_new(envelope, "bot")
        world.send()
    told = world.sent(Notification)
    assert len({note.id for note in told}) == 1
    assert (told[0].person, told[0].chat) == (ADA.id, CHAT)
    assert set(world.notes()) == {
        "Your request comes from a newer version than the orchestrator's: update all services."
    }


@pytest.mark.parametrize("chat", [None, {}, 0, "x", [], {"chat_id": "x"}, {**CHAT.model_dump(), "new": 1}])
@pytest.mark.parametrize("person", [ADA.id, ADA.model_dump(), {**ADA.model_dump(), "new": 1}])
def test_of_a_newer_request_what_can_be_read_is_enough_to_tell_its_person(
    world: World, person: object, chat: object
) -> None:
    world.runs.too_new(newer(person=person, chat=chat), "bot")
    world.send()
    (told,) = world.sent(Notification)
    assert (told.person, told.chat) == (ADA.id, None)


@pytest.mark.parametrize("person", [None, "", {}, {"id": ""}, {"id": 7}, [], 7])
def test_a_newer_request_of_nobody_breaks_nothing(world: World, person: object) -> None:
    world.runs.too_new(newer(person=person), "bot")
    world.send()
    assert world.publisher.published == []


# --- once by key --------------------------------------------------------------------------------------


def test_requests_with_one_key_are_one_run(any_world: World) -> None:
    world = any_world
    first, again = request(), request()
    assert world.runs.handle(first, caller="cli", key="nightly") == first.id
    assert world.runs.handle(again, caller="cli", key="nightly") == first.id
    assert len(world.rows(RunRow)) == 1
    world.go_on()
    world.change(RunRow, str(first.id), state="verified")
    assert world.runs.handle(request(), caller="cli", key="nightly") == first.id


def test_another_key_or_none_is_another_run(world: World) -> None:
    for key in ("one", "two", "", ""):
        world.runs.handle(request(), caller="cli", key=key)
    assert len(world.rows(RunRow)) == 4


def test_each_caller_has_keys_of_its_own(world: World) -> None:
    first, second = request(), request()
    assert world.runs.handle(first, caller="cli", key="nightly") == first.id
    assert world.runs.handle(second, caller="clock", key="nightly") == second.id


@pytest.mark.parametrize(
    "changed",
    [
        {"ask": OTHER},
        {"priority": "low"},
        {"files": (Attachment(id="f" * 64, name="a.txt", size=3),)},
        {"person": ADA.model_copy(update={"standing": "admin"})},
        {"person": BOB},
    ],
)
def test_a_key_that_was_used_for_something_else_is_refused(world: World, changed: dict[str, Any]) -> None:
    world.runs.handle(request(), caller="cli", key="nightly")
    with pytest.raises(GiveUp, match="this Idempotency-Key was used for another request"):
        world.runs.handle(request(**changed), caller="cli", key="nightly")
    assert len(world.rows(RunRow)) == 1


def test_a_key_of_a_refused_request_is_not_used_up(world: World) -> None:
    with pytest.raises(GiveUp, match="not start any"):
        world.runs.handle(request(person=VIEWER), caller="cli", key="nightly")
    assert world.rows(KeyRow) == []


def test_a_long_name_and_a_long_key_fit(any_world: World) -> None:
    person = ADA.model_copy(update={"id": "telegram:" + "9" * 91})
    asked = request(person=person)
    assert any_world.runs.handle(asked, caller="cli", key="k" * 200) == asked.id
    assert any_world.runs.handle(request(person=person), caller="cli", key="k" * 200) == asked.id


def test_the_longest_title_fits(any_world: World) -> None:
    ask = StartReview(repository="a" * 39 + "/" + "b" * 100, number=2**31 - 1)
    run = any_world.start(ask)
    any_world.bring(run, "fetch", PULL)
    assert any_world.run(run).title == ask.title()


def test_a_signal_is_no_request(world: World) -> None:
    with pytest.raises(GiveUp, match="a signal is not a request"):
        world.runs.take(Signal(task_id=uuid7()))
