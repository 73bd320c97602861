"""Providers that each get one thing wrong."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.proxy.check.scripted import Provider, Refusal
from tests.proxy.check.understanding import Answer

IMPATIENCE = "1.5"  # with what hangs; everything else must answer within it
Body = dict[str, Any]
Events = Iterator[tuple[str, dict[str, Any]]]


def blocks(body: Body) -> list[Body]:
    """All blocks of all messages, also those inside results of tools."""
    contents = [message["content"] for message in body["messages"] if isinstance(message["content"], list)]
    outer = [block for content in contents for block in content]
    return outer + [inner for block in outer if isinstance(block.get("content"), list) for inner in block["content"]]


class WithoutCountTokens(Provider):
    def serve(self, handler: BaseHTTPRequestHandler, body: Body, key: str) -> None:
        if handler.path.startswith("/v1/messages/count_tokens"):
            return self.send(handler, 404, "application/json", Refusal(404, "not_found_error", "no such page").body)
        return super().serve(handler, body, key)


class IgnoresTools(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer({**body, "tools": []})


class CallsToolsWhenForced(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer(body if body.get("tool_choice") else {**body, "tools": []})


class BreaksArguments(Provider):
    def events(self, message: Body) -> Events:
        for name, data in super().events(message):
            if data.get("delta", {}).get("type") == "input_json_delta":
                data["delta"]["partial_json"] = data["delta"]["partial_json"].replace('"', "'")
            yield name, data


class OneToolAtATime(Provider):
    def answer(self, body: Body) -> Answer:
        said = super().answer(body)
        calls = [block for block in said.blocks if block["type"] == "tool_use"]
        said.blocks = [block for block in said.blocks if block not in calls[1:]]
        return said


class SameIdForAllCalls(Provider):
    def answer(self, body: Body) -> Answer:
        said = super().answer(body)
        for block in said.blocks:
            if block["type"] == "tool_use":
                block["id"] = "call_0"
        return said


class WithoutMessageStop(Provider):
    def events(self, message: Body) -> Events:
        yield from (event for event in super().events(message) if event[0] != "message_stop")


class NamelessEvents(Provider):
    def encoded(self, name: str, data: dict[str, Any]) -> bytes:
        return f"data: {json.dumps({'type': name, **data})}\n\n".encode()


class OpensBlocksTogether(Provider):
    """Blocks overlap: each is closed only when all are open."""

    def events(self, message: Body) -> Events:
        ends = []
        for event in super().events(message):
            if event[0] == "content_block_stop":
                ends.append(event)
                continue
            if event[0] == "message_delta":
                yield from ends
            yield event


class NeverStreams(Provider):
    def serve(self, handler: BaseHTTPRequestHandler, body: Body, key: str) -> None:
        super().serve(handler, {**body, "stream": False}, key)


class CountsNothing(Provider):
    def usage(self, body: Body, said: Answer) -> dict[str, Any]:
        return dict.fromkeys(super().usage(body, said), 0)


class CountsAtTheEndAlone(Provider):
    def events(self, message: Body) -> Events:
        for name, data in super().events(message):
            if name == "message_start":
                data = {"message": {**data["message"], "usage": {"input_tokens": 0, "output_tokens": 0}}}
            if name == "message_delta":
                data = {**data, "usage": message["usage"]}
            yield name, data


class ErrorsWithStatus200(Provider):
    def send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        super().send(handler, 200, kind, body)


class ErrorsAsWebPages(Provider):
    def send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        if status != 200:
            kind, body = "text/html", b"<!doctype html><h1>Something went wrong</h1>"
        super().send(handler, status, kind, body)


class ErrorsInAShapeOfTheirOwn(Provider):
    def send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        super().send(handler, status, kind, b'{"code": 1211, "msg": "no"}' if status != 200 else body)


class RefusesThinking(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if "thinking" in body:
            raise Refusal(400, "invalid_request_error", "thinking: Extra inputs are not permitted")


class DoesNotThink(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer({**body, "thinking": {"type": "disabled"}})


class RefusesImages(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if any(block["type"] == "image" for block in blocks(body)):
            raise Refusal(400, "invalid_request_error", "this model reads text alone")


class HangsAtImages(Provider):
    patience = IMPATIENCE

    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if any(block["type"] == "image" for block in blocks(body)):
            self.over.wait(20)


class RefusesTheCache(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if "cache_control" in json.dumps(body):
            raise Refusal(400, "invalid_request_error", "cache_control: Extra inputs are not permitted")


class RefusesBetas(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if "context_management" in body:
            raise Refusal(400, "invalid_request_error", "context_management: Extra inputs are not permitted")


class RefusesSystemAmongMessages(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if any(message["role"] == "system" for message in body["messages"]):
            raise Refusal(400, "invalid_request_error", "messages.1.role: should be 'user' or 'assistant'")


class GarblesText(Provider):
    def encoded(self, name: str, data: dict[str, Any]) -> bytes:
        return super().encoded(name, data).decode("latin-1").encode()


class SaysTooLongInOtherWords(Provider):
    def refuse(self, body: Body, key: str) -> None:
        try:
            super().refuse(body, key)
        except Refusal as refusal:
            raise Refusal(refusal.status, refusal.kind, str(refusal).replace("prompt is too long", "length")) from None


class TakesAnything(Provider):
    """Neither a key nor a model matters to it."""

    def refuse(self, body: Body, key: str) -> None:
        if not isinstance(body["messages"], list):
            body["messages"] = [{"role": "user", "content": "hello"}]


class ThinksUntilNothingIsLeft(Provider):
    """With tools it thinks until max_tokens, and says nothing."""

    def answer(self, body: Body) -> Answer:
        thought = {"type": "thinking", "thinking": "Hm.", "signature": "invented"}
        return Answer([thought], "max_tokens") if body.get("tools") else super().answer(body)


class Hangs(Provider):
    patience = IMPATIENCE

    def serve(self, handler: BaseHTTPRequestHandler, body: Body, key: str) -> None:
        self.over.wait(20)


class PingsAndNothingElse(Provider):
    patience = IMPATIENCE

    def serve(self, handler: BaseHTTPRequestHandler, body: Body, key: str) -> None:
        self.send(handler, 200, "text/event-stream", b"")
        while not self.over.wait(0.05):
            handler.wfile.write(self.encoded("ping", {}))


class FallsSilent(Provider):
    """In the middle of every stream."""

    patience = IMPATIENCE

    def events(self, message: Body) -> Events:
        yield from list(super().events(message))[:4]
        self.over.wait(20)


class BreaksOff(Provider):
    def events(self, message: Body) -> Events:
        yield from list(super().events(message))[:4]


class WasBusy(Provider):
    """Every fifth call is turned away once."""

    turned_away = 0

    def serve(self, handler: BaseHTTPRequestHandler, body: Body, key: str) -> None:
        if len(self.asked) % 5 == 2 and self.turned_away < 3:
            self.turned_away += 1
            return self.send(handler, 529, "application/json", Refusal(529, "overloaded_error", "busy").body)
        return super().serve(handler, body, key)


class IsAlwaysBusy(Provider):
    def refuse(self, body: Body, key: str) -> None:
        raise Refusal(529, "overloaded_error", "Overloaded")


class RefusesTheKey(Provider):
    """Says the key aloud, and tries to steer the terminal."""

    def refuse(self, body: Body, key: str) -> None:
        raise Refusal(401, "authentication_error", f"\x1b[2J\u202ewrong key {key}\r\n\x07" + "x" * 5_000)


class WantsMoney(Provider):
    def refuse(self, body: Body, key: str) -> None:
        raise Refusal(400, "invalid_request_error", "Your credit balance is too low to access the API.")


class KnowsNoModel(Provider):
    def refuse(self, body: Body, key: str) -> None:
        raise Refusal(404, "not_found_error", f"model: {body['model']}")


class Fails(Provider):
    def refuse(self, body: Body, key: str) -> None:
        raise Refusal(500, "api_error", "Internal server error")
