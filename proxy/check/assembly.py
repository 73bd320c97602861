"""Puts a message together from the events of a stream, as the official client does."""

import json
from typing import Any

from proxy.check.events import Event
from proxy.check.message import Message, checked, mapping
from proxy.check.outcomes import Unusable

# kind of a delta → where it carries its piece, and the kinds of block that it may belong to
DELTAS = {
    "text_delta": ("text", ("text",)),
    "thinking_delta": ("thinking", ("thinking",)),
    "signature_delta": ("signature", ("thinking",)),
    "input_json_delta": ("partial_json", ("tool_use", "server_tool_use", "mcp_tool_use")),
}


class Assembly:
    """A message under way. Raises Unusable at what the official client stumbles over.

    `error` is what an error event said; `nameless` counts events without a name, which that client does not see.
    """

    def __init__(self) -> None:
        self.message: Message | None = None
        self.error: dict[str, Any] | None = None
        self.finished = False
        self.nameless = 0
        self._open: int | None = None
        self._json = ""

    def take(self, event: Event) -> None:
        """Takes the next event."""
        if not event.name:
            self.nameless += 1
            return
        try:
            content = event.content
        except (ValueError, RecursionError) as error:
            raise Unusable(f"the data of {event.name} is no JSON object") from error
        match event.name:
            case "error":
                self.error = content
            case "message_start":
                self._start(content)
            case "content_block_start" | "content_block_delta" | "content_block_stop" | "message_delta":
                if self.message is None:
                    raise Unusable(f"{event.name} came before message_start")
                getattr(self, f"_{event.name}")(self.message, content)
            case "message_stop":
                self.finished = True

    def result(self) -> Message:
        """The message, once the stream has ended."""
        if self.message is None:
            nameless = "its events have no names, and Claude Code reads none of such events"
            raise Unusable(nameless if self.nameless else "a stream without a message in it")
        if not self.finished:
            within = ", in the middle of a block" if self._open is not None else ""
            raise Unusable(f"the stream ended without message_stop{within}")
        if self._open is not None:
            raise Unusable("a block was not closed")
        return self.message

    def _start(self, content: dict[str, Any]) -> None:
        if self.message is not None:
            raise Unusable("message_start came twice")
        usage = mapping(mapping(content.get("message")).get("usage"))
        self.message = Message([], usage=dict(usage), start_usage=usage)

    def _content_block_start(self, message: Message, content: dict[str, Any]) -> None:
        if self._open is not None:
            raise Unusable("a block was opened before the last one was closed")
        if content.get("index") != len(message.content):
            raise Unusable(f"block {content.get('index')} was opened where {len(message.content)} was due")
        self._open, self._json = len(message.content), ""
        message.content.append(mapping(content.get("content_block")))

    def _content_block_delta(self, message: Message, content: dict[str, Any]) -> None:
        if self._open is None or content.get("index") != self._open:
            raise Unusable("a piece came for a block that is not open")
        block, delta = message.content[self._open], mapping(content.get("delta"))
        name, owners = DELTAS.get(str(delta.get("type")), ("", ()))
        if not name:
            return  # the wire is open: what is new is left alone
        piece = delta.get(name)
        if block.get("type") not in owners or not isinstance(piece, str):
            raise Unusable(f"a {delta.get('type')} came for a block of {block.get('type')}")
        if name == "partial_json":
            self._json += piece
        else:
            block[name] = str(block.get(name) or "") + piece
            message.pieces += name == "text"

    def _content_block_stop(self, message: Message, content: dict[str, Any]) -> None:
        if self._open is None or content.get("index") != self._open:
            raise Unusable("a block was closed that was not open")
        block = message.content[self._open]
        if self._json:
            block["input"] = _arguments(self._json)
        checked(block)
        self._open = None

    def _message_delta(self, message: Message, content: dict[str, Any]) -> None:
        delta = mapping(content.get("delta"))
        message.stop_reason = delta.get("stop_reason") or message.stop_reason
        message.stop_sequence = delta.get("stop_sequence") or message.stop_sequence
        told = mapping(content.get("usage"))
        message.usage.update({name: value for name, value in told.items() if value is not None})


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"the arguments of a tool call are not JSON: {text[:60]}") from error
