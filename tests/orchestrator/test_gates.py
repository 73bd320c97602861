"""Questions are rows: asked once, answered by who may, with a deadline that no restart moves."""

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest

from orchestrator.store import GateRow, RunRow, TaskRow
from stack.messages import Attachment, Notification, Question
from stack.people import Person
from stack.values import now
from stack.work.kinds import Answer
from stack.work.review import Draft
from tests.orchestrator.played import World
from tests.orchestrator.samples import (
    ADA,
    ADMIN,
    APPROVER,
    BOB,
    CLOCK,
    DRAFT,
    PULL,
    RECEIPT,
    REVIEW,
    TITLE,
    VIEWER,
    WITH_APPROVAL,
    drafted,
)

BEFORE = ("fetch", "plan", "conversation", "review", "check", "draft")  # the steps before the question
FREE = Question(question="approve", text="What now?", choices=("Post", "Discard"), free=True)


def sweep(world: World) -> None:
    """What is done every few seconds."""
    world.stories.sweep()
    world.go_on()


def test_a_run_that_asks_waits(any_world: World) -> None:
    run = any_world.start_waiting()
    assert any_world.run(run).state == "waiting"
    gate = any_world.gate(run)
    assert (gate.answer, gate.person, gate.answered) == (None, "", None)
    assert any_world.step(run, "post") is None
    (told,) = any_world.sent(Notification)
    assert (told.person, told.title) == (ADA.id, TITLE)
    assert Question.model_validate(gate.content) == told.content == any_world.question()


def test_what_is_asked_carries_its_deadline_and_the_digest_of_what_is_shown(world: World) -> None:
    run = world.start_waiting()
    question = world.question()
    assert question.until == world.gate(run).until
    shown = question.model_copy(update={"digest": ""}).model_dump_json()
    assert question.digest == hashlib.sha256(f"{shown}{drafted(REVIEW).model_dump_json()}".encode()).hexdigest()


def test_what_would_be_posted_is_part_of_the_digest_though_it_is_not_shown(world: World) -> None:
    other = drafted(REVIEW).model_copy(update={"fixed": ("a thread",)})
    runs = [start_drafted(world, draft) for draft in (drafted(REVIEW), other)]
    first, second = (Question.model_validate(world.gate(run).content) for run in runs)
    unseen = {"digest": "", "until": None}
    assert first.model_copy(update=unseen) == second.model_copy(update=unseen)
    assert first.digest != second.digest


def start_drafted(world: World, draft: Draft) -> UUID:
    """A run that comes as far as its question, with this draft."""
    run = world.start(WITH_APPROVAL)
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", REVIEW)
    world.bring(run, "draft", draft)
    return run


def test_who_may_answer_stands_in_the_row(world: World) -> None:
    run = world.start_waiting()
    with world.sessions.begin() as session:
        gate = session.get_one(GateRow, (str(run), "approve"))
        gate.content = {**gate.content, "by": ["admin"]}
    world.answer(run, "Post", person=APPROVER)
    assert world.gate(run).answer is None
    assert "nobody else can answer that, but: admin" in world.notes()[-1]
    world.answer(run, "Post", person=ADMIN)
    assert world.gate(run).answer == "Post"


def test_the_files_of_an_answer_are_kept_with_it(world: World) -> None:
    run, file = world.start_waiting(), Attachment(id="a" * 64, name="notes.txt", size=3)
    world.ask(Answer(run_id=run, question="approve", choice="Post"), files=(file,))
    assert world.gate(run).files == [file.model_dump(mode="json")]


def test_an_answer_lets_the_run_go_on(any_world: World) -> None:
    run = any_world.start_waiting()
    any_world.answer(run, "Post", digest=any_world.question().digest)
    gate = any_world.gate(run)
    assert (gate.answer, gate.person) == ("Post", ADA.id)
    assert any_world.run(run).state == "running"
    any_world.bring(run, "post", RECEIPT)
    assert any_world.run(run).state == "verified"


def test_discard_ends_the_run(world: World) -> None:
    run = world.start_waiting()
    world.answer(run, "Discard")
    assert world.ending().headline == "acme/shop#12: discarded. Nothing was posted."
    assert world.step(run, "post") is None


def test_an_answer_after_a_restart_counts(world: World) -> None:
    run = world.start_waiting()
    world.restart()
    world.answer(run)
    assert world.step(run, "post") is not None


# --- the deadline -------------------------------------------------------------------------------------


def test_the_deadline_is_the_rows_and_no_restart_moves_it(world: World) -> None:
    run = world.start_waiting()
    before = world.gate(run).until
    for _ in range(3):
        world.restart()
        sweep(world)
        world.stories.advance(str(run))
    assert world.gate(run).until == before
    assert world.run(run).state == "waiting"
    assert timedelta(days=6) < before - now() < timedelta(days=7)


def test_where_nobody_answers_nothing_is_posted(world: World) -> None:
    run = world.start_waiting()
    world.change(GateRow, (str(run), "approve"), until=now() - timedelta(seconds=1))
    world.restart()
    sweep(world)
    assert world.ending().headline == "acme/shop#12: discarded. Nothing was posted."
    assert (world.gate(run).answer, world.gate(run).person) == ("", "")


def test_a_deadline_that_has_not_passed_is_no_answer(world: World) -> None:
    run = world.start_waiting()
    world.change(GateRow, (str(run), "approve"), until=now() + timedelta(minutes=1))
    sweep(world)
    assert world.gate(run).answer is None


def test_an_answer_after_the_deadline_is_too_late_even_before_the_sweep(world: World) -> None:
    run = world.start_waiting()
    world.change(GateRow, (str(run), "approve"), until=now() - timedelta(seconds=1))
    world.answer(run)
    (note,) = world.notes()
    assert note.startswith(f"{TITLE} waited until")
    assert note.endswith("it is too late to answer.")
    assert world.gate(run).answer is None


def test_an_answer_before_the_deadline_stands_after_it(world: World) -> None:
    run = world.start_waiting()
    world.answer(run)
    world.change(GateRow, (str(run), "approve"), until=now() - timedelta(seconds=1))
    sweep(world)
    assert world.gate(run).answer == "Post"


# --- who may answer what ------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [ADA, APPROVER, ADMIN])
def test_the_asker_an_approver_and_an_admin_may_answer(world: World, person: Person) -> None:
    run = world.start_waiting()
    world.answer(run, "Post", person)
    assert world.gate(run).person == person.id


@pytest.mark.parametrize("person", [BOB, VIEWER])
def test_to_others_it_is_as_if_there_were_no_such_run(world: World, person: Person) -> None:
    run = world.start_waiting()
    world.answer(run, "Post", person)
    assert world.notes() == ["There is no such run of yours."]
    assert world.gate(run).answer is None


def test_an_asker_who_may_only_look_by_now_answers_no_more(world: World) -> None:
    run = world.start_waiting()
    world.answer(run, "Post", ADA.model_copy(update={"standing": "viewer"}))
    assert world.gate(run).answer is None


def test_a_clock_is_never_an_answer(world: World) -> None:
    own = world.start_waiting(CLOCK)
    other = world.start_waiting()
    for run in (own, other):
        world.answer(run, "Post", CLOCK)
        assert world.gate(run).answer is None
    assert world.notes() == ["Only a person can answer."] * 2


@pytest.mark.parametrize("name", ["hook", "clock:nightly", "job", "Telegram:1", "telegram:", "telegram:1 ", "cli2"])
def test_nor_is_what_comes_on_a_way_on_which_nobody_decides(world: World, name: str) -> None:
    machine = CLOCK.model_copy(update={"id": name})
    run = world.start_waiting(machine)
    world.answer(run, "Post", machine)
    assert world.gate(run).answer is None
    assert world.notes() == ["Only a person can answer."]


def test_an_admin_answers_what_a_clock_has_begun(world: World) -> None:
    run = world.start_waiting(CLOCK)
    world.answer(run, "Post", ADMIN)
    assert world.step(run, "post") is not None


@pytest.mark.parametrize("choice", ["post", "yes", "", "Post ", "x" * 4000])
def test_what_was_not_offered_is_no_answer(world: World, choice: str) -> None:
    run = world.start_waiting()
    world.answer(run, choice)
    (note,) = world.notes()
    assert note.endswith("is not an answer to it; these are: Post, Discard.")
    assert len(note) < 200
    assert world.gate(run).answer is None


def test_where_the_question_takes_them_a_persons_own_words_are_an_answer(world: World) -> None:
    run = world.start_waiting()
    world.change(GateRow, (str(run), "approve"), content=FREE.model_dump(mode="json"))
    for empty in ("", " \n"):
        world.answer(run, empty)
        assert world.gate(run).answer is None
    world.answer(run, "without the third finding 🎨")
    assert world.gate(run).answer == "without the third finding 🎨"


def test_an_answer_to_what_is_not_shown_any_more_does_not_count(world: World) -> None:
    run = world.start_waiting()
    world.answer(run, "Post", digest="d" * 64)
    assert world.notes() == [f"What you answered is not what {TITLE} asks now. Please look at its latest question."]
    assert world.gate(run).answer is None


def test_an_answer_to_a_question_that_was_not_asked_is_told(world: World) -> None:
    run = world.start()
    world.answer(run)
    assert world.notes() == [f"{TITLE} has not asked that."]


def test_the_first_answer_counts_and_the_second_is_told_whose_it_was(world: World) -> None:
    run = world.start_waiting()
    world.answer(run, "Post")
    world.answer(run, "Discard")
    world.answer(run, "Discard", APPROVER)
    assert world.gate(run).answer == "Post"
    assert world.notes() == [f"{TITLE} was answered before: Post.", f"{TITLE} was answered before by {ADA.id}: Post."]


def test_an_answer_that_comes_twice_is_one(world: World) -> None:
    run = world.start_waiting()
    for _ in range(2):
        world.answer(run, "Post")
    poked = world.run(run).poked
    world.bring(run, "post", RECEIPT)
    world.answer(run, "Post")
    assert (world.notes(), world.run(run).poked) == ([], poked + 1)


def test_an_answer_to_a_run_that_has_ended_is_told(world: World) -> None:
    run = world.start_waiting()
    world.change(RunRow, str(run), state="failed")
    world.answer(run)
    assert world.notes() == [f"{TITLE} has already ended: failed."]


def test_many_runs_wait_and_each_takes_its_own_answer(world: World) -> None:
    runs = [world.start_waiting() for _ in range(5)]
    world.answer(runs[2], "Discard")
    assert [world.run(run).state for run in runs] == ["waiting", "waiting", "cancelled", "waiting", "waiting"]
    assert len(world.rows(TaskRow)) == 5 * len(BEFORE)
    assert {row.step for row in world.rows(TaskRow)} == set(BEFORE)


def test_a_question_that_was_open_at_a_cancel_is_no_answer(world: World) -> None:
    run = world.start_waiting()
    world.cancel(run)
    assert world.run(run).state == "cancelled"
    world.change(GateRow, (str(run), "approve"), until=now() - timedelta(seconds=1))
    sweep(world)
    world.answer(run)
    assert world.run(run).state == "cancelled"
    assert len(world.sent(Notification)) == 3  # the question, the ending, and the note that it has ended


def test_a_run_that_is_told_late_still_asks(world: World) -> None:
    """The result of a step comes while the run is not told: the question comes with the sweep."""
    run = world.start(WITH_APPROVAL)
    world.bring(run, "fetch", PULL)
    world.bring(run, "review", REVIEW)
    world.pass_by(run, "draft")
    world.transactions.go_on = lambda _run: None
    world.bring(run, "draft", DRAFT)
    assert world.run(run).state == "running"
    world.restart()
    world.stories.advance(str(run))
    assert world.run(run).state == "waiting"
