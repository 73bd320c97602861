"""Requests that one server could read in one way and the next one in another: refused, or read in one way only."""

import itertools
import socket
import time

import pytest

from tests.proxy.http.lanes import Lane
from tests.proxy.http.raw import answers, call, chunked, exchange, received, sized
from tests.proxy.running import READ_TOKEN, a_task, request, token
from tests.proxy.upstream import answering

HIDDEN = b"GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + READ_TOKEN.encode() + b"\r\n\r\n"

SHAPES = {
    "both lengths, chunks first": ["transfer-encoding: chunked", "content-length: 5"],
    "both lengths, chunks last": ["content-length: 5", "transfer-encoding: chunked"],
    "two lengths": ["content-length: 5", "content-length: 50"],
    "the same length twice": ["content-length: 5", "content-length: 5"],
    "two lengths in one line": ["content-length: 5, 50"],
    "a length with a sign": ["content-length: +5"],
    "a length less than nothing": ["content-length: -5"],
    "a length in other digits": ["content-length: \xb2"],
    "a length in hexadecimal": ["content-length: 0x5"],
    "a length with an underscore": ["content-length: 1_0"],
    "no length at all in the line": ["content-length:"],
    "a length with a space before the colon": ["content-length : 5"],
    "a length that is folded": ["content-length:\r\n 5"],
    "chunks of another kind": ["transfer-encoding: xchunked"],
    "chunks, and something behind": ["transfer-encoding: chunked, identity"],
    "chunks twice": ["transfer-encoding: chunked", "transfer-encoding: chunked"],
    "chunks with a vertical tab": ["transfer-encoding: \x0bchunked"],
    "chunks with a space before the colon": ["transfer-encoding : chunked", "content-length: 5"],
    "a name with a line break": ["x: y\ntransfer-encoding: chunked", "content-length: 5"],
    "a name with a return": ["x: y\rtransfer-encoding: chunked", "content-length: 5"],
    "a zero": ["x: \0", "content-length: 5"],
    "a name with a space": ["content length: 5", "transfer-encoding: chunked"],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_whose_length_is_not_certain_is_refused(shape: str, lane: Lane) -> None:
    body = b"0\r\n\r\n" + HIDDEN
    found = exchange(lane.gateway, call(body, *SHAPES[shape], key=token(a_task())))
    assert [answer.error for answer in found] == [(400, "invalid_request_error")]
    assert found[0].headers["connection"] == "close"
    assert lane.upstream.received == []


def test_a_request_within_a_body_is_only_a_body(lane: Lane) -> None:
    body = lane.body(metadata={"x": HIDDEN.decode()})
    found = exchange(lane.gateway, sized(body, "connection: close", key=token(a_task())))
    assert [answer.status for answer in found] == [200]
    assert len(lane.upstream.received) == 1


@pytest.mark.parametrize("body", [b"{}", b"{", b"", b'{"model": "unheard-of"}', b"x" * 100_000])
def test_a_body_that_was_refused_is_not_the_next_request(body: bytes, lane: Lane) -> None:
    for key in (token(a_task()), "nobody", ""):
        first = sized(body + HIDDEN, key=key)
        found = exchange(lane.gateway, first, call(b"", "connection: close", method="GET", target="/healthz"))
        assert found[0].error[0] in (400, 401)
        assert all(answer.json == {"status": "ok"} for answer in found[1:])
    assert lane.upstream.received == []


def test_requests_one_behind_the_other_have_answers_in_turn_or_none(lane: Lane) -> None:
    """No answer may go to the wrong one of two requests that were sent at once."""
    lane.upstream.script = lambda exchange: answering(
        lane.wire.error("invalid_request_error", f"for {exchange.received.body.count(b'second')}"), 400
    )(exchange)
    key = token(a_task())
    first, second = lane.body(), lane.body(system="second")
    found = exchange(lane.gateway, sized(first, key=key) + sized(second, "connection: close", key=key))
    assert [answer.json["error"]["message"] for answer in found] in (["for 0"], ["for 0", "for 1"])
    if len(found) == 1:
        assert found[0].headers["connection"] == "close"


def test_calls_and_other_requests_may_follow_each_other_on_a_connection(lane: Lane) -> None:
    connection = lane.gateway.connect()
    key = token(a_task())
    for method, target, body in (
        ("POST", "/v1/messages", lane.body()),
        ("POST", "/v1/messages?beta=true", lane.body(stream=True)),
        ("POST", "/v1/messages", b"{"),
        ("GET", "/healthz", None),
        ("POST", "/v1/messages", lane.body()),
        ("POST", "/v1/messages/count_tokens", lane.body()),
        ("POST", "/v1/messages", lane.body()),
    ):
        connection.request(method, target, body, {"x-api-key": key})
        response = connection.getresponse()
        response.read()
        assert response.status == (400 if body == b"{" else 200)
    connection.close()


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_body_in_chunks_is_the_same_body(size: int, lane: Lane) -> None:
    body = lane.body(system="é" * 100)
    found = exchange(
        lane.gateway,
        call(chunked(body, size), "transfer-encoding: chunked", "connection: close", key=token(a_task())),
    )
    assert [answer.status for answer in found] == [200]
    received = lane.upstream.received[0]
    assert received.headers["content-length"] == str(len(received.body))
    assert "transfer-encoding" not in received.headers
    assert lane.translated or received.body == body


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n", b"-5\r\nhello\r\n", b"5\nhello\n0\n\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nhelloXX0\r\n\r\n"]
)
def test_chunks_that_cannot_be_are_refused(chunks: bytes, lane: Lane) -> None:
    found = exchange(lane.gateway, call(chunks, "transfer-encoding: chunked", key=token(a_task())), end=True)
    assert [answer.error for answer in found] == [(400, "invalid_request_error")]
    assert lane.upstream.received == []


def test_a_request_that_comes_in_pieces_is_read_as_one(lane: Lane) -> None:
    data = sized(lane.body(), "connection: close", key=token(a_task()))
    cuts = [0, 1, 3, 4, 5, 16, 17, 18, 19, 30, 100, len(data) - 5, len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(cuts)]
    with socket.create_connection(("127.0.0.1", lane.gateway.port), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.01)
        assert [answer.status for answer in answers(received(connection))] == [200]


@pytest.mark.parametrize("before", [b"\r\n", b"\r\n\r\n"])
def test_an_empty_line_before_a_request_is_ignored(before: bytes, lane: Lane) -> None:
    """RFC 9112, 2.2: some clients end a body with a line of their own, which stands before the next request then."""
    found = exchange(lane.gateway, before + sized(lane.body(), "connection: close", key=token(a_task())))
    assert [answer.status for answer in found] == [200]


def test_half_a_request_reaches_nobody(lane: Lane) -> None:
    data = sized(lane.body(), key=token(a_task()))
    for end in (10, 40, len(data) - 1):
        found = exchange(lane.gateway, data[:end], end=True, seconds=0.5)
        assert all(answer.status == 400 for answer in found)
    assert lane.upstream.received == []


NO_HTTP = {
    "zeros": b"\0" * 100,
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words": b"hello?\r\n\r\n",
    "a post of words": b"POST /v1/messages\r\n\r\n",
    "another version": b"POST /v1/messages HTTP/3.0\r\n\r\n",
    "a line without a colon": b"POST /v1/messages HTTP/1.1\r\nnonsense\r\n\r\n",
    "bare line feeds": b"POST /v1/messages HTTP/1.1\ncontent-length: 2\n\n{}",
}


@pytest.mark.parametrize("what", NO_HTTP)
def test_what_is_no_http_is_refused_without_a_trace(what: str, lane: Lane) -> None:
    found = exchange(lane.gateway, NO_HTTP[what], end=True)
    assert all(answer.error == (400, "invalid_request_error") for answer in found)
    assert not any(word in answer.body for answer in found for word in (b"Traceback", b".py", b"<html"))
    assert lane.upstream.received == []


def test_headers_that_do_not_end_are_refused(lane: Lane) -> None:
    for line in (b"x-more: and more\r\n", b"x-a: " + b"y" * 4000 + b"\r\n"):
        head = b"POST /v1/messages HTTP/1.1\r\n" + line * (4_000_000 // len(line))
        found = exchange(lane.gateway, head)
        assert len(found) <= 1  # what is still being sent may reset the connection
        assert all(answer.status in (400, 413, 431) and answer.error for answer in found)
    assert lane.upstream.received == []


def test_an_upgrade_that_nobody_offers_is_ignored(lane: Lane) -> None:
    """RFC 9110, 7.8: as curl --http2 and Java's own client ask on a connection without TLS."""
    lines = ("connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAoAAAAAIAAAAA")
    found = exchange(lane.gateway, sized(lane.body(), *lines, key=token(a_task())))
    assert [answer.status for answer in found] == [200]
    assert not {"upgrade", "http2-settings"} & set(lane.upstream.received[0].headers)


def test_the_log_has_neither_traces_nor_tokens_of_all_this(lane: Lane) -> None:
    text = lane.gateway.log.read_text()
    assert "Traceback" not in text
    assert READ_TOKEN not in text
    assert request().decode() not in text
