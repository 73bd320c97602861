"""Streams as the official client reads them: however they are cut into pieces, and whatever is wrong with them."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.check.assembly import Assembly
from proxy.check.events import EventReader
from proxy.check.message import Message
from proxy.check.outcomes import Unusable

Event = tuple[str, dict[str, Any]]
Events = tuple[Event, ...]

TEXT = "Grüße 日本語 🙂"
START = ("message_start", {"message": {"usage": {"input_tokens": 7, "output_tokens": 1}}})
OPEN = ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
PIECE = ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": TEXT}})
CLOSE = ("content_block_stop", {"index": 0})
TOOL = ("content_block_start", {"index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "b", "input": {}}})
ARGUMENTS = ("content_block_delta", {"index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"c": 1}'}})
CLOSE_TOOL = ("content_block_stop", {"index": 1})
END = ("message_delta", {"delta": {"stop_reason": "tool_use"}, "usage": {"input_tokens": None, "output_tokens": 9}})
STOP: Event = ("message_stop", {})
PING: Event = ("ping", {})
GOOD: Events = (START, PING, OPEN, PIECE, PING, PIECE, CLOSE, TOOL, ARGUMENTS, CLOSE_TOOL, END, STOP)


def encoded(events: Events, end_of_line: str = "\n") -> bytes:
    lines = []
    for name, data in events:
        lines += [f"event: {name}", f"data: {json.dumps({'type': name, **data}, ensure_ascii=False)}  ", ""]
    return (end_of_line.join(lines) + end_of_line).encode()


def assembled(chunks: list[bytes]) -> Message:
    reader, assembly = EventReader(), Assembly()
    for chunk in chunks:
        for event in reader.feed(chunk):
            assembly.take(event)
    assert not reader.garbled
    return assembly.result()


@given(st.lists(st.integers(0, len(encoded(GOOD, "\r\n")))), st.sampled_from(["\n", "\r\n"]))
def test_any_cut_of_a_stream_gives_the_same_message(cuts: list[int], end_of_line: str) -> None:
    stream = b": a comment\n\n" + encoded(GOOD, end_of_line)
    places = [0, *sorted(cuts), len(stream)]
    message = assembled([stream[start:end] for start, end in pairwise(places)])
    assert message.text == TEXT * 2
    assert message.calls == [{"type": "tool_use", "id": "a", "name": "b", "input": {"c": 1}}]
    assert (message.stop_reason, message.pieces) == ("tool_use", 2)
    assert (message.start_usage["input_tokens"], message.usage) == (7, {"input_tokens": 7, "output_tokens": 9})


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((), "a stream without a message in it"),
        ((PING, PING), "a stream without a message in it"),
        ((OPEN, START), "content_block_start came before message_start"),
        ((START, START), "message_start came twice"),
        ((START, TOOL), "block 1 was opened where 0 was due"),
        ((START, OPEN, TOOL), "a block was opened before the last one was closed"),
        ((START, PIECE), "a piece came for a block that is not open"),
        ((START, OPEN, ARGUMENTS), "a piece came for a block that is not open"),
        ((START, OPEN, CLOSE_TOOL), "a block was closed that was not open"),
        ((START, OPEN, CLOSE, CLOSE), "a block was closed that was not open"),
        ((START, OPEN, PIECE), "the stream ended without message_stop, in the middle of a block"),
        ((START, OPEN, CLOSE, END), "the stream ended without message_stop"),
        ((START, OPEN, END, STOP), "a block was not closed"),
    ],
)
def test_a_stream_out_of_order_is_of_no_use(events: Events, why: str) -> None:
    with pytest.raises(Unusable, match=f"^{why}$"):
        assembled([encoded(events)])


@pytest.mark.parametrize(
    ("block", "delta", "why"),
    [
        (
            {"type": "text", "text": ""},
            {"type": "thinking_delta", "thinking": "x"},
            "a thinking_delta came for a block",
        ),
        ({"type": "tool_use"}, {"type": "text_delta", "text": "x"}, "a text_delta came for a block of tool_use"),
        ({"type": "text", "text": ""}, {"type": "text_delta"}, "a text_delta came for a block of text"),
        (
            {"type": "tool_use", "id": "a", "name": "b", "input": {}},
            {"type": "input_json_delta", "partial_json": "{'c': 1}"},
            "the arguments of a tool call are not JSON",
        ),
        (
            {"type": "tool_use", "id": "a", "name": "b", "input": {}},
            {"type": "input_json_delta", "partial_json": "[1]"},
            "a block of tool_use without a proper input",
        ),
        ({"type": "tool_use", "name": "b", "input": {}}, {"type": "new"}, "a block of tool_use without a proper id"),
        ({}, {"type": "new"}, "a block without a type"),
    ],
)
def test_a_block_with_the_wrong_content_is_of_no_use(block: dict[str, Any], delta: dict[str, Any], why: str) -> None:
    opened = ("content_block_start", {"index": 0, "content_block": block})
    piece = ("content_block_delta", {"index": 0, "delta": delta})
    with pytest.raises(Unusable, match=why):
        assembled([encoded((START, opened, piece, CLOSE, END, STOP))])


def test_what_is_new_on_the_wire_is_left_alone() -> None:
    block = ("content_block_start", {"index": 0, "content_block": {"type": "new", "new": 1}})
    piece = ("content_block_delta", {"index": 0, "delta": {"type": "new_delta", "new": 2}})
    event = ("new_event", {"new": 3})
    assert assembled([encoded((START, event, block, piece, CLOSE, END, STOP))]).blocks("new")


def test_events_without_names_are_not_read() -> None:
    with pytest.raises(Unusable, match="no names"):
        assembled([encoded(GOOD).replace(b"event: ", b"was: ")])


@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b"[" * 100_000])
def test_data_that_is_no_object_is_of_no_use(data: bytes) -> None:
    with pytest.raises(Unusable, match="is no JSON object"):
        assembled([encoded((START,)), b"event: message_delta\ndata: " + data + b"\n\n"])


def test_bytes_that_are_not_utf_8_are_noticed() -> None:
    reader = EventReader()
    reader.feed(b"event: ping\ndata: \xff\n\n")
    assert reader.garbled
