"""Requests become runs: once, and only their own person may end them."""

from typing import Any
from uuid import UUID

import pytest

from native.review import wait_until
from orchestrator.store import AnswerRow, Run
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.messages import Answer, Cancel, Note, Notification, Request, Signal, StartReview
from tests.orchestrator.played import World
from tests.stack.samples import CHAT, post_task, review_request, review_result, review_task

ADA, BOB = "telegram:1", "telegram:2"


def ask(world: World, what: Answer | Cancel, person: str = ADA) -> None:
    world.runs.take(Request(person=person, chat=CHAT, ask=what))


def notes(world: World) -> list[str]:
    """What people were told about their requests."""
    contents = [m.content for m in world.publisher.published if isinstance(m, Notification)]
    return [content.text for content in contents if isinstance(content, Note)]


# --- starting -----------------------------------------------------------------------------------------


def test_the_same_request_twice_is_one_run(starting_world: World, begun: list[str]) -> None:
    request = review_request(uuid7())
    for _ in range(3):
        starting_world.runs.take(request)
    wait_until(lambda: begun, seconds=10)
    assert begun == [str(request.id)]
    (run,) = starting_world.runs.newest(person=None, limit=10)
    assert (run["id"], run["title"], run["person"], run["state"]) == (
        str(request.id), "Review of acme/shop#12", ADA, "queued",
    )  # fmt: skip


def test_a_request_of_the_same_id_by_somebody_else_changes_nothing(starting_world: World, begun: list[str]) -> None:
    request = review_request(uuid7())
    starting_world.runs.take(request)
    other = request.model_copy(update={"person": BOB, "ask": StartReview(repository="acme/other", number=1)})
    starting_world.runs.take(other)
    wait_until(lambda: begun, seconds=10)
    assert (len(begun), starting_world.run_row(request.id).person) == (1, ADA)


def test_a_request_after_the_end_of_its_run_does_not_start_it_anew(starting_world: World, begun: list[str]) -> None:
    request = review_request(uuid7())
    starting_world.runs.take(request)
    wait_until(lambda: begun, seconds=10)
    starting_world.change(Run, request.id, state="verified")
    starting_world.runs.take(request)
    assert (len(begun), starting_world.run_row(request.id).state) == (1, "verified")


def test_what_is_no_request_is_given_up(world: World) -> None:
    with pytest.raises(GiveUp, match="a task is not a request"):
        world.runs.take(review_task())


# --- cancelling ---------------------------------------------------------------------------------------


def test_a_cancel_is_noted_and_signalled(world: World) -> None:
    task = world.task()
    ask(world, Cancel(run_id=task.run_id))
    assert world.run_row(task.run_id).cancelled
    assert [m.task_id for m in world.publisher.mentioned if isinstance(m, Signal)] == [task.id]
    assert notes(world) == []


def test_a_cancel_by_another_person_is_refused_as_if_there_were_no_run(world: World) -> None:
    task = world.task()
    ask(world, Cancel(run_id=task.run_id), BOB)
    ask(world, Cancel(run_id=uuid7()), BOB)
    assert not world.run_row(task.run_id).cancelled
    assert notes(world) == ["There is no such run of yours."] * 2


@pytest.mark.parametrize("state", ["verified", "unproven", "failed", "cancelled"])
def test_a_cancel_after_the_end_is_told(world: World, state: str) -> None:
    run = world.run(state=state)
    ask(world, Cancel(run_id=run))
    assert notes(world) == [f"Review of acme/shop#12 has already ended: {state}."]
    assert not world.run_row(run).cancelled


@pytest.mark.parametrize("step", ["post", "post-2"])
def test_a_cancel_while_it_is_posted_is_too_late(world: World, step: str) -> None:
    run = world.run()
    world.task(task=post_task(run).model_copy(update={"step": step}))
    ask(world, Cancel(run_id=run))
    assert notes(world) == ["Too late to stop Review of acme/shop#12: it is being posted."]
    assert not world.run_row(run).cancelled


def test_a_word_to_a_person_is_said_once_however_often_the_request_comes(world: World) -> None:
    request = Request(person=ADA, chat=CHAT, ask=Cancel(run_id=uuid7()))
    world.runs.take(request)
    world.runs.take(request)
    assert len({message.id for message in world.publisher.published}) == 1


def test_a_program_without_a_chat_is_told_nothing(world: World) -> None:
    world.runs.take(Request(person=ADA, ask=Cancel(run_id=uuid7())))
    assert world.publisher.published == []


# --- answering ----------------------------------------------------------------------------------------


def answer_of(world: World, run: UUID) -> str | None:
    with world.sessions() as session:
        row = session.get(AnswerRow, (str(run), "post"))
        return row.choice if row else None


def test_the_first_answer_counts(world: World) -> None:
    run = world.run(state="waiting")
    for choice in ("Post", "Discard"):
        ask(world, Answer(run_id=run, question="post", choice=choice))
    assert answer_of(world, run) == "Post"


def test_an_answer_of_another_person_does_not_count(world: World) -> None:
    run = world.run(state="waiting")
    ask(world, Answer(run_id=run, question="post", choice="Post"), BOB)
    assert answer_of(world, run) is None
    assert notes(world) == ["There is no such run of yours."]


# --- showing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "shown"), [(2, 2), (10, 3), (0, 1), (-1, 1), (10**9, 3)])
def test_the_newest_runs_of_a_person_come_first(world: World, limit: int, shown: int) -> None:
    runs = [world.run() for _ in range(3)]
    world.run(review_request(uuid7(), person=BOB))
    newest = [UUID(run["id"]) for run in world.runs.newest(person=ADA, limit=limit)]
    assert newest == runs[::-1][:shown]


def test_a_run_is_shown_with_what_became_of_its_tasks(world: World) -> None:
    task = world.task(attempt=1)
    world.results.take(review_result(task))
    (shown,) = show(world, task.run_id)["tasks"]
    assert (shown["step"], shown["attempt"], shown["done"]) == ("review", 1, True)
    assert shown["outcome"]["coverage"]["read"] == 3


def show(world: World, run: UUID) -> dict[str, Any]:
    return world.runs.show(run)


def test_a_run_that_is_not_there_cannot_be_shown(world: World) -> None:
    with pytest.raises(GiveUp, match="there is no run"):
        world.runs.show(uuid7())
