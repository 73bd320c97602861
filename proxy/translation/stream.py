"""A stream of chat completions as Anthropic's events."""

import json
from secrets import token_hex
from typing import Any

import msgspec

from proxy.translation import answers, errors, events
from proxy.translation.blocks import Blocks
from proxy.translation.sse import EventLines, TooLong
from proxy.translation.tool_calls import ToolCalls
from proxy.translation.tool_ids import ToolIds

_decode = msgspec.json.decode
Error = tuple[int, str, str]
TRUNCATED: Error = (502, "api_error", "the provider's stream ended before its message did")
UNREADABLE: Error = (502, "api_error", "the provider sent an event that cannot be read")


class StreamTranslator:
    """Takes the provider's bytes, cut anywhere, and gives Anthropic's events.

    `finished`: `message_stop` was given, and more bytes mean nothing. `failed`: an error event was given, and nothing
    follows it; `error` has its status, type and message. Nothing is given out before the provider's first piece of an
    answer, so an error that comes before it is known while the caller can still be answered with its status: `error` is
    set and `started` is not, and its event is what was given.
    """

    def __init__(self, *, asked: str, input_estimate: int, message_id: str = "") -> None:
        """`asked`: the model to name. `input_estimate`: tokens of the request. `message_id`: a new one if empty."""
        self.started = False
        self.finished = False
        self.failed = False
        self.error: Error | None = None
        self._asked = asked
        self._input_estimate = input_estimate
        self._id = message_id or f"msg_{token_hex(12)}"
        self._lines = EventLines()
        self._blocks = Blocks()
        self._calls = ToolCalls(self._blocks, ToolIds(self._id.removeprefix("msg_")))
        self._usage: dict[str, int] = {}
        self._stop: tuple[str, str | None] | None = None
        self._refused = False

    def feed(self, chunk: bytes) -> bytes:
        """The events that `chunk` completes; empty while there is nothing to say."""
        if self.finished or self.failed:
            return b""
        try:
            return self._taken(self._lines.feed(chunk))
        except TooLong:
            return self._fail(UNREADABLE)

    def end(self) -> bytes:
        """The last events, at the end of the provider's bytes: an error where its answer had no end."""
        if self.finished or self.failed:
            return b""
        rest = self._taken(self._lines.end(), is_rest=True)
        if self.finished or self.failed:
            return rest
        return rest + (self._finish() if self._stop else self._fail(TRUNCATED))

    def _taken(self, found: list[tuple[bytes, bytes]], *, is_rest: bool = False) -> bytes:
        given: list[bytes] = []
        for name, data in found:
            if data == b"[DONE]":
                given.append(self._finish())
            elif (chunk := _object(data)) is not None:
                given.append(self._event(name, chunk))
            elif not is_rest:
                given.append(self._fail(UNREADABLE))
            if self.finished or self.failed:
                break
        return b"".join(given)

    def _event(self, name: bytes, chunk: dict[str, Any]) -> bytes:
        if name == b"error":
            return self._fail(errors.as_error(chunk))
        looks_bad = "error" in chunk or chunk.get("object") == "error"
        if looks_bad and (error := errors.in_band(chunk)):
            return self._fail(error)
        choice = answers.first_choice(chunk)
        if usage := chunk.get("usage") or (choice and choice.get("usage")):  # Kimi puts it into the choice
            self._usage = answers.newest(self._usage, answers.usage_of(usage))
        return self._choice(choice) if choice else b""

    def _choice(self, choice: dict[str, Any]) -> bytes:
        finish = choice.get("finish_reason")
        if error := answers.failure(choice):
            return self._fail(error)
        try:
            given = self._delta(self._delta_of(choice))
        except ValueError as error:
            return self._fail((502, "api_error", str(error)))
        if finish:
            self._stop = (finish, answers.stop_sequence(choice))
        return self._begun(given) if finish or given else b""

    def _delta_of(self, choice: dict[str, Any]) -> dict[str, Any]:
        """The piece of an answer. Some providers send the message whole, or its calls of tools in the last chunk."""
        delta, message = choice.get("delta"), choice.get("message")
        if not isinstance(message, dict):
            return delta if isinstance(delta, dict) else {}
        if not isinstance(delta, dict) and not self.started:
            return message
        calls = {} if self._calls.any else {"tool_calls": message.get("tool_calls")}
        return calls | (delta if isinstance(delta, dict) else {})

    def _delta(self, delta: dict[str, Any]) -> bytes:
        """The events for a piece. Raises ValueError where it makes no sense."""
        self._blocks.chunk += 1
        given = b""
        if thought := answers.reasoning_of(delta):
            given = self._blocks.say("thinking", thought)
        if text := answers.text_of(delta.get("content")):
            given += self._blocks.say("text", text)
        if refusal := answers.text_of(delta.get("refusal")):
            self._refused = self._refused or bool(refusal.strip())
            given += self._blocks.say("text", refusal)
        pieces = delta.get("tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, dict):
                given += self._calls.take(piece)
        return given

    def _begun(self, given: bytes) -> bytes:
        if self.started:
            return given
        self.started = True
        return events.message_start(self._id, self._asked, self._input_estimate) + given

    def _finish(self) -> bytes:
        try:
            given = self._begun(self._blocks.finish())
        except ValueError as error:
            return self._fail((502, "api_error", str(error)))
        self.finished = True
        finish, sequence = self._stop or (None, None)
        reason = answers.stop_reason(finish, has_tool=self._blocks.has_tool, refused=self._refused)
        if sequence and reason == "end_turn":
            reason = "stop_sequence"
        usage = {"output_tokens": answers.estimated(self._blocks.characters)} | self._usage
        return given + events.message_end(reason, sequence if reason == "stop_sequence" else None, usage)

    def _fail(self, error: Error) -> bytes:
        """The error event, after which nothing comes."""
        self.failed = True
        self.error = error
        return events.error(error[1], error[2])


def _object(data: bytes) -> dict[str, Any] | None:
    """The object in an event; an empty one where it holds something else, None where it cannot be read.

    Some servers cut characters in halves, and put each half into an event of its own.
    """
    try:
        found = _decode(data)
    except (ValueError, RecursionError):
        found = _lenient(data)
        if found is None:
            return None
    return found if isinstance(found, dict) else {}


def _lenient(data: bytes) -> Any:
    """The JSON of an event with half characters, which become signs that say so."""
    try:
        text = json.dumps(json.loads(data.decode(errors="replace")), ensure_ascii=False)
        return _decode(text.encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
