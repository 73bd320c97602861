"""Line breaks where there must be none: in headers, in a query, in a model's name, in a key."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from native.rabbitmq import free_port
from tests.proxy.http.gateways import provider, toml
from tests.proxy.http.lanes import Lane
from tests.proxy.http.raw import exchange, sized
from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, NotStarted, a_task, request, running_proxy, token
from tests.proxy.upstream import ScriptedUpstream, answering, streaming


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
    if len(name) > 200:
        assert reply.error == (400, "invalid_request_error")
        return
    assert reply.status == 200
    assert not {"x-evil", "set-cookie"} & set(reply.headers)
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


def test_keys_with_line_breaks_in_them_never_reach_a_provider(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    """From files that the environment names: the gateway refuses to start, or it refuses every call."""
    keys = {"HAIKU": "invented-key\r\nx-evil: 1", "SONNET": "invented\0key", "OPUS": "invented\u2028key"}
    settings = {"SONNET_PROVIDER_BASE_URL": upstream.url}
    for tier, key in keys.items():
        (tmp_path / tier).write_text(key)
        settings[f"{tier}_PROVIDER_API_KEY_FILE"] = str(tmp_path / tier)
    told = ""
    try:
        with running_proxy(tmp_path, PROXY_WORKERS="1", **settings) as proxy:
            for tier in keys:
                reply = proxy.message(token(a_task()), request(f"claude-{tier.lower()}-5"))
                assert reply.error[0] >= 400
                told += reply.body.decode() + proxy.log.read_text()
    except NotStarted as error:
        told = str(error)
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


@pytest.mark.parametrize("streamed", [True, False])
def test_a_key_that_a_provider_repeats_is_seen_by_nobody(streamed: bool, lane: Lane) -> None:
    """Some name the key that they refuse: neither the caller nor the log has any use for it."""
    said = f"Incorrect API key provided: {PROVIDER_KEY}."
    lane.upstream.script = answering(lane.wire.error("authentication_error", said), 401, {"x-repeated": PROVIDER_KEY})
    if streamed:
        lane.upstream.script = streaming(lane.wire.error_event("authentication_error", said))
    reply = lane.call(lane.body(stream=streamed))
    assert reply.error == (401, "authentication_error")
    assert PROVIDER_KEY not in str(reply)
    assert reply.json["error"]["message"].startswith("Incorrect API key provided: ")
    assert PROVIDER_KEY not in lane.gateway.log.read_text()
