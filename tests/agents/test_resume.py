"""A later attempt goes on in the session of the earlier one and pays for what is new alone; by the real CLI."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest

from agents.pr_reviewer import TABLE
from agents.pr_reviewer.prompts import BRIEF_CHARACTERS
from native.processes import ROOT
from stack.assignment import GIVEN_BACK, Stopped
from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.work.review import Review, ReviewChange
from tests.agents.conftest import (
    FINDINGS,
    IS_ROOT,
    UID,
    Agent,
    Model,
    Running,
    assignment,
    jobs,
    setup,
    slot,
    told,
    until,
)
from tests.agents.reviewing import Local
from tests.stack.repositories import Repository

WHOLE = 3  # calls of a session that reads: what is there, its pages, the report
READING = setup(schema=FINDINGS)


def cut_off(agent: Agent, model: Model, task_id: UUID, *, reason: str = GIVEN_BACK) -> None:
    """An attempt that reads everything, and is stopped before it has reported."""
    at = assignment(task_id=task_id)

    def hang(text: str) -> None:
        if text.startswith("Reading diff/"):
            model.play("hang")

    told(at).then = hang
    running = Running(lambda: agent.work(at, READING))
    until(lambda: len(model.calls()) == WHOLE)
    at.stop.set(reason)
    with pytest.raises(Stopped):
        running.outcome()
    model.behave()


def kept(agent: Agent, task_id: UUID) -> Path:
    return agent.folder / "transcripts" / str(task_id)


def test_an_attempt_without_an_earlier_one_makes_all_calls(agent: Agent, model: Model) -> None:
    agent.work(assignment(), READING)
    assert len(model.calls()) == WHOLE


def test_a_second_attempt_pays_for_what_is_new_alone_in_another_slot_too(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    agent.slots = (slot(agent.folder, 1),)
    at = assignment(task_id=task_id, attempt=2)
    report = agent.work(at, READING)
    assert "applied to 3 changed files" in report.text
    assert len(model.calls()) == WHOLE + 1
    assert "Going on where the last attempt was left" in told(at).steps()


def test_what_tools_have_shown_before_counts_in_the_second_attempt(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    agent.work(assignment(task_id=task_id, attempt=2), READING)
    first, second = jobs
    assert first.shown == []  # it was stopped before the model could go on
    assert len({str(answer) for _, answer in second.shown}) == len(second.shown) == 3


def test_what_was_answered_last_counts_only_if_the_model_goes_on_with_it(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    model.play("error", status=402)
    with pytest.raises(GiveUp):
        agent.work(assignment(task_id=task_id, attempt=2), READING)
    assert [len(job.shown) for job in jobs] == [0, 0]


def test_a_session_outlives_a_runner_that_is_killed(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    model.play("slow", delay_seconds=1)
    command = [sys.executable, "-m", "tests.agents.killed", str(agent.folder), model.url, str(task_id)]
    with subprocess.Popen(command, cwd=ROOT) as killed:
        until(lambda: len(model.calls()) == WHOLE)
        time.sleep(0.4)  # what was said is on the disk after a tenth of a second
        killed.kill()
    model.behave()
    report = agent.work(assignment(task_id=task_id, attempt=2), READING)
    assert "applied to 3 changed files" in report.text
    assert len(model.calls()) == WHOLE + 1
    until(lambda: not list((agent.folder / "tasks").iterdir()))


@pytest.mark.parametrize("damage", ["no transcript", "", "gone"])
def test_a_transcript_that_cannot_be_resumed_is_a_fresh_start(agent: Agent, model: Model, damage: str) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    transcript = kept(agent, task_id) / "transcript.jsonl"
    if damage == "gone":
        transcript.unlink()
    else:
        transcript.write_text(damage)
    report = agent.work(assignment(task_id=task_id, attempt=2), READING)
    assert "applied to 3 changed files" in report.text
    assert len(model.calls()) == 2 * WHOLE
    assert len(jobs[-1].shown) == 3


def test_a_transcript_that_was_cut_off_is_resumed_and_what_it_lost_is_read_again(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    transcript = kept(agent, task_id) / "transcript.jsonl"
    text = transcript.read_bytes()
    reads = [line for line in text.splitlines(keepends=True) if b'"toolUseResult":{"type":"text"' in line]
    transcript.write_bytes(text[: text.index(reads[1]) + 100])
    report = agent.work(assignment(task_id=task_id, attempt=2), READING)
    assert "applied to 3 changed files" in report.text
    assert len(jobs[-1].shown) == 3
    assert len(model.calls()) == WHOLE + 2


def test_a_machine_without_the_transcript_starts_anew(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    shutil.rmtree(kept(agent, task_id))
    agent.work(assignment(task_id=task_id, attempt=2), READING)
    assert len(model.calls()) == 2 * WHOLE


def test_a_session_that_began_with_another_prompt_is_not_resumed(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    agent.work(assignment(task_id=task_id, attempt=2), setup(schema=FINDINGS, system_prompt="You say it differently."))
    assert len(model.calls()) == 2 * WHOLE


def test_a_model_that_is_away_when_a_session_is_resumed_costs_no_fresh_start(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    model.play("error", status=429, retry_after=3600)
    with pytest.raises(TryAgain):
        agent.work(assignment(task_id=task_id, attempt=2), READING)
    model.behave()
    agent.work(assignment(task_id=task_id, attempt=3), READING)
    assert len(model.calls()) == WHOLE + 1 + 1


def test_a_resumed_session_that_the_model_cannot_take_is_a_fresh_start(agent: Agent, model: Model) -> None:
    task_id = uuid7()
    cut_off(agent, model, task_id)
    at = assignment(task_id=task_id, attempt=2)
    model.play("error", status=400)
    running = Running(lambda: agent.work(at, READING))
    until(lambda: told(at).hops().count("claude.started") == 2)
    before = len(model.calls())
    model.behave()
    running.outcome()
    assert len(model.calls()) >= before + WHOLE


def test_what_a_failed_task_said_is_kept_and_no_other_slot_can_read_it(agent: Agent, model: Model) -> None:
    at = assignment()
    model.play("text_only")
    with pytest.raises(GiveUp):
        agent.work(at)
    transcript = kept(agent, at.task.id) / "transcript.jsonl"
    assert "Say something." in transcript.read_text()
    if IS_ROOT:
        for uid in (UID, UID + 1):
            seen = subprocess.run(["cat", transcript], user=uid, group=uid, extra_groups=[], capture_output=True)
            assert seen.returncode != 0


# --- a review --------------------------------------------------------------------------------------------


def test_a_review_that_is_resumed_knows_what_was_read_before(agent: Agent, model: Model) -> None:
    repository = Repository(agent.folder / "repository")
    before = repository.commit({b"app.py": b"import os\n"})
    large = b"".join(b"value_%d = eval(%d)\n" % (n, n) for n in range(BRIEF_CHARACTERS // 20))
    after = repository.commit({b"app.py": large, b"small.py": b"x = 1\n"})
    agent.caches = Local(repository.folder / ".git")
    brief = ReviewChange(repository="acme/shop", base_sha=before, head_sha=after)
    how, task_id = TABLE[ReviewChange], uuid7()

    first = assignment(brief, task_id=task_id)
    model.play("slow", delay_seconds=0.5)
    running = Running(lambda: agent.report(first, how))
    told(first).wait_for("Reading diff/")
    model.play("hang")
    until(lambda: len(model.calls()) == WHOLE)  # everything is read
    first.stop.set(GIVEN_BACK)
    with pytest.raises(Stopped):
        running.outcome()
    model.behave()

    review = agent.report(assignment(brief, task_id=task_id, attempt=2), how)
    assert isinstance(review, Review)
    assert review.coverage.complete
    assert review.findings
    assert len(model.calls()) == WHOLE + 2  # its findings, the report
