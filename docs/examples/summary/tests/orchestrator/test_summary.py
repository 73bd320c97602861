"""The story of a summary, told from journals."""

from collections.abc import Mapping

import pytest

from orchestrator.journal import Asking, Call, Gate, Journal, Step, Steps, Suspended
from orchestrator.workflows.summary import POST, summary
from stack.ids import uuid7
from stack.messages import Ending, Request
from stack.people import Person
from stack.work.kinds import Report, Usage
from stack.work.review import PullRequest
from stack.work.summary import PostedSummary, PostSummary, StartSummary, Summary

ASK = StartSummary(repository="acme/shop", number=12)
PULL = PullRequest(
    repository="acme/shop", number=12, title="A change", body="", author="ada", url="https://example.test/12",
    base="main", base_sha="a" * 40, head_sha="b" * 40, merge_base="c" * 40, files=1, hunks=1, binary_files=0,
)  # fmt: skip
SUMMARY = Summary(lines=("It is faster.",), usage=Usage(model="not-a-model", turns=1, seconds=1))
READ = {"fetch": PULL, "summarise": SUMMARY}
POSTED = {"post": PostedSummary(url="https://example.test/12#1", proven=True)}
DOES = {"fetch": "fetch_pull_request", "summarise": "summarise_change", "post": "post_summary"}


def told(done: Mapping[str, Report], gate: Gate | None = None) -> Ending | Call | Asking | None:
    """What the story comes to, or what it lacks, where so much is done and that was answered."""
    steps = {step: Step(DOES[step], outcome=report.model_dump()) for step, report in done.items()}
    request = Request(person=Person(id="telegram:1"), ask=ASK)
    journal = Journal(uuid7(), request, steps=steps, gates={"post": gate} if gate else {})
    try:
        return summary(Steps(journal), ASK)
    except Suspended as suspended:
        return suspended.next


def test_a_person_sees_the_summary_before_it_is_posted() -> None:
    asked = told(READ)
    assert isinstance(asked, Asking)
    assert asked.question.details == SUMMARY.lines


def test_what_was_shown_is_posted_where_the_person_says_so() -> None:
    next_ = told(READ, Gate(POST, "telegram:1"))
    assert next_ == Call("post", PostSummary(repository="acme/shop", number=12, lines=SUMMARY.lines))
    ending = told(READ | POSTED, Gate(POST, "telegram:1"))
    assert isinstance(ending, Ending)
    assert ending.state == "verified"


@pytest.mark.parametrize("gate", [Gate("Discard", "telegram:1"), Gate("")], ids=["no", "no answer"])
def test_else_nothing_is_posted(gate: Gate) -> None:
    ending = told(READ, gate)
    assert isinstance(ending, Ending)
    assert (ending.state, ending.headline) == ("cancelled", "acme/shop#12: discarded. Nothing was posted.")
