"""Providers that answer everything, but some things otherwise than Claude Code expects."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.proxy.check.defects import blocks
from tests.proxy.check.scripted import Provider, Refusal
from tests.proxy.check.understanding import Answer

Body = dict[str, Any]


def says(text: str) -> Answer:
    return Answer([{"type": "text", "text": text}])


class SendsAllAtOnce(Provider):
    """A stream with a single piece for each block."""

    def events(self, message: Body) -> Iterator[tuple[str, dict[str, Any]]]:
        pieces: list[str] = []
        for name, data in super().events(message):
            if data.get("delta", {}).get("type") == "text_delta":
                pieces.append(data["delta"]["text"])
                continue
            if name == "content_block_stop" and pieces:
                whole = {"type": "text_delta", "text": "".join(pieces)}
                yield "content_block_delta", {"index": data["index"], "delta": whole}
                pieces = []
            yield name, data


class OnlyStreams(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if body.get("stream") is False:
            raise Refusal(400, "invalid_request_error", "this model only streams")


class KnowsNoLimits(Provider):
    """Neither max_tokens nor stop_sequences."""

    def answer(self, body: Body) -> Answer:
        return super().answer({**body, "max_tokens": 1024, "stop_sequences": []})


class DoesNotSayWhyItStops(Provider):
    def answer(self, body: Body) -> Answer:
        said = super().answer(body)
        return Answer(said.blocks)


class IgnoresBlocksOfTheSystem(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer(body if isinstance(body.get("system"), str) else {**body, "system": ""})


class IgnoresSystemStrings(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer(body if isinstance(body.get("system"), list) else {**body, "system": []})


class IgnoresSystemAmongMessages(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer(
            {**body, "messages": [message for message in body["messages"] if message["role"] != "system"]}
        )


class RefusesEffort(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if "output_config" in body:
            raise Refusal(400, "invalid_request_error", "output_config.effort: not supported by this model")


class SaysSomethingElse(Provider):
    """Where it shall repeat a line."""

    def answer(self, body: Body) -> Answer:
        said = super().answer(body)
        return says("I would rather not.") if "日本語" in str(said.blocks) else said


class MixesUpTypes(Provider):
    """Numbers in arguments come as strings."""

    def answer(self, body: Body) -> Answer:
        said = super().answer(body)
        for block in said.blocks:
            if "pages" in block.get("input", {}):
                block["input"]["pages"] = ["2", "3"]
        return said


class IgnoresResults(Provider):
    def answer(self, body: Body) -> Answer:
        results = [block for block in blocks(body) if block["type"] == "tool_result"]
        return says("I do not know.") if results else super().answer(body)


class SeesOneResult(Provider):
    """Of several."""

    def answer(self, body: Body) -> Answer:
        results = [block for block in blocks(body) if block["type"] == "tool_result"]
        return says(str(results[0]["content"])) if len(results) > 1 else super().answer(body)


class RefusesACertainTool(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if body.get("tool_choice", {}).get("type") == "tool":
            raise Refusal(400, "invalid_request_error", "tool_choice: only auto, any and none")


class CallsForbiddenTools(Provider):
    def answer(self, body: Body) -> Answer:
        return super().answer({**body, "tool_choice": {"type": "auto"}} if body.get("tool_choice") else body)


class CallsOneToolAtFirst(Provider):
    """The first time that it is asked for several calls it makes one."""

    asked_for_several = 0

    def answer(self, body: Body) -> Answer:
        said = super().answer(body)
        if len(said.blocks) == 3:
            self.asked_for_several += 1
            return Answer(said.blocks[: 1 if self.asked_for_several == 1 else 3], "tool_use")
        return said


class RefusesAdaptiveThinking(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if body.get("thinking", {}).get("type") == "adaptive":
            raise Refusal(400, "invalid_request_error", "thinking.type: should be enabled or disabled")


class RefusesItsOwnThinking(Provider):
    def refuse(self, body: Body, key: str) -> None:
        super().refuse(body, key)
        if isinstance(body["messages"], list) and any(block["type"] == "thinking" for block in blocks(body)):
            raise Refusal(400, "invalid_request_error", "messages.1.content.0: Invalid signature in thinking block")


class IsBlind(Provider):
    """Takes pictures and documents, and sees nothing."""

    def answer(self, body: Body) -> Answer:
        seen = {"image", "document"} & {block["type"] for block in blocks(body)}
        return says("It is rendered in grey.") if seen else super().answer(body)


class CountsTenfold(Provider):
    def count(self, body: Body) -> dict[str, Any]:
        return {"input_tokens": super().count(body)["input_tokens"] * 10}

    def usage(self, body: Body, said: Answer) -> dict[str, Any]:
        return {name: tokens * 10 for name, tokens in super().usage(body, said).items()}


class CountsInWords(Provider):
    def count(self, body: Body) -> dict[str, Any]:
        return {"tokens": "many"}


class Overlooks(Provider):
    """What stands in a long text."""

    def answer(self, body: Body) -> Answer:
        return says("I see nothing of the kind.") if len(str(body)) > 100_000 else super().answer(body)


class ReadsMore(Provider):
    """Than Claude Code sends."""

    def refuse(self, body: Body, key: str) -> None:
        super().refuse({**body, "messages": []}, key)


class FailsNowAndThen(Provider):
    """With the status 500, four times."""

    failures = 0

    def serve(self, handler: BaseHTTPRequestHandler, body: Body, key: str) -> None:
        if len(self.asked) % 7 == 3 and self.failures < 4:
            self.failures += 1
            return self.send(handler, 500, "application/json", Refusal(500, "api_error", "try again").body)
        return super().serve(handler, body, key)
