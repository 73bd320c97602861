"""The Messages API on the wire: an answer as one JSON message, or as the stream of events that carries it."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TEXT_PIECE = 48  # characters in one text_delta
JSON_PIECE = 1_024  # characters in one input_json_delta
PING_EVERY = 64  # deltas


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class ToolUse:
    name: str
    input: Any


Block = Text | ToolUse


@dataclass(frozen=True)
class Answer:
    """What the assistant says. Without a stop reason of its own it is `tool_use` or `end_turn`, as its blocks are."""

    blocks: tuple[Block, ...]
    stop_reason: str | None = None


def tokens(size: int) -> int:
    """How many tokens that many bytes are reckoned to be: a quarter, and at least one."""
    return max(1, size // 4)


def message(answer: Answer, *, model: str, request_bytes: int) -> dict[str, Any]:
    """The answer as the API's JSON message. Its ids, and those of its tool calls, are new each time."""
    content = [_block(block) for block in answer.blocks]
    called = any(block["type"] == "tool_use" for block in content)
    return {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": answer.stop_reason or ("tool_use" if called else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens(request_bytes),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": tokens(len(json.dumps(content))),
        },
    }


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Text):
        return {"type": "text", "text": block.text}
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": block.name, "input": block.input}


def encode(message: dict[str, Any]) -> bytes:
    """A message as the body of a response."""
    return json.dumps(message).encode()


def stream(message: dict[str, Any]) -> Iterator[bytes]:
    """The server-sent events that carry a message, one at a time, in the API's order."""
    usage = message["usage"]
    start = message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    yield _event("message_start", message=start)
    yield _event("ping")
    for index, block in enumerate(message["content"]):
        yield from _block_events(index, block)
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage=usage)
    yield _event("message_stop")


def _block_events(index: int, block: dict[str, Any]) -> Iterator[bytes]:
    if block["type"] == "text":
        empty, deltas = block | {"text": ""}, _pieces("text", block["text"], TEXT_PIECE)
    else:
        empty, deltas = block | {"input": {}}, _pieces("input_json", json.dumps(block["input"]), JSON_PIECE)
    yield _event("content_block_start", index=index, content_block=empty)
    for count, delta in enumerate(deltas, 1):
        yield _event("content_block_delta", index=index, delta=delta)
        if count % PING_EVERY == 0:
            yield _event("ping")
    yield _event("content_block_stop", index=index)


def _pieces(kind: str, whole: str, size: int) -> Iterator[dict[str, str]]:
    name = "text" if kind == "text" else "partial_json"
    for start in range(0, len(whole), size):
        yield {"type": f"{kind}_delta", name: whole[start : start + size]}


def _event(name: str, **data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode()


def error(kind: str, text: str, request_id: str) -> dict[str, Any]:
    """The API's envelope of an error."""
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": request_id}
