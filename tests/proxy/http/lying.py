"""Answers of providers that lie, byte by byte, and what must come of them."""

from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.running import PROVIDER_KEY, Reply
from tests.proxy.upstream import Exchange

SPOILT = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"id": "spoilt"}'
MOST_ERROR_BYTES = 4096


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def whole(lane: Lane) -> bytes:
    return lane.wire.message(HELLO, model=lane.given)


def stream(lane: Lane) -> bytes:
    return b"".join(lane.wire.events(HELLO, model=lane.given))


def serve(lane: Lane, *pieces: bytes, keep: bool = False) -> None:
    """The provider answers every call with these bytes; `keep`: and leaves the connection open."""

    def script(exchange: Exchange) -> None:
        for piece in pieces:
            exchange.raw(piece)
        if keep:
            exchange.wait_until_left()

    lane.upstream.script = script


def assert_right(lane: Lane, reply: Reply) -> None:
    assert reply.status == 200
    assert [block["text"] for block in reply.json["content"]] == ["".join(HELLO.pieces)]


def assert_error(lane: Lane, reply: Reply) -> None:
    """A 502 in Anthropic's shape, without a key, an address or a stack trace in it."""
    assert reply.error == (502, "api_error")
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.body) < MOST_ERROR_BYTES
    for secret in (PROVIDER_KEY, "Traceback", "127.0.0.1", str(lane.upstream.url.rpartition(":")[2]), ".py"):
        assert secret not in reply.body.decode()


def assert_not_spoilt(lane: Lane) -> None:
    """The next calls have answers of their own."""
    lane.upstream.script = lane.answers(HELLO)
    for _ in range(4):
        assert_right(lane, lane.call())
