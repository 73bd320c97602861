"""The rows of §2.2 that a request shows, over HTTP: what reaches the provider, in both lanes."""

import base64
import json
from typing import Any

import pytest

from tests.proxy.http.lanes import Lane, rows
from tests.proxy.running import PROVIDER_KEY, a_task, token
from tests.proxy.translation.requests import (
    BILLING_TEXT,
    PNG,
    assistant,
    claude_code,
    image,
    result,
    text,
    use,
    user,
)

BETAS = "claude-code-20250219,context-management-2025-06-27, new-2099-12-31"
HEADERS = {"anthropic-beta": BETAS, "anthropic-version": "2023-06-01", "x-claude-code-session-id": "session-1"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4 invented").decode()}


def sent(lane: Lane, body: bytes, headers: dict[str, str] | None = None) -> Any:
    """What the provider gets of a request, as JSON. The caller may have it fetch things from elsewhere."""
    lane.upstream.received.clear()
    reply = lane.call(body, headers, claims=a_task(server_tools=True))
    assert reply.status == 200, reply.body
    assert lane.translated or lane.name == "mapped" or lane.upstream.received[0].body == body
    return json.loads(lane.upstream.received[0].body)


def conversation(lane: Lane, *messages: Any, **more: Any) -> bytes:
    return lane.body(messages=list(messages), **more)


def whole_turn(lane: Lane) -> bytes:
    """Everything that Claude Code may send, as it writes it."""
    return json.dumps({**claude_code(), "model": lane.asked, "stream": False}, ensure_ascii=False).encode()


def test_all_that_claude_code_sends_passes_through_to_the_byte(pass_through: Lane, mapped: Lane) -> None:
    """§2.2 thinking: the first lane changes neither thoughts nor anything but the model, and billing for others."""
    body = whole_turn(pass_through)
    sent(pass_through, body, HEADERS)  # which compares
    body = whole_turn(mapped)
    sent(mapped, body, HEADERS)
    billing = json.dumps(text(BILLING_TEXT)).encode() + b", "
    assert body.count(billing) == 1
    expected = body.replace(billing, b"").replace(mapped.asked.encode(), b"the-model-1", 1)
    received = mapped.upstream.received[0].body
    assert json.loads(received) == json.loads(expected)
    assert received.replace(b", ", b",") == expected.replace(b", ", b",")


@pytest.mark.parametrize(
    "source",
    [
        {"type": "base64", "media_type": "image/png", "data": PNG},
        {"type": "url", "url": "https://example.invalid/a.png"},
    ],
)
def test_images_arrive(source: dict[str, str], lane: Lane) -> None:
    """§2.2 images/docs: by their bytes and by their address, which a task may not have a provider go to."""
    body = conversation(lane, user({"type": "image", "source": source}, text("What is it?")))
    found = sent(lane, body)
    if lane.translated:
        url = source.get("url") or f"data:image/png;base64,{PNG}"
        assert found["messages"][0]["content"][0] == {"type": "image_url", "image_url": {"url": url}}
    if "url" in source:
        assert lane.call(body).error == (403, "permission_error")


def test_images_in_results_of_tools_arrive(lane: Lane) -> None:
    """§2.2 images/docs: beside the results, where a provider takes text alone; never as text themselves."""
    turns = (
        user("hi") | {"content": "hi"},
        assistant(use("toolu_1")),
        user(result("toolu_1", [text("A picture:"), image()])),
    )
    found = sent(lane, conversation(lane, *turns))
    if lane.translated:
        *_, answer, shown = found["messages"]
        assert answer["role"] == "tool"
        assert "A picture:" in answer["content"]
        assert PNG not in answer["content"]
        assert {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}} in shown["content"]


def test_documents_arrive_or_are_refused_clearly(pass_through: Lane, translated: Lane) -> None:
    """§2.2 images/docs: a PDF is never left out silently."""
    document = {"type": "document", "source": PDF, "title": "Plan"}
    for content in ([document, text("What is it?")], [result("toolu_1", [document])]):
        turns = [assistant(use("toolu_1"))] if content[0]["type"] == "tool_result" else []
        sent(pass_through, conversation(pass_through, *turns, user(*content)))
        reply = translated.call(conversation(translated, *turns, user(*content)))
        assert reply.error == (400, "invalid_request_error")
        assert "application/pdf" in reply.json["error"]["message"]
    assert translated.upstream.received == []


def test_marks_for_the_cache_stay_with_anthropic_and_go_nowhere_else(lane: Lane) -> None:
    """§2.2 cache_control: kept in the first lane, stripped in the second: in system, messages, results and tools."""
    body = whole_turn(lane)
    assert body.count(b"cache_control") == 7
    sent(lane, body)
    assert lane.upstream.received[0].body.count(b"cache_control") == (0 if lane.translated else 7)


def test_the_billing_block_is_for_anthropic_alone(pass_through: Lane, mapped: Lane, translated: Lane) -> None:
    """§2.2 billing block: kept, first, at Anthropic, at whatever address; dropped for all others in both lanes."""
    blocks = [text(BILLING_TEXT), text("You are a helper.")]
    for lane in (pass_through, mapped, translated):
        received = json.dumps(sent(lane, lane.body(system=blocks)))
        assert (BILLING_TEXT in received) == (lane is pass_through)
        assert "You are a helper." in received
    assert sent(pass_through, pass_through.body(system=blocks))["system"] == blocks


def test_betas_go_on_verbatim_where_they_mean_something(lane: Lane) -> None:
    """§2.2 betas: no list of those that are allowed; unknown headers and members pass as well."""
    sent(lane, lane.body(future_member={"x": [1]}), {**HEADERS, "anthropic-future": "7"})
    received = lane.upstream.received[0]
    if lane.translated:
        assert not [name for name in received.headers if name.startswith(("anthropic-", "x-claude-code", "x-api"))]
        assert b"future_member" not in received.body
    else:
        expected = {"anthropic-beta": BETAS, "anthropic-version": "2023-06-01", "anthropic-future": "7"}
        assert expected.items() <= received.headers.items()


def test_a_beta_and_its_member_go_or_stay_together(lane: Lane) -> None:
    """§2.2 context_management, output_config: the header alone, or the member alone, would be a 400."""
    members = {
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "thinking": {"type": "adaptive"},
    }
    found = sent(lane, lane.body(**members), HEADERS)
    has_header = "anthropic-beta" in lane.upstream.received[0].headers
    assert has_header == (not lane.translated)
    assert [name in found for name in members] == [has_header] * 3


@pytest.mark.parametrize("prompt", ["You are a helper.", [text("You are"), text("a helper.")]])
def test_a_system_prompt_of_either_form_arrives(prompt: Any, lane: Lane) -> None:
    """§2.2 system: a string, or blocks in their order; and what the system says among the messages."""
    turns = user(text("hi")), {"role": "system", "content": "The user is away."}
    found = sent(lane, conversation(lane, *turns, system=prompt))
    if lane.translated:
        assert [message["role"] for message in found["messages"]] == ["system", "user"]
        assert found["messages"][0]["content"].split() == ["You", "are", "a", "helper."]
        assert "The user is away." in json.dumps(found["messages"][1])


def test_only_what_belongs_to_the_provider_reaches_it(lane: Lane) -> None:
    """§2.2 header hygiene: neither the caller's credentials nor where it is, nor what is for one connection alone."""
    key = token(a_task())
    own = {
        "x-api-key": key, "authorization": f"Bearer {key}", "cookie": "a=b", "forwarded": "for=10.0.0.1",
        "via": "1.1 x",
        "x-forwarded-for": "10.0.0.1", "x-forwarded-proto": "https", "x-forwarded-anything": "x",
        "x-real-ip": "10.0.0.1",
        "x-gateway-downgrade": "forbid", "x-gateway-anything": "x", "proxy-authorization": "Basic eA==",
        "te": "trailers",
        "connection": "keep-alive, X-Hop", "keep-alive": "timeout=5", "x-hop": "1", "accept-encoding": "gzip, br",
        "host": "gateway.invalid", "upgrade-insecure-requests": "1",
    }  # fmt: skip
    reply = lane.gateway.call("POST", "/v1/messages", lane.body(), own)
    assert reply.status == 200
    received = lane.upstream.received[0]
    gone = set(own) - {"x-api-key", "authorization", "host", "accept-encoding", "upgrade-insecure-requests"}
    assert not gone & set(received.headers)
    assert key not in str(received)
    assert "10.0.0.1" not in str(received)
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["host"] == lane.upstream.url.removeprefix("http://")
    carried = received.headers.get("authorization", received.headers.get("x-api-key"))
    assert carried in (PROVIDER_KEY, f"Bearer {PROVIDER_KEY}")


def test_tools_of_the_providers_own_servers_are_refused_where_there_are_none(
    translated: Lane, pass_through: Lane
) -> None:
    """§2.2 server tools: never a made-up function; for whoever may use them, they go to Anthropic as they are."""
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    mine = {"name": "mine", "input_schema": {"type": "object"}}
    claims = a_task(server_tools=True)
    reply = translated.call(translated.body(tools=[mine, search]), claims=claims)
    assert reply.error == (400, "invalid_request_error")
    assert "web_search_20250305" in reply.json["error"]["message"]
    assert translated.upstream.received == []
    body = pass_through.body(tools=[mine, search])
    assert pass_through.call(body, claims=claims).status == 200
    assert pass_through.upstream.received[0].body == body


def test_whose_session_it_is_comes_from_the_header(lane: Lane) -> None:
    """§2.2 metadata.user_id: it goes on to Anthropic, and to nobody else; the ledger has the session of the header."""
    claims = a_task()
    body = lane.body(metadata={"user_id": "user_invented_account__session_invented"})
    assert lane.call(body, HEADERS, claims=claims).status == 200
    assert rows(lane.gateway, claims.run, 1)[0]["session"] == "session-1"
    assert (b"user_invented" in lane.upstream.received[0].body) == (not lane.translated)
