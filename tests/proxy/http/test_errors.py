"""Errors of providers as clients see them, in both lanes: before a stream, as its first event, inside it, at a cut."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.proxy.http.lanes import HELLO, SAID, Lane, rows
from tests.proxy.http.wires import text
from tests.proxy.running import a_task, token
from tests.proxy.translation.invariants import read
from tests.proxy.upstream import Exchange, Script, answering

LATER = {"retry-after": "7", "retry-after-ms": "7000", "x-should-retry": "true", "request-id": "req_of_theirs"}
BUSY = [(529, "overloaded_error", anthropic.OverloadedError), (429, "rate_limit_error", anthropic.RateLimitError)]


@pytest.fixture
def client(lane: Lane) -> Iterator[Anthropic]:
    with Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=20) as client:
        yield client


def asking(lane: Lane) -> Any:
    return {"model": lane.asked, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def cut_after(lane: Lane, events: int, *, properly: bool = False) -> Script:
    """A provider that breaks its stream off; `properly`: as if it were whole, to HTTP."""

    def script(exchange: Exchange) -> None:
        exchange.begin()
        for event in lane.wire.events(HELLO, model=lane.given)[:events]:
            exchange.send(event)
        exchange.end() if properly else exchange.cut()

    return script


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(("status", "kind", "raised"), BUSY)
def test_a_busy_provider_is_passed_on_as_it_is(
    status: int, kind: str, raised: type[anthropic.APIStatusError], streamed: bool, lane: Lane, client: Anthropic
) -> None:
    """§2.2 error before stream: the real status, 529 too, Anthropic's envelope, retry-after and request-id."""
    body = lane.wire.error(kind, "Come back later")
    lane.upstream.script = answering(body, status, LATER)
    reply = lane.call(lane.body(stream=streamed))
    assert reply.error == (status, kind)
    assert reply.json["error"]["message"] == "Come back later"
    assert lane.translated or reply.body == body
    assert LATER.items() <= reply.headers.items()
    assert reply.headers["content-type"] == "application/json"

    with pytest.raises(raised) as caught:
        client.messages.create(**asking(lane), stream=streamed)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.request_id == "req_of_theirs"


@pytest.mark.parametrize(("status", "kind", "raised"), BUSY)
def test_the_client_waits_as_long_as_it_is_told_and_then_has_its_answer(
    status: int, kind: str, raised: type[Exception], lane: Lane
) -> None:
    answers = iter([answering(lane.wire.error(kind, "Later"), status, {"retry-after-ms": "300"})] * 2)
    lane.upstream.script = lambda exchange: next(answers, lane.streams(HELLO))(exchange)
    claims = a_task()
    with (
        Anthropic(base_url=lane.gateway.url, api_key=token(claims), max_retries=2, timeout=20) as client,
        client.messages.stream(**asking(lane)) as stream,
    ):
        assert stream.get_final_text() == SAID
    assert [row["status"] for row in rows(lane.gateway, claims.run, 3)] == [status, status, 200]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("invalid_request_error", 400),
        ("authentication_error", 401), ("not_found_error", 404),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [b"", b": processing\n\n: processing\n\n"])
def test_an_error_as_the_first_event_becomes_a_status(before: bytes, kind: str, status: int, lane: Lane) -> None:
    """§2.2 first-event gate: nothing is promised before it is known that a message begins."""

    def script(exchange: Exchange) -> None:
        exchange.begin({"retry-after": "3"})
        exchange.send(before + lane.wire.error_event(kind, "It did not begin")[:20])
        exchange.send(lane.wire.error_event(kind, "It did not begin")[20:])
        exchange.end()

    lane.upstream.script = script
    claims = a_task()
    reply = lane.call(lane.body(stream=True), claims=claims)
    assert reply.error == (status, kind)
    assert reply.json["error"]["message"] == "It did not begin"
    assert lane.translated or reply.body == lane.wire.error(kind, "It did not begin")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["retry-after"] == "3"
    (row,) = rows(lane.gateway, claims.run, 1)
    assert (row["status"], row["outcome"], row["reason"], row["micro_dollars"]) == (status, "error", kind, 0)


def test_an_error_behind_a_ping_becomes_a_status_too(pass_through: Lane) -> None:
    lane = pass_through

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(b'event: ping\ndata: {"type": "ping"}\n\n')
        exchange.send(lane.wire.error_event("overloaded_error", "Overloaded"))
        exchange.end()

    lane.upstream.script = script
    assert lane.call(lane.body(stream=True)).error == (529, "overloaded_error")


@pytest.mark.parametrize("ends", ["cut", "end"])
def test_an_error_after_some_events_is_passed_on_and_ends_the_stream(ends: str, lane: Lane, client: Anthropic) -> None:
    """§2.2 error mid-stream: one event of the right shape, then the end, and no message_stop."""
    events = lane.wire.events(HELLO, model=lane.given)[:4]
    error = lane.wire.error_event("overloaded_error", "No more")

    def script(exchange: Exchange) -> None:
        exchange.begin()
        for event in events:
            exchange.send(event)
        time.sleep(0.2)  # else all of it might arrive at once, and the error need not come behind a 200
        exchange.send(error)
        getattr(exchange, ends)()

    lane.upstream.script = script
    claims = a_task()
    reply = lane.stream(claims=claims)
    told = read(reply.body, translated=lane.translated)
    assert told.error == {"type": "overloaded_error", "message": "No more"}
    assert reply.body.count(b"event: error") == 1
    assert b"message_stop" not in reply.body
    assert lane.translated or reply.body == b"".join((*events, error))
    (row,) = rows(lane.gateway, claims.run, 1)
    assert (row["status"], row["outcome"], row["reason"]) == (200, "error", "overloaded_error")
    assert row["input_tokens"] >= (1 if lane.translated else 100)
    assert row["micro_dollars"] > 0

    with pytest.raises(anthropic.APIStatusError) as caught, client.messages.stream(**asking(lane)) as stream:
        stream.until_done()
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"] == told.error


@pytest.mark.parametrize("properly", [True, False])
@pytest.mark.parametrize("events", [2, 3])
def test_a_cut_stream_gets_an_error_event(events: int, properly: bool, lane: Lane, client: Anthropic) -> None:
    """§2.2 truncated upstream: an end without message_stop is told as an error, never as an end."""
    lane.upstream.script = cut_after(lane, events, properly=properly)
    claims = a_task()
    reply = lane.stream(claims=claims)
    told = read(reply.body, translated=lane.translated)
    assert told.error is not None
    assert told.error["type"] == "api_error"
    (row,) = rows(lane.gateway, claims.run, 1)
    assert row["outcome"] == "error"
    assert row["reason"] in ("cut off", "api_error")
    assert row["micro_dollars"] > 0
    with pytest.raises(anthropic.APIError), client.messages.stream(**asking(lane)) as stream:
        stream.until_done()


@pytest.mark.parametrize("properly", [True, False])
def test_a_stream_that_is_cut_before_it_begins_is_an_error_with_a_status(properly: bool, lane: Lane) -> None:
    lane.upstream.script = cut_after(lane, 0, properly=properly)
    reply = lane.call(lane.body(stream=True))
    assert reply.error == (502, "api_error")
    assert "retry-after" not in reply.headers


def test_an_answer_that_is_cut_is_an_error(lane: Lane, client: Anthropic) -> None:
    whole = lane.wire.message(HELLO, model=lane.given)

    def script(exchange: Exchange) -> None:
        exchange.begin({"content-type": "application/json"})
        exchange.send(whole[: len(whole) // 2])
        exchange.cut()

    lane.upstream.script = script
    assert lane.call().error == (502, "api_error")
    with pytest.raises(anthropic.InternalServerError):
        client.messages.create(**asking(lane))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500, 503])
def test_other_errors_keep_their_status_and_in_the_first_lane_their_bytes(status: int, lane: Lane) -> None:
    body = lane.wire.error("invalid_request_error", "max_tokens: 9 is wrong: thinking.signature")
    lane.upstream.script = answering(body, status)
    reply = lane.call()
    assert reply.status == status
    assert reply.json["type"] == "error"
    assert reply.json["error"]["message"] == "max_tokens: 9 is wrong: thinking.signature"
    assert lane.translated or reply.body == body


PAGES: dict[str, Callable[[], bytes]] = {
    "a web page": lambda: b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "nothing": lambda: b"",
    "a text": lambda: b"upstream connect error",
    "a list": lambda: b'[{"error": {"message": "quota", "status": "RESOURCE_EXHAUSTED"}}]',
    "a number": lambda: b"17",
    "brackets": lambda: b"[" * 100_000,
    "no UTF-8": lambda: b'{"error": "\xff\xfe"}',
}


@pytest.mark.parametrize("page", PAGES)
def test_an_error_that_is_none_of_the_apis_own(page: str, lane: Lane) -> None:
    body = PAGES[page]()
    lane.upstream.script = answering(body, 503, {"content-type": "text/html"})
    reply = lane.call(lane.body(stream=True))
    assert reply.status == 503
    if lane.translated:
        assert reply.error[0] == 503
        assert b"<" not in reply.body
        assert reply.headers["content-type"] == "application/json"
    else:
        assert (reply.body, reply.headers["content-type"]) == (body, "text/html")


def test_what_was_made_of_the_models_words_is_not_lost_with_an_error(lane: Lane, client: Anthropic) -> None:
    lane.upstream.script = cut_after(lane, len(lane.wire.events(text("a", "b"))) - 2)
    seen: list[str] = []
    with pytest.raises(anthropic.APIError), client.messages.stream(**asking(lane)) as stream:
        seen.extend(stream.text_stream)
    assert "".join(seen)
    assert SAID.startswith("".join(seen))
