"""The same answer, cut anywhere and framed in every way that HTTP knows: the same bytes, the same events."""

import itertools
import random
import re
import time

import pytest

from tests.proxy.http.lanes import Lane
from tests.proxy.http.wires import COUNTED, text, use
from tests.proxy.translation.invariants import read
from tests.proxy.upstream import Exchange, Script

SPEECH = text("Grüße", ', 世界 🙂 "quoted"\\n', "data: [DONE]\n\nevent: x", "\r\n\r\n", "é" * 50)
CALLS = (use("toolu_01AAAAAAAAAAAAAAAAAAAAAA", "Read", path="/ä/🙂.py"), use("toolu_01BBBBBBBBBBBBBBBBBBBBBB", "Bash"))
MESSAGE_ID = re.compile(rb"msg_[0-9a-f]{24}")
SEEDS = range(6)
FRAMINGS = ("chunked", "length", "close")


def pieces_of(data: bytes, seed: int) -> list[bytes]:
    """A few large pieces, or many small ones; with seed 0 single bytes."""
    if seed == 0:
        return [data[at : at + 1] for at in range(len(data))]
    dice = random.Random(seed)  # noqa: S311 - the same throws each time
    cuts = sorted(dice.choices(range(len(data)), k=3**seed % 97))
    return [data[start:end] for start, end in itertools.pairwise([0, *cuts, len(data)]) if start < end]


def sending(data: bytes, kind: str, framing: str, seed: int) -> Script:
    """A provider that sends the data in these pieces, in this framing."""
    lines = {"chunked": "transfer-encoding: chunked", "length": f"content-length: {len(data)}", "close": "x-none: 1"}
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{lines[framing]}\r\n\r\n".encode()

    def script(exchange: Exchange) -> None:
        framed = b"%x\r\n%s\r\n".__mod__ if framing == "chunked" else None
        exchange.raw(head)
        for piece in pieces_of(data, seed):
            exchange.raw(framed((len(piece), piece)) if framed else piece)
            time.sleep(0.0001 if seed else 0)
        if framing == "chunked":
            exchange.raw(b"0\r\n\r\n")

    return script


def stream(lane: Lane) -> bytes:
    return b"".join(lane.wire.events(SPEECH, *CALLS, model=lane.given))


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_that_passes_through_is_the_same_to_the_byte(seed: int, framing: str, pass_through: Lane) -> None:
    """§2.2 UTF-8: characters that were cut in halves arrive whole, since nothing is decoded."""
    data = stream(pass_through)
    pass_through.upstream.script = sending(data, "text/event-stream", framing, seed)
    assert pass_through.stream(usage=COUNTED).body == data


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_models_name_is_another_where_it_was_mapped(seed: int, framing: str, mapped: Lane) -> None:
    data = stream(mapped)
    mapped.upstream.script = sending(data, "text/event-stream", framing, seed)
    expected = data.replace(mapped.given.encode(), mapped.asked.encode(), 1)
    assert mapped.stream(usage=COUNTED).body == expected


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_that_is_translated_has_the_same_events(seed: int, framing: str, translated: Lane) -> None:
    """§2.2 UTF-8: the decoder waits for the other half of a character."""
    data = stream(translated)
    translated.upstream.script = translated.streams(SPEECH, *CALLS)
    expected = MESSAGE_ID.sub(b"msg_", translated.stream(usage=COUNTED).body)
    translated.upstream.script = sending(data, "text/event-stream", framing, seed)
    assert MESSAGE_ID.sub(b"msg_", translated.stream(usage=COUNTED).body) == expected
    assert read(expected).blocks[0].text == "".join(SPEECH.pieces)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("seed", SEEDS[:4])
def test_a_whole_answer_is_the_same(seed: int, framing: str, lane: Lane) -> None:
    body = lane.wire.message(SPEECH, *CALLS, model=lane.given)
    lane.upstream.script = lane.answers(SPEECH, *CALLS)
    expected = MESSAGE_ID.sub(b"msg_", lane.call().body)
    lane.upstream.script = sending(body, "application/json", framing, seed)
    reply = lane.call()
    assert reply.status == 200
    assert MESSAGE_ID.sub(b"msg_", reply.body) == expected
    assert lane.translated or reply.body == body


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_large_answer_is_the_same(framing: str, lane: Lane) -> None:
    """Larger than all buffers on the way, in events that are larger than one read."""
    speech = text(*["🙂 é word " * 9000] * 8)
    data = b"".join(lane.wire.events(speech, model=lane.given))
    lane.upstream.script = sending(data, "text/event-stream", framing, 5)
    reply = lane.stream(usage=COUNTED)
    assert read(reply.body, translated=lane.translated).blocks[0].text == "".join(speech.pieces)
    assert lane.translated or reply.body == data


@pytest.mark.parametrize("seed", SEEDS)
def test_an_error_event_is_the_same_however_it_is_cut(seed: int, lane: Lane) -> None:
    first = b"".join(lane.wire.events(SPEECH, model=lane.given)[:3])
    for before, check in ((b"", is_status), (first, is_event)):
        data = before + lane.wire.error_event("overloaded_error", "Überlastet 🙂")
        lane.upstream.script = sending(data, "text/event-stream", "chunked", seed)
        check(lane)


def is_status(lane: Lane) -> None:
    reply = lane.call(lane.body(stream=True))
    assert (reply.error, reply.json["error"]["message"]) == ((529, "overloaded_error"), "Überlastet 🙂")


def is_event(lane: Lane) -> None:
    """Where all of it arrived at once, it may be a status as well: nobody has read anything yet."""
    reply = lane.call(lane.body(stream=True))
    if reply.status == 200:
        assert lane.violations(reply.body) == []
        assert read(reply.body).error == {"type": "overloaded_error", "message": "Überlastet 🙂"}
    else:
        assert reply.error == (529, "overloaded_error")
