"""Streams of every provider, as the events that clients need."""

import json

import pytest

from proxy.translation.stream import StreamTranslator
from tests.proxy.translation import upstreams
from tests.proxy.translation.invariants import Told, check, read
from tests.proxy.translation.judging import judged, judged_streams, translated
from tests.proxy.translation.upstreams import (
    ALL,
    ASKED,
    DONE,
    ESTIMATE,
    Upstream,
    call,
    chunk,
    data,
    tools,
    usage_chunk,
)


def told(*events: bytes) -> Told:
    """What a client is told for these events of a provider; it must keep to the rules."""
    given, _ = translated(StreamTranslator, events)
    assert check(given, asked=ASKED) == []
    return read(given)


def texts(found: Told) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in found.blocks]


def test_all_recorded_streams_keep_to_the_rules() -> None:
    """§2.2 SSE order: every recorded stream, in pieces of any size."""
    assert judged_streams(StreamTranslator) == []


@pytest.mark.parametrize("upstream", ALL, ids=lambda upstream: upstream.name)
def test_a_recorded_stream_keeps_to_the_rules(upstream: Upstream) -> None:
    """§2.2 SSE order: message_start, then one block after the other, message_delta, message_stop."""
    events, translator = translated(StreamTranslator, upstream.events)
    assert judged(upstream, events, translator) == []
    assert len(read(events).blocks) == len(upstream.blocks)


def test_the_piece_that_opens_a_block_is_in_it() -> None:
    """§2.2 First delta: the first pieces of thoughts, text and two calls, all in one chunk."""
    calls = tools(call(0, "call_000000000", "Read", '{"a'), call(1, "call_111111111", "Read", '{"b":2}'))
    found = told(
        chunk({"reasoning_content": "think", "content": "say", **calls}),
        chunk(tools(call(0, None, None, '":1}'))),
        chunk({}, "tool_calls"),
        DONE,
    )
    assert texts(found)[:2] == [("thinking", "think"), ("text", "say")]
    assert ["".join(block.pieces) for block in found.blocks[2:]] == ['{"a":1}', '{"b":2}']


@pytest.mark.parametrize("empty", ["", "\n\n", "  ", None, []])
def test_nothing_makes_no_block(empty: object) -> None:
    """§2.2 Empty/spurious blocks: empty and blank pieces on their own are no block, whatever follows them."""
    blank = chunk({"content": empty, "reasoning_content": empty, "tool_calls": [], "refusal": empty})
    only = told(blank, blank, chunk({}, "stop"), DONE)
    assert (only.blocks, only.stop_reason) == ([], "end_turn")
    found = told(blank, chunk(tools(call(0, "call_000000000", "Read", "{}"))), blank, chunk({}, "stop"), DONE)
    assert [block.kind for block in found.blocks] == ["tool_use"]


def test_blank_lines_before_a_text_are_a_part_of_it() -> None:
    """§2.2 Empty/spurious blocks: what is held back until there is a text is not lost."""
    assert texts(told(chunk({"content": "\n"}), chunk({"content": "\nHi"}), chunk({}, "stop"))) == [("text", "\n\nHi")]


def test_arguments_are_passed_on_as_they_come() -> None:
    """§2.2 tool args: each piece of the arguments leaves with the bytes that brought it."""
    translator = StreamTranslator(asked=ASKED, input_estimate=1)
    translator.feed(chunk(tools(call(0, "call_000000000", "Write", ""))))
    for piece in ('{"text"', ': "a', "b}", '"}'):
        given = translator.feed(chunk(tools(call(0, None, None, piece))))
        assert json.loads(given.split(b"data: ")[-1])["delta"]["partial_json"] == piece


@pytest.mark.parametrize(
    "arguments", ['{"a": 1}', {"a": 1}, ' {"a": 1}\n'], ids=["text", "an object", "text with blanks"]
)
def test_arguments_may_come_whole(arguments: object) -> None:
    """§2.2 tool args: whole with the name, or in the last chunk alone, as text or as an object."""
    late = [
        chunk(tools(call(0, "call_000000000", "Read", ""))),
        chunk(tools(call(0, None, None, arguments)), "tool_calls"),
    ]
    for events in ([chunk(tools(call(0, "call_000000000", "Read", arguments)), "tool_calls")], late):
        (block,) = told(*events).blocks
        assert json.loads("".join(block.pieces)) == {"a": 1}


@pytest.mark.parametrize("arguments", ["", None, "null", "{}", {}])
def test_a_call_without_arguments_has_none(arguments: object) -> None:
    """§2.2 tool args: nothing, null and an empty object are all no arguments."""
    (block,) = told(chunk(tools(call(0, "call_000000000", "TaskList", arguments))), chunk({}, "tool_calls")).blocks
    assert json.loads("".join(block.pieces) or "{}") == {}


def test_a_piece_that_looks_like_none_is_a_piece() -> None:
    """§2.2 tool args: `null` within arguments is a value."""
    pieces = ['{"a": [1,', " null", "]", ', "b":', "null", "}"]
    first, *rest = [chunk(tools(call(0, None, None, piece))) for piece in pieces]
    (block,) = told(chunk(tools(call(0, "call_000000000", "Read", ""))), first, *rest, chunk({}, "tool_calls")).blocks
    assert json.loads("".join(block.pieces)) == {"a": [1, None], "b": None}


def test_calls_beside_content_are_not_lost() -> None:
    """§2.2 tool args: `tool_calls: []` beside content, and calls in a message that ends the stream."""
    message = {"content": "said already", **tools(call(None, "call_000000000", "Read", '{"a":1}'))}
    last = {"choices": [{"index": 0, "delta": {}, "message": message, "finish_reason": "tool_calls"}]}
    found = told(chunk({"content": "said already", "tool_calls": []}), data(last), DONE)
    assert texts(found) == [("text", "said already"), ("tool_use", '{"a":1}')]


@pytest.mark.parametrize(
    "upstream", [upstreams.OLLAMA, upstreams.GEMINI, upstreams.GEMINI_PIECES], ids=lambda u: u.name
)
def test_calls_are_told_apart_however_they_are_numbered(upstream: Upstream) -> None:
    """§2.2 parallel tools: no index, always 0, no id, one call a chunk, several in one."""
    found = told(*upstream.events)
    assert [("tool_use", block.start["name"], json.loads("".join(block.pieces))) for block in found.blocks] == [
        *upstream.blocks
    ]


def test_calls_without_number_and_id_are_told_apart_by_their_ends() -> None:
    """§2.2 parallel tools: a name behind a call that is complete begins the next, before it has arguments."""
    found = told(
        chunk(tools(call(None, None, "TaskList", "{}"))),
        chunk(tools(call(None, None, "TaskList", ""))),
        chunk(tools(call(None, None, None, "{}"))),
        chunk({}, "stop"),
    )
    assert ["".join(block.pieces) for block in found.blocks] == ["{}", "{}"]


def test_one_id_for_two_calls_becomes_two() -> None:
    """§2.2 parallel tools: calls with one id and two indices are two calls, with an id each."""
    found = told(
        chunk(tools(call(0, "call_same_id", "Read", '{"a":1}'), call(1, "call_same_id", "Read", '{"a":2}'))),
        chunk({}, "tool_calls"),
    )
    assert ["".join(block.pieces) for block in found.blocks] == ['{"a":1}', '{"a":2}']


def test_a_new_id_in_every_piece_is_no_new_call() -> None:
    """§2.2 parallel tools: without a name a piece goes on, whatever id it has."""
    found = told(
        chunk(tools(call(0, "chatcmpl-tool-1", "Read", ""))),
        chunk(tools(call(0, "chatcmpl-tool-2", None, '{"a":'))),
        chunk(tools(call(0, "chatcmpl-tool-3", None, "1}"))),
        chunk({}, "tool_calls"),
    )
    assert ["".join(block.pieces) for block in found.blocks] == ['{"a":1}']


def test_a_name_may_come_after_the_id() -> None:
    """§2.2 parallel tools: a call waits for its name, and what comes meanwhile waits behind it."""
    found = told(
        chunk(tools(call(0, "call_000000000", None, '{"a'))),
        chunk({"content": "text"}),
        chunk(tools(call(0, None, "Read", '":1}'))),
        chunk({}, "tool_calls"),
    )
    assert texts(found) == [("tool_use", '{"a":1}'), ("text", "text")]


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "function_call", "STOP", "eos"])
def test_a_call_is_the_reason_to_stop(finish: str) -> None:
    """§2.2 finish reason: `tool_use` wherever a tool was called, and nowhere else."""
    assert told(chunk(tools(call(0, "call_000000000", "Read", "{}"))), chunk({}, finish)).stop_reason == "tool_use"
    assert told(chunk({"content": "Hi"}), chunk({}, finish)).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("model_length", "max_tokens"),
        ("SAFETY", "refusal"), ("sensitive", "refusal"), ("unheard_of", "end_turn"),
        ("model_context_window_exceeded", "model_context_window_exceeded"),
    ],
)  # fmt: skip
def test_finish_reasons_become_stop_reasons(finish: str, stop: str) -> None:
    """§2.2 stop map: the reasons of OpenAI, Mistral, Gemini and GLM."""
    assert told(chunk({"content": "Hi"}), chunk({}, finish)).stop_reason == stop


def test_a_refusal_and_a_stop_sequence_are_told() -> None:
    """§2.2 stop map: a refusal that is told as text, and the stop sequence that vLLM names."""
    refused = told(chunk({"refusal": "I will not."}), chunk({}, "stop"))
    assert (refused.stop_reason, texts(refused)) == ("refusal", [("text", "I will not.")])
    last = {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop", "stop_reason": "END"}]}
    events, _ = translated(StreamTranslator, [data(last), DONE])
    assert b'"stop_reason":"stop_sequence","stop_sequence":"END"' in events


def test_thoughts_become_a_block_without_a_signature() -> None:
    """§2.2 thinking: reasoning is shown, and no signature is made up for it."""
    for delta in ({"reasoning_content": "Hm"}, {"reasoning": "Hm"}, {"reasoning_content": "Hm", "reasoning": "Hm"}):
        events, _ = translated(StreamTranslator, [chunk(delta), chunk({"content": "So"}), chunk({}, "stop"), DONE])
        assert texts(read(events)) == [("thinking", "Hm"), ("text", "So")]
        assert b"signature_delta" not in events
        assert b'"signature":""' in events


def test_the_last_report_of_usage_counts() -> None:
    """§2.2 usage: a report is how much it is by now; it replaces the ones before, also where it is less."""
    found = told(
        chunk({"content": "Hi"}, usage={"prompt_tokens": 900, "completion_tokens": 99}),
        chunk({}, "stop", usage={"prompt_tokens": 500, "completion_tokens": 7}),
        usage_chunk(prompt_tokens=500, completion_tokens=8, prompt_tokens_details={"cached_tokens": 400}),
        chunk({}, usage=None),
    )
    assert found.usage == {"input_tokens": 100, "cache_read_input_tokens": 400, "output_tokens": 8}


@pytest.mark.parametrize(
    "usage",
    [{}, None, {"prompt_tokens": None, "completion_tokens": None}, {"prompt_tokens": 0}, {"prompt_tokens": "9"}, 7],
)
def test_what_is_not_known_is_left_out(usage: object) -> None:
    """§2.2 usage: no null and no 0 erases the count of the input that the client has."""
    events, _ = translated(StreamTranslator, [chunk({"content": "12345678"}), chunk({}, "stop", usage=usage), DONE])
    assert b'"usage":{"output_tokens":2}}' in events
    assert read(events).usage == {"input_tokens": ESTIMATE, "output_tokens": 2}


@pytest.mark.parametrize("estimate", [0, -1, 1, 5000])
def test_the_beginning_counts_the_input(estimate: int) -> None:
    """§2.2 message_start usage: an estimate, and never 0."""
    translator = StreamTranslator(asked=ASKED, input_estimate=estimate)
    start = json.loads(translator.feed(chunk({"content": "x"})).split(b"\n")[1][6:])
    assert start["message"]["usage"]["input_tokens"] == max(1, estimate)


def test_usage_after_the_finish_reason_is_read() -> None:
    """§2.2 usage chunk: the end waits for [DONE] or the end of the bytes."""
    translator = StreamTranslator(asked=ASKED, input_estimate=1)
    assert b"message_stop" not in translator.feed(chunk({"content": "x"}, "stop"))
    assert translator.feed(usage_chunk(prompt_tokens=5, completion_tokens=6)) == b""
    assert b'"usage":{"output_tokens":6,"input_tokens":5}' in translator.feed(DONE)
    assert translator.finished


def test_text_after_the_finish_reason_is_not_lost() -> None:
    """§2.2 usage chunk: some put a finish reason into every chunk."""
    assert texts(told(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, "stop"), DONE)) == [("text", "ab")]


def test_the_requested_model_is_named() -> None:
    """§2.2 model alias: `message_start` has the id that was asked for, not the provider's."""
    found = told(chunk({"content": "x"}), chunk({}, "stop"))
    assert found.message is not None
    assert found.message["model"] == ASKED
    assert found.message["id"].startswith("msg_")
