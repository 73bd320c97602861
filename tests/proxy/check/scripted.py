"""A provider on loopback that answers as Anthropic would. A defect is a subclass that gets one thing wrong."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.proxy.check.loopback import Quiet, serving
from tests.proxy.check.understanding import Answer, answer

KEY = "invented-provider-key"
MODEL = "model-1"
WINDOW = 200_000  # tokens


class Refusal(Exception):
    """An error in Anthropic's shape."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    @property
    def body(self) -> bytes:
        return json.dumps({"type": "error", "error": {"type": self.kind, "message": str(self)}}).encode()


class Provider:
    """Answers as it should. What a method gets wrong in a subclass is that subclass's defect.

    `patience`: the time-out to check it with, in seconds.
    """

    patience = "10"

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.over = threading.Event()  # ends whatever hangs
        self._cached: set[str] = set()

    def refuse(self, body: dict[str, Any], key: str) -> None:
        """Raises Refusal."""
        if key != KEY:
            raise Refusal(401, "authentication_error", "invalid x-api-key")
        if body["model"] != MODEL:
            raise Refusal(404, "not_found_error", f"model: {body['model']}")
        if not isinstance(body["messages"], list):
            raise Refusal(400, "invalid_request_error", "messages: Input should be a valid list")
        if (tokens := _tokens(body)) > WINDOW:
            raise Refusal(400, "invalid_request_error", f"prompt is too long: {tokens} tokens > {WINDOW} maximum")

    def count(self, body: dict[str, Any]) -> dict[str, Any]:
        """What count_tokens answers."""
        return {"input_tokens": _tokens(body)}

    def answer(self, body: dict[str, Any]) -> Answer:
        """What the model says."""
        return answer(body)

    def usage(self, body: dict[str, Any], said: Answer) -> dict[str, Any]:
        """What it used. What is marked for the cache is read from there from the second time on."""
        marked = json.dumps([block for block in body.get("system", []) if "cache_control" in block])
        size = len(marked) // 4 if len(marked) > 16_000 else 0
        known = marked in self._cached
        self._cached.add(marked)
        return {
            "input_tokens": _tokens(body) - size,
            "cache_creation_input_tokens": 0 if known else size,
            "cache_read_input_tokens": size if known else 0,
            "output_tokens": max(1, len(json.dumps(said.blocks)) // 4),
        }

    def message(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer as one JSON message."""
        said = self.answer(body)
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": said.blocks,
            "stop_reason": said.stop_reason, "stop_sequence": said.stop_sequence, "usage": self.usage(body, said),
        }  # fmt: skip

    def events(self, message: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The same as a stream."""
        start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
        yield "message_start", {"message": start}
        yield "ping", {}
        for index, block in enumerate(message["content"]):
            empty, deltas = _pieces(block)
            yield "content_block_start", {"index": index, "content_block": empty}
            for delta in deltas:
                yield "content_block_delta", {"index": index, "delta": delta}
            yield "content_block_stop", {"index": index}
        stop = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
        yield "message_delta", {"delta": stop, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
        yield "message_stop", {}

    def encoded(self, name: str, data: dict[str, Any]) -> bytes:
        """An event on the wire."""
        return f"event: {name}\ndata: {json.dumps({'type': name, **data}, ensure_ascii=False)}\n\n".encode()

    def serve(self, handler: BaseHTTPRequestHandler, body: dict[str, Any], key: str) -> None:
        """Answers one request."""
        try:
            self.refuse(body, key)
        except Refusal as refusal:
            return self.send(handler, refusal.status, "application/json", refusal.body)
        if handler.path.startswith("/v1/messages/count_tokens"):
            return self.send(handler, 200, "application/json", json.dumps(self.count(body)).encode())
        message = self.message(body)
        if not body["stream"]:
            return self.send(handler, 200, "application/json", json.dumps(message).encode())
        self.send(handler, 200, "text/event-stream; charset=utf-8", b"")
        for name, data in self.events(message):
            handler.wfile.write(self.encoded(name, data))
        return None

    def send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        """The head of an answer, and a body or the beginning of one."""
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def running(provider: Provider) -> Iterator[str]:
    """The provider's address while it is entered."""

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            provider.asked.append(body)
            provider.serve(self, body, self.headers.get("x-api-key", ""))

    with serving(Handler) as url:
        try:
            yield url
        finally:
            provider.over.set()


def _tokens(body: dict[str, Any]) -> int:
    without_files = re.sub(r'"data": "[^"]*"', "", json.dumps(body, ensure_ascii=False))
    return len(without_files) // 4


def _pieces(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    match block["type"]:
        case "text":
            pieces = re.findall(r".{1,9}", block["text"], re.DOTALL)
            return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
        case "thinking":
            thought = {"type": "thinking_delta", "thinking": block["thinking"]}
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [thought, signed]
        case "tool_use":
            pieces = re.findall(r".{1,9}", json.dumps(block["input"]), re.DOTALL)
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            return {**block, "input": {}}, deltas
    return block, []
