"""The money of a task: the proxy's ledger is asked of it now and then, and the model is told once, in time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.claude import budget
from agents.claude.budget import ASK_SECONDS, Budget
from stack.errors import GiveUp
from tests.agents.conftest import Agent, Model, SayJob, assignment, jobs, setup, told
from tests.agents.reviewing import FAULTY, LARGE, a_change, places, review
from tests.agents.scripted import Scripted, running, use
from tests.proxy.running import RunningProxy, a_task, running_proxy, token
from tests.stack.proving import SERVER_KEY

READ = use("Read", file_path="diff/0001.diff")
REPORT = use("StructuredOutput", summary="Done.")
KEY = "not-a-token"


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with running() as model:
        yield model


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def words(of: Budget, times: int = 1) -> list[str]:
    async def ask() -> list[str]:
        return [await of.word() for _ in range(times)]

    return asyncio.run(ask())


def test_nothing_is_said_while_there_is_enough(scripted: Scripted) -> None:
    scripted.share = 0.84
    assert words(Budget(scripted.url, KEY)) == [""]


@pytest.mark.parametrize(("share", "said"), [(0.85, "85%"), (0.934, "93%"), (1.2, "100%")])
def test_near_the_end_it_is_said_once(scripted: Scripted, share: float, said: str) -> None:
    scripted.share, clock = share, Clock()
    of_task = Budget(scripted.url, KEY, clock=clock)
    (first,) = words(of_task)
    assert first.startswith(said)
    assert "hand in your report now" in first
    clock.now += 100
    assert words(of_task) == [""]
    assert scripted.asked == 1


def test_it_is_asked_once_in_two_seconds(scripted: Scripted) -> None:
    scripted.share, clock = 0.1, Clock()
    of_task = Budget(scripted.url, KEY, clock=clock)
    words(of_task, 5)
    assert scripted.asked == 1
    clock.now += ASK_SECONDS
    words(of_task, 5)
    assert scripted.asked == 2


def test_tools_that_answer_at_once_ask_once_and_hear_it_once(scripted: Scripted) -> None:
    scripted.share = 0.9
    of_task = Budget(scripted.url, KEY)

    async def together() -> list[str]:
        return await asyncio.gather(*(of_task.word() for _ in range(5)))

    assert sum(bool(word) for word in asyncio.run(together())) == 1
    assert scripted.asked == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "none"])
def test_where_no_ledger_answers_nothing_is_said(scripted: Scripted, url: str) -> None:
    assert words(Budget(scripted.url if url == "none" else url, KEY)) == [""]


# --- by the real CLI ------------------------------------------------------------------------------------------


class Hurried(SayJob):
    """Counts how often it is told to ask no more."""

    times = 0

    def ask_no_more(self) -> None:
        self.times += 1


def test_the_word_reaches_the_model_beside_a_tools_answer_and_once(agent: Agent, scripted: Scripted) -> None:
    agent.model_url, scripted.share = scripted.url, 0.9
    scripted.says(READ, READ, READ, REPORT)
    agent.work(assignment(), setup(begin=Hurried))
    assert not any("hand in your report now" in text for text in scripted.words(0))
    for request in (1, 2, 3):
        said = [text for text in scripted.words(request) if "hand in your report now" in text]
        assert len(said) == 1
        assert "90% of the money" in said[0]
    (job,) = jobs
    assert isinstance(job, Hurried)
    assert job.times == 1


def test_a_model_that_spends_little_hears_nothing(agent: Agent, scripted: Scripted) -> None:
    agent.model_url, scripted.share = scripted.url, 0.2
    scripted.says(READ, READ, REPORT)
    agent.work(assignment())
    assert not any("hand in your report now" in text for text in scripted.words(2))
    assert scripted.asked >= 1


# --- with the real proxy --------------------------------------------------------------------------------------


@pytest.fixture
def proxy(model: Model, tmp_path: Path) -> Iterator[RunningProxy]:
    """The proxy, with not-anthropic behind it, whose answers cost a thousand dollars a million tokens."""
    settings: dict[str, Any] = {
        "SONNET_PROVIDER_BASE_URL": model.url,
        "SONNET_PROVIDER_API_KEY": KEY,
        "SONNET_PRICE": "0.001/1000",
        "PROOF_KEY": SERVER_KEY,
    }
    with running_proxy(tmp_path, **settings) as running:
        yield running


def test_a_review_whose_money_nears_its_end_hands_in_what_it_has(
    agent: Agent, proxy: RunningProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "ASK_SECONDS", 0.0)  # a simulator says much in two seconds
    files = {f"module_{number}.py".encode(): LARGE[:3000] for number in range(150)}
    brief = a_change(agent, {b"app.py": FAULTY, **files})
    claims = a_task(budget_usd=3.0)
    agent.model_url = proxy.url
    at = assignment(brief, token=token(claims), budget_usd=100)
    found = review(agent, at)
    assert ("app.py", 4, "security") in places(found)
    assert 0 < found.coverage.read < found.coverage.hunks
    assert "Not read whole" in found.summary
    assert found.ended == ""  # the model has reported
    spent = proxy.call("GET", "/task", headers={"x-api-key": token(claims)}).json
    assert 0.85 <= spent["spent_usd"] / spent["budget_usd"] <= 1.1


def test_a_task_whose_money_is_spent_brings_what_it_found(agent: Agent, model: Model, proxy: RunningProxy) -> None:
    claims = a_task(budget_usd=0.3)  # the first answer costs more
    agent.model_url = proxy.url
    at = assignment(a_change(agent, {b"app.py": FAULTY}), token=token(claims), budget_usd=100)
    found = review(agent, at)
    assert "a spending limit is reached" in found.ended
    assert len(found.findings) == 3
    assert len(told(at).kept) == 3


def test_a_task_without_any_money_fails_in_words(agent: Agent, proxy: RunningProxy) -> None:
    agent.model_url = proxy.url
    at = assignment(a_change(agent, {b"app.py": FAULTY}), token=token(a_task(budget_usd=0.0)), budget_usd=100)
    with pytest.raises(GiveUp, match="a spending limit is reached"):
        review(agent, at)
