"""Who gets through, and what the others are told."""

import json
import time
from collections.abc import Callable

import pytest

from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, RunningProxy, a_task, request, token
from tests.proxy.upstream import ScriptedUpstream, answering

REFUSED: dict[str, Callable[[], str]] = {
    "forged": lambda: token(a_task(), key="another-key"),
    "expired": lambda: token(a_task(expires=time.time() - 1)),
    "of another kind": lambda: token(a_task(), kind="forge"),
    "of no run": lambda: token(a_task(run="no-id")),
    "foreign": lambda: "not-a-token",
    "tampered": lambda: token(a_task())[:-1] + "!",
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_bad_token_opens_nothing(why: str, proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    headers = {"x-api-key": REFUSED[why]()}
    for method, target in (("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens"), ("GET", "/v1/models")):
        reply = proxy.call(method, target, request() if method == "POST" else None, headers)
        assert reply.error == (401, "authentication_error")
        assert reply.headers["x-should-retry"] == "false"
    assert upstream.received == []


def test_a_token_is_required(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    assert proxy.call("POST", "/v1/messages", request()).error == (401, "authentication_error")
    assert upstream.received == []


def test_a_task_that_spent_its_budget_is_refused_in_every_attempt(
    proxy: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.script = answering({"usage": {"input_tokens": 100_000, "output_tokens": 0}})  # 0.30 dollars
    first = a_task(budget_usd=0.5)
    body = request(max_tokens=100_000)  # so much is held that the next call waits for the end of the last
    assert [proxy.message(token(first), body).status for _ in range(2)] == [200, 200]
    reply = proxy.message(token(a_task(task=first.task, attempt=2, budget_usd=0.5)), body)
    assert reply.error == (429, "billing_error")
    assert reply.headers["x-should-retry"] == "false"
    assert reply.json["error"]["message"].startswith("spend limit reached")
    assert len(upstream.received) == 2
    assert proxy.message(token(a_task(run=first.run))).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"{}", b'{"model":"a"} x', b'{"model":"a",}', b'{"model":1}', b'{"model":"a","model":"b"}',
        b'{"model":"\xff"}', b'{"max_tokens":1}', b'{1:"model"}', b'{"model":' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(body: bytes, proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    headers = {"x-api-key": token(a_task())}
    assert proxy.call("POST", "/v1/messages", body, headers).error == (400, "invalid_request_error")
    assert upstream.received == []


def test_a_body_that_is_too_large_is_refused(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    body = request(padding="x" * (32 << 20))
    assert proxy.message(token(a_task()), body).error == (413, "request_too_large")
    assert upstream.received == []


def test_what_is_not_there_is_not_found(proxy: RunningProxy) -> None:
    assert proxy.call("GET", "/v1/nothing").error == (404, "not_found_error")
    assert proxy.call("GET", "/v1/messages").error == (404, "not_found_error")
    assert proxy.call("PUT", "/v1/models").error == (405, "invalid_request_error")


def test_the_probe_is_answered(proxy: RunningProxy) -> None:
    assert proxy.call("HEAD", "/").status == 200


@pytest.mark.parametrize("target", ["/usage/x", "/metrics"])
def test_reports_are_for_the_holder_of_the_read_token(target: str, proxy: RunningProxy) -> None:
    for given in ("", "Bearer ", "Bearer wrong", f"Bearer {token(a_task())}", f"Basic {READ_TOKEN}"):
        reply = proxy.call("GET", target, headers={"authorization": given})
        assert reply.error == (401, "authentication_error")


def test_the_log_is_json_about_runs_and_holds_no_secret(proxy: RunningProxy, upstream: ScriptedUpstream) -> None:
    claims = a_task()
    ours = token(claims)
    body = request(system="a-private-prompt")
    proxy.message(ours, body)
    upstream.script = answering({"type": "error"}, 500)
    proxy.message(ours, body, {"authorization": f"Bearer {ours}"})
    proxy.call("POST", "/v1/messages", b"{" + body, {"x-api-key": ours})
    text = proxy.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert not [line for line in lines if line["level"] == "error" or "exception" in line]
    assert [line["level"] for line in lines if line.get("run") == claims.run] == ["warning"]
    for secret in (ours, TOKEN_KEY, READ_TOKEN, PROVIDER_KEY, "a-private-prompt"):
        assert secret not in text
