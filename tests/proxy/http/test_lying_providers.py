"""Providers that lie about the length of their answers, or say more than they were asked."""

import time

import pytest

from tests.proxy.http.lanes import Lane
from tests.proxy.http.lying import SPOILT, assert_error, assert_not_spoilt, assert_right, head, serve, stream, whole
from tests.proxy.upstream import Exchange


def test_a_body_that_is_shorter_than_it_said_is_an_error(lane: Lane) -> None:
    body = whole(lane)
    serve(lane, head("content-type: application/json", f"content-length: {len(body) + 10}") + body)
    assert_error(lane, lane.call())
    assert_not_spoilt(lane)


def test_a_stream_that_is_shorter_than_it_said_gets_an_error_event_or_is_whole(lane: Lane) -> None:
    events = stream(lane)
    serve(lane, head("content-type: text/event-stream", f"content-length: {len(events) + 10}") + events)
    lane.stream()
    serve(lane, head("content-type: text/event-stream", f"content-length: {len(events)}") + events[:-150])
    assert b"event: error" in lane.stream().body
    assert_not_spoilt(lane)


def test_a_body_that_is_longer_than_it_said_is_no_answer(lane: Lane) -> None:
    """What is there is half a message: the other half must not be taken for the next answer either."""
    body = whole(lane)
    serve(lane, head("content-type: application/json", f"content-length: {len(body) - 20}") + body, keep=True)
    assert_error(lane, lane.call())
    assert_not_spoilt(lane)


@pytest.mark.parametrize("behind", [b"\r\n", b"x", SPOILT, SPOILT * 3, b"HTTP/1.1 100 Continue\r\n\r\n" + SPOILT])
@pytest.mark.parametrize("split", [True, False])
def test_what_stands_behind_an_answer_is_nobodys(behind: bytes, split: bool, lane: Lane) -> None:
    body = whole(lane)
    answer = head("content-type: application/json", "x-mine: 1", f"content-length: {len(body)}") + body
    pieces = (answer, behind) if split else (answer + behind,)
    serve(lane, *pieces, keep=True)
    reply = lane.call()
    assert_right(lane, reply)
    assert reply.headers["x-mine"] == "1"
    assert b"spoilt" not in reply.body
    for _ in range(4):
        time.sleep(0.05)  # what is behind must have come; if it came later, nobody could tell it from the next answer
        assert_right(lane, lane.call())
    assert_not_spoilt(lane)


def test_the_status_is_that_of_the_first_answer(pass_through: Lane) -> None:
    body = pass_through.wire.error("overloaded_error", "Overloaded")
    answer = head("content-type: application/json", f"content-length: {len(body)}", status="529 Busy") + body
    serve(pass_through, answer + SPOILT, keep=True)
    assert pass_through.call().error == (529, "overloaded_error")


def test_what_stands_behind_a_stream_is_nobodys(lane: Lane) -> None:
    events = stream(lane)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(events), events)
    serve(lane, head("content-type: text/event-stream", "transfer-encoding: chunked") + chunked + SPOILT, keep=True)
    for _ in range(4):
        reply = lane.stream()
        assert b"spoilt" not in reply.body
        assert b"event: error" not in reply.body
    assert_not_spoilt(lane)


def test_events_behind_the_end_of_the_message_are_not_passed_on(lane: Lane) -> None:
    """They would be for nobody; and a provider that goes on for ever must not hold the caller."""
    events = stream(lane)

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(events)
        exchange.send_until_left(b": go on\n\n")

    lane.upstream.script = script
    assert lane.stream().body.count(b"message_stop") == 2  # its name, and its type
    assert_not_spoilt(lane)


SHAPES = {
    "two lengths": ["content-length: 5", "content-length: 7"],
    "a length and chunks": ["content-length: 5", "transfer-encoding: chunked"],
    "less than nothing": ["content-length: -5"],
    "no number": ["content-length: five"],
    "too large a number": ["content-length: 99999999999999999999999999"],
    "chunks of an unknown kind": ["transfer-encoding: chunked, spdy"],
    "no such chunk": ["transfer-encoding: chunked"],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_length_that_cannot_be_is_an_error(kind: str, shape: str, lane: Lane) -> None:
    serve(lane, head(f"content-type: {kind}", *SHAPES[shape]) + b"zz\r\n" + whole(lane))
    assert_error(lane, lane.call(lane.body(stream=kind != "application/json")))
    assert_not_spoilt(lane)


def test_a_body_that_ends_with_its_connection_is_right(lane: Lane) -> None:
    serve(lane, head("content-type: application/json") + whole(lane))
    assert_right(lane, lane.call())
    serve(lane, b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + whole(lane))
    assert_right(lane, lane.call())
    assert_not_spoilt(lane)
