"""The real Claude Code through both lanes: it reads files with its own tool, in parallel too, and outlives errors."""

import json
import threading
from pathlib import Path

import pytest

from tests.proxy.http.claude_code import Ran, run_claude, started_claude
from tests.proxy.http.lanes import Lane, rows
from tests.proxy.http.wires import Part, text, use
from tests.proxy.running import a_task, token
from tests.proxy.upstream import Exchange, Script, answering

WORD = "Zwölfuhrläuten 🔔"
IDS = ("toolu_01AAAAAAAAAAAAAAAAAAAAAA", "toolu_01BBBBBBBBBBBBBBBBBBBBBB")
SHORT_WAITS = {"CLAUDE_CODE_MAX_RETRIES": "4"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with two files."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "first.txt").write_text(f"The word is {WORD}.\n")
    (folder / "second.txt").write_text("And the number is 4711.\n")
    return folder


def ask(lane: Lane, work: Path, prompt: str, run: str = "", **more: str) -> Ran:
    claims = a_task(run=run) if run else a_task()
    return run_claude(work, lane.gateway.url, token(claims), prompt, model=lane.asked, **more)


def reading(lane: Lane, *files: Path) -> Script:
    """A model that reads the files, all at once, and then says what is in them."""

    def script(exchange: Exchange) -> None:
        body = exchange.received.body
        parts: tuple[Part, ...] = (text("Nothing to read."),)
        if results := lane.wire.results(body):
            parts = (text("They say: ", *(results[call] for call in sorted(results))),)
        elif "Read" in lane.wire.tool_names(body):
            calls = [use(call, "Read", file_path=str(file)) for call, file in zip(IDS, files, strict=False)]
            parts = (text("I read."), *calls)
        lane.streams(*parts)(exchange)

    return script


def test_it_reads_a_file_and_says_what_is_in_it(lane: Lane, work: Path) -> None:
    lane.upstream.script = reading(lane, work / "first.txt")
    claims = a_task()
    ran = run_claude(work, lane.gateway.url, token(claims), "What does first.txt say?", model=lane.asked)
    assert WORD in ran.result["result"], ran.result
    assert ran.result["is_error"] is False
    assert [block["name"] for block in ran.blocks("tool_use")] == ["Read"]
    assert [block["tool_use_id"] for block in ran.blocks("tool_result")] == [IDS[0]]
    # the provider saw what the tool found, and Claude Code counted what the provider counted
    assert WORD in lane.wire.results(lane.upstream.received[-1].body)[IDS[0]]
    used = ran.result["usage"]
    assert (used["input_tokens"], used["output_tokens"], used["cache_read_input_tokens"]) == (200, 50, 80)
    found = rows(lane.gateway, claims.run, 2)
    assert {row["outcome"] for row in found} == {"ok"}
    assert {row["session"] for row in found} == {ran.result["session_id"]}


def test_it_reads_two_files_at_once(lane: Lane, work: Path) -> None:
    lane.upstream.script = reading(lane, work / "first.txt", work / "second.txt")
    ran = ask(lane, work, "What do they say?")
    assert WORD in ran.result["result"]
    assert "4711" in ran.result["result"]
    assert ran.result["num_turns"] == 3
    results = lane.wire.results(lane.upstream.received[-1].body)
    assert set(results) == set(IDS)
    assert "4711" in results[IDS[1]]
    assert [block["id"] for block in ran.blocks("tool_use")] == list(IDS)


def test_it_tries_again_after_an_overload_as_soon_as_it_is_told(lane: Lane, work: Path) -> None:
    busy = ((529, "overloaded_error"), (429, "rate_limit_error"))
    answers = iter([answering(lane.wire.error(kind, "Later"), status, {"retry-after": "1"}) for status, kind in busy])
    lane.upstream.script = lambda exchange: next(answers, lane.streams(text("At last.")))(exchange)
    ran = ask(lane, work, "Say something.", **SHORT_WAITS)
    assert ran.result["result"] == "At last."
    assert len(lane.upstream.received) == 3


def test_it_tries_again_after_an_error_in_the_place_of_the_first_event(lane: Lane, work: Path) -> None:
    def failing(exchange: Exchange) -> None:
        exchange.begin({"retry-after": "1"})
        exchange.send(lane.wire.error_event("overloaded_error", "Overloaded"))
        exchange.end()

    answers = iter([failing])
    lane.upstream.script = lambda exchange: next(answers, lane.streams(text("At last.")))(exchange)
    ran = ask(lane, work, "Say something.", **SHORT_WAITS)
    assert ran.result["result"] == "At last."
    assert len(lane.upstream.received) == 2


def test_a_prompt_that_is_too_long_is_understood(lane: Lane, work: Path) -> None:
    """The provider's own words decide what Claude Code does: here, that it does not try the same again."""
    said = "prompt is too long: 250000 tokens > 200000 maximum"
    lane.upstream.script = answering(lane.wire.error("invalid_request_error", said), 400)
    ran = ask(lane, work, "Say something.")
    assert ran.result["is_error"]
    assert "too long" in json.dumps(ran.result).lower()


def test_half_an_answer_is_not_taken_for_all_of_it(lane: Lane, work: Path) -> None:
    """Claude Code asks again, for an answer that comes whole."""

    def script(exchange: Exchange) -> None:
        if not json.loads(exchange.received.body).get("stream"):
            lane.answers(text("All of it."))(exchange)
            return
        exchange.begin()
        exchange.send(b"".join(lane.wire.events(text("Half of it, and"), model=lane.given)[:4]))
        exchange.cut()

    lane.upstream.script = script
    ran = ask(lane, work, "Say something.", **SHORT_WAITS)
    assert (ran.result["is_error"], ran.result["result"]) == (False, "All of it.")


def test_a_run_over_its_budget_ends_at_once_and_says_why(lane: Lane, work: Path) -> None:
    claims = a_task(budget_usd=0.0001)
    lane.upstream.script = lane.streams(text("It was dear."))
    assert lane.stream(claims=claims)
    rows(lane.gateway, claims.run, 1)
    ran = run_claude(work, lane.gateway.url, token(claims), "Say something.", model=lane.asked)
    assert ran.result["is_error"]
    assert "spend limit reached" in json.dumps(ran.result)
    assert len(lane.upstream.received) == 1


def test_a_claude_code_that_is_ended_ends_the_providers_work(lane: Lane, work: Path) -> None:
    left = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(b"".join(lane.wire.events(text("Half of"), model=lane.given)[:4]))
        started.set()
        if exchange.wait_until_left():
            left.set()

    started = threading.Event()
    lane.upstream.script = script
    claims = a_task()
    with started_claude(work, lane.gateway.url, token(claims), "Say something.", model=lane.asked) as process:
        assert started.wait(timeout=20)
        process.kill()
    assert left.wait(timeout=10)
    assert [row["outcome"] for row in rows(lane.gateway, claims.run, 1)] == ["aborted"]
