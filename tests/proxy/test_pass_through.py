"""What the provider gets and what the caller gets: everything as it was, but for the key and the model."""

import threading

from anthropic import Anthropic

from tests.proxy.running import PROVIDER_KEY, RunningProxy, a_task, request, token
from tests.proxy.upstream import Exchange, ScriptedUpstream, answering, message_events, streaming

TRICKY = (
    '{ "messages":[{"role":"user","content":"set \\"model\\":\\"x\\" \\u00e9 é"}],\n'
    '\t"metadata":{"model":"inner"} , "model" : "claude-haiku-9" ,"thinking":{"type":"adaptive"},"n":1.50}'
).encode()


def test_the_body_arrives_untouched_where_no_model_is_set(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    body = TRICKY.replace(b"haiku", b"sonnet")
    assert proxy.message(token(a_task()), body).status == 200
    assert upstream.received[0].body == body


def test_only_the_top_level_model_is_replaced(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    assert proxy.message(token(a_task()), TRICKY).status == 200
    assert upstream.received[0].body == TRICKY.replace(b"claude-haiku-9", b"small-model-1")


def test_the_provider_gets_its_key_and_never_the_token(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    ours = token(a_task())
    both = {"authorization": f"Bearer {ours}", "cookie": "a=b", "x-forwarded-for": "10.0.0.1", "forwarded": "for=me"}
    proxy.message(ours, headers={**both, "connection": "close, X-Hop", "x-hop": "1"})
    received = upstream.received[0]
    assert received.headers["x-api-key"] == PROVIDER_KEY
    assert ours not in str(received)
    assert not {"authorization", "cookie", "x-forwarded-for", "forwarded", "x-hop"} & set(received.headers)


def test_path_query_and_unknown_headers_go_on_verbatim(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "a-2026-01-01,b-2099-12-31", "x-new": "7"}
    proxy.message(token(a_task()), headers=headers)
    received = upstream.received[0]
    assert received.target == "/base/v1/messages?beta=true"
    assert headers.items() <= received.headers.items()
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["host"] == upstream.url.removeprefix("http://")


def test_a_bearer_token_is_as_good_as_an_api_key(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    headers = {"authorization": f"Bearer {token(a_task())}"}
    assert proxy.call("POST", "/v1/messages", request(), headers).status == 200
    assert len(upstream.received) == 1


def test_an_answer_comes_back_as_it_is(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    body = b'{"content": [ ],   "usage":{"input_tokens":1,"output_tokens":1}}\n'
    headers = {"request-id": "req_1", "anthropic-ratelimit-requests-remaining": "7", "set-cookie": "c=1"}
    upstream.script = answering(body, headers=headers)
    reply = proxy.message(token(a_task()))
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["request-id"] == "req_1"
    assert reply.headers["anthropic-ratelimit-requests-remaining"] == "7"
    assert "set-cookie" not in reply.headers


def test_errors_of_the_provider_come_back_unmodified(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    body = b'{ "type":"error", "error":{"type":"overloaded_error","message":"Overloaded"}, "extra":[1]}'
    upstream.script = answering(body, 529, {"retry-after": "7", "x-should-retry": "true"})
    reply = proxy.message(token(a_task()))
    assert (reply.status, reply.body) == (529, body)
    assert (reply.headers["retry-after"], reply.headers["x-should-retry"]) == ("7", "true")

    upstream.script = answering(b"prompt is too long: not even JSON", 400, {"content-type": "text/plain"})
    reply = proxy.message(token(a_task()))
    assert (reply.status, reply.body) == (400, b"prompt is too long: not even JSON")
    assert reply.headers["content-type"] == "text/plain"


def test_a_redirect_is_not_followed(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    upstream.script = answering({}, 302, {"location": upstream.url + "/elsewhere"})
    assert proxy.message(token(a_task())).error == (502, "api_error")
    assert len(upstream.received) == 1


def test_an_event_arrives_while_the_provider_still_holds_the_next(
    proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    events = message_events("Hello", " world")
    seen = [threading.Event() for _ in events]

    def script(exchange: Exchange) -> None:
        exchange.begin()
        for event, was_seen in zip(events, seen, strict=True):
            exchange.send(event)
            assert was_seen.wait(timeout=10)
        exchange.end()

    upstream.script = script
    connection = proxy.connect()
    connection.request("POST", "/v1/messages", request(stream=True), {"x-api-key": token(a_task())})
    response = connection.getresponse()
    for event, was_seen in zip(events, seen, strict=True):
        assert response.read(len(event)) == event
        was_seen.set()
    assert response.read() == b""
    assert response.getheader("content-type") == "text/event-stream"
    assert response.getheader("x-accel-buffering") == "no"
    connection.close()


def test_the_official_client_streams_through_it(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    upstream.script = streaming(*message_events("Hello", " world"))
    claims = a_task()
    with (
        Anthropic(base_url=proxy.url, api_key=token(claims), max_retries=0) as client,
        client.messages.stream(
            model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        ) as stream,
    ):
        assert "".join(stream.text_stream) == "Hello world"
        assert stream.get_final_message().usage.output_tokens == 25
    assert proxy.usage(claims.run)["output_tokens"] == 25


def test_token_counts_and_models_pass_through_and_cost_nothing(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    claims = a_task()
    upstream.script = answering({"input_tokens": 12})
    headers = {"x-api-key": token(claims)}
    counted = proxy.call("POST", "/v1/messages/count_tokens?beta=true", request("claude-haiku-9"), headers)
    assert counted.json == {"input_tokens": 12}
    assert upstream.received[0].target == "/base/v1/messages/count_tokens?beta=true"
    assert b"small-model-1" in upstream.received[0].body

    upstream.script = answering({"data": [{"id": "claude-sonnet-5"}]})
    listed = proxy.call("GET", "/v1/models?limit=1000", None, headers)
    assert listed.json == {"data": [{"id": "claude-sonnet-5"}]}
    assert upstream.received[1].target == "/base/v1/models?limit=1000"
    assert proxy.usage(claims.run)["calls"] == 0
