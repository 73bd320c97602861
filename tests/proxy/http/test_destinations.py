"""Who may call, and where a call goes: where the gateway is set up to send it, whatever the caller says."""

import time
from collections.abc import Callable

import pytest

from tests.proxy.http.lanes import Lane
from tests.proxy.http.raw import call, exchange, sized
from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, a_task, token
from tests.proxy.upstream import ScriptedUpstream

BAD_TOKENS: dict[str, Callable[[], str]] = {
    "forged": lambda: token(a_task(), key="another-key"),
    "expired": lambda: token(a_task(expires=time.time() - 1)),
    "of another kind": lambda: token(a_task(), kind="forge"),
    "of no run": lambda: token(a_task(run="no-id")),
    "foreign": lambda: "sk-invented-key-of-somebody-else",
    "tampered": lambda: token(a_task())[:-2] + "AA",
    "cut": lambda: token(a_task())[:-1],
    "a provider's key": lambda: PROVIDER_KEY,
    "the read token": lambda: READ_TOKEN,
    "the signing key": lambda: TOKEN_KEY,
    "nothing": lambda: "",
    "dots": lambda: "...",
    "not ASCII": lambda: "t\xf6k\xe9n",
    "very long": lambda: "a" * 6000,
}


@pytest.mark.parametrize("why", BAD_TOKENS)
def test_a_bad_token_opens_nothing_in_either_header(why: str, lane: Lane) -> None:
    bad = BAD_TOKENS[why]()
    for headers in ({"x-api-key": bad}, {"authorization": f"Bearer {bad}"}, {"authorization": bad}):
        reply = lane.gateway.call("POST", "/v1/messages", lane.body(stream=True), headers)
        assert reply.error == (401, "authentication_error")
        assert reply.headers["x-should-retry"] == "false"
        assert not bad or bad not in reply.body.decode()
    assert lane.upstream.received == []
    assert not bad or bad not in lane.gateway.log.read_text()


@pytest.fixture
def evil(upstream: ScriptedUpstream) -> ScriptedUpstream:
    """A server elsewhere, that must hear of nothing."""
    return upstream


def test_no_caller_says_where_its_call_goes(evil: ScriptedUpstream, lane: Lane) -> None:
    key = token(a_task())
    url = evil.url
    host = url.removeprefix("http://")
    names = (
        "host", "x-upstream-url", "x-forwarded-host", "x-forwarded-server", "x-original-url", "x-rewrite-url",
        "forwarded",
        "x-gateway-provider", "x-gateway-upstream", "x-base-url", "anthropic-base-url", "via", "x-host", "base-url",
        "x-portkey-custom-host", "helicone-target-url", "x-real-ip", "referer", "origin",
    )  # fmt: skip
    for name in names:
        for value in (url, host):
            reply = lane.gateway.call("POST", "/v1/messages", lane.body(), {"x-api-key": key, name: value})
            assert reply.status == 200
    for member in ("base_url", "api_base", "upstream", "url", "endpoint", "provider", "api_key", "extra_headers"):
        assert lane.call(lane.body(**{member: url})).status in (200, 400)
    assert lane.call(lane.body(metadata={"base_url": url, "user_id": "x"})).status == 200
    assert evil.received == []
    own = lane.upstream.url.removeprefix("http://")
    assert {received.headers["host"] for received in lane.upstream.received} == {own}
    if lane.translated:
        assert not any(host.encode() in received.body for received in lane.upstream.received)


@pytest.mark.parametrize(
    "target",
    [
        "http://{evil}/v1/messages", "http://{evil}/v1/messages?beta=true", "//{evil}/v1/messages",
        "{evil}/v1/messages",
        "/v1/messages?base_url=http://{evil}", "/v1/messages?x=@{evil}", "/v1/messages?http://{evil}/", "*",
        "/v1/messages@{evil}", "/v1/messages#@{evil}", "/v1/messages/../../{evil}", "http://{evil}@gateway/v1/messages",
    ],
)  # fmt: skip
def test_no_target_leads_elsewhere(target: str, evil: ScriptedUpstream, lane: Lane) -> None:
    host = evil.url.removeprefix("http://")
    data = sized(lane.body(), "connection: close", target=target.replace("{evil}", host), key=token(a_task()))
    found = exchange(lane.gateway, data)
    assert len(found) == 1
    assert found[0].status == 200 or found[0].error[0] in (400, 404, 405)
    assert evil.received == []
    for got in lane.upstream.received:
        assert got.target.partition("?")[0] == ("/v1/chat/completions" if lane.translated else "/v1/messages")


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "GET"])
def test_no_method_makes_a_tunnel_or_an_echo(method: str, evil: ScriptedUpstream, lane: Lane) -> None:
    host = evil.url.removeprefix("http://")
    for target in (host, f"http://{host}/", "/v1/messages"):
        found = exchange(
            lane.gateway, call(b"", "connection: close", method=method, target=target, key="a-made-up-token")
        )
        assert all(answer.status in (400, 401, 404, 405, 501) for answer in found)
        assert not any(b"a-made-up-token" in answer.body for answer in found)
    assert evil.received == []
