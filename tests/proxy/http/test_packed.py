"""Providers that pack what nobody asked to be packed, well or badly."""

import gzip
import zlib
from collections.abc import Iterator

import pytest

from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.http.lying import assert_error, assert_not_spoilt, assert_right, stream, whole
from tests.proxy.upstream import Exchange, answering


def packed(encoding: str, data: bytes) -> bytes:
    return gzip.compress(data) if encoding == "gzip" else zlib.compress(data)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_answer_that_was_packed_although_nobody_asked_is_unpacked(encoding: str, lane: Lane) -> None:
    """§2.2 gzip: we ask for identity; what comes packed all the same arrives as text, with a length of its own."""
    body = packed(encoding, whole(lane))
    lane.upstream.script = answering(body, headers={"content-encoding": encoding})
    reply = lane.call()
    assert_right(lane, reply)
    assert "content-encoding" not in reply.headers
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert lane.upstream.received[0].headers["accept-encoding"] == "identity"
    assert lane.translated or reply.body == whole(lane)


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("flushed", [True, False])
def test_a_stream_that_was_packed_is_unpacked(flushed: bool, size: int, lane: Lane) -> None:
    """§2.2 gzip: streamed, event by event or all at the end."""
    packer = zlib.compressobj(wbits=31)
    data = (
        b"".join(
            packer.compress(event) + (packer.flush(zlib.Z_SYNC_FLUSH) if flushed else b"")
            for event in lane.wire.events(HELLO, model=lane.given)
        )
        + packer.flush()
    )

    def script(exchange: Exchange) -> None:
        exchange.begin({"content-encoding": "gzip"})
        for start in range(0, len(data), size):
            exchange.send(data[start : start + size])
        exchange.end()

    lane.upstream.script = script
    reply = lane.stream()
    assert lane.translated or reply.body == stream(lane)
    assert "content-encoding" not in reply.headers


def broken(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "cut", data[: len(data) // 2]
    yield "without its end", data[:-6]
    yield "altered", data[:30] + bytes(byte ^ 0xFF for byte in data[30:40]) + data[40:]
    yield "not packed", b"this is no gzip at all" * 3
    yield "nothing", b""


@pytest.mark.parametrize("how", [name for name, _ in broken(b"x" * 100)])
def test_an_answer_that_was_packed_badly_is_an_error(how: str, lane: Lane) -> None:
    body = dict(broken(gzip.compress(whole(lane))))[how]
    lane.upstream.script = answering(body, headers={"content-encoding": "gzip"})
    assert_error(lane, lane.call())
    assert_not_spoilt(lane)


@pytest.mark.parametrize("how", [name for name, _ in broken(b"x" * 100)])
def test_a_stream_that_was_packed_badly_is_an_error(how: str, lane: Lane) -> None:
    data = dict(broken(gzip.compress(stream(lane))))[how]

    def script(exchange: Exchange) -> None:
        exchange.begin({"content-encoding": "gzip"})
        if data:
            exchange.send(data)
        exchange.end()

    lane.upstream.script = script
    reply = lane.call(lane.body(stream=True))
    if reply.status == 200 and how != "without its end":
        assert lane.violations(reply.body) == []
        assert b"event: error" in reply.body
    elif reply.status != 200:
        assert_error(lane, reply)
    assert_not_spoilt(lane)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "made-up"])
def test_an_encoding_that_nobody_knows_is_an_error(encoding: str, lane: Lane) -> None:
    lane.upstream.script = answering(whole(lane), headers={"content-encoding": encoding})
    assert_error(lane, lane.call())


def test_an_answer_that_grows_without_end_is_an_error(lane: Lane) -> None:
    """A hundred megabytes, packed into a hundred kilobytes."""
    lane.upstream.script = answering(gzip.compress(b" " * 100_000_000), headers={"content-encoding": "gzip"})
    assert_error(lane, lane.call())
    assert_not_spoilt(lane)
