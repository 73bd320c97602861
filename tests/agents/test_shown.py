"""When a tool's answer counts as shown: once the model has gone on after it; by itself, and by the real CLI."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from claude_agent_sdk import AssistantMessage, TextBlock, ToolUseBlock
from claude_agent_sdk.types import ContentBlock

from agents.claude.budget import Budget
from agents.claude.hooks import JobHooks
from agents.pr_reviewer import TABLE
from agents.role import Answer, Job
from stack.work.kinds import Report, Usage
from stack.work.review import Review, ReviewChange
from tests.agents.conftest import Agent, assignment, jobs
from tests.agents.reviewing import FAULTY, LARGE, a_change, review
from tests.agents.scripted import Scripted, running, use


class Hears(Job):
    """Keeps what it hears, and what it had heard when a report was handed in."""

    prompt = ""

    def __init__(self) -> None:
        self.heard_of: list[str] = []
        self.at_report: list[str] | None = None

    def heard(self, tool: str, asked: dict[str, Any], answer: Any) -> None:
        self.heard_of.append(answer)

    def objection(self, report: dict[str, Any]) -> str | None:
        self.at_report = list(self.heard_of)
        return None

    def report(self, answer: Answer, usage: Usage) -> Report:
        raise NotImplementedError


def hooks(job: Job, *, resumed: Any = lambda _went_on: None) -> JobHooks:
    return JobHooks(job, recorded=("Read",), budget=Budget("http://127.0.0.1:9", ""), resumed=resumed)


def says(of: JobHooks, message_id: str, *blocks: ContentBlock, **more: Any) -> None:
    told = {"model": "not-a-model", **more}
    of.heard(AssistantMessage(content=list(blocks), message_id=message_id, **told))


def calls(*names: str) -> list[ContentBlock]:
    return [ToolUseBlock(id=name, name="Read", input={}) for name in names]


def answered(of: JobHooks, call: str) -> None:
    event = {"tool_name": "Read", "tool_use_id": call, "tool_input": {}, "tool_response": call}
    asyncio.run(of.after_tool(event, call, None))


def reports(of: JobHooks, call: str = "report") -> None:
    asyncio.run(of.before_report({"tool_use_id": call, "tool_input": {}}, call, None))


def test_an_answer_is_heard_of_when_the_model_goes_on_after_it() -> None:
    job = Hears()
    of = hooks(job)
    says(of, "m1", *calls("a"))
    answered(of, "a")
    says(of, "m1", *calls("b"))  # the same message goes on: a tool runs as soon as it was asked for
    answered(of, "b")
    assert job.heard_of == []
    says(of, "m2", TextBlock("So."))
    assert job.heard_of == ["a", "b"]


def test_a_hook_that_is_ahead_of_the_message_that_asked_changes_nothing() -> None:
    job = Hears()
    of = hooks(job)
    says(of, "m0", TextBlock("I begin."))
    answered(of, "a")
    says(of, "m1", *calls("a"))
    assert job.heard_of == []
    says(of, "m2", TextBlock("So."))
    assert job.heard_of == ["a"]


def test_an_error_in_the_place_of_an_answer_has_seen_nothing() -> None:
    job = Hears()
    of = hooks(job)
    says(of, "m1", *calls("a"))
    answered(of, "a")
    says(of, "m2", TextBlock("API Error"), error="server_error")
    says(of, "m3", TextBlock("No response requested."), model="<synthetic>")
    assert job.heard_of == []


def test_a_report_is_judged_by_what_was_shown_before_it_and_not_beside_it() -> None:
    job = Hears()
    of = hooks(job)
    says(of, "m1", *calls("a"))
    answered(of, "a")
    says(of, "m2", *calls("b"))
    answered(of, "b")
    says(of, "m2", ToolUseBlock(id="report", name="StructuredOutput", input={}))
    reports(of)
    assert job.at_report == ["a"]


def test_a_report_whose_message_comes_a_little_later_is_waited_for() -> None:
    job = Hears()
    of = hooks(job)
    says(of, "m1", *calls("a"))
    answered(of, "a")

    async def hand_in() -> None:
        asyncio.get_running_loop().call_later(
            0.05, says, of, "m2", ToolUseBlock(id="report", name="StructuredOutput", input={})
        )
        await of.before_report({"tool_use_id": "report", "tool_input": {}}, "report", None)

    asyncio.run(hand_in())
    assert job.at_report == ["a"]


@pytest.mark.parametrize("went_on", [True, False])
def test_what_is_resumed_is_told_once_and_whether_the_model_has_gone_on(went_on: bool) -> None:
    told_of: list[bool] = []
    of = hooks(Hears(), resumed=told_of.append)
    for _ in range(2):
        of.note_model(went_on=went_on)
    assert told_of == [went_on]


# --- by the real CLI --------------------------------------------------------------------------------------


READ = use("Read", file_path="diff/0001.diff")
REPORT = use("StructuredOutput", summary="Done.")


@pytest.fixture
def scripted(agent: Agent) -> Iterator[Scripted]:
    with running() as model:
        agent.model_url = model.url
        yield model


@pytest.mark.parametrize(("script", "shown"), [([(READ, REPORT)], 0), ([READ, REPORT], 1)])
def test_what_is_read_before_the_report_counts_and_what_is_read_beside_it_does_not(
    agent: Agent, scripted: Scripted, script: list[Any], shown: int
) -> None:
    scripted.says(*script)
    agent.work(assignment())
    assert [len(job.shown) for job in jobs] == [shown]


def test_a_review_counts_nothing_that_was_asked_for_beside_its_report(agent: Agent, scripted: Scripted) -> None:
    brief = a_change(agent, {b"app.py": FAULTY, b"large.py": LARGE})
    pages = [use("Read", file_path="diff/0002.diff", offset=n, limit=1000) for n in range(1, 5000, 1000)]
    report = use("StructuredOutput", summary="Done.", findings=[])
    scripted.says((*pages, report), (*pages, report), (*pages, report))
    found = review(agent, assignment(brief))
    assert "0002.diff" in next(text for _, text in scripted.results(1) if "Not read" in text)
    assert found.coverage.complete  # the second report came after the first reads


def test_what_was_answered_last_before_the_turns_were_used_up_does_not_count(agent: Agent, scripted: Scripted) -> None:
    brief = a_change(agent, {b"app.py": FAULTY, b"large.py": LARGE})
    finding = {"path": "app.py", "start_line": 4, "end_line": 4, "kind": "security", "severity": "high"}
    finding |= {"confidence": 0.9, "title": "It runs.", "explanation": "It does."}
    pages = [use("Read", file_path="diff/0002.diff", offset=n, limit=1000) for n in range(1, 5000, 1000)]
    scripted.says((use("mcp__report__finding", **finding), *pages), (use("Read", file_path="repo/app.py"),))
    at = assignment(brief)
    found = agent.report(at, replace(TABLE[ReviewChange], max_turns=1))
    assert isinstance(found, Review)
    assert [row.path for row in found.coverage.unread] == ["large.py"]
