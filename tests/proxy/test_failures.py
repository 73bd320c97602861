"""Providers that are away, break off, or have no key: a clear error, and never a stream that looks whole."""

from collections.abc import Iterator

import pytest
from anthropic import Anthropic, APIError

from native.rabbitmq import free_port
from tests.proxy.running import PROVIDER_KEY, RunningProxy, a_task, request, running_proxy, token
from tests.proxy.upstream import Exchange, ScriptedUpstream, message_events


@pytest.fixture(scope="module")
def proxy(provider: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    settings = {
        "SONNET_PROVIDER_BASE_URL": provider.url, "SONNET_PROVIDER_API_KEY": PROVIDER_KEY, "SONNET_PRICE": "3/15",
        "HAIKU_PROVIDER": "ollama", "HAIKU_PROVIDER_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "OPUS_PROVIDER": "deepseek",
    }  # fmt: skip
    with running_proxy(tmp_path_factory.mktemp("proxy"), **settings) as running:
        yield running


def test_a_tier_without_a_key_names_the_setting(proxy: RunningProxy) -> None:
    reply = proxy.message(token(a_task()), request("claude-opus-5"))
    assert reply.error == (503, "api_error")
    assert reply.headers["x-should-retry"] == "false"
    assert "OPUS_PROVIDER_API_KEY" in reply.json["error"]["message"]


def test_a_provider_that_is_away_costs_nothing(proxy: RunningProxy) -> None:
    claims = a_task()
    reply = proxy.message(token(claims), request("claude-haiku-9"))
    assert reply.error == (502, "api_error")
    assert "x-should-retry" not in reply.headers
    usage = proxy.usage(claims.run)
    assert (usage["calls"], usage["cost_usd"]) == (1, 0)


def test_a_provider_that_hangs_up_without_a_word_costs_nothing(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    upstream.script = lambda exchange: exchange.cut()
    claims = a_task()
    assert proxy.message(token(claims)).error == (502, "api_error")
    assert proxy.usage(claims.run)["cost_usd"] == 0
    assert len(upstream.received) == 1


def test_json_that_breaks_off_becomes_an_error_and_is_billed(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    def script(exchange: Exchange) -> None:
        exchange.begin({"content-type": "application/json"})
        exchange.send(b'{"content": [')
        exchange.cut()

    upstream.script = script
    claims = a_task()
    assert proxy.message(token(claims)).error == (502, "api_error")
    assert proxy.usage(claims.run)["input_tokens"] == len(request()) // 4


@pytest.mark.parametrize("properly", [True, False])
@pytest.mark.parametrize("missing", range(1, 60, 7))
def test_a_stream_without_an_end_gets_an_error_event(
    missing: int, properly: bool, proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    whole = b"".join(message_events("Hello"))
    cut = whole[: whole.rindex(b'"message_stop"') + 1 - missing]

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(cut)
        exchange.end() if properly else exchange.cut()

    upstream.script = script
    claims = a_task()
    body = proxy.message(token(claims), request(stream=True)).body
    events = cut[: cut.rindex(b"\n\n") + 2]  # half an event says nothing to a client
    assert body.startswith(events + b"event: error\ndata: ")
    assert body.count(b"\n\n") == events.count(b"\n\n") + 1
    usage = proxy.usage(claims.run)
    assert (usage["calls"], usage["input_tokens"], usage["models"]) == (1, 100, [])
    assert usage["output_tokens"] in (1, 25)

    with (
        Anthropic(base_url=proxy.url, api_key=token(claims), max_retries=0) as client,
        pytest.raises(APIError),
        client.messages.stream(
            model="claude-sonnet-5", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        ) as stream,
    ):
        stream.until_done()


def test_a_cut_stream_is_logged_with_its_run(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(message_events()[0])
        exchange.cut()

    upstream.script = script
    claims = a_task()
    proxy.message(token(claims), request(stream=True))
    lines = [line for line in proxy.log.read_text().splitlines() if claims.run in line]
    assert len(lines) == 1
    assert "cut off" in lines[0]
