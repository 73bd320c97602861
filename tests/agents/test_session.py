"""Sessions of the real Claude Code with not-anthropic: alive, steered, asked, stopped, and how they end."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from agents.role import Setup
from stack.assignment import GIVEN_BACK, Stopped
from stack.errors import GiveUp, TryAgain
from stack.messages import Signal
from tests.agents.conftest import FINDINGS, Agent, Model, Running, Said, SayJob, assignment, setup, told, until
from tests.agents.fake_claude import put_fake_claude


def text_of(running: Running) -> str:
    report = running.outcome()
    assert isinstance(report, Said)
    return report.text


# --- alive ------------------------------------------------------------------------------------------------


def test_a_claude_that_streams_for_longer_than_the_silence_limit_is_alive(agent: Agent, model: Model) -> None:
    model.play("drip", delay_seconds=0.5, pieces=24, count=1)
    agent.silence_seconds = 2
    at = assignment()
    began = time.monotonic()
    assert "No model wrote this" in agent.work(at).text
    assert time.monotonic() - began > 4 * agent.silence_seconds
    assert len(model.calls()) == 1
    assert told(at).hops() == ["claude.started", "claude.ended"]
    assert told(at).steps(passing=True) == ["Claude is writing"]
    assert told(at).steps() == ["Writing the report"]


def test_a_model_that_says_nothing_is_ended_and_a_second_run_may_do_better(agent: Agent, model: Model) -> None:
    model.play("hang")
    agent.silence_seconds = 2
    with pytest.raises(TryAgain, match="said nothing for 2 s"):
        agent.work(assignment())


def test_a_model_that_falls_silent_in_the_middle_is_ended(agent: Agent, model: Model) -> None:
    model.play("hang_mid_stream")
    agent.silence_seconds = 2
    with pytest.raises(TryAgain, match="said nothing"):
        agent.work(assignment())


def test_a_task_ends_when_its_time_is_up_however_alive_it_is(agent: Agent, model: Model) -> None:
    model.play("drip", delay_seconds=0.5, pieces=100, count=1)
    with pytest.raises(GiveUp, match="did not finish"):
        agent.work(assignment(seconds=3))


# --- what it ends in --------------------------------------------------------------------------------------


def test_work_without_a_schema_ends_in_a_text(agent: Agent) -> None:
    report = agent.work(assignment(), setup(schema=None))
    assert "“Say something." in report.text
    assert report.usage.turns == 1
    assert report.usage.model


@pytest.mark.parametrize(
    ("scenario", "error", "words"),
    [
        ({"kind": "text_only"}, GiveUp, "without a report"),
        ({"kind": "invalid_report"}, GiveUp, "in the right form"),
        ({"kind": "refusal"}, GiveUp, "declined"),
        ({"kind": "error", "status": 400}, GiveUp, "400"),
        ({"kind": "error", "status": 401}, GiveUp, "401"),
        ({"kind": "error", "status": 402}, GiveUp, "a spending limit is reached"),
        ({"kind": "error", "status": 429, "retry_after": 3600}, TryAgain, "429"),
    ],
)
def test_an_ending_without_a_report_is_told_in_words(
    agent: Agent, model: Model, scenario: dict[str, Any], error: type[Exception], words: str
) -> None:
    model.play(**scenario)
    with pytest.raises(error, match=words):
        agent.work(assignment())


def test_a_refusal_that_passes_by_itself_says_how_long_to_wait(agent: Agent, model: Model) -> None:
    model.play("error", status=429, retry_after=3600)
    with pytest.raises(TryAgain) as refused:
        agent.work(assignment())
    assert refused.value.after


def test_turns_that_are_used_up_end_a_task(agent: Agent) -> None:
    with pytest.raises(GiveUp, match="turns"):
        agent.work(assignment(), setup(schema=FINDINGS, max_turns=1))


# --- steered and answered ---------------------------------------------------------------------------------


def steered(
    agent: Agent, how: Setup, when: str, *, pause: float = 0, then: Callable[[str], object] = lambda _text: None
) -> tuple[str, list[str]]:
    """What a session ends in that is steered when `when` is told; and what the person was told."""
    at = assignment()
    told(at).then = then
    running = Running(lambda: agent.work(at, how))
    told(at).wait_for(when)
    time.sleep(pause)
    at.inbox.put(Signal(task_id=at.task.id, verb="steer", text="Mind the tests, please."))
    return text_of(running), told(at).steps()


def test_a_word_during_a_tool_joins_the_turn(agent: Agent, model: Model) -> None:
    def hold(text: str) -> None:
        if text.startswith("Reading"):
            time.sleep(0.5)  # the tool is not done before this returns

    _, steps = steered(agent, setup(schema=FINDINGS), "Reading diff/0001.diff", then=hold)
    assert "Told Claude: Mind the tests, please." in steps
    assert len(model.calls()) == 3  # listing, reading, report: no turn more


def test_a_word_during_the_last_text_gets_a_turn_of_its_own_and_the_session_ends(agent: Agent, model: Model) -> None:
    model.play("drip", delay_seconds=0.2, pieces=10, count=1)
    text, _ = steered(agent, setup(schema=None), "claude.started", pause=1)
    assert "Mind the tests" in text
    assert len(model.calls()) == 2


def test_of_two_reports_the_last_one_counts(agent: Agent, model: Model) -> None:
    model.play("drip", delay_seconds=0.2, pieces=10, count=1)
    text, _ = steered(agent, setup(), "claude.started", pause=1)
    assert "Mind the tests" in text
    assert len(model.calls()) == 2


def test_a_report_stands_where_the_word_after_it_brings_no_other(agent: Agent, model: Model) -> None:
    class SteeredAtTheReport(SayJob):
        def objection(self, report: dict[str, Any]) -> None:
            model.play("error", status=400)
            at.inbox.put(Signal(task_id=at.task.id, verb="steer", text="One thing more."))
            time.sleep(0.3)

    at = assignment()
    assert "“Say something." in agent.work(at, setup(begin=SteeredAtTheReport)).text


def test_a_report_stands_where_its_agent_stops_while_a_word_after_it_is_answered(agent: Agent, model: Model) -> None:
    class SteeredAtTheReport(SayJob):
        def objection(self, report: dict[str, Any]) -> None:
            model.play("hang")
            at.inbox.put(Signal(task_id=at.task.id, verb="steer", text="One thing more."))
            time.sleep(0.3)

    at = assignment()
    running = Running(lambda: agent.work(at, setup(begin=SteeredAtTheReport)))
    until(lambda: len(model.calls()) == 2)
    at.stop.set(GIVEN_BACK)
    assert "“Say something." in text_of(running)


def test_a_role_that_may_ask_gets_its_answer_and_silence_is_not_judged_meanwhile(agent: Agent) -> None:
    agent.silence_seconds = 2
    at = assignment()
    running = Running(lambda: agent.work(at, setup(asks=True)))
    told(at).wait_for("Claude asks: Which colour? (Red / Blue)")
    time.sleep(3)
    at.inbox.put(Signal(task_id=at.task.id, verb="answer", text="Green"))
    assert '"Which colour?"="Green"' in text_of(running)


def test_a_role_that_may_not_ask_has_no_way_to(agent: Agent) -> None:
    at = assignment()
    agent.work(at)
    assert not any("Claude asks" in step for step in told(at).steps())


# --- stopped ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [GIVEN_BACK, "cancelled"])
def test_a_stop_ends_claude_at_once(agent: Agent, model: Model, reason: str) -> None:
    model.play("drip", delay_seconds=0.5, pieces=10_000, count=1)
    at = assignment()
    running = Running(lambda: agent.work(at))
    until(lambda: model.calls())
    at.stop.set(reason)
    at.stop.set("and once more")
    with pytest.raises(Stopped, match=reason):
        running.outcome(seconds=30)
    assert not list((agent.folder / "tasks").iterdir())


def test_a_stop_before_the_start_starts_nothing(agent: Agent, model: Model) -> None:
    at = assignment()
    at.stop.set("cancelled")
    with pytest.raises(Stopped):
        agent.work(at)
    assert model.calls() == []


# --- a CLI that misbehaves --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "words"), [("exit", "something is wrong with me"), ("junk", "Claude Code"), ("silent_exit", "Claude Code")]
)
def test_a_cli_that_ends_without_a_result_is_tried_again(agent: Agent, mode: str, words: str) -> None:
    agent.claude = put_fake_claude(agent.folder / "fake", mode)
    with pytest.raises(TryAgain, match=words):
        agent.work(assignment())


def test_a_result_counts_at_once_where_the_process_lingers(agent: Agent) -> None:
    agent.claude = put_fake_claude(agent.folder / "fake", "lingers")  # for ever
    assert agent.work(assignment()).text == "Done."


def test_two_sessions_at_once_do_not_disturb_each_other(agent: Agent, model: Model) -> None:
    from tests.agents.conftest import slot

    agent.slots = (slot(agent.folder, 0), slot(agent.folder, 1))
    runner = agent.runner()
    model.play("slow", delay_seconds=1)
    both = [assignment(), assignment()]
    running = [Running(lambda at=at: runner.does(setup())(at.task.brief, at)) for at in both]  # type: ignore[misc]
    until(lambda: threading.active_count() > 2)
    assert all("Say something" in text_of(one) for one in running)
