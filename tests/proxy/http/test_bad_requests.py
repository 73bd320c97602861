"""Requests that are wrong: a correct error of Anthropic's, and nothing goes on that should not."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.proxy.http.gateways import provider, running_gateway, toml
from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.http.raw import answers, call, chunked, exchange, received, sized
from tests.proxy.http.wires import AnthropicWire
from tests.proxy.running import (
    PROVIDER_KEY,
    READ_TOKEN,
    TOKEN_KEY,
    a_task,
    free_port,
    request,
    running_proxy,
    token,
)
from tests.proxy.upstream import ScriptedUpstream, answering

MOST = 32 * 1024 * 1024
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


# Bodies


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
    for wrong, streamed in itertools.product(WRONG, (False, True)):
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


def padded(lane: Lane, size: int) -> bytes:
    empty = lane.body(metadata={"x": ""})
    return lane.body(metadata={"x": "x" * (size - len(empty))})


def test_a_body_of_32_megabytes_goes_through_and_one_byte_more_does_not(lane: Lane) -> None:
    key = token(a_task(budget_usd=1000))
    for body, status in ((padded(lane, MOST), 200), (padded(lane, MOST + 1), 413)):
        assert lane.gateway.message(key, body).status == status
        found = exchange(lane.gateway, call(chunked(body), "transfer-encoding: chunked", "connection: close", key=key))
        assert [answer.status for answer in found] == [status]
        if status == 413:
            assert found[0].error == (413, "request_too_large")
    assert len(lane.upstream.received) == 2


@pytest.mark.parametrize("more", ["connection: close", "connection: keep-alive"])
@pytest.mark.parametrize("size", [MOST + 1, 48_000_000])
def test_whoever_sends_too_much_reads_why(size: int, more: str, lane: Lane) -> None:
    """Not only that its connection broke, after which clients would send all of it again."""
    found = exchange(lane.gateway, sized(padded(lane, size), more, key=token(a_task())))
    assert [answer.error for answer in found] == [(413, "request_too_large")]


def test_the_official_client_is_told_that_it_sends_too_much(lane: Lane) -> None:
    with (
        Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=20) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        client.messages.create(model=lane.asked, max_tokens=9, messages=[{"role": "user", "content": "x" * 40_000_000}])
    assert caught.value.status_code == 413


def test_a_body_that_is_only_announced_as_too_large_is_not_waited_for(lane: Lane) -> None:
    key = token(a_task())
    began = time.monotonic()
    for length in ("10000000000", "33554433", "9" * 19):
        for expecting in ((), ("expect: 100-continue",)):
            found = exchange(lane.gateway, call(b"", f"content-length: {length}", *expecting, key=key))
            assert [answer.error[0] for answer in found] in ([413], [400])
    assert time.monotonic() - began < 5


def test_whoever_asks_before_it_sends_is_told_to_go_on(lane: Lane) -> None:
    body = lane.body()
    with socket.create_connection(("127.0.0.1", lane.gateway.port), timeout=10) as connection:
        head = call(
            b"", "expect: 100-continue", f"content-length: {len(body)}", "connection: close", key=token(a_task())
        )
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert [answer.status for answer in answers(received(connection))] == [200]
    assert "expect" not in lane.upstream.received[0].headers


# Who calls

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


# Where it would go


@pytest.fixture(scope="module")
def evil() -> Iterator[ScriptedUpstream]:
    """A server elsewhere, that must hear of nothing."""
    upstream = ScriptedUpstream()
    upstream.start()
    yield upstream
    upstream.stop()


def test_no_caller_says_where_its_call_goes(evil: ScriptedUpstream, lane: Lane) -> None:
    key = token(a_task())
    url = evil.url
    host = url.removeprefix("http://")
    names = (
        "host", "x-upstream-url", "x-forwarded-host", "x-forwarded-server", "x-original-url", "x-rewrite-url", "forwarded",
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
        "http://{evil}/v1/messages", "http://{evil}/v1/messages?beta=true", "//{evil}/v1/messages", "{evil}/v1/messages",
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


# Line breaks where there must be none


@pytest.mark.parametrize(
    "line", ["x-odd: a\rx-evil: 1", "x-odd: a\nx-evil: 1", "x-odd: a\0b", "x-odd: a\r\n x-evil: 1", "x-evil\r: 1"]
)
def test_a_header_with_a_line_break_is_refused(line: str, lane: Lane) -> None:
    found = exchange(lane.gateway, sized(lane.body(), line, "connection: close", key=token(a_task())))
    assert [answer.error for answer in found] == [(400, "invalid_request_error")]
    assert lane.upstream.received == []


@pytest.mark.parametrize(
    "query",
    ["a\rb", "a\nb", "a\r\nx-evil: 1", "a b", "a\tb", "a\0b", "a%0d%0ax-evil:%201", "a\x7f", "a\xe4\xf6", "x=%00"],
)
def test_a_query_stays_a_query(query: str, lane: Lane) -> None:
    data = sized(lane.body(), "connection: close", target=f"/v1/messages?{query}", key=token(a_task()))
    found = exchange(lane.gateway, data)
    assert len(found) <= 1
    for answer in found:
        assert answer.status == 200 or answer.error == (400, "invalid_request_error")
    for got in lane.upstream.received:
        assert "x-evil" not in got.headers
        assert lane.translated or got.target == f"/v1/messages?{query}"


@pytest.mark.parametrize(
    "model", ["{}\r\nx-evil: 1", "{}\nset-cookie: a=b", "{}\0", "{}\r", '{}"\\', "{}é🙂", "{} " + "x" * 9000]
)
def test_a_models_name_is_no_header(model: str, pass_through: Lane) -> None:
    name = model.replace("{}", pass_through.asked)
    reply = pass_through.call(request(name))
    assert reply.status == 200
    assert not {"x-evil", "set-cookie"} & set(reply.headers)
    assert len(reply.headers["x-gateway-model"]) <= 200
    assert json.loads(pass_through.upstream.received[0].body)["model"] == name


def test_odd_headers_go_on_as_they_came(pass_through: Lane) -> None:
    lines = (
        "x-latin: \xe4\xf6\xfc",
        "x-empty:",
        "x-long: " + "y" * 20_000,
        "X-CaSe: Yes",
        "anthropic-beta: a-2099-01-01 , b",
    )
    found = exchange(pass_through.gateway, sized(pass_through.body(), *lines, "connection: close", key=token(a_task())))
    assert [answer.status for answer in found] == [200]
    got = pass_through.upstream.received[0].headers
    assert (got["x-latin"], got["x-empty"], got["x-case"]) == ("\xe4\xf6\xfc", "", "Yes")
    assert got["x-long"] == "y" * 20_000
    assert got["anthropic-beta"] == "a-2099-01-01 , b"


@pytest.mark.parametrize(
    "key", ["invented-key\r\nx-evil: 1", "invented-key\nx-evil: 1", "invented\0key", "invented\u2028key"]
)
def test_a_key_with_a_line_break_in_it_never_reaches_a_provider(key: str, tmp_path: Path) -> None:
    """From a file that the environment names: the gateway refuses to start, or every call."""
    upstream = ScriptedUpstream()
    upstream.start()
    file = tmp_path / "key"
    file.write_text(key)
    settings = {"SONNET_PROVIDER_BASE_URL": upstream.url, "SONNET_PROVIDER_API_KEY_FILE": str(file)}
    try:
        with running_proxy(tmp_path, PROXY_WORKERS="1", **settings) as proxy:
            reply = proxy.message(token(a_task()))
            assert reply.error[0] >= 400
            told = reply.body.decode() + proxy.log.read_text()
    except NotStarted as error:
        told = str(error)
    finally:
        upstream.stop()
    assert "invented" not in told
    assert "x-evil" not in told
    assert upstream.received == []


def test_a_key_with_a_line_break_is_refused_with_gateway_toml(tmp_path: Path) -> None:
    (tmp_path / "bad.key").write_text("invented-key\r\nx-evil: 1")
    sections = {
        "providers.only": provider("http://127.0.0.1:9", keys=["file:bad.key"]),
        "tiers": {"sonnet": "only"},
    }
    (tmp_path / "gateway.toml").write_text(toml(sections))
    environment = {
        "PATH": os.environ["PATH"], "PROXY_PORT": str(free_port()), "DATA_DIR": str(tmp_path / "data"),
        "MODEL_TOKEN_KEY": TOKEN_KEY, "PROXY_READ_TOKEN": READ_TOKEN, "GATEWAY_FILE": str(tmp_path / "gateway.toml"),
    }  # fmt: skip
    ended = subprocess.run([sys.executable, "-m", "proxy"], env=environment, capture_output=True, timeout=30)
    assert ended.returncode == 1
    told = (ended.stdout + ended.stderr).decode()
    assert "gateway.toml:" in told
    assert "invented-key" not in told
    assert "Traceback" not in told


def test_a_key_that_a_provider_repeats_is_in_no_log(tmp_path: Path) -> None:
    """Its error goes to the caller as it is; the log, which others read, has none of it."""
    upstream = ScriptedUpstream()
    upstream.start()
    key = "invented-and-repeated-key"
    body = AnthropicWire().error("authentication_error", f"invalid x-api-key {key}")
    upstream.script = answering(body, 401, {"x-repeated": key})
    sections = {"providers.only": provider(upstream.url, keys=["env:KEY"]), "tiers": {"sonnet": "only"}}
    with running_gateway(tmp_path, sections, KEY=key, LOG_LEVEL="debug", PROXY_WORKERS="1") as gateway:
        assert gateway.message(token(a_task())).body == body
        assert key not in gateway.log.read_text()
    upstream.stop()


def test_the_log_has_neither_prompts_nor_traces_of_all_this(lane: Lane) -> None:
    lane.call(lane.body(system="a-private-prompt", messages=7))
    text = lane.gateway.log.read_text()
    assert "Traceback" not in text
    assert "a-private-prompt" not in text
    for secret in (PROVIDER_KEY, TOKEN_KEY, READ_TOKEN):
        assert secret not in text
