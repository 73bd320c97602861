"""Which provider serves a call: fallbacks from one to the next, on which statuses and until when, and for whom.

Each case has a model, and providers, of its own: what one provider did must not tell against that of another case.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.proxy.http.gateways import Values, provider, running_gateway
from tests.proxy.http.lanes import HELLO, rows
from tests.proxy.http.wires import AnthropicWire, OpenAiWire
from tests.proxy.running import Reply, RunningProxy, a_task, free_port, request, token
from tests.proxy.translation.invariants import check
from tests.proxy.upstream import Exchange, Script, ScriptedUpstream, answering, running_upstream, streaming

ANTHROPIC, OPENAI = AnthropicWire(), OpenAiWire()
ELSEWHERE = (500, 501, 502, 503, 504, 529, 429, 401, 402, 403, 404)
NOWHERE_ELSE = (400, 413, 422)
MODELS = [f"case-{number}" for number in range(80)]


@dataclass(frozen=True)
class Case:
    """Calls of `model` go to `first`, then to `second`, which is asked for the model second-best."""

    gateway: RunningProxy
    first: ScriptedUpstream
    second: ScriptedUpstream
    model: str

    def call(self, headers: dict[str, str] | None = None, *, claims: Any = None, **more: Any) -> Reply:
        return self.gateway.message(token(claims or a_task()), request(self.model, **more), headers)

    @property
    def asked(self) -> tuple[int, int]:
        """How many requests each of the two has received."""
        return len(self.first.received), len(self.second.received)

    def by(self, reply: Reply) -> str:
        """Who answered: `first` or `second`."""
        return reply.headers["x-gateway-provider"].removeprefix(f"{self.model}-")


def sections(first: str, second: str, openai: str, leaving: str) -> dict[str, Values]:
    """The routes of all cases, and those of some that have more than two providers or another wire."""
    ways: dict[str, list[Any]] = {}
    found: dict[str, Values] = {}
    for model in MODELS:
        for name, url in (("first", first), ("second", second)):
            found[f"providers.{model}-{name}"] = provider(url)
        ways[model] = [f"{model}-first", f"{model}-second/second-best"]
    found["providers.leaving"] = provider(leaving)
    found["providers.away"] = provider(f"http://127.0.0.1:{free_port()}")
    found["providers.translated"] = provider(f"{openai}/v1", "openai")
    found["providers.picky"] = provider(f"{openai}/v1", "openai", reads_images=False)
    for name in ("a", "b", "c", "d"):
        found[f"providers.last-{name}"] = provider(second)
    ways |= {
        "away-first": ["away", "last-a/second-best"],
        "leaving-first": ["leaving", "last-a/second-best"],
        "all-away": ["away", {"provider": "away", "model": "another"}],
        "other-wire": ["last-b", "translated/openai-model"],
        "picky-first": ["picky", "last-c/second-best"],
        "worse": ["last-d", {"provider": "last-a", "model": "worse-model", "downgrade": True}],
    }
    found["tiers"] = {"haiku": "last-c/small-model", "sonnet": "last-c"}
    return {**found, "models": ways}


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, ScriptedUpstream]]:
    with running_upstream() as first, running_upstream() as second, running_upstream() as openai:
        yield {"first": first, "second": second, "openai": openai}


@pytest.fixture(scope="module")
def leaving() -> Iterator[socket.socket]:
    """The door of a provider that a test closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="module")
def routed(
    upstreams: dict[str, ScriptedUpstream], leaving: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningProxy]:
    urls = {name: upstream.url for name, upstream in upstreams.items()}
    urls["leaving"] = f"http://127.0.0.1:{leaving.getsockname()[1]}"
    with running_gateway(tmp_path_factory.mktemp("routed"), sections(**urls), PROXY_WORKERS="1") as running:
        yield running


@pytest.fixture(scope="module")
def unused_models() -> Iterator[str]:
    return iter(MODELS)


@pytest.fixture
def case(routed: RunningProxy, upstreams: dict[str, ScriptedUpstream], unused_models: Iterator[str]) -> Case:
    for upstream in upstreams.values():
        upstream.received.clear()
    upstreams["second"].script = answering(ANTHROPIC.message(HELLO, model="second-best"))
    upstreams["openai"].script = answering(OPENAI.message(HELLO))
    return Case(routed, upstreams["first"], upstreams["second"], next(unused_models))


def other(case: Case, model: str) -> Case:
    return Case(case.gateway, case.first, case.second, model)


def failing(status: int, kind: str = "api_error") -> Script:
    return answering(ANTHROPIC.error(kind, f"no, {status}"), status)


# Fallbacks


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("status", ELSEWHERE)
def test_the_next_provider_is_asked_where_one_cannot(status: int, streamed: bool, case: Case) -> None:
    case.first.script = failing(status)
    if streamed:
        case.second.script = streaming(*ANTHROPIC.events(HELLO, model="second-best"))
    claims = a_task()
    reply = case.call(claims=claims, stream=streamed)
    assert (reply.status, case.by(reply), case.asked) == (200, "second", (1, 1))
    assert reply.headers["x-gateway-model"] == "second-best"
    assert json.loads(case.second.received[0].body)["model"] == "second-best"
    assert (reply.json["model"] if not streamed else check(reply.body, translated=False, asked=case.model)) == (
        case.model if not streamed else []
    )
    (row,) = rows(case.gateway, claims.run, 1)
    assert (row["provider"], row["outcome"]) == (f"{case.model}-second", "ok")
    assert (row["tried"], row["fallbacks"]) == (f"{case.model}-first {status}", 1)
    assert row["asked"] == case.model


@pytest.mark.parametrize("status", NOWHERE_ELSE)
def test_what_is_wrong_with_the_request_itself_is_not_asked_elsewhere(status: int, case: Case) -> None:
    case.first.script = failing(status, "invalid_request_error")
    reply = case.call()
    assert (reply.status, case.by(reply), case.asked) == (status, "first", (1, 0))
    assert reply.body == ANTHROPIC.error("invalid_request_error", f"no, {status}")


def cut(exchange: Exchange) -> None:
    exchange.cut()


def error_first(exchange: Exchange) -> None:
    exchange.begin()
    exchange.send(b'event: ping\ndata: {"type": "ping"}\n\n')
    exchange.send(ANTHROPIC.error_event("overloaded_error", "Overloaded"))
    exchange.end()


def ends_at_once(exchange: Exchange) -> None:
    exchange.begin()
    exchange.end()


def cut_whole(exchange: Exchange) -> None:
    exchange.begin({"content-type": "application/json"})
    exchange.send(b'{"content": [')
    exchange.cut()


@pytest.mark.parametrize(
    ("breaks", "tried"), [(cut, "away"), (error_first, "529"), (ends_at_once, "away"), (cut_whole, "away")]
)
def test_a_provider_that_breaks_off_before_the_first_byte_is_replaced(breaks: Script, tried: str, case: Case) -> None:
    case.first.script = breaks
    case.second.script = streaming(*ANTHROPIC.events(HELLO, model="second-best"))
    claims = a_task()
    reply = case.call(claims=claims, stream=True)
    assert (reply.status, case.by(reply), case.asked[1]) == (200, "second", 1)
    # one that hung up without a word, on a connection that had been idle, is asked once more
    assert case.asked[0] <= (2 if breaks is cut else 1)
    assert check(reply.body, translated=False, asked=case.model) == []
    assert rows(case.gateway, claims.run, 1)[0]["tried"] == f"{case.model}-first {tried}"


def test_what_a_provider_may_charge_for_is_counted_although_another_answered(case: Case) -> None:
    """It had begun a whole answer when it broke off: its input is billed with the answer of the other."""
    case.first.script = cut_whole
    claims = a_task()
    body = request(case.model)
    case.gateway.message(token(claims), body)
    (row,) = rows(case.gateway, claims.run, 1)
    assert row["input_tokens"] == 100 + len(body) // 4


def test_a_provider_that_is_not_there_is_replaced_by_the_next(case: Case) -> None:
    reply = other(case, "away-first").call()
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-a")


def test_after_the_first_event_nobody_else_is_asked(case: Case) -> None:
    events = ANTHROPIC.events(HELLO, model=case.model)[:4]

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(b"".join(events))
        exchange.cut()

    case.first.script = script
    reply = case.call(stream=True)
    assert (reply.status, case.by(reply), case.asked) == (200, "first", (1, 0))
    assert reply.body.startswith(b"".join(events) + b"event: error\n")


def test_where_all_fail_the_last_one_is_heard(case: Case) -> None:
    case.first.script = failing(503)
    case.second.script = answering(ANTHROPIC.error("overloaded_error", "no, 529"), 529, {"retry-after": "9"})
    claims = a_task()
    reply = case.call(claims=claims)
    assert (reply.status, case.by(reply), case.asked) == (529, "second", (1, 1))
    assert (reply.body, reply.headers["retry-after"]) == (ANTHROPIC.error("overloaded_error", "no, 529"), "9")
    (row,) = rows(case.gateway, claims.run, 1)
    assert (row["outcome"], row["status"], row["micro_dollars"]) == ("error", 529, 0)
    assert row["tried"] == f"{case.model}-first 503"


def test_where_nobody_is_there_the_error_says_so_and_names_no_address(case: Case) -> None:
    reply = other(case, "all-away").call()
    assert reply.error == (502, "api_error")
    assert b"127.0.0.1" not in reply.body
    assert "x-should-retry" not in reply.headers  # it may be there again soon


def test_a_provider_of_another_wire_takes_over(case: Case, upstreams: dict[str, ScriptedUpstream]) -> None:
    case.second.script = failing(529, "overloaded_error")
    reply = other(case, "other-wire").call()
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "translated")
    assert reply.json["model"] == "other-wire"
    upstreams["openai"].script = streaming(*OPENAI.events(HELLO))
    streamed = other(case, "other-wire").call(stream=True)
    assert check(streamed.body, asked="other-wire") == []


def test_what_one_wire_cannot_say_another_provider_is_told(case: Case, upstreams: dict[str, ScriptedUpstream]) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aW52ZW50ZWQ="}}
    body = {"messages": [{"role": "user", "content": [image]}], "model": "picky-first", "max_tokens": 9}
    reply = case.gateway.message(token(a_task()), json.dumps(body).encode())
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-c")
    assert upstreams["openai"].received == []


# Who may have what


@pytest.mark.parametrize("forbidden", ["by its token", "by a header", "not at all"])
def test_a_worse_model_only_where_it_is_not_forbidden(forbidden: str, case: Case) -> None:
    case.second.script = lambda exchange: (
        answering(ANTHROPIC.message(HELLO, model="worse-model"))
        if b"worse-model" in exchange.received.body
        else failing(529, "overloaded_error")
    )(exchange)
    claims = a_task(downgrade=forbidden != "by its token")
    headers = {"x-gateway-downgrade": "forbid"} if forbidden == "by a header" else {}
    reply = other(case, "worse").call(headers, claims=claims)
    if forbidden == "not at all":
        assert (reply.status, reply.headers["x-gateway-model"]) == (200, "worse-model")
    else:
        assert reply.error == (529, "overloaded_error")
        assert case.asked == (0, 1)
    assert not any("x-gateway" in name for received in case.second.received for name in received.headers)


def test_a_task_has_the_tiers_that_its_token_names(case: Case) -> None:
    claims = a_task(tiers=("haiku",))
    for model in ("claude-sonnet-5", "claude-opus-5", case.model):
        reply = case.gateway.message(token(claims), request(model))
        assert reply.error == (403, "permission_error")
        assert reply.headers["x-should-retry"] == "false"
    assert case.asked == (0, 0)
    assert case.gateway.message(token(claims), request("claude-haiku-9")).status == 200
    headers = {"x-api-key": token(claims)}
    counted = case.gateway.call("POST", "/v1/messages/count_tokens", request("claude-sonnet-5"), headers)
    assert counted.error == (403, "permission_error")


TOOLS: dict[str, dict[str, Any]] = {
    "a tool": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "another tool": {"tools": [{"name": "own", "input_schema": {}}, {"type": "code_execution_20260101", "name": "x"}]},
    "a server": {"mcp_servers": [{"type": "url", "url": "https://example.invalid", "name": "x"}]},
    "a container": {"container": "container_1"},
}


@pytest.mark.parametrize("tools", TOOLS)
def test_what_runs_on_the_providers_side_is_not_for_tasks(tools: str, case: Case) -> None:
    reply = case.call(**TOOLS[tools])
    assert reply.error == (403, "permission_error")
    assert reply.headers["x-should-retry"] == "false"
    assert case.asked == (0, 0)
    case.first.script = answering(ANTHROPIC.message(HELLO, model=case.model))
    assert case.call(claims=a_task(server_tools=True), **TOOLS[tools]).status == 200


def test_a_model_that_nobody_knows_is_refused_with_what_is_known(case: Case) -> None:
    reply = case.gateway.message(token(a_task()), request("gpt-4.7-unheard-of"))
    assert reply.error == (404, "not_found_error")
    said = reply.json["error"]["message"]
    assert "gpt-4.7-unheard-of" in said
    for known in ("haiku", "sonnet", "opus", "all-away", "away-first"):
        assert known in said
    assert case.asked == (0, 0)


@pytest.mark.parametrize("model", ["claude-sonnet-5", "sonnet", "claude-sonnet-4-5-20250929", "us.anthropic.sonnet-9"])
def test_any_name_with_a_tier_in_it_is_of_that_tier(model: str, case: Case) -> None:
    reply = case.gateway.message(token(a_task()), request(model))
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-c")
    assert json.loads(case.second.received[0].body)["model"] == model


# Thinking of another provider's model

SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "invented-signature"}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [SIGNED, {"type": "text", "text": "Hello."}]},
    {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "invented"}]},
    {"role": "user", "content": "And?"},
]
REFUSED = "messages.1.content.0: Invalid `signature` in `thinking` block"


def refusing_thoughts(exchange: Exchange, answer: Callable[[Exchange], None]) -> None:
    if "thinking" in json.dumps(json.loads(exchange.received.body)["messages"]):
        answering(ANTHROPIC.error("invalid_request_error", REFUSED), 400)(exchange)
    else:
        answer(exchange)


@pytest.mark.parametrize("streamed", [True, False])
def test_thoughts_that_a_provider_refuses_are_left_out_once(streamed: bool, case: Case) -> None:
    """§2.2 tier switch: the same target is asked again, without the thinking of another."""
    events = ANTHROPIC.events(HELLO, model=case.model)
    answer = streaming(*events) if streamed else answering(ANTHROPIC.message(HELLO, model=case.model))
    case.first.script = lambda exchange: refusing_thoughts(exchange, answer)
    reply = case.call(messages=HISTORY, thinking={"type": "adaptive"}, stream=streamed)
    assert (reply.status, case.by(reply), case.asked) == (200, "first", (2, 0))
    first, second = (json.loads(received.body) for received in case.first.received)
    assert first["messages"] == HISTORY
    assert second["messages"] == [HISTORY[0], {"role": "assistant", "content": HISTORY[1]["content"][1:]}, HISTORY[3]]
    assert {**first, "messages": []} == {**second, "messages": []}


def test_a_provider_that_refuses_again_is_heard(case: Case) -> None:
    body = ANTHROPIC.error("invalid_request_error", REFUSED)
    case.first.script = answering(body, 400)
    reply = case.call(messages=HISTORY)
    assert (reply.status, reply.body, case.asked) == (400, body, (2, 0))


@pytest.mark.parametrize("messages", [["hi"], {"role": "user"}, "hi", [{"role": "user", "content": ["hi"]}], None, 7])
def test_messages_that_are_none_and_an_error_about_a_signature(messages: Any, case: Case) -> None:
    case.first.script = answering(ANTHROPIC.error("invalid_request_error", REFUSED), 400)
    assert case.call(messages=messages).error == (400, "invalid_request_error")


def test_a_provider_that_goes_away_between_the_two_tries_is_replaced(case: Case, leaving: socket.socket) -> None:
    body = ANTHROPIC.error("invalid_request_error", REFUSED)

    def refuse_and_leave() -> None:
        connection, _ = leaving.accept()
        leaving.close()
        with connection:
            connection.recv(65536)
            head = f"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)

    thread = threading.Thread(target=refuse_and_leave)
    thread.start()
    claims = a_task()
    reply = other(case, "leaving-first").call(messages=HISTORY, claims=claims)
    thread.join()
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-a")
    assert rows(case.gateway, claims.run, 1)[0]["tried"] == "leaving away"
