"""A conversation as chat completions want it: every result of a tool right behind the calls, the user's words after."""

from collections.abc import Iterable
from typing import Any

from proxy.errors import ApiError
from proxy.translation.content import Part, joined, text_part
from proxy.translation.fields import refused

Message = dict[str, Any]


class Conversation:
    """Takes the turns in their order. `messages` are OpenAI's, complete after `end`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._waiting: dict[str, str] = {}  # calls without a result: the caller's id, the provider's
        self._images: list[Part] = []
        self._held: list[Part] = []  # what the user said before all the results had come

    @property
    def empty(self) -> bool:
        return not self.messages and not self._held

    def system(self, text: str) -> None:
        """The system prompt, before anything else."""
        self.messages.append({"role": "system", "content": text})

    def say(self, parts: list[Part]) -> None:
        """What the user says. It waits for the results that are still to come."""
        if self._waiting:
            self._held += parts
        elif parts and self.messages and self.messages[-1]["role"] == "user":
            self.messages[-1]["content"] += parts
        elif parts:
            self.messages.append({"role": "user", "content": parts})

    def reply(self, text: str, calls: list[Message], caller_ids: Iterable[str], where: str) -> Message | None:
        """What the model said: the message, to be added to; None where there is nothing in it. Raises ApiError (400).

        Turns of the model in a row are one turn, as Anthropic's API takes them.
        """
        if not text and not calls:
            return None
        goes_on = bool(self.messages) and self.messages[-1]["role"] == "assistant"
        if self._waiting and (not goes_on or self._held):
            raise self._unanswered(where)
        if not goes_on:
            self.messages.append({"role": "assistant", "content": None})
        message = self.messages[-1]
        message["content"] = "\n\n".join(filter(None, (message["content"], text))) or None
        for call, caller_id in zip(calls, caller_ids, strict=True):
            if caller_id in self._waiting:
                raise refused(where, "`tool_use` ids must be unique")
            self._waiting[caller_id] = call["id"] = self._free_id(call["id"])
        if calls:
            message.setdefault("tool_calls", []).extend(calls)
        return message

    def answer(self, caller_id: str, parts: list[Part], *, is_error: bool, where: str) -> None:
        """The result of a call. Its images follow all of the results, since those take text alone. Raises ApiError."""
        if caller_id not in self._waiting:
            said = f"unexpected `tool_use_id` found in `tool_result` blocks: {caller_id[:100]}"
            why = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            raise refused(where, f"{said}. {why}")
        call_id = self._waiting.pop(caller_id)
        texts = [self._beside(part, call_id) for part in parts]
        text = "\n\n".join(texts) or "(no output)"
        content = f"Error: {text}" if is_error else text
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": content})
        if not self._waiting:
            now, self._images, self._held = self._images + self._held, [], []
            self.say(now)

    def end(self) -> list[Message]:
        """The messages. Raises ApiError (400) where there are none, or calls are left without a result."""
        if self._waiting:
            raise self._unanswered("messages")
        if not any(message["role"] in ("user", "assistant", "tool") for message in self.messages):
            raise refused("messages", "at least one message with content is required")
        for message in self.messages:
            if message["role"] == "user":
                message["content"] = joined(message["content"])
        return self.messages

    def _beside(self, part: Part, call_id: str) -> str:
        """The text of a part; that of an image says where the image is."""
        if part["type"] == "text":
            return str(part["text"])
        name = f"image {sum(image['type'] == 'image_url' for image in self._images) + 1}"
        self._images += [text_part(f"{name}, from the result of {call_id}:"), part]
        return f"({name}, see below)"

    def _unanswered(self, where: str) -> ApiError:
        said = "`tool_use` ids were found without `tool_result` blocks immediately after"
        ids = ", ".join(caller_id[:100] for caller_id in self._waiting)
        why = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
        return refused(where, f"{said}: {ids}. {why}")

    def _free_id(self, call_id: str) -> str:
        """The id, changed where another call of the turn has it: some providers give one id to all calls of a turn."""
        taken, found, n = set(self._waiting.values()), call_id, 1
        while found in taken:
            n += 1
            found = f"{call_id[:32]}-{n}"
        return found
