"""Requests as chat completions take them, and requests that they cannot take."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import ApiError
from proxy.translation.request import to_openai
from tests.proxy.translation.judging import BLIND, PROVIDER, refusal
from tests.proxy.translation.judging_requests import PDF, WEB_SEARCH, judged_requests, refused_with
from tests.proxy.translation.requests import (
    BILLING_TEXT,
    CACHED,
    asking,
    assistant,
    claude_code,
    image,
    result,
    text,
    use,
    user,
)
from tests.proxy.translation.strategies import odd_json

HELLO = user(text("hello"))
NEW = replace(PROVIDER, max_tokens_field="max_completion_tokens")


def sent(request: dict[str, Any], model: str = "some-model") -> dict[str, Any]:
    made: dict[str, Any] = to_openai(request, model=model, provider=PROVIDER)
    json.dumps(made)
    return made


def test_a_request_of_claude_code_keeps_to_the_rules() -> None:
    assert judged_requests(to_openai) == []


def test_a_request_is_not_changed() -> None:
    request = claude_code()
    sent(request, "gemini-3-pro")
    assert request == claude_code()


def test_cache_control_is_dropped_wherever_it_stands() -> None:
    """§2.2 cache_control: at the top, in tools, system, texts, images, calls and results."""
    request = asking(
        user(text("a", **CACHED), image() | CACHED),
        assistant(use("toolu_01A") | CACHED),
        user(result("toolu_01A", [text("b", **CACHED), image() | CACHED], **CACHED)),
        system=[text("c", **CACHED)], tools=[{"name": "Read", "input_schema": {"type": "object"}, **CACHED}], **CACHED,
    )  # fmt: skip
    assert "cache_control" not in json.dumps(sent(request))


def test_the_billing_block_is_dropped() -> None:
    """§2.2 billing block: wherever it stands in the system prompt; a prompt that speaks of it stays."""
    for system in (BILLING_TEXT, [text(BILLING_TEXT)], [text("Be kind."), text(BILLING_TEXT)]):
        assert "billing" not in json.dumps(sent(asking(HELLO, system=system)))
    assert "billing" in json.dumps(sent(asking(HELLO, system="Never send x-anthropic-billing-header.")))


def test_fields_that_mean_nothing_there_are_dropped() -> None:
    """§2.2 context_management, output_config: dropped, with all that is Anthropic's alone or not known."""
    request = asking(
        HELLO, context_management={"edits": []}, output_config={"effort": "max"}, thinking={"type": "adaptive"}
    )
    request |= {"service_tier": "auto", "container": "c", "inference_geo": "eu", "top_k": 1, "brand_new": {"x": 1}}
    assert set(sent(request)) == {"model", "messages", "max_tokens"}


def test_betas_lose_the_fields_that_go_with_them() -> None:
    """§2.2 betas: the header is not sent on this wire, so the fields of a beta are not either."""
    tool = {
        "name": "Read",
        "input_schema": {},
        "defer_loading": True,
        "eager_input_streaming": True,
        "input_examples": [],
    }
    made = sent(asking(HELLO, tools=[tool], betas=["context-1m"], speed="fast"))
    assert set(made["tools"][0]["function"]) == {"name", "parameters"}
    assert not {"betas", "speed"} & set(made)


def test_the_user_is_not_told_to_the_provider() -> None:
    """§2.2 metadata.user_id: it is dropped."""
    made = sent(asking(HELLO, metadata={"user_id": "user_invented"}))
    assert "user_invented" not in json.dumps(made)


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("Be kind.", "Be kind."),
        ([text("Be"), text(" "), text("kind.")], "Be\n\nkind."),
        ("", None),
        ([], None),
        (None, None),
    ],
)
def test_a_system_prompt_is_text_or_blocks(system: object, said: str | None) -> None:
    """§2.2 system: one message at the front, in the order of the blocks; none where there is nothing in it."""
    messages = sent(asking(HELLO, system=system))["messages"]
    assert messages == [*([{"role": "system", "content": said}] if said else []), {"role": "user", "content": "hello"}]


def test_a_system_message_may_stand_inside_the_messages() -> None:
    """§2.2 system: at the front it joins the prompt, later it is a reminder, behind results that are awaited."""
    request = asking(
        {"role": "system", "content": "First."},
        HELLO,
        {"role": "system", "content": [text("Second.")]},
        assistant(use("toolu_01A")),
        {"role": "system", "content": [text("Third."), text("<system-reminder>\nFourth.\n</system-reminder>")]},
        user(result("toolu_01A")),
        {"role": "system", "content": []},
        system="Zeroth.",
    )
    messages = sent(request)["messages"]
    assert messages[0] == {"role": "system", "content": "Zeroth.\n\nFirst."}
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "user"]
    assert messages[1]["content"] == "hello\n\n<system-reminder>\nSecond.\n</system-reminder>"
    third, fourth = (f"<system-reminder>\n{said}.\n</system-reminder>" for said in ("Third", "Fourth"))
    assert messages[-1]["content"] == f"{third}\n\n{fourth}"


@pytest.mark.parametrize(
    "tool",
    [
        WEB_SEARCH, {"type": "web_fetch_20250910", "name": "web_fetch"}, {"type": "bash_20250124", "name": "bash"},
        {"type": "code_execution_20250825", "name": "code_execution"}, {"type": ["custom"], "name": "x"},
        {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
    ],
)  # fmt: skip
def test_tools_of_anthropics_own_are_refused(tool: dict[str, Any]) -> None:
    """§2.2 server tools: a clear 400, never a function that nobody runs."""
    said = refused_with(to_openai, asking(HELLO, tools=[{"name": "Read", "input_schema": {}}, tool]))
    assert said.startswith("tools.1: ")
    assert str(tool["type"]) in said
    assert "Anthropic" in said


def test_what_servers_tools_left_in_the_history_is_refused() -> None:
    """§2.2 server tools: their blocks cannot be said on this wire."""
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    assert "server_tool_use" in refused_with(to_openai, asking(HELLO, assistant(block), HELLO))
    assert "MCP" in refused_with(to_openai, asking(HELLO, mcp_servers=[{"type": "url", "url": "https://x.invalid"}]))


def test_tools_become_functions() -> None:
    schema = {"$schema": "x", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    loose = {
        "type": "object",
        "properties": {"a": {"type": "object"}},
        "additionalProperties": False,
        "required": ["a"],
    }
    made = sent(
        asking(
            HELLO,
            tools=[
                {"name": "A", "description": "Does a", "input_schema": schema, "strict": True},
                {"type": "custom", "name": "B", "input_schema": loose, "strict": True},
                {"name": "C", "input_schema": {}, "strict": False},
            ],
        )
    )
    parameters = {"type": "object", **{name: value for name, value in schema.items() if name != "$schema"}}
    assert [tool["function"] for tool in made["tools"]] == [
        {"name": "A", "description": "Does a", "parameters": parameters, "strict": True},
        {"name": "B", "parameters": loose},
        {"name": "C", "parameters": {"type": "object", "properties": {}}},
    ]


@pytest.mark.parametrize(
    ("choice", "translated"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "A"}, {"tool_choice": {"type": "function", "function": {"name": "A"}}}),
        ({"type": "any", "disable_parallel_tool_use": True}, {"tool_choice": "required", "parallel_tool_calls": False}),
        ({"type": "auto", "disable_parallel_tool_use": False}, {"tool_choice": "auto"}),
        (None, {}),
    ],
)
def test_the_choice_of_tools_is_kept(choice: object, translated: dict[str, Any]) -> None:
    names = ("tool_choice", "parallel_tool_calls")
    made = sent(asking(HELLO, tools=[{"name": "A", "input_schema": {}}], tool_choice=choice))
    assert {name: made[name] for name in names if name in made} == translated
    assert not set(names) & set(sent(asking(HELLO, tools=[], tool_choice=choice)))


def test_a_stream_asks_for_its_usage() -> None:
    """§2.2 usage chunk: `stream_options.include_usage` goes with every stream, and with nothing else."""
    assert sent(asking(HELLO, stream=True))["stream_options"] == {"include_usage": True}
    assert not {"stream", "stream_options"} & set(sent(asking(HELLO, stream=False)))


def test_limits_and_sampling_are_kept() -> None:
    made = sent(asking(HELLO, max_tokens=64000, temperature=0, top_p=0.5, top_k=3, stop_sequences=["a", "b"]))
    assert (made["max_tokens"], made["temperature"], made["top_p"], made["stop"]) == (64000, 0, 0.5, ["a", "b"])
    assert to_openai(asking(HELLO, max_tokens=0), model="m", provider=NEW)["max_completion_tokens"] == 1
    assert "stop" not in sent(asking(HELLO, stop_sequences=[]))
    assert not {"temperature", "top_p"} & set(sent(asking(HELLO, temperature=0, top_p=1), "openai/gpt-5.1-mini"))


@pytest.mark.parametrize(
    ("model", "effort", "said"),
    [
        ("gpt-5.1", "xhigh", "high"), ("openai/o3", "low", "low"), ("gemini-2.5-pro", "medium", "medium"),
        ("deepseek-v4", "max", "high"), ("gpt-4o", "high", None), ("llama3", "high", None), ("gpt-5", "odd", None),
        ("gpt-5", None, None),
    ],
)  # fmt: skip
def test_effort_is_told_to_who_takes_it(model: str, effort: object, said: str | None) -> None:
    """§2.2 context_management, output_config: an effort has a counterpart, for some."""
    made = sent(
        asking(HELLO, output_config={"effort": effort}, thinking={"type": "enabled", "budget_tokens": 9}), model
    )
    assert made.get("reasoning_effort") == said


def test_effort_is_not_told_beside_tools_to_who_takes_only_one_of_them() -> None:
    """§2.2 context_management, output_config: OpenAI refuses an effort beside tools, for some."""
    tool = {"name": "look", "input_schema": {"type": "object"}}
    for model, said in (("gpt-5.4", None), ("openai/gpt-6", None), ("gpt-5", "low"), ("gemini-3-pro", "low")):
        made = sent(asking(HELLO, output_config={"effort": "low"}, tools=[tool]), model)
        assert made.get("reasoning_effort") == said, model


def test_a_format_of_the_output_is_kept() -> None:
    """§2.2 context_management, output_config: a schema for the output has a counterpart."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    made = sent(asking(HELLO, output_config={"format": {"type": "json_schema", "schema": schema}}))
    assert made["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": True}


WRONG: list[dict[str, Any]] = [
    {"messages": None}, {"messages": "x"}, {"messages": [3]}, {"messages": [{}]}, {"messages": []},
    {"messages": [{"role": 1, "content": "x"}]}, {"messages": [{"role": "owner", "content": "x"}]},
    {"messages": [{"role": "user"}]}, {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "user", "content": [None]}]}, {"messages": [{"role": "user", "content": [{}]}]},
    {"messages": [{"role": "user", "content": [{"type": []}]}]}, {"messages": [user(text(""))]},
    {"messages": [user({"type": "text"})]}, {"messages": [user({"type": "text", "text": 5})]},
    {"messages": [user({"type": "image"})]}, {"messages": [user({"type": "image", "source": {}})]},
    {"messages": [user({"type": "image", "source": {"type": "base64", "data": "x", "media_type": "text/html"}})]},
    {"messages": [user({"type": "image", "source": {"type": "base64", "data": 1, "media_type": "image/png"}})]},
    {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
    {"messages": [HELLO, assistant(use("a"))]}, {"messages": [HELLO, assistant(use("a")), HELLO]},
    {"messages": [HELLO, assistant(use("a")), HELLO, assistant(text("x")), user(result("a"))]},
    {"messages": [HELLO, assistant(use("a"), use("a")), user(result("a"))]},
    {"messages": [user(result("nobody"))]}, {"messages": [user({"type": "tool_result", "tool_use_id": 3})]},
    {"messages": [HELLO, assistant({"type": "tool_use", "id": "a", "name": "n", "input": "{}"})]},
    {"messages": [HELLO, assistant({"type": "tool_use", "id": 1, "name": "n", "input": {}})]},
    {"messages": [HELLO, assistant({"type": "tool_use", "id": "a", "name": None, "input": {}})]},
    {"messages": [HELLO, assistant({"type": "thinking", "thinking": 4})]},
    {"messages": [HELLO, assistant(image())]},
    {"system": 5}, {"system": [5]}, {"system": [image()]}, {"system": [{"type": "text"}]},
    {"max_tokens": None}, {"max_tokens": "9"}, {"max_tokens": True}, {"max_tokens": 1.5},
    {"temperature": "hot"}, {"top_p": True}, {"stream": "yes"}, {"stop_sequences": "END"}, {"stop_sequences": [1]},
    {"tools": {}}, {"tools": [1]}, {"tools": [{"name": "x"}]}, {"tools": [{"name": 1, "input_schema": {}}]},
    {"tools": [{"name": "x", "input_schema": "s"}]}, {"tools": [{"name": "x", "input_schema": {}, "strict": "y"}]},
    {"tools": [{"name": "x", "input_schema": {}}], "tool_choice": "auto"},
    {"tools": [{"name": "x", "input_schema": {}}], "tool_choice": {"type": {}}},
    {"tools": [{"name": "x", "input_schema": {}}], "tool_choice": {"type": "tool"}},
    {"output_config": []}, {"output_config": {"effort": 3}}, {"output_config": {"format": {"type": "json_schema"}}},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: json.dumps(wrong)[:70])
def test_what_is_wrong_is_refused(wrong: dict[str, Any]) -> None:
    assert refused_with(to_openai, asking(HELLO) | wrong)


def test_a_refusal_says_where_the_mistake_is() -> None:
    assert refused_with(to_openai, asking(HELLO, user(text("x"), PDF))).startswith("messages.1.content.1: documents")
    assert refused_with(to_openai, {}) == "messages: Field required"
    with pytest.raises(ApiError, match=r"messages\.0\.content\.0: .*blind-provider does not read images"):
        to_openai(asking(user(image())), model="m", provider=BLIND)


def test_input_that_is_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"properties": {"a": deep}, "required": ["a"], "additionalProperties": False}
    for request in (
        asking(HELLO, assistant(use("a", x=deep)), user(result("a"))),
        asking(HELLO, tools=[{"name": "x", "input_schema": deep, "strict": True}]),
    ):
        assert "too deeply" in refused_with(to_openai, request)
    while deep:
        deep = deep["properties"]["a"]


NAMES = (
    "role", "content", "type", "text", "source", "data", "id", "name", "input", "tool_use_id", "media_type", "format",
    "input_schema", "thinking", "signature", "title", "is_error", "strict", "properties", "effort",
)  # fmt: skip
WORDS = ("user", "assistant", "system", "text", "image", "tool_use", "tool_result", "document", "thinking")
ANYTHING = odd_json(NAMES, WORDS)
FIELDS = ["messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "stream", "stop_sequences"]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "output_config", "mcp_servers", "thinking"]), ANYTHING), st.booleans())
def test_nothing_that_a_caller_sends_raises_anything_else(wrong: dict[str, Any], over_a_good_one: bool) -> None:
    request = claude_code() | wrong if over_a_good_one else wrong
    error = refusal(to_openai, request)
    assert error is None or (error.status, error.kind) == (400, "invalid_request_error")
    assert error or json.dumps(to_openai(request, model="gemini-3-kimi", provider=PROVIDER))
