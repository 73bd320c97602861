"""Judges the translation of requests, whole answers, errors and counts, each violation by its row of §2.2."""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from proxy.errors import ApiError
from tests.proxy.translation.judging import BLIND, PROVIDER, refusal
from tests.proxy.translation.requests import BILLING_TEXT, PNG, asking, claude_code, image, result, text, use, user
from tests.proxy.translation.upstreams import SIGNATURE

Call = Callable[..., Any]
DROPPED = (
    "thinking",
    "output_config",
    "context_management",
    "metadata",
    "service_tier",
    "top_k",
    "system",
    "max_tokens_",
)
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}}
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}


def judged_requests(to_openai: Call) -> list[str]:
    """The violations in what becomes of telling requests."""
    made = to_openai(claude_code(), model="deepseek-v4", provider=PROVIDER)
    return [*_dropped(made), *_kept(made), *_results(made), *_refused(to_openai), *_signatures(to_openai)]


def _dropped(made: dict[str, Any]) -> Iterator[str]:
    written = json.dumps(made, ensure_ascii=False)
    if "cache_control" in written:
        yield "cache_control: kept"
    if BILLING_TEXT[:20] in written:
        yield "billing block: kept"
    if "context_management" in made or "output_config" in made:
        yield "context_management, output_config: kept"
    if "Signed by Anthropic" in written or "EqQBCkYinvented" in written or "EmwKinvented" in written:
        yield "tier switch: the thoughts of another provider are sent"
    if "session_invented" in written:
        yield "metadata.user_id: sent to the provider"
    if unknown := [name for name in DROPPED if name in made]:
        yield f"betas: fields of Anthropic's alone are sent: {unknown}"


def _kept(made: dict[str, Any]) -> Iterator[str]:
    if made["messages"][0] != {"role": "system", "content": "You are a helper.\n\nYou know much."}:
        yield f"system: {made['messages'][0]}"
    if "The user is away." not in json.dumps(made["messages"][-1]):
        yield "system: what the system said inside the messages is lost"
    if made.get("stream_options") != {"include_usage": True} or made.get("stream") is not True:
        yield "usage chunk: not asked for"
    if [tool["function"]["name"] for tool in made["tools"]] != ["Read", "Bash"]:
        yield f"server tools: {made['tools']}"


def _results(made: dict[str, Any]) -> Iterator[str]:
    messages = made["messages"]
    at = next(n for n, message in enumerate(messages) if message.get("tool_calls"))
    ids = [call["id"] for call in messages[at]["tool_calls"]]
    following = [(message["role"], message.get("tool_call_id")) for message in messages[at + 1 : at + 4]]
    if following != [("tool", ids[0]), ("tool", ids[1]), ("user", None)]:
        yield f"parallel tools: results do not follow their calls: {following}"
    if any(PNG in json.dumps(message) for message in messages if message["role"] == "tool"):
        yield "images/docs: the image of a result is sent as text"
    sent = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    if [part["image_url"]["url"] for part in sent if part["type"] == "image_url"] != [f"data:image/png;base64,{PNG}"]:
        yield "images/docs: the image of a result is lost"
    if "Error: exit code 1" not in [message["content"] for message in messages]:
        yield "tool args: nobody sees that a tool failed"


def _refused(to_openai: Call) -> Iterator[str]:
    hello = user(text("hello"))
    cases = {
        "server tools": (asking(hello, tools=[WEB_SEARCH]), PROVIDER, "web_search_20250305"),
        "images/docs: a PDF": (asking(user(PDF, text("?"))), PROVIDER, "application/pdf"),
        "images/docs: a PDF in a result": (_answered([PDF]), PROVIDER, "application/pdf"),
        "images/docs: an image for the blind": (asking(user(image())), BLIND, "does not read images"),
    }
    for row, (request, provider, said) in cases.items():
        error = refusal(to_openai, request, provider)
        if error is None or (error.status, error.kind) != (400, "invalid_request_error") or said not in str(error):
            yield f"{row}: not refused, or not clearly: {error}"


def _answered(content: list[Any]) -> dict[str, Any]:
    return asking(
        user(text("hello")),
        {"role": "assistant", "content": [use("toolu_01AAAAAAAAAAAAAAAAAAAAAA")]},
        user(result("toolu_01AAAAAAAAAAAAAAAAAAAAAA", content)),
    )


def _signatures(to_openai: Call) -> Iterator[str]:
    made = to_openai(_answered([text("x")]), model="gemini-3-pro", provider=PROVIDER)
    call = made["messages"][1]["tool_calls"][0]
    if "thought_signature" not in call.get("extra_content", {}).get("google", {}):
        yield "Gemini: a call that others made has no signature in its place"


COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "model": "some-model-1",
    "choices": [
        {
            "index": 0, "finish_reason": "stop",
            "message": {
                "role": "assistant", "content": "Right.", "reasoning_content": "Hm.",
                "tool_calls": [
                    {
                        "id": "function-call-814", "type": "function",
                        "function": {"name": "Read", "arguments": '{"file_path": "a"}'},
                        "extra_content": {"google": {"thought_signature": SIGNATURE}},
                    },
                    {"id": "", "type": "function", "function": {"name": "TaskList", "arguments": ""}},
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 60}},
}  # fmt: skip


def judged_messages(to_message: Call, to_openai: Call) -> list[str]:
    """The violations in what becomes of a whole answer, and of its way back."""
    made = to_message(COMPLETION, asked="claude-sonnet-5", input_estimate=7)
    found = []
    if [block["type"] for block in made["content"]] != ["thinking", "text", "tool_use", "tool_use"]:
        found.append(f"tool args: {made['content']}")
    elif [block["input"] for block in made["content"][2:]] != [{"file_path": "a"}, {}]:
        found.append(f"tool args: {made['content'][2:]}")
    if made["content"][0].get("signature"):
        found.append("thinking: a signature that no model of Anthropic's made")
    if made["stop_reason"] != "tool_use":
        found.append(f"finish reason: {made['stop_reason']}")
    if made["model"] != "claude-sonnet-5":
        found.append(f"model alias: {made['model']}")
    if made["usage"] != {"input_tokens": 40, "output_tokens": 9, "cache_read_input_tokens": 60}:
        found.append(f"usage: {made['usage']}")
    calls = [block for block in made["content"] if block["type"] == "tool_use"]
    return found + list(_way_back(calls, to_openai))


def _way_back(calls: list[dict[str, Any]], to_openai: Call) -> Iterator[str]:
    """A client sends back the id, the name and the input of a call, and nothing else of it."""
    sent = [{name: block[name] for name in ("type", "id", "name", "input")} for block in calls]
    results = [result(block["id"]) for block in calls]
    request = asking(user(text("hello")), {"role": "assistant", "content": sent}, user(*results))
    back = to_openai(request, model="gemini-3-pro", provider=PROVIDER)["messages"][1]["tool_calls"]
    first = COMPLETION["choices"][0]["message"]["tool_calls"][0]  # type: ignore[index]
    if (back[0]["id"], back[0].get("extra_content")) != (first["id"], first["extra_content"]):
        yield f"Gemini: came back as {back[0]}"


LONG = (
    "This model's maximum context length is 131072 tokens. However, you requested 139300 tokens (131200 in the "
    "messages, 8100 in the completion). Please reduce the length of the messages or completion."
)
ERRORS: tuple[tuple[int, object, int, str, str], ...] = (
    (529, {"error": {"message": "busy", "type": "overloaded_error"}}, 529, "overloaded_error", "busy"),
    (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429, "rate_limit_error", "slow down"),
    (
        400, {"error": {"message": LONG, "code": "invalid_request_error"}},
        400, "invalid_request_error", "prompt is too long: 131200 tokens > 131072 maximum: This model's",
    ),
    (429, {"error": {"message": "no money", "code": "insufficient_quota"}}, 402, "billing_error", "no money"),
    (502, "<html><body>Bad gateway</body></html>", 502, "api_error", "the provider answered 502"),
    (
        401, {"error": {"message": "Incorrect API key provided: sk-proj-inventedinvented"}},
        401, "authentication_error", "Incorrect API key provided: [key]",
    ),
)  # fmt: skip


def judged_errors(to_error: Call) -> list[str]:
    """The violations in what becomes of errors before a stream."""
    found = []
    for status, body, wanted, kind, said in ERRORS:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        made, answer = to_error(status, data)
        error = json.loads(answer)["error"]
        if (made, error["type"]) != (wanted, kind) or not error["message"].startswith(said):
            found.append(f"error before stream: {status} became {made} {error}")
    return found


def judged(package: Callable[[str], ModuleType]) -> list[str]:
    """The violations of a whole translation beside its streams; `package` gives its modules by name."""
    to_openai = package("request").to_openai
    return [
        *judged_requests(to_openai), *judged_messages(package("message").to_message, to_openai),
        *judged_errors(package("errors").to_error), *judged_counts(package("estimate").tokens),
    ]  # fmt: skip


def judged_counts(tokens: Call) -> list[str]:
    """The violations in counts of tokens: what is left out of them."""
    request = claude_code()
    whole = tokens(request)
    found = []
    for name in ("tools", "system", "messages"):
        more = {name: [*request[name], {"description": "word " * 1000}]}
        if tokens(request | more) < whole + 1000:
            found.append(f"count_tokens: {name} are not counted")
    if not 1_600 <= tokens(_answered([image(data="A" * 400_000)])) < 5_000:
        found.append("count_tokens: an image in a result is not counted as an image")
    if tokens(_answered([text("word " * 1000)])) < 1_000:
        found.append("count_tokens: results of tools are not counted")
    return found


def refused_with(to_openai: Call, request: dict[str, Any]) -> str:
    """What a request is refused with, which it must be."""
    with pytest.raises(ApiError) as refused:
        to_openai(request, model="some-model", provider=PROVIDER)
    assert (refused.value.status, refused.value.kind) == (400, "invalid_request_error")
    return str(refused.value)
