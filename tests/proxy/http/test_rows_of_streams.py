"""The rows of §2.2 that a stream shows, over HTTP: what others get wrong, in both lanes."""

import json
import threading
from typing import Any

import pytest

from tests.proxy.http.hearing import END, content, told
from tests.proxy.http.lanes import HELLO, Lane
from tests.proxy.http.wires import COUNTED, text, use
from tests.proxy.running import a_task, token
from tests.proxy.translation.invariants import read
from tests.proxy.translation.upstreams import SIGNATURE, call, chunk, data, tools
from tests.proxy.upstream import Exchange, answering, event, streaming

READ = use("toolu_01AAAAAAAAAAAAAAAAAAAAAA", "Read", file_path="/a/é.py")
BASH = use("toolu_01BBBBBBBBBBBBBBBBBBBBBB", "Bash", command="ls")


def test_blocks_come_one_after_the_other_and_the_message_ends_once(lane: Lane) -> None:
    """§2.2 SSE order: start, blocks that close before the next one opens, message_delta, message_stop."""
    events = lane.wire.events(text("I ", "read."), READ, BASH, model=lane.given)
    lane.upstream.script = streaming(*events)
    reply = lane.stream(usage=COUNTED)
    names = [line[7:] for line in reply.body.decode().split("\n") if line.startswith("event: ") and "ping" not in line]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert names[0] == "message_start"
    assert [name for number, name in enumerate(names) if name not in names[:number][-1:]][1:-2] == block * 3
    assert names[-2:] == ["message_delta", "message_stop"]
    assert lane.translated or reply.body == b"".join(events)


def test_text_behind_a_tool_is_a_block_of_its_own(translated: Lane) -> None:
    """§2.2 SSE order: what is said after a call of a tool does not go into that call."""
    pieces = (call(0, "call_aaaa1111", "Read", '{"a":'), call(0, None, None, "1}"))
    found = told(
        translated, chunk({"content": "First"}), chunk(tools(pieces[0])), chunk(tools(pieces[1])),
        chunk({"content": "Then"}), chunk({}, "tool_calls"), *END,
    )  # fmt: skip
    assert content(found) == ["First", ("Read", {"a": 1}), "Then"]


def test_what_opens_a_block_is_not_lost(lane: Lane) -> None:
    """§2.2 First delta: the chunk that opens a block carries data as well."""
    if lane.translated:
        first = call(0, "call_aaaa1111", "Read", '{"a":1}')
        found = told(
            lane, chunk({"role": "assistant", "content": "Hel"}), chunk({"content": "lo"}), chunk(tools(first)),
            chunk({}, "stop"), *END,
        )  # fmt: skip
        assert content(found) == ["Hello", ("Read", {"a": 1})]
        return
    events = lane.wire.events(text("lo"), model=lane.given)
    events[1] = event("content_block_start", index=0, content_block={"type": "text", "text": "Hel"})
    assert content(told(lane, *events)) == ["Hello"]


def test_nothing_is_no_block(translated: Lane) -> None:
    """§2.2 Empty/spurious blocks: empty pieces, and lists without a call, make none."""
    found = told(
        translated, chunk({"role": "assistant", "content": "", "tool_calls": []}), chunk({"content": None}),
        chunk({"reasoning_content": ""}), chunk({"content": "Hello", "tool_calls": []}), chunk({"tool_calls": None}),
        chunk({"content": ""}, "stop"), *END,
    )  # fmt: skip
    assert content(found) == ["Hello"]
    assert content(told(translated, chunk({"content": ""}), chunk({}, "stop"), *END)) == []


def test_arguments_of_tools_come_as_the_provider_sends_them(lane: Lane) -> None:
    """§2.2 tool args: every fragment arrives while the provider still holds the next one."""
    pieces = ('{"file_path": ', '"/a/b', '/c.py"', ', "limit": 1', "0}")
    wanted = [json.dumps(piece)[1:-1].encode() for piece in pieces]
    events = lane.wire.events(type(READ)(READ.id, "Read", pieces), model=lane.given)
    places = [next(n for n, sent in enumerate(events) if piece in sent) for piece in wanted]
    heard = [threading.Event() for _ in pieces]

    def script(exchange: Exchange) -> None:
        exchange.begin()
        at = 0
        for place, was_heard in zip(places, heard, strict=True):
            exchange.send(b"".join(events[at : place + 1]))
            at = place + 1
            assert was_heard.wait(timeout=5)
        exchange.send(b"".join(events[at:]))
        exchange.end()

    lane.upstream.script = script
    connection = lane.gateway.connect()
    connection.request("POST", "/v1/messages", lane.body(stream=True), {"x-api-key": token(a_task())})
    response = connection.getresponse()
    body = b""
    for piece, was_heard in zip(wanted, heard, strict=True):
        while piece not in body:
            body += response.read1(65536)
        was_heard.set()
    body += response.read()
    connection.close()
    assert lane.violations(body) == []
    assert content(read(body, translated=lane.translated)) == [("Read", {"file_path": "/a/b/c.py", "limit": 10})]


@pytest.mark.parametrize(
    "pieces",
    [
        [tools(call(0, "call_aaaa1111", "Read", '{"a":1}'))],
        [tools(call(0, "call_aaaa1111", "Read", {"a": 1}))],
        [tools(call(0, "call_aaaa1111", "Read", None)), tools(call(0, None, None, '{"a":1}'))],
        [
            tools(call(0, "call_aaaa1111", "Read", "")), {"content": "", "tool_calls": []},
            tools(call(0, None, None, '{"a":1}')),
        ],
    ],
    ids=["whole", "an object", "at the end", "beside an empty list"],
)  # fmt: skip
def test_arguments_may_come_whole_or_late(pieces: list[Any], translated: Lane) -> None:
    """§2.2 tool args: in one piece, as an object, only at the end, with an empty list in between."""
    found = told(translated, *map(chunk, pieces), chunk({}, "tool_calls"), *END)
    assert content(found) == [("Read", {"a": 1})]


@pytest.mark.parametrize("numbers", [(0, 1, 2), (None, None, None), (0, 0, 0)], ids=["OpenAI", "Gemini", "Ollama"])
@pytest.mark.parametrize("together", [True, False])
def test_calls_of_tools_stay_apart_however_they_are_numbered(
    together: bool, numbers: tuple[int | None, ...], translated: Lane
) -> None:
    """§2.2 parallel tools: by index and id: without one, with the same one, all in a chunk or one in each."""
    calls = [call(number, f"call_{n}{n}{n}{n}", "Read", json.dumps({"n": n})) for n, number in enumerate(numbers)]
    chunks = [chunk(tools(*calls))] if together else [chunk(tools(one)) for one in calls]
    found = told(translated, *chunks, chunk({}, "tool_calls"), *END)
    assert content(found) == [("Read", {"n": n}) for n in range(3)]
    assert len({block.start["id"] for block in found.blocks}) == 3


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "length", None])
def test_a_call_of_a_tool_is_why_it_stopped(finish: str | None, translated: Lane) -> None:
    """§2.2 finish reason: tool_use where there is a call, also where the provider says stop."""
    one = chunk(tools(call(0, "call_aaaa1111", "Read", '{"a":1}')))
    assert told(translated, one, chunk({}, finish), *END).stop_reason == (
        "max_tokens" if finish == "length" else "tool_use"
    )
    translated.upstream.script = answering(
        translated.wire.message(READ).replace(b'"finish_reason": "tool_calls"', b'"finish_reason": "stop"')
    )
    assert translated.call().json["stop_reason"] == "tool_use"


STOPS = [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("unheard-of", "end_turn")]


@pytest.mark.parametrize(("theirs", "ours"), STOPS)
def test_reasons_to_stop_have_anthropics_names(theirs: str, ours: str, translated: Lane) -> None:
    """§2.2 stop map: in a stream and in a whole answer."""
    assert told(translated, chunk({"content": "Hello"}), chunk({}, theirs), *END).stop_reason == ours
    answer = translated.wire.message(HELLO).replace(b'"finish_reason": "stop"', f'"finish_reason": "{theirs}"'.encode())
    translated.upstream.script = answering(answer)
    assert translated.call().json["stop_reason"] == ours


@pytest.mark.parametrize("stop", ["stop_sequence", "pause_turn", "refusal", "model_context_window_exceeded"])
def test_anthropics_own_reasons_stay(stop: str, pass_through: Lane) -> None:
    """§2.2 stop map: in the first lane nothing is mapped, and nothing that is new is lost."""
    events = pass_through.wire.events(HELLO, model=pass_through.given)
    events[-2] = events[-2].replace(b"end_turn", stop.encode())
    assert told(pass_through, *events).stop_reason == stop


def test_thoughts_pass_through_untouched(pass_through: Lane) -> None:
    """§2.2 thinking: the first lane changes no byte of them, nor of their signature, nor of the padding around them."""
    start = {"type": "thinking", "thinking": "", "signature": ""}
    thoughts = [
        event("content_block_start", index=0, content_block=start),
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm…"}),
        event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "EqQBinvented+/=="}),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block={"type": "redacted_thinking", "data": "EmwKinvented"}),
        event("content_block_stop", index=1),
    ]
    first, *_, delta, stop = pass_through.wire.events(HELLO, model=pass_through.given)
    pass_through.upstream.script = streaming(first, *thoughts, delta, stop)
    assert pass_through.stream().body == b"".join((first, *thoughts, delta, stop))


def test_thoughts_of_others_have_no_signature(translated: Lane) -> None:
    """§2.2 thinking: reasoning_content becomes a block of thinking, and no signature is made up."""
    found = told(
        translated, chunk({"reasoning_content": "Hm, "}), chunk({"reasoning_content": "well."}),
        chunk({"content": "Yes."}), chunk({}, "stop"), *END,
    )  # fmt: skip
    assert [(block.kind, block.text, block.signature) for block in found.blocks] == [
        ("thinking", "Hm, well.", ""), ("text", "Yes.", ""),
    ]  # fmt: skip


def test_unsigned_thoughts_reach_no_anthropic_that_refuses_them(pass_through: Lane) -> None:
    """§2.2 thinking: a conversation that began elsewhere goes on at Anthropic, without the thoughts of before."""
    thought = {"type": "thinking", "thinking": "Hm, well.", "signature": ""}
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]},
        {"role": "user", "content": "And?"},
    ]

    def script(exchange: Exchange) -> None:
        if b'"thinking"' in exchange.received.body:
            said = "messages.1.content.0: Invalid `signature` in `thinking` block"
            answering(pass_through.wire.error("invalid_request_error", said), 400)(exchange)
        else:
            pass_through.streams(HELLO)(exchange)

    pass_through.upstream.script = script
    assert content(read(pass_through.stream(pass_through.body(messages=history, stream=True)).body)) == [
        "".join(HELLO.pieces)
    ]
    assert b"Yes." in pass_through.upstream.received[-1].body


def test_geminis_signature_of_a_thought_comes_back_to_it(translated: Lane) -> None:
    """§2.2 Gemini: extra_content.google.thought_signature goes round, although the caller knows nothing of it."""
    extra = {"google": {"thought_signature": SIGNATURE}}
    one = call(None, "function-call-1", "Read", '{"a":1}', extra_content=extra)
    found = told(translated, chunk(tools(one)), chunk({}, "stop"), *END)
    use_block = {"type": "tool_use", "id": found.blocks[0].start["id"], "name": "Read", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": use_block["id"], "content": "done"}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [use_block]},
        {"role": "user", "content": [result]},
    ]
    translated.upstream.received.clear()
    assert translated.call(translated.body(messages=turns)).status == 200
    sent = json.loads(translated.upstream.received[0].body)["messages"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] == "function-call-1"
    # this provider is not Gemini, by its address and its model: it is not told what it may refuse
    assert "extra_content" not in sent[1]["tool_calls"][0]


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_other_line_ends_make_the_same_events(newline: bytes, lane: Lane) -> None:
    """§2.2 SSE order: lines may end in three ways."""
    events = [event.replace(b"\n", newline) for event in lane.wire.events(HELLO, READ, model=lane.given)]
    lane.upstream.script = streaming(*events)
    reply = lane.call(lane.body(stream=True))
    body = reply.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert lane.violations(body) == []
    assert content(read(body, translated=lane.translated)) == [
        "".join(HELLO.pieces),
        ("Read", {"file_path": "/a/é.py"}),
    ]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_an_error_as_the_first_event_is_seen_with_any_line_ends(newline: bytes, lane: Lane) -> None:
    """§2.2 first-event gate: however its lines end."""
    ping = b'event: ping\ndata: {"type": "ping"}\n\n' if not lane.translated else b": ping\n\n"
    error = (ping + lane.wire.error_event("overloaded_error", "Overloaded")).replace(b"\n", newline)
    for pieces in ([error], [error[:30], error[30:]], [bytes([byte]) for byte in error]):
        lane.upstream.script = streaming(*pieces)
        assert lane.call(lane.body(stream=True)).error == (529, "overloaded_error")


def test_a_comment_is_nothing(translated: Lane) -> None:
    """§2.2 idle: what OpenRouter sends while it works."""
    found = told(
        translated, b": OPENROUTER PROCESSING\n\n" * 3, chunk({"content": "a"}), b": x\n\n", chunk({}, "stop"), *END
    )
    assert content(found) == ["a"]
    assert told(translated, data({"choices": []}), chunk({"content": "a"}), chunk({}, "stop"), *END).error is None
