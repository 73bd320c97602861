"""The runner: what it does with a delivery, seen without Claude."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from agents.cache import Cache
from agents.claude import Claude, Conversation, Stopped
from agents.pr_reviewer import ROLE
from agents.role import Job, Role
from agents.runner import Runner
from agents.sandbox import Slot
from stack.api import Claim, OrchestratorApi
from stack.broker import Publisher
from stack.errors import GiveUp, Refused, TryAgain
from stack.messages import Failure, Result, Review, Usage
from tests.stack.samples import REVIEW, review_task

TASK = review_task()
GRANTED = Claim(verdict="run", attempt=1, lease_seconds=15, seconds=60, budget_usd=1)


class Orchestrator:
    """Answers claims with what it is given; an error is raised."""

    def __init__(self, *answers: Claim | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def claim(self, *_: Any, **__: Any) -> Claim:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Broker:
    """Keeps what is published; the first `faults` times it cannot be reached."""

    def __init__(self, faults: int = 0) -> None:
        self.faults = faults
        self.published: list[Result] = []

    def publish(self, message: Result) -> None:
        if self.faults:
            self.faults -= 1
            raise TryAgain("the broker is away")
        self.published.append(message)

    def mention(self, message: object) -> None:
        """Progress is of no interest here."""


class Talks:
    """Stands where Claude Code is run, and counts how often."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.count = 0

    def converse(self, *_: Any, **__: Any) -> Conversation:
        self.count += 1
        if self.error:
            raise self.error
        return Conversation(structured={})


class Reviewed(Job):
    """A job whose report is there already."""

    def __init__(self, *_: object) -> None:
        self.prompt = ""

    def heard(self, tool: str, asked: dict[str, Any], answer: Any) -> None: ...

    def objection(self, report: dict[str, Any]) -> str | None:
        return None

    def report(self, structured: dict[str, Any], usage: Usage) -> Review:
        return REVIEW


Make = Callable[..., Runner]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def runner(orchestrator: Orchestrator, broker: Broker, talks: Talks) -> Runner:
        return Runner(
            Role(ROLE.name, "", {}, begin=Reviewed),
            slots=[Slot(tmp_path / "slot", None)],
            caches=Cache(tmp_path, forge_url=""),
            claude=cast(Claude, talks),
            api=cast(OrchestratorApi, orchestrator),
            publisher=cast(Publisher, broker),
            holder="one",
            instance="a",
            silence_seconds=1,
        )

    return runner


def test_a_task_that_is_granted_is_worked_on_and_its_result_brought(make: Make) -> None:
    broker = Broker()
    make(Orchestrator(GRANTED), broker, Talks()).take(TASK)
    assert [(r.attempt, r.outcome) for r in broker.published] == [(1, REVIEW)]


def test_a_task_that_comes_again_after_its_end_is_not_worked_on_again(make: Make) -> None:
    orchestrator, broker, talks = Orchestrator(GRANTED), Broker(), Talks()
    runner = make(orchestrator, broker, talks)
    runner.take(TASK)
    runner.take(TASK)
    assert (talks.count, orchestrator.asked) == (1, 1)
    assert broker.published == [broker.published[0]] * 2


def test_a_result_is_kept_until_the_broker_is_back(make: Make) -> None:
    broker, talks = Broker(faults=3), Talks()
    make(Orchestrator(GRANTED), broker, talks).take(TASK)
    assert len(broker.published) == talks.count == 1


@pytest.mark.parametrize("verdict", ["done", "cancelled"])
def test_what_nobody_waits_for_is_left_alone(make: Make, verdict: str) -> None:
    broker, talks = Broker(), Talks()
    make(Orchestrator(Claim.model_validate({"verdict": verdict})), broker, talks).take(TASK)
    assert (talks.count, broker.published) == (0, [])


def test_a_task_that_another_works_on_is_looked_at_again(make: Make) -> None:
    with pytest.raises(TryAgain, match="is being worked on"):
        make(Orchestrator(Claim(verdict="leased")), Broker(), Talks()).take(TASK)


def test_an_orchestrator_that_refuses_is_told_of_and_no_run_waits_for_ever(make: Make) -> None:
    broker = Broker()
    make(Orchestrator(Refused("not your task")), broker, Talks()).take(TASK)
    (result,) = broker.published
    assert result.attempt == 0
    assert isinstance(result.outcome, Failure)
    assert "not your task" in result.outcome.what


@pytest.mark.parametrize(
    ("error", "then"), [(TryAgain("x"), "retry"), (GiveUp("x"), "give_up"), (RuntimeError("x"), "retry")]
)
def test_what_goes_wrong_is_a_failure_that_says_what_to_do_next(make: Make, error: Exception, then: str) -> None:
    broker = Broker()
    make(Orchestrator(GRANTED), broker, Talks(error)).take(TASK)
    (result,) = broker.published
    assert isinstance(result.outcome, Failure)
    assert result.outcome.next == then


def test_a_task_that_was_stopped_brings_nothing(make: Make) -> None:
    broker = Broker()
    make(Orchestrator(GRANTED), broker, Talks(Stopped("cancelled"))).take(TASK)
    assert broker.published == []
