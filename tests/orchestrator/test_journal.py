"""The steps: a story is told from what stands in the journal, and stops at the first thing that does not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.journal import (
    ANOTHER_VERSION,
    ANSWER_WITHIN,
    Asking,
    Call,
    Cancelled,
    Failed,
    Gate,
    Journal,
    Step,
    Steps,
    Suspended,
)
from stack.ids import uuid7
from stack.messages import Attachment, Question, Request
from stack.values import now
from stack.work.kinds import Brief, Report
from tests.orchestrator.samples import ADA, CHANGE, FETCH, POST, PULL, RECEIPT, REVIEW, START, final, passing

QUESTION = Question(question="post", text="Post it?", choices=("Post", "Discard"))


def step(brief: Brief[Any], outcome: Report | None) -> Step:
    return Step(brief.do, brief.effect, None if outcome is None else outcome.model_dump(mode="json"))


def journal(cancelled: bool = False, gates: dict[str, Gate] | None = None, **steps: Step) -> Journal:
    request = Request(id=uuid7(), person=ADA, ask=START)
    return Journal(request.id, request, cancelled=cancelled, steps=steps, gates=gates or {})


def suspended_at(steps: Steps, brief: Brief[Any], name: str = "fetch") -> Call | Asking | None:
    with pytest.raises(Suspended) as stopped:
        steps.call(name, brief)
    return stopped.value.next


def asked(steps: Steps, question: Question = QUESTION, **more: Any) -> Call | Asking | None:
    with pytest.raises(Suspended) as stopped:
        steps.ask(question, otherwise="Discard", **more)
    return stopped.value.next


# --- calling ------------------------------------------------------------------------------------------


def test_a_step_that_was_never_begun_is_to_be_done_next() -> None:
    assert suspended_at(Steps(journal()), FETCH) == Call("fetch", FETCH)


def test_a_step_that_is_done_returns_what_it_returned_however_often_it_is_told() -> None:
    known = journal(fetch=step(FETCH, PULL), review=step(CHANGE, REVIEW))
    for _ in range(3):
        steps = Steps(known)
        assert steps.call("fetch", FETCH) == PULL
        assert steps.call("review", CHANGE) == REVIEW
        assert suspended_at(steps, POST, "post") == Call("post", POST)


def test_a_step_that_is_under_way_is_waited_for() -> None:
    assert suspended_at(Steps(journal(fetch=step(FETCH, None))), FETCH) is None


@pytest.mark.parametrize("outcome", [{"report": "gone"}, {**PULL.model_dump(mode="json"), "gone": 1}])
def test_a_step_whose_report_can_no_longer_be_read_fails_the_run_in_words(outcome: dict[str, Any]) -> None:
    with pytest.raises(Failed, match=ANOTHER_VERSION):
        Steps(journal(fetch=Step(FETCH.do, outcome=outcome))).call("fetch", FETCH)


def test_a_step_that_was_undone_is_to_be_done_next_and_one_that_is_under_way_is_not() -> None:
    undone = Step(FETCH.do, undone=True)
    assert suspended_at(Steps(journal(fetch=undone)), FETCH) == Call("fetch", FETCH)
    with pytest.raises(Cancelled):
        Steps(journal(fetch=undone, cancelled=True)).call("fetch", FETCH)


def test_what_failed_is_known_until_something_succeeds() -> None:
    steps = Steps(journal(fetch=step(FETCH, final()), review=step(CHANGE, REVIEW), post=step(POST, final())))
    assert steps.failed == []
    with pytest.raises(Failed):
        steps.call("fetch", FETCH)
    assert steps.failed == ["fetch"]
    steps.call("review", CHANGE)
    assert steps.failed == []
    with pytest.raises(Failed):
        steps.call("post", POST)
    assert steps.failed == ["post"]


@pytest.mark.parametrize("outcome", [REVIEW, final(), None])
def test_the_pieces_of_a_step_are_there_once_it_has_ended(outcome: Report | None) -> None:
    kept = replace(step(CHANGE, outcome), pieces=({"title": "Wrong"},))
    steps = Steps(journal(review=kept))
    assert steps.pieces("review") == (({"title": "Wrong"},) if outcome else ())
    assert steps.pieces("fetch") == ()


@pytest.mark.parametrize("failure", [final("it is not there"), passing("it is not there")])
def test_a_step_that_failed_fails_the_run_in_its_words(failure: Report) -> None:
    with pytest.raises(Failed, match=r"^it is not there$"):
        Steps(journal(fetch=step(FETCH, failure))).call("fetch", FETCH)


def test_a_cancelled_run_begins_no_step_and_waits_for_none() -> None:
    for known in (journal(cancelled=True), journal(cancelled=True, fetch=step(FETCH, None))):
        with pytest.raises(Cancelled):
            Steps(known).call("fetch", FETCH)


def test_in_a_cancelled_run_what_is_done_stands() -> None:
    steps = Steps(journal(cancelled=True, fetch=step(FETCH, PULL)))
    assert steps.call("fetch", FETCH) == PULL
    with pytest.raises(Cancelled):
        steps.call("review", CHANGE)


def test_a_step_that_did_something_else_when_the_run_was_begun_ends_it_in_words() -> None:
    with pytest.raises(Failed, match=ANOTHER_VERSION):
        Steps(journal(fetch=step(CHANGE, REVIEW))).call("fetch", FETCH)


def test_a_step_that_does_something_else_is_waited_for_first() -> None:
    assert suspended_at(Steps(journal(fetch=step(CHANGE, None))), FETCH) is None


def test_no_except_exception_of_a_story_stops_a_suspension() -> None:
    def careless(steps: Steps) -> None:
        try:
            steps.call("fetch", FETCH)
        except Exception:
            pytest.fail("the story went on")

    with pytest.raises(Suspended):
        careless(Steps(journal()))
    assert not issubclass(Suspended, Exception)


def test_a_story_may_catch_that_a_step_failed_and_go_on() -> None:
    steps = Steps(journal(fetch=step(FETCH, final())))
    with pytest.raises(Failed):
        steps.call("fetch", FETCH)
    assert suspended_at(steps, CHANGE, "review") == Call("review", CHANGE)


def test_whether_a_step_has_brought_something_is_known_before_the_story_comes_to_it() -> None:
    steps = Steps(journal(fetch=step(FETCH, PULL), review=step(CHANGE, final()), check=step(FETCH, None)))
    assert [steps.done(name) for name in ("fetch", "review", "check", "post")] == [True, False, False, False]
    assert steps.failed == []


# --- asking -------------------------------------------------------------------------------------------


def test_a_question_that_was_never_asked_is_asked_with_its_deadline() -> None:
    before = now()
    asking = asked(Steps(journal()), within=timedelta(hours=2))
    assert isinstance(asking, Asking)
    until = asking.question.until
    assert until is not None
    assert before + timedelta(hours=2) <= until <= now() + timedelta(hours=2)
    assert asking.question.model_copy(update={"until": None}) == QUESTION


def test_a_person_has_a_week() -> None:
    asking = asked(Steps(journal()))
    assert isinstance(asking, Asking)
    assert asking.question.until is not None
    assert timedelta(days=6, hours=23) < asking.question.until - now() <= ANSWER_WITHIN == timedelta(days=7)


def test_an_open_question_is_waited_for() -> None:
    assert asked(Steps(journal(gates={"post": Gate()}))) is None


@pytest.mark.parametrize("choice", ["Post", "Discard", "words of their own"])
def test_an_answer_is_what_the_person_said(choice: str) -> None:
    steps = Steps(journal(gates={"post": Gate(choice, ADA.id)}))
    assert steps.ask(QUESTION, otherwise="Discard") == choice


def test_where_nobody_answered_what_costs_nothing_counts() -> None:
    assert Steps(journal(gates={"post": Gate("")})).ask(QUESTION, otherwise="Discard") == "Discard"


def test_no_answer_of_nobody_counts() -> None:
    assert Steps(journal(gates={"post": Gate("Post")})).ask(QUESTION, otherwise="Discard") == "Discard"


@pytest.mark.parametrize("brief", [POST, CHANGE], ids=["an effect", "what costs money"])
def test_nothing_that_costs_or_shows_is_begun_where_nobody_answered(brief: Any) -> None:
    steps = Steps(journal(gates={"post": Gate("")}))
    assert steps.ask(QUESTION, otherwise="Post") == "Post"  # a careless story
    with pytest.raises(Failed, match="Nobody answered"):
        steps.call("next", brief)
    assert suspended_at(steps, FETCH) == Call("fetch", FETCH)


def test_the_files_of_an_answer_are_at_hand() -> None:
    file = Attachment(id="a" * 64, name="notes.txt", size=3)
    steps = Steps(journal(gates={"post": Gate("Post", ADA.id, (file,))}))
    assert steps.files("post") == (file,)
    assert steps.files("other") == ()


@pytest.mark.parametrize("gates", [{}, {"post": Gate()}])
def test_a_cancel_ends_the_waiting_for_an_answer(gates: dict[str, Gate]) -> None:
    with pytest.raises(Cancelled):
        Steps(journal(cancelled=True, gates=gates)).ask(QUESTION, otherwise="Discard")


def test_an_answer_before_the_cancel_stands_and_nothing_follows_from_it() -> None:
    steps = Steps(journal(cancelled=True, gates={"post": Gate("Post", ADA.id)}))
    assert steps.ask(QUESTION, otherwise="Discard") == "Post"
    with pytest.raises(Cancelled):
        steps.call("post", POST)


# --- effects ------------------------------------------------------------------------------------------


def test_effects_are_those_of_steps_that_succeeded() -> None:
    assert journal(fetch=step(FETCH, PULL), post=step(POST, RECEIPT)).effects() == ["The review is posted"]
    assert journal(fetch=step(FETCH, PULL), post=step(POST, None)).effects() == []
    assert journal(fetch=step(FETCH, PULL), post=step(POST, final())).effects() == []


def test_what_somebody_took_and_did_not_finish_is_in_doubt() -> None:
    taken = Step(POST.do, POST.effect, taken=True)
    assert journal(post=taken).doubts() == ["The review is posted"]
    assert journal(post=Step(POST.do, POST.effect)).doubts() == []
    assert journal(fetch=Step(FETCH.do, taken=True)).doubts() == []
    done = Step(POST.do, POST.effect, RECEIPT.model_dump(mode="json"), taken=True)
    assert journal(post=done).doubts() == []
