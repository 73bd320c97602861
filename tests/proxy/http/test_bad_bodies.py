"""Bodies that are wrong: a correct error of Anthropic's, and nothing goes on that should not."""

import itertools
from typing import Any

import pytest

from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, a_task, token

WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    "x",
    "",
    [],
    {},
    [None],
    [7],
    ["x"],
    [[]],
    [{}],
    {"type": 7},
    {"x": {}},
]
MEMBERS = (
    "model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream", "stop_sequences", "temperature",
    "top_p", "top_k", "thinking", "metadata", "service_tier", "output_config", "context_management", "mcp_servers",
    "container", "cache_control", "betas",
)  # fmt: skip
READ_HERE = ("model", "max_tokens", "stream", "tools")  # whatever the lane


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"}", b"[]", b"null", b"7", b'"x"', b"{}", b'{"model"}', b'{"model":"claude-sonnet-5",}',
        b'{"model":"claude-sonnet-5"}{}', b"{'model':'claude-sonnet-5'}", b'\xef\xbb\xbf{"model":"claude-sonnet-5"}',
        b'{"model":"claude-sonnet-5","max_tokens":NaN}', b'{"model":"claude-sonnet-5","model":"claude-opus-5"}',
        b'{"model":"claude-sonnet-5","x":' + b"[" * 200_000, b"\x00", b"\xff\xfe{\x00}\x00", b"model=claude-sonnet-5",
        b'{"model":"claude-sonnet-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]',
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes, lane: Lane) -> None:
    for reply in (
        lane.call(body or b" "),
        lane.gateway.call("POST", "/v1/messages", body, {"x-api-key": token(a_task())}),
    ):
        assert reply.error == (400, "invalid_request_error")
        assert len(reply.body) < 2000
    assert lane.upstream.received == []


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_of_a_wrong_type_is_refused_or_the_providers_affair(member: str, lane: Lane) -> None:
    for wrong in WRONG:
        lane.upstream.received.clear()
        body = lane.body(**{member: wrong})
        reply = lane.call(body)
        if reply.status == 200:
            assert len(lane.upstream.received) == 1
            assert lane.translated or lane.upstream.received[0].body == body
        else:
            status, kind = reply.error
            assert (status, kind) in (
                (400, "invalid_request_error"), (403, "permission_error"), (404, "not_found_error"),
            ), (wrong, reply.body)  # fmt: skip
            assert lane.upstream.received == []
            assert lane.translated or member in (*READ_HERE, "mcp_servers", "container")


PLACES: dict[str, Any] = {
    "message": lambda wrong: {"messages": [wrong]},
    "role": lambda wrong: {"messages": [{"role": wrong, "content": "hi"}]},
    "content": lambda wrong: {"messages": [{"role": "user", "content": wrong}]},
    "block": lambda wrong: {"messages": [{"role": "user", "content": [wrong]}]},
    "text": lambda wrong: {"messages": [{"role": "user", "content": [{"type": "text", "text": wrong}]}]},
    "image": lambda wrong: {"messages": [{"role": "user", "content": [{"type": "image", "source": wrong}]}]},
    "document": lambda wrong: {"messages": [{"role": "user", "content": [{"type": "document", "source": wrong}]}]},
    "tool_use": lambda wrong: {
        "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": wrong}]}]
    },
    "tool_use id": lambda wrong: {
        "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": wrong, "name": "b", "input": {}}]}]
    },
    "tool_result": lambda wrong: {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "b", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": wrong}]},
        ]
    },
    "thinking": lambda wrong: {
        "messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": wrong}]}]
    },
    "system": lambda wrong: {"system": [wrong]},
    "system text": lambda wrong: {"system": [{"type": "text", "text": wrong}]},
    "tool name": lambda wrong: {"tools": [{"name": wrong, "input_schema": {}}]},
    "tool schema": lambda wrong: {"tools": [{"name": "x", "input_schema": wrong}]},
    "choice": lambda wrong: {"tools": [{"name": "x", "input_schema": {}}], "tool_choice": {"type": wrong}},
    "effort": lambda wrong: {"output_config": {"effort": wrong}},
    "schema": lambda wrong: {"output_config": {"format": {"type": "json_schema", "schema": wrong}}},
    "stop": lambda wrong: {"stop_sequences": [wrong]},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_type_deep_inside_is_refused_or_makes_sense(place: str, translated: Lane) -> None:
    lane = translated
    for wrong, streamed in zip(WRONG, itertools.cycle((False, True)), strict=False):
        lane.upstream.received.clear()
        lane.upstream.script = lane.streams(HELLO) if streamed else lane.answers(HELLO)
        reply = lane.call(lane.body(stream=streamed, **PLACES[place](wrong)))
        if reply.status != 200:
            assert reply.error in ((400, "invalid_request_error"), (403, "permission_error")), (wrong, reply.body)
            assert lane.upstream.received == []


@pytest.mark.parametrize(
    "content", [b'"\\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b"[" * 900 + b"]" * 900, b"1e999", b"-" + b"9" * 5000]
)
def test_a_content_that_is_hardly_json(content: bytes, lane: Lane) -> None:
    body = lane.body(metadata={"x": 0}).replace(b'{"x": 0}', content)
    reply = lane.call(body)
    if reply.status == 200:
        assert lane.translated or lane.upstream.received[0].body == body
    else:
        assert reply.error == (400, "invalid_request_error")
        assert lane.upstream.received == []


def test_the_log_has_neither_prompts_nor_traces_of_all_this(lane: Lane) -> None:
    lane.call(lane.body(system="a-private-prompt", messages=7))
    text = lane.gateway.log.read_text()
    assert "Traceback" not in text
    assert "a-private-prompt" not in text
    for secret in (PROVIDER_KEY, TOKEN_KEY, READ_TOKEN):
        assert secret not in text
