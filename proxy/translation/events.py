"""Anthropic's events of a stream, as bytes."""

import msgspec

from proxy.errors import content

Usage = dict[str, int]

_encode = msgspec.json.encode
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
# the type of a delta, and the name of what it carries, for each type of block
DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


def event(name: str, **data: object) -> bytes:
    """An event; its name is also the type in its data, since some clients look at the one and some at the other."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), _encode({"type": name, **data}))


def message_start(message_id: str, model: str, input_tokens: int) -> bytes:
    """The beginning. Clients keep its count of the input until a better one comes: it is an estimate, never 0."""
    message: dict[str, object] = {
        "id": message_id, "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": max(1, input_tokens), "output_tokens": 1},
    }  # fmt: skip
    return event("message_start", message=message)


def block_start(index: int, block: dict[str, object]) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, kind: str, text: str) -> bytes:
    """A piece of a block. Most events are of this kind, so it is put together by hand."""
    type_, name = DELTAS[kind]
    head = f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{index},"delta":'
    return b'%s{"type":"%s","%s":%s}}\n\n' % (head.encode(), type_.encode(), name.encode(), _encode(text))


def block_stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def message_end(stop_reason: str, stop_sequence: str | None, usage: Usage) -> bytes:
    """The two last events. What is not known is left out of `usage`: a null or a 0 would erase what the client has."""
    end = {"stop_reason": stop_reason, "stop_sequence": stop_sequence}
    return event("message_delta", delta=end, usage=usage) + STOP


def error(kind: str, message: str) -> bytes:
    """The last event of a stream that failed."""
    return b"event: error\ndata: " + _encode(content(kind, message)) + b"\n\n"
