"""Providers that lie about their length, speak no HTTP, pack what nobody asked to be packed, send others elsewhere."""

import gzip
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from anthropic import Anthropic, APIStatusError

from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import HELLO, Lane, rows
from tests.proxy.http.wires import AnthropicWire, OpenAiWire
from tests.proxy.running import PROVIDER_KEY, Reply, a_task, request, token
from tests.proxy.upstream import Exchange, ScriptedUpstream, answering, running_upstream

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


# Lengths


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


# What is no HTTP, or too much of it

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


# Packed answers


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


# What is no answer


@pytest.mark.parametrize(
    "body", [b"", b"null", b"17", b"[]", b'"text"', b"{", b"<html></html>", b"\xff\xfe", b"[" * 99_999]
)
def test_an_answer_that_is_no_message_is_an_error(body: bytes, lane: Lane) -> None:
    lane.upstream.script = answering(body)
    assert_error(lane, lane.call())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_by_nobody(status: int, lane: Lane) -> None:
    """Neither by the gateway nor by a client, whose token would go elsewhere with its prompt."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.1)
        target = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/v1/messages"
        lane.upstream.script = answering(b"", status, {"location": target})
        reply = lane.call()
        assert_error(lane, reply)
        assert "location" not in reply.headers
        with (
            Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=5) as client,
            pytest.raises(APIStatusError) as caught,
        ):
            client.messages.create(
                model=lane.asked, max_tokens=9, messages=[{"role": "user", "content": "a private prompt"}]
            )
        assert caught.value.status_code == 502
        with pytest.raises(TimeoutError):
            elsewhere.accept()


# Large requests to slow providers


def test_a_large_request_goes_through_a_connection_that_was_used_before(lane: Lane) -> None:
    """Larger than what the system takes at once: it must be waited for, not given up."""
    for _ in range(4):
        assert_right(lane, lane.call(lane.body(metadata={"padding": "x" * 12_000_000})))


# An error in the place of a whole answer


def test_what_is_no_answer_leads_to_the_next_provider(tmp_path: Path) -> None:
    """§2.2 first-event gate: also an error that came whole, and with status 200."""
    with running_upstream() as first, running_upstream() as second:
        check_next_provider(first, second, tmp_path)


def check_next_provider(first: ScriptedUpstream, second: ScriptedUpstream, folder: Path) -> None:
    second.script = answering(AnthropicWire().message(HELLO, model="best"))
    senseless = (b"<html>", b"", OpenAiWire().error("rate_limit_error", "no"), b'{"choices": []}', b"[1]")
    names = [f"first-{number}" for number in range(len(senseless))]
    sections = {
        **{f"providers.{name}": provider(f"{first.url}/v1", "openai") for name in names},
        "providers.wrong": provider(first.url),
        "providers.second": provider(second.url),
        "tiers": {"sonnet": "second"},
        "models": {name: [name, "second/best"] for name in (*names, "wrong")},
    }
    with running_gateway(folder, sections, PROXY_WORKERS="1") as gateway:
        for name, body in zip(names, senseless, strict=True):
            first.script = answering(body)
            reply = gateway.message(token(a_task()), request(name))
            assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "second")
        first.script = answering(b"<html>")
        reply = gateway.message(token(a_task()), request("wrong"))
        assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "second")
