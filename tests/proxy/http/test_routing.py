"""Which provider serves a call: fallbacks from one to the next, on which statuses, and until when."""

import json

import pytest

from tests.proxy.http.lanes import HELLO, rows
from tests.proxy.http.routes import ANTHROPIC, OPENAI, Case, failing, other
from tests.proxy.running import a_task, request, token
from tests.proxy.translation.invariants import check
from tests.proxy.upstream import Exchange, Script, ScriptedUpstream, answering, streaming

ELSEWHERE = (500, 501, 502, 503, 504, 529, 429, 401, 402, 403, 404)
NOWHERE_ELSE = (400, 413, 422)


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


def test_a_provider_of_another_wire_takes_over(case: Case, route_upstreams: dict[str, ScriptedUpstream]) -> None:
    case.second.script = failing(529, "overloaded_error")
    reply = other(case, "other-wire").call()
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "translated")
    assert reply.json["model"] == "other-wire"
    route_upstreams["openai"].script = streaming(*OPENAI.events(HELLO))
    streamed = other(case, "other-wire").call(stream=True)
    assert check(streamed.body, asked="other-wire") == []


def test_what_one_wire_cannot_say_another_provider_is_told(
    case: Case, route_upstreams: dict[str, ScriptedUpstream]
) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aW52ZW50ZWQ="}}
    body = {"messages": [{"role": "user", "content": [image]}], "model": "picky-first", "max_tokens": 9}
    reply = case.gateway.message(token(a_task()), json.dumps(body).encode())
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-c")
    assert route_upstreams["openai"].received == []
