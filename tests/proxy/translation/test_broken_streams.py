"""Streams that fail, break off, or are cut in odd places: one error at most, and never a message that looks whole."""

import json

import pytest

from proxy.translation.sse import MOST_BYTES, EventLines
from proxy.translation.stream import StreamTranslator
from tests.proxy.translation.invariants import check, read
from tests.proxy.translation.judging import translated
from tests.proxy.translation.upstreams import (
    ASKED,
    DONE,
    OPENAI_TEXT,
    VLLM,
    Upstream,
    call,
    chunk,
    cut,
    data,
    tools,
    usage_chunk,
)

SAID = chunk({"content": "Half"})


def new() -> StreamTranslator:
    return StreamTranslator(asked=ASKED, input_estimate=1)


@pytest.mark.parametrize(
    ("event", "kind", "said"),
    [
        (data({"error": {"message": "boom", "type": "server_error", "code": 500}}), "api_error", "boom"),
        (data({"error": {"message": "slow", "code": 429}}), "rate_limit_error", "slow"),
        (data({"error": "boom"}), "api_error", "boom"),
        (data({"object": "error", "message": "bad", "code": 400}), "invalid_request_error", "bad"),
        (data({"error": {"message": "bad", "type": "BadRequestError"}}), "invalid_request_error", "bad"),
        (b'event: error\ndata: {"message": "full", "code": 529}\n\n', "overloaded_error", "full"),
        (b"event: error\ndata: {}\n\n", "api_error", "did not say why"),
        (chunk({}, "error"), "api_error", "broke its answer off"),
        (chunk({"content": "x"}, "insufficient_system_resource"), "api_error", "insufficient_system_resource"),
        (data({"choices": [{"delta": {}, "error": {"message": "boom", "code": 502}}]}), "api_error", "boom"),
        (data({"error": {"code": "context_length_exceeded"}}), "invalid_request_error", "prompt is too long"),
        (b"data: {not json}\n\n", "api_error", "cannot be read"),
        (b'data: {"choices": NaN}\n\n', "api_error", "cannot be read"),
        (chunk(tools(call(0, "call_000000000", None, "{}")), "tool_calls") + DONE, "api_error", "did not say which"),
    ],
)  # fmt: skip
def test_an_error_within_a_stream_ends_it(event: bytes, kind: str, said: str) -> None:
    """§2.2 error mid-stream: one error event in Anthropic's shape, no message_stop, nothing after."""
    events, translator = translated(StreamTranslator, [SAID, event + SAID + DONE, SAID])
    found = read(events)
    assert check(events) == []
    assert events.count(b"event: error") == 1
    assert b"message_stop" not in events
    assert found.error is not None
    assert (found.error["type"], found.stopped) == (kind, False)
    assert said in found.error["message"]
    assert translator.failed
    assert not translator.finished


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"error": {"message": "slow", "code": 429}}, 429, "rate_limit_error"),
        ({"error": {"message": "full", "type": "overloaded_error"}}, 529, "overloaded_error"),
        ({"error": {"message": "bad key", "code": "invalid_api_key"}}, 401, "authentication_error"),
        ({"error": {"message": "poor", "code": "insufficient_quota"}}, 402, "billing_error"),
        ({"error": {"message": "boom", "code": "whatever"}}, 500, "api_error"),
        ({"error": {"message": "maximum context length is 10 tokens", "code": 400}}, 400, "invalid_request_error"),
    ],
)
def test_an_error_before_anything_is_known_as_one(body: object, status: int, kind: str) -> None:
    """§2.2 first-event gate: status, type and message are there while nothing of a message was given out."""
    translator = new()
    assert translator.feed(b": OPENROUTER PROCESSING\n\n" + chunk({"role": "assistant", "content": ""})) == b""
    events = translator.feed(data(body))
    assert translator.error is not None
    assert (translator.error[:2], translator.started, translator.failed) == ((status, kind), False, True)
    assert b"message_start" not in events
    assert check(events) == []
    assert (translator.feed(SAID), translator.end()) == (b"", b"")


def test_nothing_is_given_out_before_there_is_something() -> None:
    """§2.2 first-event gate: comments, roles, empty pieces and filters' reports begin no message."""
    translator = new()
    nothing = [
        b": hi\n\n",
        chunk({"role": "assistant"}),
        chunk({"content": ""}),
        data({"choices": []}),
        data({}),
        b"\n",
    ]
    assert [translator.feed(event) for event in nothing] == [b""] * len(nothing)
    assert translator.feed(SAID).startswith(b"event: message_start\n")
    assert translator.started


@pytest.mark.parametrize("rest", [b"", b'data: {"choices', b": comment", chunk({"content": "more"})[:-9]])
@pytest.mark.parametrize("said", [SAID, b"", chunk(tools(call(0, "call_000000000", "Read", "{}")))])
def test_a_stream_without_an_end_is_an_error(said: bytes, rest: bytes) -> None:
    """§2.2 truncated upstream: bytes that end before a finish reason and before [DONE]."""
    events, translator = translated(StreamTranslator, [said, rest])
    assert check(events) == []
    assert events.count(b"event: error") == 1
    assert translator.error == (502, "api_error", "the provider's stream ended before its message did")
    assert translator.end() == b""


@pytest.mark.parametrize(
    "end", [chunk({}, "stop"), DONE, chunk({}, "stop") + DONE, b"data: [DONE]", b"data:[DONE]\r\n"]
)
def test_a_stream_with_an_end_is_whole(end: bytes) -> None:
    """§2.2 truncated upstream: a finish reason or [DONE] is an end, with or without its empty line."""
    events, translator = translated(StreamTranslator, [SAID, end])
    assert check(events) == []
    assert read(events).stopped
    assert translator.finished
    assert translator.feed(SAID) == b""


def test_a_usage_that_is_cut_off_does_no_harm() -> None:
    """§2.2 truncated upstream: the message is whole, what it used is not known."""
    events, _ = translated(StreamTranslator, [chunk({"content": "x"}, "stop"), usage_chunk(prompt_tokens=5)[:-8]])
    assert check(events) == []
    assert read(events).stopped


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13])
@pytest.mark.parametrize("upstream", [OPENAI_TEXT, VLLM], ids=lambda upstream: upstream.name)
def test_characters_and_line_ends_may_be_cut(size: int, upstream: Upstream) -> None:
    """§2.2 UTF-8: pieces that end within a character or within a line's end give the same events."""
    for ends in (b"\n", b"\r\n", b"\r"):
        stream = upstream.data.replace(b"\r\n", b"\n").replace(b"\n", ends)
        whole, _ = translated(StreamTranslator, [stream])
        assert check(whole) == []
        assert translated(StreamTranslator, cut(stream, size))[0] == whole


def test_half_characters_in_an_event_of_their_own_are_no_end() -> None:
    """§2.2 UTF-8: raw halves and escaped halves become signs that say so, and the rest is kept."""
    raw = chunk({"content": "é!"}).replace("é".encode(), "é".encode()[:1])
    escaped = chunk({"content": "X?"}).replace(b"X", b"\\ud83d")
    events, _ = translated(StreamTranslator, [raw, escaped, chunk({}, "stop")])
    assert check(events) == []
    assert "\ufffd!" in events.decode()
    assert json.dumps("??")[1:-1] in events.decode()


def test_data_of_several_lines_is_one_event() -> None:
    """§2.2 UTF-8: events are read as the standard says."""
    lines = EventLines()
    given = lines.feed(b"\xef\xbb\xbfdata: {\ndata:}\nid: 1\nretry: 5\n:c\nevent: x\n\n\nevent: y\n\ndata\n\ndata: z")
    assert given == [(b"x", b"{\n}")]
    assert lines.end() == [(b"", b"z")]


@pytest.mark.parametrize(
    "piece", [b"x" * 1_000_000, b"data: %s\n" % (b"x" * 1_000_000)], ids=["one line", "many lines"]
)
def test_an_event_without_end_is_refused(piece: bytes) -> None:
    """§2.2 error mid-stream: an event that goes on for ever does not fill the memory."""
    translator = new()
    given = translator.feed(SAID * 20) + b"".join(translator.feed(piece) for _ in range(MOST_BYTES // len(piece) + 2))
    assert given.count(b"event: error") == 1
    assert check(given) == []
