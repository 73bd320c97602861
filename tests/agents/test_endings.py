"""How a session ends without a report, and what follows: told by types and statuses, never by words."""

from typing import Any

import claude_agent_sdk as sdk
import pytest

from agents.claude import endings
from stack.errors import GiveUp, TryAgain


def result(**more: Any) -> sdk.ResultMessage:
    fields = {"subtype": "success", "is_error": True, "num_turns": 1, "session_id": "s"}
    return sdk.ResultMessage(**{"duration_ms": 1, "duration_api_ms": 1, **fields, **more})


def call(status: int | None, **more: Any) -> sdk.ResultMessage:
    return result(terminal_reason="api_error", api_error_status=status, **more)


@pytest.mark.parametrize(
    ("message", "error_type", "name", "then"),
    [
        (result(subtype="error_max_turns"), "", "turns", "give_up"),
        (result(subtype="error_max_budget_usd"), "", "budget", "give_up"),
        (result(subtype="error_max_structured_output_retries"), "", "form", "give_up"),
        (result(is_error=False, result="All is well."), "", "no_report", "give_up"),
        (call(None, stop_reason="refusal"), "", "declined", "give_up"),
        (result(terminal_reason="prompt_too_long", api_error_status=400), "", "too_long", "give_up"),
        (result(terminal_reason="image_error", api_error_status=413), "", "refused", "give_up"),
        (call(400), "invalid_request_error", "refused", "give_up"),
        (call(401), "authentication_error", "refused", "give_up"),
        (call(429), "billing_error", "spent", "give_up"),
        (call(402), "billing_error", "spent", "give_up"),
        (call(429), "rate_limit_error", "away", "passes"),
        (call(429), "", "away", "passes"),
        (call(500), "api_error", "away", "passes"),
        (call(529), "overloaded_error", "away", "passes"),
        (call(None), "", "away", "passes"),
        (result(subtype="error_during_execution"), "", "failed", "again"),
    ],
)
def test_a_result_is_told_by_its_types(message: sdk.ResultMessage, error_type: str, name: str, then: str) -> None:
    ending = endings.of_result(message, error_type)
    assert (ending.name, ending.then) == (name, then)


@pytest.mark.parametrize("words", ["spend limit reached", "overloaded", "rate limit", "API Error: 400 invalid"])
def test_words_decide_nothing(words: str) -> None:
    for status in (None, 400, 429, 500):
        plain, worded = (endings.of_result(call(status, result=text), "") for text in (None, words))
        assert (plain.name, plain.then) == (worded.name, worded.then)
        assert words in worded.words


@pytest.mark.parametrize(
    ("error", "name", "words"),
    [
        (StopAsyncIteration(), "died", "without a result: last words"),
        (sdk.ProcessError("x", exit_code=3), "died", "exit code 3: last words"),
        (sdk.CLIConnectionError("no pipe"), "failed", "no pipe: last words"),
        (Exception("Control request timeout: initialize"), "failed", "initialize"),
    ],
)
def test_an_error_of_the_sdk_is_worth_a_second_run(error: Exception, name: str, words: str) -> None:
    ending = endings.of_error(error, "last words")
    assert (ending.name, ending.then) == (name, "again")
    assert words in ending.words


def test_an_ending_is_the_error_that_says_what_to_do_next() -> None:
    passing, again, final = endings.AWAY.error(), endings.DIED.error(), endings.NO_REPORT.error()
    assert isinstance(passing, TryAgain)
    assert passing.after == endings.PASSING_SECONDS
    assert isinstance(again, TryAgain)
    assert again.after is None
    assert isinstance(final, GiveUp)


@pytest.mark.parametrize(
    ("ending", "first", "last"),
    [(endings.NO_REPORT, True, True), (endings.DIED, False, True), (endings.AWAY, False, False)],
)
def test_an_ending_is_final_where_no_attempt_follows_that_may_do_better(
    ending: endings.Ending, first: bool, last: bool
) -> None:
    assert (ending.is_final(last_attempt=False), ending.is_final(last_attempt=True)) == (first, last)


def test_what_was_said_stands_on_one_line() -> None:
    assert (
        endings.DIED.with_words("a\n  b\n" + "c" * 1000).words == "Claude Code ended without a result: a b " + "c" * 296
    )
