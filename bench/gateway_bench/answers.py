"""What the mock upstream answers: one message, streamed in about 30 events and 7 KB, or paced, or whole."""

import json
from typing import Any, Literal

# streamed: all at once, in a few writes; paced: EVENTS_PACED pieces of text, GAP_SECONDS apart; whole: one JSON object
Kind = Literal["streamed", "paced", "whole"]

# Names of models as Claude Code asks for them. Each has its own address upstream: the one of the second paces.
SONNET, HAIKU = "claude-sonnet-5-5", "claude-haiku-5-5"
MODELS: dict[Kind, str] = {"streamed": SONNET, "whole": SONNET, "paced": HAIKU}

EVENTS_PACED = 50
GAP_SECONDS = 0.020
# Text of two, three and four bytes a character, quotes and line ends: what a careless relay breaks.
PHRASES = (
    "The loop in `shop/cart.py` adds the price twice",
    " once for the line, once für den Korb.\n\n",
    'It reads "total" before it is set: 合計 is still 0 🛒,',
    " so the first order of a day costs\tnothing \\ at all.",
)
START_USAGE = {
    "input_tokens": 7,
    "cache_creation_input_tokens": 311,
    "cache_read_input_tokens": 12_034,
    "output_tokens": 1,
}
OUTPUT_TOKENS = 402


def texts(kind: Kind) -> list[str]:
    """The pieces of text, in order; no two are alike, so that one that is lost or moved is noticed."""
    count = EVENTS_PACED if kind == "paced" else 29
    return [f"{PHRASES[number % len(PHRASES)]} [{number}]" for number in range(count)]


def events(kind: Kind) -> list[bytes]:
    """The events of a streamed answer: what opens it, a `ping` where it is not paced, the texts, what ends it."""
    start = {**_message(kind), "content": [], "stop_reason": None, "usage": START_USAGE}
    pieces = [
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in texts(kind)
    ]
    return [
        _event("message_start", message=start),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *([_event("ping")] if kind == "streamed" else []),
        *pieces,
        _event("content_block_stop", index=0),
        _event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={**START_USAGE, "output_tokens": OUTPUT_TOKENS},
        ),
        _event("message_stop"),
    ]


def whole() -> bytes:
    """The answer to a caller that did not ask for a stream."""
    content = [{"type": "text", "text": "".join(texts("whole"))}]
    usage = {**START_USAGE, "output_tokens": OUTPUT_TOKENS}
    return _json({**_message("whole"), "content": content, "stop_reason": "end_turn", "usage": usage})


def body(kind: Kind) -> bytes:
    """The bytes of an answer, as one that passes them on untouched must hand them over."""
    return whole() if kind == "whole" else b"".join(events(kind))


def _message(kind: Kind) -> dict[str, Any]:
    return {
        "id": "msg_01InventedForTheBench",
        "type": "message",
        "role": "assistant",
        "model": MODELS[kind],
        "stop_sequence": None,
    }


def _event(name: str, **data: Any) -> bytes:
    """Padded with spaces, as Anthropic pads."""
    text = _json({"type": name, **data})
    return b"event: %s\ndata: %s%s}\n\n" % (name.encode(), text[:-1], b" " * (len(text) * 7 % 13 + 30))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
