"""The checker itself: it takes good streams of either lane for good, and names what is wrong with bad ones."""

from typing import Any

import pytest

from tests.proxy.translation.invariants import check, read
from tests.proxy.upstream import event, message_events

USAGE = {"input_tokens": 9, "output_tokens": 1}
MESSAGE: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
    "stop_sequence": None, "usage": USAGE,
}  # fmt: skip
START = event("message_start", message=MESSAGE)
STOP = event("message_stop")
TEXT = {"type": "text", "text": ""}
FORGED = {"type": "thinking", "thinking": "x", "signature": "1780000000"}
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
ERROR = event("error", error={"type": "api_error", "message": "boom"})


def begin(index: int = 0, block: dict[str, Any] = TEXT) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int = 0, kind: str = "text_delta", **said: str) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **(said or {"text": "Hi"})})


def close(index: int = 0) -> bytes:
    return event("content_block_stop", index=index)


def end(stop: str | None = "end_turn", **usage: Any) -> bytes:
    return event(
        "message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage=usage or {"output_tokens": 5}
    )


BLOCK = begin() + delta() + close()
CALL = begin(0, TOOL) + delta(0, "input_json_delta", partial_json="{}") + close()


@pytest.mark.parametrize(
    "stream",
    [
        START + BLOCK + end() + STOP,
        START + CALL + end("tool_use") + STOP,
        START + begin(0, TOOL) + close() + end("tool_use") + STOP,
        START + begin() + ERROR,
        ERROR,
        START + event("ping") + end() + STOP,
        (START + BLOCK + end() + STOP).replace(b"\n", b"\r\n"),
        START + begin(0, TOOL) + delta(0, "input_json_delta", partial_json='{"a') + close() + end("max_tokens") + STOP,
        START + BLOCK + end(input_tokens=0, cache_read_input_tokens=9, output_tokens=1) + STOP,
    ],
)
def test_a_good_stream_has_no_violations(stream: bytes) -> None:
    assert check(stream) == []


def test_anthropics_own_streams_are_good() -> None:
    """Signatures, redacted thoughts, citations, empty pieces, nulls and padding are Anthropic's to send."""
    assert check(b"".join(message_events("Hello", " there")), translated=False) == []
    thought = begin(0, {"type": "thinking", "thinking": "", "signature": ""})
    signed = thought + delta(0, "signature_delta", signature="EqQBinvented") + close()
    redacted = begin(1, {"type": "redacted_thinking", "data": "EmwKinvented"}) + close(1)
    cited = (
        begin(2) + event("content_block_delta", index=2, delta={"type": "citations_delta", "citation": {}}) + delta(2)
    )
    call = begin(3, TOOL) + delta(3, "input_json_delta", partial_json="") + close(3)
    last = end("tool_use", input_tokens=None, output_tokens=4)
    assert check(START + signed + redacted + cited + close(2) + call + last + STOP, translated=False) == []


@pytest.mark.parametrize(
    ("row", "stream"),
    [
        ("SSE order", START + START + BLOCK + end() + STOP),
        ("SSE order", BLOCK + START + end() + STOP),
        ("SSE order", START + begin() + delta() + begin(1) + delta(1) + close(1) + close() + end() + STOP),
        ("SSE order", START + begin(1) + delta(1) + close(1) + end() + STOP),
        ("SSE order", START + BLOCK + BLOCK + end() + STOP),
        ("SSE order", START + BLOCK + delta() + end() + STOP),
        ("SSE order", START + BLOCK + close() + end() + STOP),
        ("SSE order", START + begin() + delta() + end() + close() + STOP),
        ("SSE order", START + BLOCK + STOP),
        ("SSE order", START + BLOCK + end() + end() + STOP),
        ("SSE order", START + end() + BLOCK + STOP),
        ("SSE order", START + BLOCK + end() + STOP + STOP),
        ("SSE order", START + begin() + delta(0, "input_json_delta", partial_json="{}") + close() + end() + STOP),
        ("SSE order", START + begin(0, TOOL) + delta() + close() + end("tool_use") + STOP),
        ("SSE order", START + b'data: {"type": "ping"}\n\n' + end() + STOP),
        ("SSE order", START + b'event: ping\ndata: {"type": "pong"}\n\n' + end() + STOP),
        ("SSE order", START + b"event: ping\ndata: {\n\n" + end() + STOP),
        ("SSE order", START + event("new_event") + end() + STOP),
        ("SSE order", START + BLOCK + end() + STOP + b"event: ping\nda"),
        ("SSE order", event("message_start", message={**MESSAGE, "content": None}) + end() + STOP),
        ("Empty/spurious blocks", START + begin() + close() + end() + STOP),
        ("Empty/spurious blocks", START + begin() + delta(text="\n") + close() + end() + STOP),
        ("Empty/spurious blocks", START + begin() + delta(text="") + delta() + close() + end() + STOP),
        ("tool args", START + CALL.replace(b'"{}"', b'"{"') + end("tool_use") + STOP),
        ("tool args", START + CALL.replace(b'"{}"', b'"[]"') + end("tool_use") + STOP),
        ("tool args", START + begin(0, {**TOOL, "name": ""}) + close() + end("tool_use") + STOP),
        ("parallel tools", START + begin(0, {**TOOL, "id": "functions.Read:0"}) + close() + end("tool_use") + STOP),
        ("parallel tools", START + CALL + CALL.replace(b'"index": 0', b'"index": 1') + end("tool_use") + STOP),
        ("finish reason", START + CALL + end("end_turn") + STOP),
        ("finish reason", START + BLOCK + end("tool_use") + STOP),
        ("stop map", START + BLOCK + end("content_filter") + STOP),
        ("stop map", START + BLOCK + end(None) + STOP),
        ("thinking", START + begin(0, FORGED) + close() + end() + STOP),
        ("usage", START + BLOCK + end(input_tokens=None, output_tokens=1) + STOP),
        ("usage", START + BLOCK + end(input_tokens=0, output_tokens=1) + STOP),
        ("usage", START + BLOCK + end(input_tokens=-1, output_tokens=1) + STOP),
        ("usage", START + BLOCK + end(output_tokens="5") + STOP),
        ("usage", START + BLOCK + end(input_tokens=5) + STOP),
        ("message_start usage", START.replace(b'"input_tokens": 9', b'"input_tokens": 0') + end() + STOP),
        ("message_start usage", event("message_start", message={**MESSAGE, "usage": None}) + end() + STOP),
        ("error mid-stream", START + ERROR + STOP),
        ("error mid-stream", START + ERROR + ERROR),
        ("error mid-stream", START + event("error", message="boom")),
        ("error mid-stream", START + event("error", error={"message": "boom"})),
        ("truncated upstream", START + BLOCK),
        ("truncated upstream", START + BLOCK + end()),
        ("truncated upstream", b""),
        ("UTF-8", (START + begin() + delta(text="X") + close() + end() + STOP).replace(b'"X"', b'"\xc3"')),
    ],
)  # fmt: skip
def test_a_bad_stream_is_named_by_its_row(row: str, stream: bytes) -> None:
    assert any(violation.startswith(f"{row}: ") for violation in check(stream)), check(stream)


def test_the_model_and_the_usage_are_compared() -> None:
    stream = START + BLOCK + end(output_tokens=5) + STOP
    assert check(stream, asked="m", usage={"input_tokens": 9, "output_tokens": 5}) == []
    assert check(stream, asked="other", usage={"input_tokens": 9, "output_tokens": 6}) == [
        "model alias: the message names 'm'",
        "usage: counted {'input_tokens': 9, 'output_tokens': 5}, not {'input_tokens': 9, 'output_tokens': 6}",
    ]


def test_what_was_told_can_be_read() -> None:
    told = read(START + CALL + end("tool_use") + STOP)
    assert (told.blocks[0].kind, told.blocks[0].pieces, told.stop_reason) == ("tool_use", ["{}"], "tool_use")
