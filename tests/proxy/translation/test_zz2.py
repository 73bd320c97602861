"""Answers that come whole, as messages."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings

from proxy.errors import ApiError
from proxy.translation.message import to_message
from proxy.translation.request import to_openai
from tests.proxy.translation.judging_requests import COMPLETION, judged_messages
from tests.proxy.translation.strategies import odd_json
from tests.proxy.translation.upstreams import call


def message(finish: str | None = "stop", usage: object = None, **said: Any) -> dict[str, Any]:
    """The message for an answer that says this."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **said}}
    return to_message({"choices": [choice], "usage": usage}, asked="claude-sonnet-5", input_estimate=7)


def error(completion: dict[str, Any]) -> tuple[int, str, str]:
    with pytest.raises(ApiError) as raised:
        to_message(completion, asked="claude-sonnet-5", input_estimate=7)
    return raised.value.status, raised.value.kind, str(raised.value)


def test_a_whole_answer_keeps_to_the_rules() -> None:
    """§2.2 model alias: thoughts, text, calls, usage and the requested model of an answer that came whole."""
    before = deepcopy(COMPLETION)
    assert judged_messages(to_message, to_openai) == []
    assert before == COMPLETION


def test_a_message_has_all_that_clients_read() -> None:
    found = message(content="Hi", usage={"prompt_tokens": 3, "completion_tokens": 1})
    assert found.pop("id").startswith("msg_")
    assert found == {
        "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("finish", "stop"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), (None, "end_turn")],
)
def test_finish_reasons_become_stop_reasons(finish: str | None, stop: str) -> None:
    """§2.2 stop map: the same as in a stream."""
    assert message(finish, content="Hi")["stop_reason"] == stop


def test_a_call_is_the_reason_to_stop() -> None:
    """§2.2 finish reason: also where the provider says `stop`; a reason without a call is none."""
    assert message("stop", tool_calls=[call(None, "call_000000000", "Read", "{}")])["stop_reason"] == "tool_use"
    assert message("tool_calls", content="Hi", tool_calls=[])["stop_reason"] == "end_turn"


def test_a_message_without_content_has_none() -> None:
    """§2.2 Empty/spurious blocks: nothing and blanks make no block."""
    contents: tuple[object, ...] = (None, "", "\n", [])
    for content in contents:
        assert message(content=content, reasoning_content="", tool_calls=None)["content"] == []


def test_thoughts_have_no_signature() -> None:
    """§2.2 thinking: of whatever shape the provider has them."""
    details = [{"type": "reasoning.text", "text": "Hm"}]
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}, {"type": "text", "text": "So"}]
    for said in (
        {"reasoning_content": "Hm", "content": "So"}, {"reasoning": "Hm", "content": "So"},
        {"reasoning_details": details, "content": "So"}, {"content": parts},
    ):  # fmt: skip
        thought, text = message(**said)["content"]
        assert thought == {"type": "thinking", "thinking": "Hm", "signature": ""}
        assert text == {"type": "text", "text": "So"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("", {}), (None, {}), ("null", {}), ("{}", {}), ('{"a": [1]}', {"a": [1]}), ({"a": 1}, {"a": 1})],
)
def test_arguments_become_an_object(arguments: object, expected: dict[str, Any]) -> None:
    """§2.2 tool args: text, an object, or nothing."""
    (block,) = message(tool_calls=[call(0, "call_000000000", "Read", arguments)])["content"]
    assert (block["name"], block["input"]) == ("Read", expected)


def test_a_call_that_was_cut_off_does_not_run() -> None:
    """§2.2 tool args: half an input is an error, or is left out where the limit of output was reached."""
    calls = [call(0, "call_000000000", "Read", '{"a": 1}'), call(1, "call_111111111", "Write", '{"text": "ab')]
    assert [block["name"] for block in message("length", tool_calls=calls)["content"]] == ["Read"]
    assert message("length", tool_calls=calls)["stop_reason"] == "max_tokens"
    choice = {"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}
    assert error({"choices": [choice]})[:2] == (502, "api_error")


def test_calls_have_an_id_each() -> None:
    """§2.2 parallel tools: where the provider gave one id to both, or none."""
    calls = [call(None, call_id, "Read", "{}") for call_id in ("same_call_id", "same_call_id", None, None, "0")]
    ids = [block["id"] for block in message(tool_calls=calls)["content"]]
    assert len(set(ids)) == 5


THOUGHT = {"reasoning_tokens": 7}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, {"input_tokens": 7, "output_tokens": 1}),
        ({"prompt_tokens": 0, "completion_tokens": 0}, {"input_tokens": 7, "output_tokens": 1}),
        ({"prompt_tokens": 9, "completion_tokens": 4}, {"input_tokens": 9, "output_tokens": 4}),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_cache_hit_tokens": 6},
            {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 6},
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 9}},
            {"input_tokens": 0, "output_tokens": 4, "cache_read_input_tokens": 9},
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 20}},
            {"input_tokens": 9, "output_tokens": 4, "cache_read_input_tokens": 20},
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 20, "completion_tokens_details": THOUGHT},
            {"input_tokens": 9, "output_tokens": 11},
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17, "completion_tokens_details": THOUGHT},
            {"input_tokens": 9, "output_tokens": 8},
        ),
    ],
)  # fmt: skip
def test_usage_is_counted_as_anthropic_counts(usage: object, expected: dict[str, int]) -> None:
    """§2.2 usage: input is the prompt without what came from the cache; thoughts are output."""
    assert message(content="Hi", usage=usage)["usage"] == expected


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ({}, (502, "api_error")),
        ({"choices": []}, (502, "api_error")),
        ({"choices": [{"message": None}]}, (502, "api_error")),
        ({"error": {"message": "slow", "code": 429}}, (429, "rate_limit_error")),
        ({"object": "error", "message": "bad", "code": 400}, (400, "invalid_request_error")),
        ({"choices": [{"message": {"content": "x"}, "error": {"message": "x", "code": 502}}]}, (502, "api_error")),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}, (502, "api_error")),
        ({"choices": [{"message": {"tool_calls": [{}]}}]}, (502, "api_error")),
        ({"choices": [{"message": {"tool_calls": [call(0, "x", "Read", "[1]")]}}]}, (502, "api_error")),
    ],
)
def test_an_answer_that_is_none_is_an_error(completion: dict[str, Any], expected: tuple[int, str]) -> None:
    """§2.2 error before stream: an error that comes with HTTP 200 is one all the same."""
    assert error(completion)[:2] == expected


NAMES = (
    "choices", "message", "content", "tool_calls", "function", "name", "arguments", "id", "usage", "error", "code",
    "prompt_tokens", "prompt_tokens_details", "finish_reason", "reasoning_details", "text", "thinking", "index",
)  # fmt: skip
ANYTHING = odd_json(NAMES, ("stop", "{}", "thinking", "error"))


@settings(max_examples=10000, deadline=None)
@given(ANYTHING, ANYTHING)
def test_nothing_that_a_provider_answers_raises_anything_else(said: object, usage: object) -> None:
    choice = {**said, "message": said} if isinstance(said, dict) else {"message": {"content": said, "tool_calls": said}}
    for completion in ({"choices": [choice], "usage": usage}, said if isinstance(said, dict) else {"choices": said}):
        try:
            found = to_message(completion, asked="claude-sonnet-5", input_estimate=7)
        except ApiError:
            continue
        assert found["usage"]["output_tokens"] > 0
