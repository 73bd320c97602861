"""A role's own tools, by the real CLI with a scripted model: what they take, and that they open nothing else."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agents.pr_reviewer import TABLE
from agents.role import Reply, Setup, Tool
from stack.assignment import GIVEN_BACK, Stopped
from stack.values import Value
from stack.work.kinds import Usage
from stack.work.review import ReviewChange
from tests.agents.conftest import Agent, Running, Said, SayJob, assignment, setup, told
from tests.agents.reviewing import FAULTY, a_change, places, review
from tests.agents.scripted import Scripted, running, use

NOTE = "mcp__report__note"
REPORT = use("StructuredOutput", summary="Done.")


class Note(Value):
    """A piece of what these tests report."""

    text: str


def take(job: SayJob, given: dict[str, Any]) -> Reply:
    job.shown.append(("note", given["text"]))
    if given["text"] == "wrong":
        return Reply("Nothing of that kind, please.", refused=True)
    return Reply("It is noted.", piece=Note(text=given["text"]))


def noting(**more: Any) -> Setup:
    """A role with a tool of its own."""
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    return setup(own_tools=(Tool("note", "Takes a note.", schema, take),), **more)


@pytest.fixture
def scripted(agent: Agent) -> Iterator[Scripted]:
    with running() as model:
        agent.model_url = model.url
        yield model


def test_a_tool_of_the_roles_own_is_offered_beside_the_others_with_its_schema(agent: Agent, scripted: Scripted) -> None:
    scripted.says(REPORT)
    agent.work(assignment(), noting())
    tools = {tool["name"]: tool for tool in scripted.requests[0]["tools"]}
    assert set(tools) == {"Read", "Grep", "Glob", "StructuredOutput", NOTE}
    assert tools[NOTE]["description"] == "Takes a note."
    assert tools[NOTE]["input_schema"]["required"] == ["text"]


def test_a_piece_is_stored_before_the_model_hears_that_it_is_noted(agent: Agent, scripted: Scripted) -> None:
    scripted.says(use(NOTE, text="one"), use(NOTE, text="two"), REPORT)
    at, seen = assignment(), []
    at.store = lambda piece: seen.append((len(scripted.requests), piece))
    assert agent.work(at, noting()).text == "Done."
    assert seen == [(1, {"text": "one"}), (2, {"text": "two"})]
    assert scripted.results(2) == [(False, "It is noted.")] * 2


def test_what_is_refused_is_an_error_in_words_and_stores_nothing(agent: Agent, scripted: Scripted) -> None:
    scripted.says(use(NOTE, text="wrong"), use(NOTE, text=7), use(NOTE), REPORT)
    at = assignment()
    agent.work(at, noting())
    results = scripted.results(3)
    assert [failed for failed, _ in results] == [True] * 3
    assert results[0][1] == "Nothing of that kind, please."
    assert "'text' is a required property" in results[2][1]
    assert told(at).kept == []


def test_a_handler_that_fails_is_an_error_for_the_model_and_the_session_goes_on(
    agent: Agent, scripted: Scripted
) -> None:
    def fails(_job: SayJob, _given: dict[str, Any]) -> Reply:
        raise OSError("no room left")

    scripted.says(use(NOTE, text="one"), REPORT)
    (tool,) = noting().own_tools
    assert agent.work(assignment(), replace(noting(), own_tools=(replace(tool, handle=fails),))).text == "Done."
    ((failed, words),) = scripted.results(1)
    assert failed
    assert "no room left" not in words


def test_a_handler_that_fails_on_what_the_last_money_paid_for_takes_no_part_away(
    agent: Agent, scripted: Scripted
) -> None:
    def fails(_job: SayJob, _given: dict[str, Any]) -> Reply:
        raise OSError("no room left")

    class Part(SayJob):
        def partial(self, why: str, usage: Usage) -> Said:
            return Said(text=why, usage=usage)

    scripted.says(use(NOTE, text="one"))
    (tool,) = noting().own_tools
    how = replace(noting(begin=Part), own_tools=(replace(tool, handle=fails),))
    assert "spending limit" in agent.work(assignment(budget_usd=0.0001), how).text
    assert len(scripted.requests) == 1


def test_a_piece_that_cannot_be_stored_is_noted_all_the_same(agent: Agent, scripted: Scripted) -> None:
    def fails(_piece: dict[str, Any]) -> None:
        raise ValueError("what?")

    scripted.says(use(NOTE, text="one"), REPORT)
    at = assignment()
    at.store = fails
    agent.work(at, noting())
    assert scripted.results(1) == [(False, "It is noted.")]


def test_nothing_else_becomes_allowed(agent: Agent, scripted: Scripted) -> None:
    outside = agent.folder / "outside"
    outside.write_text("of no concern")
    outside.chmod(0o644)

    class Links(SayJob):
        def __init__(self, brief: Any, workspace: Any, repositories: Any) -> None:
            super().__init__(brief, workspace, repositories)
            os.symlink(outside, workspace.part("diff") / "link")
            self.work = workspace.work

    tried = (
        use("Read", file_path=str(outside)),
        use("Read", file_path="/etc/passwd"),
        use("Read", file_path="diff/../../../outside"),
        use("Read", file_path="diff/link"),
        use("Grep", pattern=".", path=str(agent.folder), output_mode="content"),
        use("Glob", pattern=f"{agent.folder}/*"),
        use("Bash", command="id"),
        use("Write", file_path="diff/new", content="x"),
        use("Edit", file_path="diff/0001.diff", old_string="x", new_string="y"),
        use("WebFetch", url="http://127.0.0.1/", prompt="x"),
        use("Task", prompt="x", description="x", subagent_type="general-purpose"),
        use("mcp__report__other", text="x"),
        use("mcp__other__note", text="x"),
        use("ListMcpResourcesTool"),
        use("ToolSearch", query="select:Bash"),
    )
    scripted.says(tried, use("Read", file_path="diff/0001.diff"), use(NOTE, text="one"), REPORT)
    agent.work(assignment(), noting(begin=Links))
    results = scripted.results(3)
    assert [failed for failed, _ in results] == [True] * len(tried) + [False] * 2
    assert not any("of no concern" in text for _, text in results)


def test_a_session_with_a_tool_of_its_own_is_resumed_with_it(agent: Agent, scripted: Scripted) -> None:
    how = noting()
    scripted.says(use(NOTE, text="one"), use("Read", file_path="diff/0001.diff"), REPORT)
    at = assignment()
    first = at.stop

    def stop(text: str) -> None:
        if text.startswith("Reading"):
            first.set(GIVEN_BACK)

    told(at).then = stop
    with pytest.raises(Stopped):
        Running(lambda: agent.work(at, how)).outcome()
    scripted.requests.clear()
    scripted.says(use(NOTE, text="two"), REPORT)
    at = assignment(task_id=at.task.id, attempt=2)
    assert agent.work(at, how).text == "Done."
    assert told(at).kept == [{"text": "two"}]
    assert "Going on where the last attempt was left" in told(at).steps()


# --- the reviewer's ---------------------------------------------------------------------------------------------


def finding(**more: Any) -> dict[str, Any]:
    place = {"path": "app.py", "start_line": 4, "end_line": 4, "kind": "security", "severity": "high"}
    return {**place, "confidence": 0.9, "title": "It runs.", "explanation": "It does.", **more}


def test_findings_are_numbered_and_what_is_wrong_with_one_is_said_in_words(agent: Agent, scripted: Scripted) -> None:
    tool = "mcp__report__finding"
    scripted.says(
        use(tool, **finding()),
        use(tool, **finding(path="nowhere.py")),
        use(tool, **finding(title="In other words")),
        use(tool, **finding(path="repo/app.py", start_line=5, end_line=5)),
        use(tool, **finding(severity="grave")),
        use("StructuredOutput", summary="Done.", findings=[finding(start_line=6, end_line=6)], withdrawn=[1]),
    )
    at = assignment(a_change(agent, {b"app.py": FAULTY}))
    found = review(agent, at)
    assert [text.split(". ")[0] for _, text in scripted.results(5)] == [
        "Finding 1 is noted.",
        "path: there is no file nowhere.py in the repository, and none in the change",
        "Finding 1 of this kind is noted at this place already",
        "Finding 2 is noted.",
        "Input validation error: 'grave' is not one of ['critical', 'high', 'medium', 'low']",
    ]
    assert [failed for failed, _ in scripted.results(5)] == [False, True, False, False, True]
    assert places(found) == [("app.py", 5, "security"), ("app.py", 6, "security")]
    assert [piece["path"] for piece in told(at).kept] == ["app.py", "app.py"]


def test_the_reviewer_has_its_tools_and_no_others(agent: Agent, scripted: Scripted) -> None:
    scripted.says(use("StructuredOutput", summary="Done.", findings=[]))
    review(agent, assignment(a_change(agent, {b"app.py": FAULTY})))
    named = {tool["name"] for tool in scripted.requests[0]["tools"]}
    assert named == {"Read", "Grep", "Glob", "StructuredOutput", "mcp__report__finding"}
    assert [tool.name for tool in TABLE[ReviewChange].own_tools] == ["finding"]
