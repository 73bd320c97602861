"""Reviews by the real CLI with not-anthropic: findings come by their tool, and outlive whatever ends the session."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.pr_reviewer import TABLE
from native.processes import ROOT
from stack.assignment import GIVEN_BACK, Stopped
from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.work.kinds import Report
from stack.work.remarks import Said
from stack.work.review import Checked, CheckFindings, Finding, Review, ReviewChange
from tests.agents.conftest import Agent, Model, Running, assignment, told, until
from tests.agents.reviewing import FAULTY, LARGE, a_change, places, review

OF_FAULTY = [("app.py", 4, "security"), ("app.py", 5, "correctness"), ("app.py", 6, "maintainability")]
REST = ("app.py", 1, "tests")  # of the whole change, which the report has


def faulty(agent: Agent, **more: Any) -> ReviewChange:
    return a_change(agent, {b"app.py": FAULTY}, **more)


def test_findings_are_handed_in_as_they_come_and_stand_in_the_review_once(agent: Agent, model: Model) -> None:
    at = assignment(faulty(agent))
    found = review(agent, at)
    assert places(found) == [*OF_FAULTY, REST]
    assert [(piece["path"], piece["start_line"], piece["kind"]) for piece in told(at).kept] == OF_FAULTY
    assert found.ended == ""
    assert found.coverage.complete
    assert list(found.read) == ["app.py"]
    assert "Noting a finding in app.py" in told(at).steps()
    assert len(model.calls()) == 3  # listing with what the brief shows, reading, report


# --- endings that are final -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("text_only", {}, "without a report"),
        ("invalid_report", {}, "in the right form"),
        ("refusal", {}, "declined"),
        ("error", {"status": 400}, "400"),
        ("error", {"status": 402}, "spending limit"),
    ],
)
def test_what_was_found_outlives_a_session_that_ends_without_a_report(
    agent: Agent, model: Model, kind: str, more: dict[str, Any], why: str
) -> None:
    model.play(f"findings_then_{kind}", **more)
    found = review(agent, assignment(faulty(agent)))
    assert places(found) == OF_FAULTY[:2]
    assert why in found.ended
    assert found.coverage.complete  # the brief showed it all
    assert found.read == {}  # and yet nobody has judged it
    assert "part of a review" in found.summary


@pytest.mark.parametrize("kind", ["text_only", "invalid_report", "refusal"])
def test_a_session_that_found_nothing_is_a_failure_in_words_as_before(agent: Agent, model: Model, kind: str) -> None:
    model.play(kind)
    with pytest.raises(GiveUp, match=r"report|declined"):
        review(agent, assignment(faulty(agent)))


def test_time_that_is_up_leaves_what_was_found(agent: Agent, model: Model) -> None:
    model.play("findings_then_hang")
    found = review(agent, assignment(faulty(agent), seconds=8))
    assert places(found) == OF_FAULTY[:2]
    assert "did not finish" in found.ended


def test_money_that_is_spent_is_not_spent_again_and_what_it_paid_for_counts(agent: Agent, model: Model) -> None:
    brief = a_change(agent, {b"app.py": FAULTY, b"large.py": LARGE})
    found = review(agent, assignment(brief, budget_usd=0.0001))
    assert places(found) == OF_FAULTY  # Claude Code runs no tool of the answer that was the last one
    assert "spending limit" in found.ended
    assert len(model.calls()) == 1


def test_a_report_that_was_said_with_the_last_money_is_the_report(agent: Agent, model: Model) -> None:
    model.play("claim", report={"summary": "All is well.", "findings": []})
    found = review(agent, assignment(faulty(agent), budget_usd=0.0001))
    assert (found.summary, found.ended) == ("All is well.", "")


def test_turns_that_are_used_up_leave_what_was_found(agent: Agent, model: Model) -> None:
    from dataclasses import replace

    at = assignment(a_change(agent, {b"app.py": FAULTY, b"large.py": LARGE}))
    found = agent.report(at, replace(TABLE[ReviewChange], max_turns=1))
    assert isinstance(found, Review)
    assert places(found) == OF_FAULTY
    assert "turns" in found.ended
    assert not found.coverage.complete
    assert [file.path for file in found.coverage.unread] == ["large.py"]


# --- endings that a further attempt may heal ---------------------------------------------------------------


def test_a_fault_is_tried_again_first_and_the_last_attempt_brings_what_there_is(agent: Agent, model: Model) -> None:
    brief, task_id = faulty(agent), uuid7()
    model.play("findings_then_hang")
    agent.silence_seconds = 3
    first = assignment(brief, task_id=task_id)
    with pytest.raises(TryAgain, match="said nothing"):
        review(agent, first)
    second = assignment(brief, task_id=task_id, attempt=2, pieces=told(first).kept)
    found = review(agent, second)
    assert places(found) == OF_FAULTY[:2]
    assert "said nothing for 3 s" in found.ended
    assert found.coverage.complete  # by the record of the session that was resumed


def test_an_attempt_that_cost_nobody_a_failure_leaves_one_more_after_a_fault(agent: Agent, model: Model) -> None:
    model.play("findings_then_hang")
    agent.silence_seconds = 3
    with pytest.raises(TryAgain, match="said nothing"):
        review(agent, assignment(faulty(agent), attempt=4, last=False))  # the others were given back


def test_what_an_attempt_found_whose_money_was_spent_meanwhile_is_brought_by_the_next(
    agent: Agent, model: Model
) -> None:
    brief, task_id = faulty(agent), uuid7()
    model.play("findings_then_hang")
    agent.silence_seconds = 3
    first = assignment(brief, task_id=task_id)
    with pytest.raises(TryAgain):
        review(agent, first)
    model.play("error", status=402)
    model.forget()
    found = review(agent, assignment(brief, task_id=task_id, attempt=2, pieces=told(first).kept))
    assert places(found) == OF_FAULTY[:2]
    assert "spending limit" in found.ended
    assert found.coverage.complete
    assert len(model.calls()) == 1  # no new session was begun


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_model_that_is_away_is_waited_for_in_every_attempt(agent: Agent, model: Model, attempt: int) -> None:
    model.play("findings_then_error", status=429, retry_after=3600)
    with pytest.raises(TryAgain) as away:
        review(agent, assignment(faulty(agent), attempt=attempt))
    assert away.value.after


def test_a_stop_brings_no_part(agent: Agent, model: Model) -> None:
    model.play("findings_then_hang")
    at = assignment(faulty(agent))
    running = Running(lambda: review(agent, at))
    until(lambda: len(told(at).kept) == 2)
    at.stop.set(GIVEN_BACK)
    with pytest.raises(Stopped):
        running.outcome()


# --- crashes ------------------------------------------------------------------------------------------------


def test_a_runner_that_is_killed_after_two_findings_has_kept_them_and_the_next_counts_on(
    agent: Agent, model: Model
) -> None:
    brief, task_id = faulty(agent), uuid7()
    model.play("findings_then_hang")
    kept = agent.folder / "kept"
    command = [sys.executable, "-m", "tests.agents.killed", str(agent.folder), model.url, str(task_id)]
    told_to = [brief.model_dump_json(), str(agent.folder / "repository-0/.git"), str(kept)]
    with subprocess.Popen([*command, *told_to], cwd=ROOT) as killed:
        until(lambda: kept.exists() and len(kept.read_text().splitlines()) == 2 and len(model.calls()) == 2)
        killed.kill()
    model.behave()
    pieces = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [(piece["path"], piece["start_line"], piece["kind"]) for piece in pieces] == OF_FAULTY[:2]

    at = assignment(brief, task_id=task_id, attempt=2, pieces=pieces)
    found = review(agent, at)
    assert places(found) == [*OF_FAULTY, REST]
    assert [piece["start_line"] for piece in told(at).kept] == [6]


def test_a_machine_that_has_no_transcript_is_told_what_is_noted_and_notes_nothing_twice(
    agent: Agent, model: Model
) -> None:
    brief = faulty(agent)
    first = assignment(brief)
    review(agent, first)
    second = assignment(brief, attempt=2, pieces=told(first).kept[:2])
    found = review(agent, second)
    assert places(found) == [*OF_FAULTY, REST]
    assert [piece["start_line"] for piece in told(second).kept] == [6]


# --- what is new, and what was said ------------------------------------------------------------------------------


def test_files_that_are_unchanged_are_not_read_and_keep_their_place(agent: Agent, model: Model) -> None:
    brief = a_change(agent, {b"app.py": FAULTY, b"large.py": LARGE, b"tests/test_app.py": b"x = eval('1')\n"})
    before = review(agent, assignment(brief))
    assert sorted(before.read) == ["app.py", "large.py", "tests/test_app.py"]
    model.forget()
    earlier = {path: digest for path, digest in before.read.items() if path != "tests/test_app.py"}
    at = assignment(brief.model_copy(update={"earlier": earlier}))
    found = review(agent, at)
    assert places(found) == [("tests/test_app.py", 1, "security")]
    assert found.coverage.complete
    assert found.read == before.read
    assert not any("Reading" in step for step in told(at).steps() if "0003" not in step)


def test_where_nothing_has_changed_no_model_is_asked(agent: Agent, model: Model) -> None:
    brief = faulty(agent)
    before = review(agent, assignment(brief))
    model.forget()
    at = assignment(brief.model_copy(update={"earlier": before.read}))
    found = review(agent, at)
    assert model.calls() == []
    assert told(at).hops() == []
    assert (found.findings, found.read, found.ended) == ((), before.read, "")
    assert found.coverage.complete


def test_what_stands_on_the_pull_request_is_named_and_what_is_fixed_too(agent: Agent, model: Model) -> None:
    ours = Said(number=1, author="bot", ours=True, path="app.py", line=4, text="It runs.", kind="security")
    gone = Said(number=2, author="bot", ours=True, path="app.py", line=0, text="It waits.", kind="resources")
    theirs = Said(number=5, author="ada", path="app.py", line=5, text="Hm: comparison with None by !=, really?")
    found = review(agent, assignment(faulty(agent, said=(ours, gone, theirs))))
    assert [finding.same_as for finding in found.findings] == [1, 5, 0, 0]
    assert found.fixed == (2,)


# --- the second look ----------------------------------------------------------------------------------------------


def checked(agent: Agent, brief: ReviewChange, findings: tuple[Finding, ...]) -> Checked:
    wanted = CheckFindings(
        repository=brief.repository, base_sha=brief.base_sha, head_sha=brief.head_sha, findings=findings
    )
    report: Report = agent.report(assignment(wanted), TABLE[CheckFindings])
    assert isinstance(report, Checked)
    return report


def test_each_finding_gets_a_verdict(agent: Agent, model: Model) -> None:
    brief = faulty(agent)
    found = review(agent, assignment(brief))
    model.play("check", verdicts=[{"number": 2, "holds": False, "reason": "It does not."}])
    verdicts = checked(agent, brief, found.findings).verdicts
    assert [(verdict.number, verdict.holds) for verdict in verdicts] == [(1, True), (2, False), (3, True), (4, True)]
    assert [verdict.severity for verdict in verdicts] == [finding.severity for finding in found.findings]
    assert verdicts[1].reason == "It does not."
    assert "No model wrote this" in verdicts[0].reason


def test_a_check_without_a_report_is_a_failure(agent: Agent, model: Model) -> None:
    brief = faulty(agent)
    finding = Finding(
        path="app.py", start_line=4, end_line=4, severity="high", confidence=1, title="T", explanation="E"
    )
    model.play("text_only")
    with pytest.raises(GiveUp, match="without a report"):
        checked(agent, brief, (finding,))


def test_a_check_that_leaves_a_finding_out_is_handed_back(agent: Agent, model: Model) -> None:
    brief = faulty(agent)
    found = review(agent, assignment(brief))
    model.forget()
    model.play("claim", report={"verdicts": []}, count=1)
    assert len(checked(agent, brief, found.findings).verdicts) == len(found.findings)
    assert len(model.calls()) == 2


def test_the_folder_of_a_review_is_its_own(agent: Agent) -> None:
    review(agent, assignment(faulty(agent)))
    until(lambda: not list(Path(agent.folder / "tasks").iterdir()))
