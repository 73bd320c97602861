"""The runner in its worker: what a task's function is given, what comes of it, and what the process's start clears."""

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents import pr_reviewer
from agents.__main__ import load_role
from agents.claude.transcripts import Transcript
from agents.role import Answer, Setup
from agents.sandbox.workspace import Part
from stack.api import Claim, Renewal
from stack.errors import GiveUp, TryAgain
from stack.git import Failed
from stack.ids import uuid7
from stack.messages import Message, Progress, Result, Signal, Task
from stack.roles import AGENTS, ROLES
from stack.work.kinds import Failure, Usage
from stack.worker import Worker
from tests.agents.conftest import KEY, Agent, Model, Running, Said, Say, SayJob, assignment, setup, told, until


class Orchestrator:
    """Grants every claim, and remembers what was given back."""

    def __init__(self) -> None:
        self.given_back: list[int] = []
        self.kept: list[dict[str, Any]] = []
        self.attempt = 0

    def claim(self, task_id: UUID) -> Claim:
        self.attempt += 1
        return Claim(
            verdict="run", attempt=self.attempt, lease_seconds=15, seconds=60, budget_usd=1,
            tokens={"model": KEY, "forge": ""},
        )  # fmt: skip

    def renew(self, task_id: UUID, *, attempt: int) -> Renewal:
        return Renewal(verdict="go")

    def give_back(self, task_id: UUID, *, attempt: int) -> Renewal:
        self.given_back.append(attempt)
        return Renewal(verdict="go")

    def keep(self, task_id: UUID, *, attempt: int, piece: dict[str, Any]) -> Renewal:
        self.kept.append(piece)
        return Renewal(verdict="go")


class Broker:
    """Keeps what is published and mentioned."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.steps: list[str] = []

    def publish(self, message: Message) -> None:
        assert isinstance(message, Result)
        self.results.append(message)

    def mention(self, message: Progress | Signal) -> None:
        assert isinstance(message, Progress)
        self.steps.append(message.text)


def task(task_id: UUID) -> Task:
    return Task(id=task_id, run_id=uuid7(), step="say", brief=Say())


def worker(agent: Agent, orchestrator: Orchestrator, broker: Broker, how: Setup | None = None) -> Worker:
    runner = agent.runner()
    runner.tidy()
    return Worker("pr_reviewer", {Say: runner.does(how or setup())}, tasks=orchestrator, sender=broker)


def test_a_task_is_done_and_its_result_brought(agent: Agent) -> None:
    broker = Broker()
    worker(agent, Orchestrator(), broker).take(task(uuid7()))
    (result,) = broker.results
    assert isinstance(result.outcome, Said)
    assert broker.steps == ["say.claimed", "claude.started", "Writing the report", "claude.ended", "say.done"]


def test_a_task_that_is_given_back_by_a_stopping_agent_is_resumed_by_the_next(agent: Agent, model: Model) -> None:
    orchestrator, broker, wanted = Orchestrator(), Broker(), task(uuid7())
    model.play("drip", delay_seconds=0.5, pieces=100, count=1)
    stopping = worker(agent, orchestrator, broker)
    running = Running(lambda: stopping.take(wanted))  # type: ignore[arg-type,return-value]
    until(lambda: "claude.started" in broker.steps and model.calls())
    stopping.stop()
    until(lambda: orchestrator.given_back == [1])
    running.outcome()
    assert broker.results == []
    worker(agent, orchestrator, broker).take(wanted)
    (result,) = broker.results
    assert result.attempt == 2
    assert "Going on where the last attempt was left" in broker.steps


@pytest.mark.parametrize(
    ("scenario", "then", "after"),
    [
        ({"kind": "text_only"}, "give_up", None),
        ({"kind": "hang"}, "retry", None),
        ({"kind": "error", "status": 429, "retry_after": 3600}, "retry", 60),
    ],
)
def test_what_goes_wrong_is_a_failure_that_says_what_to_do_next(
    agent: Agent, model: Model, scenario: dict[str, Any], then: str, after: float | None
) -> None:
    agent.silence_seconds = 2
    model.play(**scenario)
    broker = Broker()
    worker(agent, Orchestrator(), broker).take(task(uuid7()))
    (result,) = broker.results
    assert isinstance(result.outcome, Failure)
    assert (result.outcome.next, result.outcome.after) == (then, after)


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (TryAgain("x"), "retry"),
        (GiveUp("x"), "give_up"),
        (OSError(), "retry"),
        (Failed("diff", "fatal: no such thing", 128), "give_up"),
    ],
)
def test_a_job_that_cannot_begin_or_report_is_a_failure_and_leaves_nothing(
    agent: Agent, error: Exception, then: str
) -> None:
    def fails(*_: object) -> SayJob:
        raise error

    class FailsAtTheEnd(SayJob):
        def report(self, answer: Answer, usage: Usage) -> Said:
            raise error

    begins: list[Callable[..., SayJob]] = [fails, FailsAtTheEnd]
    for begin in begins:
        broker = Broker()
        worker(agent, Orchestrator(), broker, setup(begin=begin)).take(task(uuid7()))
        (result,) = broker.results
        assert isinstance(result.outcome, Failure)
        assert result.outcome.next == then
        assert not list((agent.folder / "tasks").iterdir())


def test_a_job_that_cannot_begin_since_the_cache_is_damaged_may_be_tried_again(agent: Agent) -> None:
    def fails(*_: object) -> SayJob:
        raise Failed("diff", "error: object file objects/ab/cd is empty\nfatal: bad object abcd", 128)

    broker = Broker()
    worker(agent, Orchestrator(), broker, setup(begin=fails)).take(task(uuid7()))
    (result,) = broker.results
    assert isinstance(result.outcome, Failure)
    assert result.outcome.next == "retry"


def test_the_tidying_after_a_report_is_about_the_same_run(
    agent: Agent, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    about_it: ContextVar[str] = ContextVar("about_it", default="nothing")
    seen: list[str] = []
    collect = Transcript.collect

    def collects(of: Transcript, home: Path, uid: int | None) -> None:
        seen.append(about_it.get())
        collect(of, home, uid)

    monkeypatch.setattr(Transcript, "collect", collects)
    about_it.set("this run")
    agent.work(assignment())
    until(lambda: seen)
    assert set(seen) == {"this run"}


def test_a_role_that_writes_has_what_it_wrote_until_its_report_is_made(agent: Agent) -> None:
    class Writes(SayJob):
        def report(self, answer: Answer, usage: Usage) -> Said:
            return Said(text=str((agent.folder / "tasks").exists() and self.prompt), usage=usage)

    how = setup(begin=Writes, parts=(Part("diff"), Part("repo", writable=True)), tools=("Read", "Write"))
    assert agent.work(assignment(), how).text.startswith("Say something.")


def test_a_word_that_comes_before_claude_has_started_is_not_lost(agent: Agent) -> None:
    class Early(SayJob):
        def report(self, answer: Answer, usage: Usage) -> Said:
            return Said(text=str(answer.structured["summary"]), usage=usage)

    at = assignment()
    running = Running(lambda: agent.work(at, setup(begin=Early)))
    at.inbox.put(Signal(task_id=at.task.id, verb="steer", text="Begin with the tests."))
    running.outcome()
    assert "Told Claude: Begin with the tests." in told(at).steps()


# --- the roles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", AGENTS)
def test_a_role_does_work_that_is_its_own_with_models_that_it_may_use(name: str) -> None:
    for brief, how in load_role(name).items():
        assert brief.by == name
        assert how.tier in ROLES[name].tiers
        assert how.system_prompt


def test_a_reviewer_reads_and_neither_writes_nor_asks() -> None:
    for how in pr_reviewer.TABLE.values():
        assert how.tools == ("Read", "Grep", "Glob")
        assert not how.asks
        assert [(part.name, part.writable) for part in how.parts] == [("diff", False), ("repo", False)]


def test_a_role_that_there_is_not_is_refused_in_words() -> None:
    with pytest.raises(SystemExit, match="there is no role poet; there are pr_reviewer"):
        load_role("poet")
