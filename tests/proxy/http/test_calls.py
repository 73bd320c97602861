"""What clients ask beside messages: counts of tokens, lists of models, whether anybody is there. None of it costs."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import Lane
from tests.proxy.running import PROVIDER_KEY, Reply, RunningProxy, a_task, request, token
from tests.proxy.upstream import Exchange, ScriptedUpstream, answering

COUNT = "/v1/messages/count_tokens?beta=true"
LIST = {"data": [{"id": "claude-opus-5", "type": "model"}], "has_more": False}


def count(lane: Lane, body: bytes | None = None, **claims: Any) -> Reply:
    return lane.gateway.call("POST", COUNT, body or lane.body(), {"x-api-key": token(a_task(**claims))})


def models(gateway: RunningProxy, query: str = "?limit=1000", headers: dict[str, str] | None = None) -> Reply:
    return gateway.call("GET", f"/v1/models{query}", headers=headers or {"x-api-key": token(a_task())})


# Counts of tokens


def test_a_count_is_the_providers_own_where_it_counts(pass_through: Lane, mapped: Lane) -> None:
    """§2.2 count_tokens: forwarded to Anthropic and whoever speaks its wire, with the model that is asked for there."""
    for lane, path in ((pass_through, ""), (mapped, "/api")):
        lane.upstream.script = answering(b'{ "input_tokens" : 2095 }')
        reply = count(lane)
        assert (reply.status, reply.body) == (200, b'{ "input_tokens" : 2095 }')
        received = lane.upstream.received[-1]
        assert received.target == path + COUNT
        assert received.body == lane.body().replace(lane.asked.encode(), lane.given.encode())
        assert received.headers["x-api-key"] == PROVIDER_KEY


@pytest.mark.parametrize("status", [404, 405, 500, 501, 503])
def test_a_count_is_estimated_where_the_provider_counts_none(status: int, pass_through: Lane) -> None:
    """§2.2 count_tokens: estimated where the provider has no such path."""
    pass_through.upstream.script = answering({"error": "no such path"}, status)
    reply = count(pass_through)
    assert (reply.status, list(reply.json)) == (200, ["input_tokens"])
    assert reply.json["input_tokens"] > 0


def test_a_provider_that_does_not_count_still_serves_messages(tmp_path: Path) -> None:
    """Its breaker and its keys are those of messages: what it says of counts says nothing of them."""
    first, second = ScriptedUpstream(), ScriptedUpstream()
    sections = {
        "providers.first": provider(first.url, keys=["env:KEY"]), "providers.second": provider(second.url),
        "tiers": {"sonnet": ["first", "second"]},
    }  # fmt: skip
    first.start()
    second.start()
    try:
        with running_gateway(tmp_path, sections, KEY=PROVIDER_KEY, PROXY_WORKERS="1") as gateway:
            headers = {"x-api-key": token(a_task())}
            for status in (501, 501, 501, 429, 429, 503, 503, 503):
                first.script = answering({"type": "error"}, status, {"retry-after": "60"})
                gateway.call("POST", COUNT, request(), headers)
            first.script = answering({"type": "message"})
            assert gateway.message(headers["x-api-key"]).headers["x-gateway-provider"] == "first"
            assert second.received == []
    finally:
        first.stop()
        second.stop()


def test_an_estimate_is_rather_too_high_and_counts_tools_and_their_results(translated: Lane) -> None:
    """§2.2 count_tokens: with tools and results; compacting too early is better than an error."""
    words = "The quick brown fox jumps over the lazy dog. " * 100  # 1000 tokens, by any tokeniser
    tool = {"name": "t", "description": words, "input_schema": {"type": "object"}}
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "t", "input": {"x": words}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": words}]}
    first = {"role": "user", "content": "hi"}
    counts = [
        count(translated, translated.body(**more)).json["input_tokens"]
        for more in (
            {},
            {"system": words},
            {"tools": [tool]},
            {"messages": [first, use, result]},
            {"messages": [{"role": "user", "content": words}]},
        )
    ]
    assert counts[0] < 100
    assert 1000 <= counts[1] <= 2000
    assert 1000 <= counts[2] <= 2500
    assert 2000 <= counts[3] <= 4000
    assert translated.upstream.received == []


@pytest.mark.parametrize("status", [400, 401, 413, 429])
def test_what_the_provider_says_of_a_count_is_passed_on(status: int, pass_through: Lane) -> None:
    body = pass_through.wire.error("invalid_request_error", "max_tokens: no")
    pass_through.upstream.script = answering(body, status, {"retry-after": "3"})
    reply = count(pass_through)
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (status, body, "3")


def test_counts_cost_nothing_and_need_no_budget(lane: Lane) -> None:
    lane.upstream.script = answering({"input_tokens": 7})
    claims = a_task(budget_usd=0.0)
    assert lane.gateway.call("POST", COUNT, lane.body(), {"x-api-key": token(claims)}).status == 200
    assert lane.gateway.usage(claims.run)["calls"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": 7}', b'{"max_tokens": 9}'])
def test_a_count_of_no_request_is_refused(body: bytes, lane: Lane) -> None:
    headers = {"x-api-key": token(a_task())}
    assert lane.gateway.call("POST", COUNT, body, headers).error == (400, "invalid_request_error")
    assert lane.upstream.received == []


@pytest.mark.parametrize(
    "messages", [["hi"], "hi", {"role": "user"}, 7, None, [{"role": "user", "content": 7}], [[[["hi"]]]]]
)
def test_an_estimate_of_messages_that_are_none(messages: Any, translated: Lane) -> None:
    reply = count(translated, translated.body(messages=messages))
    assert reply.status in (200, 400)
    assert reply.status == 200 or reply.error == (400, "invalid_request_error")


@pytest.mark.parametrize("content", ['"\\ud800"', '"\xff"', "[" * 5000 + "]" * 5000, "1e999"])
def test_an_estimate_of_what_is_hardly_json(content: str, translated: Lane) -> None:
    body = f'{{"model":"claude-sonnet-5","max_tokens":9,"messages":[{{"role":"user","content":{content}}}]}}'
    reply = count(translated, body.encode("latin-1"))
    assert reply.status in (200, 400)
    assert reply.status == 200 or reply.error == (400, "invalid_request_error")


# Lists of models


@pytest.fixture(scope="module")
def listing(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """A gateway whose sonnet tier passes names through."""
    sections = {
        "providers.listing": provider(f"{upstream.url}/base", keys=["env:KEY"]),
        "tiers": {"sonnet": "listing", "haiku": "listing/small"},
        "models": {"local": "listing/qwen", "claude-mine": "listing/theirs"},
    }
    with running_gateway(tmp_path_factory.mktemp("listing"), sections, KEY=PROVIDER_KEY) as running:
        yield running


def test_the_providers_list_is_passed_on_where_names_pass_through(
    listing: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.received.clear()
    upstream.script = answering(LIST)
    for headers in ({"x-api-key": token(a_task())}, {"authorization": f"Bearer {token(a_task())}"}):
        reply = models(listing, headers={**headers, "anthropic-version": "2023-06-01"})
        assert (reply.status, reply.json) == (200, LIST)
    for received in upstream.received:
        assert received.target == "/base/v1/models?limit=1000"
        assert received.headers["x-api-key"] == PROVIDER_KEY
        assert received.headers["anthropic-version"] == "2023-06-01"
        assert "content-length" not in received.headers


def own_names(reply: Reply) -> list[str]:
    assert reply.status == 200
    assert all({"id", "display_name", "type", "created_at"} <= set(entry) for entry in reply.json["data"])
    return [entry["id"] for entry in reply.json["data"]]


def garbage(exchange: Exchange) -> None:
    exchange.raw(b"no HTTP at all\r\n\r\n")


def late(exchange: Exchange) -> None:
    time.sleep(3)
    answering(LIST)(exchange)


def endless(exchange: Exchange) -> None:
    exchange.begin({"content-type": "application/json"})
    try:
        while True:
            exchange.send(b" ")
            time.sleep(0.1)
    except OSError:
        exchange.cut()


@pytest.mark.parametrize(
    "broken",
    [
        answering({}, 404), answering({}, 401), answering({}, 500),
        answering({}, 302, {"location": "https://example.invalid/"}), garbage, late, endless,
    ],
    ids=["404", "401", "500", "redirect", "garbage", "late", "endless"],
)  # fmt: skip
def test_our_own_list_stands_in_within_the_time_that_claude_code_waits(
    broken: Any, listing: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.script = broken
    began = time.monotonic()
    names = own_names(models(listing))
    assert time.monotonic() - began < 2.9  # Claude Code waits for 3
    assert names == ["claude-haiku", "claude-sonnet", "claude-opus", "local", "claude-mine"]


def test_a_list_that_was_packed_although_nobody_asked_for_it_can_be_read(
    listing: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.script = answering(gzip.compress(json.dumps(LIST).encode()), headers={"content-encoding": "gzip"})
    reply = models(listing)
    assert "content-encoding" not in reply.headers
    assert reply.json == LIST or own_names(reply)


def test_where_names_do_not_pass_through_the_list_is_our_own(translated: Lane) -> None:
    """The names begin as Claude Code wants them to."""
    names = own_names(models(translated.gateway))
    assert names == ["claude-haiku", "claude-sonnet", "claude-opus"]
    assert translated.upstream.received == []


# Whether anybody is there


def test_the_probe_and_health_need_no_token_and_tell_nothing(gateway: RunningProxy) -> None:
    assert (gateway.call("HEAD", "/").status, gateway.call("HEAD", "/").body) == (200, b"")
    assert gateway.call("GET", "/healthz").json == {"status": "ok"}
    assert gateway.call("GET", "/readyz").json == {"status": "ready"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_no_other_method_reaches_a_provider(method: str, lane: Lane) -> None:
    reply = lane.gateway.call(method, "/v1/messages", lane.body(), {"x-api-key": token(a_task())})
    assert reply.status in (200, 404, 405)  # OPTIONS is answered by the server itself
    assert lane.upstream.received == []


@pytest.mark.parametrize(
    "path", ["/v1/messages/", "/v1//messages", "//v1/messages", "/v1/messages/../messages", "/V1/messages", "/messages"]
)
def test_no_other_path_reaches_a_provider(path: str, lane: Lane) -> None:
    reply = lane.gateway.call("POST", path, lane.body(), {"x-api-key": token(a_task())})
    assert reply.error[0] in (404, 405)
    assert lane.upstream.received == []


def test_a_path_with_a_query_or_none_is_the_same_path(pass_through: Lane) -> None:
    for target in ("/v1/messages", "/v1/messages?beta=true", "/v1/messages?"):
        reply = pass_through.gateway.call("POST", target, request(pass_through.asked), {"x-api-key": token(a_task())})
        assert reply.status == 200
    assert [found.target for found in pass_through.upstream.received] == [
        "/v1/messages", "/v1/messages?beta=true", "/v1/messages",
    ]  # fmt: skip
