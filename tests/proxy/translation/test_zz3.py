"""Streams that nobody wrote down: any numbering of calls, any cut, any nonsense."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.translation.stream import StreamTranslator
from tests.proxy.translation.invariants import check, read
from tests.proxy.translation.judging import translated
from tests.proxy.translation.strategies import odd_json
from tests.proxy.translation.upstreams import ALL, ASKED, DONE, Upstream, call, chunk, data, tools, usage_chunk

PROPERTY = settings(max_examples=8000, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SAID = st.text(min_size=1, max_size=12).filter(str.strip)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
CALL = st.tuples(st.sampled_from(["Read", "Bash"]), st.dictionaries(st.text(max_size=4), VALUES, max_size=3))
# how a provider numbers its calls: with an index or without, always 0; the id once, always, never, or one for all; the
# name once or always
NUMBERINGS = ("index", "index, all repeated", "zero", "zero, id once", "id", "nothing", "one id")
IN_TURN = ("zero, id once", "nothing")  # pieces of these can only be told apart where one call comes after the other


@dataclass(frozen=True)
class Turn:
    """What a model says: pieces of text and thoughts, then calls, then text again."""

    before: list[tuple[str, str]]
    calls: list[tuple[str, dict[str, Any]]]
    after: list[str]


TURNS = st.builds(
    Turn,
    st.lists(st.tuples(st.sampled_from(["content", "reasoning_content", "reasoning"]), SAID), max_size=5),
    st.lists(CALL, max_size=4),
    st.lists(SAID, max_size=2),
)


def pieces_of(text: str, draw: st.DrawFn) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def numbered(numbering: str, n: int, name: str, piece: str, *, first: bool) -> dict[str, Any]:
    """A piece of the nth call, as the provider numbers it."""
    own_id, always = f"call_{n:06}_x", numbering in ("index, all repeated",)
    ids = {"zero, id once": own_id if first else None, "nothing": None, "one id": "call_same_id" if first else None}
    ids["index"] = own_id if first else None
    indices = {"zero": 0, "zero, id once": 0, "id": None, "nothing": None}
    return call(indices.get(numbering, n), ids.get(numbering, own_id), name if first or always else None, piece)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Turn, list[bytes]]:
    """A turn, and the events in which some provider sends it."""
    turn, numbering = draw(TURNS), draw(st.sampled_from(NUMBERINGS))
    deltas: list[dict[str, Any]] = [{name: text} for name, text in turn.before]
    runs = [
        [
            numbered(numbering, n, name, piece, first=m == 0)
            for m, piece in enumerate(pieces_of(json.dumps(value), draw))
        ]
        for n, (name, value) in enumerate(turn.calls)
    ]
    calls = [piece for run in runs for piece in run]
    if numbering not in IN_TURN and draw(st.booleans()):
        calls = interleaved(runs, draw)
    deltas += together(calls, draw)
    deltas += [{"content": text} for text in turn.after]
    events = [
        chunk({"role": "assistant", "content": ""}),
        *map(chunk, deltas),
        chunk({}, draw(st.sampled_from(["stop", "x"]))),
    ]
    if draw(st.booleans()):
        events.append(usage_chunk(prompt_tokens=draw(st.integers(0, 99)), completion_tokens=draw(st.integers(0, 99))))
    return turn, decorated([*events, *draw(st.sampled_from([[], [DONE]]))], draw)


def interleaved(runs: list[list[dict[str, Any]]], draw: st.DrawFn) -> list[dict[str, Any]]:
    """The pieces of several calls in turns; calls begin in their order."""
    rest, mixed = [list(run) for run in runs], [run[0] for run in runs]
    rest = [run[1:] for run in rest]
    while any(rest):
        run = draw(st.sampled_from([run for run in rest if run]))
        mixed.append(run.pop(0))
    return mixed


def together(calls: list[dict[str, Any]], draw: st.DrawFn) -> list[dict[str, Any]]:
    """Pieces of calls in deltas of one to three."""
    deltas = []
    while calls:
        size = draw(st.integers(1, 3))
        deltas.append(tools(*calls[:size]))
        calls = calls[size:]
    return deltas


def decorated(events: list[bytes], draw: st.DrawFn) -> list[bytes]:
    """The events with comments among them and with any line ends."""
    ends = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    comment = draw(st.sampled_from([b"", b": ping\n\n", b"id: 7\nretry: 9\n"]))
    return [(comment + event).replace(b"\n", ends) for event in events]


@PROPERTY
@given(streams())
def test_any_numbering_keeps_to_the_rules_and_loses_nothing(stream: tuple[Turn, list[bytes]]) -> None:
    """§2.2 parallel tools: every call comes out once, in its order, with all of its arguments; so does every text."""
    turn, events = stream
    given_out, translator = translated(StreamTranslator, events)
    assert check(given_out, asked=ASKED) == []
    assert translator.finished
    blocks = read(given_out).blocks
    found = [(block.start["name"], json.loads("".join(block.pieces))) for block in blocks if block.kind == "tool_use"]
    assert found == turn.calls
    said = "".join(text for name, text in turn.before if name == "content") + "".join(turn.after)
    assert "".join(block.text for block in blocks if block.kind == "text") == said
    thought = "".join(text for name, text in turn.before if name != "content")
    assert "".join(block.text for block in blocks if block.kind == "thinking") == thought


@PROPERTY
@given(streams(), st.data())
def test_any_cut_gives_the_same_events(stream: tuple[Turn, list[bytes]], choice: st.DataObject) -> None:
    """§2.2 UTF-8: the same bytes, whichever way they come in."""
    whole = b"".join(stream[1])
    cuts = sorted(choice.draw(st.lists(st.integers(0, len(whole)), max_size=30)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert translated(StreamTranslator, pieces)[0] == translated(StreamTranslator, [whole])[0]


@PROPERTY
@given(st.sampled_from(ALL), st.data())
def test_a_stream_cut_off_anywhere_is_whole_or_an_error(upstream: Upstream, choice: st.DataObject) -> None:
    """§2.2 truncated upstream: at whichever byte it ends."""
    size = choice.draw(st.integers(0, len(upstream.data)))
    events, translator = translated(StreamTranslator, [upstream.data[:size]])
    assert [violation for violation in check(events) if not violation.startswith("tool args")] == []
    assert translator.finished != translator.failed


NAMES = (
    "choices", "delta", "message", "content", "tool_calls", "function", "name", "arguments", "id", "index", "usage",
    "error", "code", "prompt_tokens", "completion_tokens", "prompt_tokens_details", "cached_tokens", "finish_reason",
    "reasoning_content", "reasoning", "reasoning_details", "text", "thinking", "refusal", "extra_content", "object",
    "stop_reason", "total_tokens",
)  # fmt: skip
ODD = odd_json(NAMES, ("stop", "length", "tool_calls", "{}", '{"a":1}', "error", "text", "thinking"), leaves=30)


@st.composite
def nonsense(draw: st.DrawFn) -> bytes:
    """An event that looks like a chunk, more or less."""
    odd = draw(ODD)
    shape = draw(st.integers(0, 5))
    if shape == 0:
        return data(odd)
    if shape == 1:
        return b"data: " + draw(st.binary(max_size=20)) + b"\n\n"
    if shape == 2:
        return chunk(odd)
    if shape == 3:
        return data({"choices": [odd], "usage": draw(ODD)})
    pieces = draw(st.lists(ODD.filter(lambda found: isinstance(found, dict)), max_size=3))
    return chunk({"tool_calls": pieces, "content": odd}, draw(st.sampled_from([None, "stop", "length"])))


@PROPERTY
@given(st.lists(nonsense(), max_size=6), st.booleans())
def test_no_nonsense_breaks_the_rules(events: list[bytes], done: bool) -> None:
    """§2.2 SSE order: whatever a provider sends, what comes out is a message or an error; nothing is raised."""
    given_out, translator = translated(StreamTranslator, [*events, DONE] if done else events)
    assert [violation for violation in check(given_out) if not violation.startswith("tool args: not ")] == []
    assert translator.finished != translator.failed
