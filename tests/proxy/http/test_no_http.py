"""Providers that speak no HTTP, or too much of it, and headers that are not for the caller."""

import pytest

from tests.proxy.http.lanes import Lane, rows
from tests.proxy.http.lying import assert_error, assert_not_spoilt, assert_right, head, serve, stream, whole
from tests.proxy.running import a_task
from tests.proxy.upstream import Exchange

GARBAGE = {
    "zeros": b"\0" * 200,
    "ssh": b"SSH-2.0-OpenSSH_9.9\r\n",
    "tls": b"\x15\x03\x01\x00\x02\x02\x46",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/0.9": b'{"id": "spoilt"}',
    "http/9.9": b"HTTP/9.9 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    "a request": b"POST /v1/messages HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
    "half a status": b"HTTP/1.1 2",
    "no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-type: app",
    "a space before the colon": b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\n{}",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a zero in a header": b"HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 2\r\n\r\n{}",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n\0\0\0",
    "nothing": b"",
    "only the beginnings of answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_is_no_http_is_an_error(garbage: str, lane: Lane) -> None:
    serve(lane, GARBAGE[garbage])
    claims = a_task()
    for streamed in (True, False):
        assert_error(lane, lane.call(lane.body(stream=streamed), claims=claims))
    assert [row["outcome"] for row in rows(lane.gateway, claims.run, 2)] == ["error", "error"]
    assert_not_spoilt(lane)


@pytest.mark.parametrize("line", [b"x-more: and more\r\n", b"y" * 4096])
def test_headers_that_do_not_end_are_an_error_soon(line: bytes, lane: Lane) -> None:
    sent = []

    def script(exchange: Exchange) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\nx-a: ")
        try:
            for _ in range(30_000_000 // len(line)):
                exchange.raw(line)
                sent.append(len(line))
        except OSError:
            exchange.end_quietly()

    lane.upstream.script = script
    assert_error(lane, lane.call())
    assert sum(sent) < 25_000_000  # it was ended before that; some of it is in the sockets' buffers
    assert_not_spoilt(lane)


def test_what_comes_before_the_answer_is_not_the_answer(lane: Lane) -> None:
    early = head("link: </x>", "x-early: 1", status="103 Early Hints") + head(status="100 Continue")
    body = whole(lane)
    serve(lane, early, head("content-type: application/json", f"content-length: {len(body)}") + body)
    reply = lane.call()
    assert_right(lane, reply)
    assert not {"link", "x-early"} & set(reply.headers)
    serve(lane, early + head("content-type: text/event-stream") + stream(lane))
    lane.stream()
    assert_not_spoilt(lane)


# Headers of answers


def test_headers_of_one_connection_or_in_our_name_are_not_returned(lane: Lane) -> None:
    body = whole(lane)
    lines = [
        "content-type: application/json", f"content-length: {len(body)}", "connection: close, x-hop", "x-hop: 1",
        "keep-alive: timeout=5", "set-cookie: a=b", "x-gateway-provider: forged", "x-gateway-model: forged",
        "server: theirs", "x-new: verbatim", "x-new: twice", "proxy-authenticate: Basic", "trailer: x",
        "strict-transport-security: max-age=1", "alt-svc: h3", "x-umlaut: \xe4\xf6",
    ]  # fmt: skip
    serve(lane, head(*lines) + body)
    reply = lane.call()
    assert_right(lane, reply)
    dropped = ("x-hop", "set-cookie", "trailer", "proxy-authenticate", "strict-transport-security", "alt-svc")
    assert not set(dropped) & set(reply.headers)
    assert "forged" not in str(reply.headers)
    assert reply.headers.get("server") != "theirs"
    assert reply.headers["x-new"] == "twice"  # the last of both; http.client keeps them apart


@pytest.mark.parametrize(
    "value", ["a\rset-cookie: b=c", "a\nset-cookie: b=c", "a\r\n set-cookie: b=c", "a\r\n\tfolded", "a\x0b\x0cb"]
)
def test_a_header_cannot_become_two(value: str, lane: Lane) -> None:
    body = whole(lane)
    serve(lane, head("content-type: application/json", f"content-length: {len(body)}", f"x-odd: {value}") + body)
    reply = lane.call()
    if reply.status == 200:
        assert_right(lane, reply)
    else:
        assert_error(lane, reply)
    assert "set-cookie" not in reply.headers
    assert_not_spoilt(lane)
