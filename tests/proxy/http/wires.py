"""What a scripted provider says, on Anthropic's wire and on OpenAI's: the same answers, streamed or whole, and errors.

Every answer counts the same: 100 tokens in, 40 from the cache, 8 to it; 25 out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from tests.proxy.translation.upstreams import DONE, call, chunk, data, tools, usage_chunk
from tests.proxy.upstream import event

COUNTED = {
    "input_tokens": 100, "output_tokens": 25, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 8,
}  # fmt: skip
# the same as chat completions count it
USED = {
    "prompt_tokens": 148, "completion_tokens": 25, "total_tokens": 173,
    "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8},
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A text that comes in pieces."""

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A call of a tool, whose arguments come in pieces of JSON."""

    id: str
    name: str
    pieces: tuple[str, ...]


Part = Text | Call


def text(*pieces: str) -> Text:
    return Text(pieces)


def use(call_id: str, name: str, **arguments: Any) -> Call:
    """A call whose arguments come in two pieces."""
    whole = json.dumps(arguments)
    half = len(whole) // 2
    return Call(call_id, name, (whole[:half], whole[half:]))


class Wire(Protocol):
    """How a provider says things. `path` is where it is asked for a message."""

    path: str

    def events(self, *parts: Part, model: str = ...) -> list[bytes]:
        """A stream, event by event; the first one begins the message, the last one ends it."""

    def message(self, *parts: Part, model: str = ...) -> bytes:
        """The same answer whole."""

    def error(self, kind: str, said: str) -> bytes:
        """The body of an error."""

    def error_event(self, kind: str, said: str) -> bytes:
        """An error in a stream."""

    def results(self, body: bytes) -> dict[str, str]:
        """The results of tools in a request: the text by the id of the call."""

    def tool_names(self, body: bytes) -> set[str]:
        """The tools that a request offers."""


class AnthropicWire:
    """Anthropic's Messages API."""

    path = "/v1/messages"

    def events(self, *parts: Part, model: str = "the-model-1") -> list[bytes]:
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": []}
        used = COUNTED | {"output_tokens": 1}
        message = {**head, "stop_reason": None, "stop_sequence": None, "usage": used}
        return [
            event("message_start", message=message),
            *(found for index, part in enumerate(parts) for found in _block(index, part)),
            event(
                "message_delta",
                delta={"stop_reason": _stop(parts), "stop_sequence": None},
                usage={"output_tokens": 25, "input_tokens": None},
            ),
            event("message_stop"),
        ]

    def message(self, *parts: Part, model: str = "the-model-1") -> bytes:
        content = [
            {"type": "text", "text": "".join(part.pieces)}
            if isinstance(part, Text)
            else {"type": "tool_use", "id": part.id, "name": part.name, "input": json.loads("".join(part.pieces))}
            for part in parts
        ]
        found = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content}
        return json.dumps({**found, "stop_reason": _stop(parts), "stop_sequence": None, "usage": COUNTED}).encode()

    def error(self, kind: str, said: str) -> bytes:
        # spaced as nobody else would, to see that it is not written anew
        return f'{{"type" : "error", "error":{{"message": "{said}","type":"{kind}"}} ,"extra":[1]}}'.encode()

    def error_event(self, kind: str, said: str) -> bytes:
        return b"event: error\ndata: " + self.error(kind, said) + b"\n\n"

    def results(self, body: bytes) -> dict[str, str]:
        return {
            block["tool_use_id"]: _as_text(block["content"])
            for message in json.loads(body)["messages"]
            if isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_result"
        }

    def tool_names(self, body: bytes) -> set[str]:
        return {tool["name"] for tool in json.loads(body).get("tools", [])}


class OpenAiWire:
    """Chat completions."""

    path = "/chat/completions"

    def events(self, *parts: Part, model: str = "the-model-1") -> list[bytes]:
        calls = [part for part in parts if isinstance(part, Call)]
        texts = (piece for part in parts if isinstance(part, Text) for piece in part.pieces)
        return [
            chunk({"role": "assistant", "content": ""}),
            *(chunk({"content": piece}) for piece in texts),
            *(found for number, part in enumerate(calls) for found in _call(number, part)),
            chunk({}, "tool_calls" if calls else "stop"),
            usage_chunk(**USED),
            DONE,
        ]

    def message(self, *parts: Part, model: str = "the-model-1") -> bytes:
        said: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(piece for part in parts if isinstance(part, Text) for piece in part.pieces) or None,
        }
        calls = [call(None, part.id, part.name, "".join(part.pieces)) for part in parts if isinstance(part, Call)]
        if calls:
            said["tool_calls"] = calls
        choice = {"index": 0, "message": said, "finish_reason": "tool_calls" if calls else "stop"}
        found = {"id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": [choice], "usage": USED}
        return json.dumps(found).encode()

    def error(self, kind: str, said: str) -> bytes:
        return json.dumps({"error": {"message": said, "type": kind, "param": None, "code": None}}).encode()

    def error_event(self, kind: str, said: str) -> bytes:
        return data(json.loads(self.error(kind, said)))

    def results(self, body: bytes) -> dict[str, str]:
        messages = json.loads(body)["messages"]
        return {found["tool_call_id"]: found["content"] for found in messages if found["role"] == "tool"}

    def tool_names(self, body: bytes) -> set[str]:
        return {tool["function"]["name"] for tool in json.loads(body).get("tools", [])}


def _block(index: int, part: Part) -> Iterator[bytes]:
    if isinstance(part, Text):
        yield event("content_block_start", index=index, content_block={"type": "text", "text": ""})
        yield event("ping")
        deltas = [{"type": "text_delta", "text": piece} for piece in part.pieces]
    else:
        start = {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        yield event("content_block_start", index=index, content_block=start)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *part.pieces)]
    for delta in deltas:
        yield event("content_block_delta", index=index, delta=delta)
    yield event("content_block_stop", index=index)


def _call(number: int, part: Call) -> Iterator[bytes]:
    yield chunk(tools(call(number, part.id, part.name, "")))
    for piece in part.pieces:
        yield chunk(tools(call(number, None, None, piece)))


def _stop(parts: tuple[Part, ...]) -> str:
    return "tool_use" if any(isinstance(part, Call) for part in parts) else "end_turn"


def _as_text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
