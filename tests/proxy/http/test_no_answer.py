"""Providers that answer with what is no answer, send others elsewhere, or read slowly."""

import socket
from pathlib import Path

import pytest
from anthropic import Anthropic, APIStatusError

from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.http.lying import assert_error, assert_right
from tests.proxy.http.wires import AnthropicWire, OpenAiWire
from tests.proxy.running import a_task, request, token
from tests.proxy.upstream import ScriptedUpstream, answering, running_upstream


@pytest.mark.parametrize(
    "body", [b"", b"null", b"17", b"[]", b'"text"', b"{", b"<html></html>", b"\xff\xfe", b"[" * 99_999]
)
def test_an_answer_that_is_no_message_is_an_error(body: bytes, lane: Lane) -> None:
    lane.upstream.script = answering(body)
    assert_error(lane, lane.call())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_by_nobody(status: int, lane: Lane) -> None:
    """Neither by the gateway nor by a client, whose token would go elsewhere with its prompt."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.1)
        target = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/v1/messages"
        lane.upstream.script = answering(b"", status, {"location": target})
        reply = lane.call()
        assert_error(lane, reply)
        assert "location" not in reply.headers
        with (
            Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=5) as client,
            pytest.raises(APIStatusError) as caught,
        ):
            client.messages.create(
                model=lane.asked, max_tokens=9, messages=[{"role": "user", "content": "a private prompt"}]
            )
        assert caught.value.status_code == 502
        with pytest.raises(TimeoutError):
            elsewhere.accept()


def test_a_large_request_goes_through_a_connection_that_was_used_before(lane: Lane) -> None:
    """Larger than what the system takes at once: it must be waited for, not given up."""
    for _ in range(4):
        assert_right(lane, lane.call(lane.body(metadata={"padding": "x" * 12_000_000})))


def test_what_is_no_answer_leads_to_the_next_provider(tmp_path: Path) -> None:
    """§2.2 first-event gate: also an error that came whole, and with status 200."""
    with running_upstream() as first, running_upstream() as second:
        check_next_provider(first, second, tmp_path)


def check_next_provider(first: ScriptedUpstream, second: ScriptedUpstream, folder: Path) -> None:
    second.script = answering(AnthropicWire().message(HELLO, model="best"))
    senseless = (b"<html>", b"", OpenAiWire().error("rate_limit_error", "no"), b'{"choices": []}', b"[1]")
    names = [f"first-{number}" for number in range(len(senseless))]
    sections = {
        **{f"providers.{name}": provider(f"{first.url}/v1", "openai") for name in names},
        "providers.wrong": provider(first.url),
        "providers.second": provider(second.url),
        "tiers": {"sonnet": "second"},
        "models": {name: [name, "second/best"] for name in (*names, "wrong")},
    }
    with running_gateway(folder, sections, PROXY_WORKERS="1") as gateway:
        for name, body in zip(names, senseless, strict=True):
            first.script = answering(body)
            reply = gateway.message(token(a_task()), request(name))
            assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "second")
        first.script = answering(b"<html>")
        reply = gateway.message(token(a_task()), request("wrong"))
        assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "second")
