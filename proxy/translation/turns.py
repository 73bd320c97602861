"""The turns of a conversation, from Anthropic's blocks to the messages of chat completions."""

import re
from typing import Any

import msgspec

from proxy.gateway import Provider
from proxy.translation.content import parts, system_texts, text_part
from proxy.translation.conversation import Conversation, Message
from proxy.translation.fields import blocks, field, optional, refused, typed
from proxy.translation.tool_ids import restored

# DeepSeek and Kimi refuse calls of tools in the history without the thoughts before them, be they empty; GLM and
# MiniMax take them. OpenAI refuses the field.
READS_THOUGHTS = re.compile(r"deepseek|kimi|glm|minimax", re.IGNORECASE)
# Gemini from 3 on refuses calls without a signature; for calls that others made Google names this one
# (ai.google.dev/gemini-api/docs/thought-signatures).
WANTS_SIGNATURE = re.compile(r"(^|/)gemini-(?![12]\b)", re.IGNORECASE)
NO_SIGNATURE = {"google": {"thought_signature": "skip_thought_signature_validator"}}

REMINDER = "<system-reminder>"


class Turns:
    """Translates turns for a model of a provider. Errors are ApiErrors (400)."""

    def __init__(self, model: str, provider: Provider) -> None:
        self._model = model
        self._provider = provider
        self._is_google = "gemini" in model.lower() or "googleapis.com" in provider.base_url
        self._conversation = Conversation()

    def messages(self, request: Message) -> list[Message]:
        """All of the conversation, one system prompt first."""
        prompt = system_texts(request.get("system"), "system")
        for n, found in enumerate(field(request, "messages", list, "")):
            where = f"messages.{n}"
            message = typed(found, dict, where)
            role = field(message, "role", str, where)
            if role == "system" and self._conversation.empty:
                prompt += system_texts(message.get("content"), f"{where}.content")
                continue
            if self._conversation.empty and prompt:
                self._conversation.system("\n\n".join(prompt))
                prompt = []
            self._add(role, message.get("content"), where)
        return self._conversation.end()

    def _add(self, role: str, content: object, where: str) -> None:
        place = f"{where}.content"
        if role == "system":
            self._remind(system_texts(content, place))
        elif role == "user":
            self._add_user(blocks(content, place), place)
        elif role == "assistant":
            self._add_assistant(blocks(content, place), place)
        else:
            raise refused(f"{where}.role", "Input should be 'user', 'assistant' or 'system'")

    def _remind(self, texts: list[str]) -> None:
        """What the system says later is told by the user, in Claude Code's own tags: many servers refuse a system
        message anywhere but at the front."""
        tagged = [text if text.startswith(REMINDER) else f"{REMINDER}\n{text}\n</system-reminder>" for text in texts]
        self._conversation.say([text_part(text) for text in tagged])

    def _add_user(self, content: list[Message], place: str) -> None:
        said = []
        for n, block in enumerate(content):
            if block.get("type") == "tool_result":
                self._add_result(block, f"{place}.{n}")
            else:
                said += parts(block, f"{place}.{n}", self._provider)
        self._conversation.say(said)

    def _add_result(self, block: Message, where: str) -> None:
        place = f"{where}.content"
        content = enumerate(blocks(block.get("content") or [], place))
        found = [part for n, inner in content for part in parts(inner, f"{place}.{n}", self._provider)]
        is_error = bool(optional(block, "is_error", bool, where))
        self._conversation.answer(field(block, "tool_use_id", str, where), found, is_error=is_error, where=where)

    def _add_assistant(self, content: list[Message], place: str) -> None:
        """Thoughts with a signature are another provider's, and nothing to this one."""
        texts, thoughts, calls, caller_ids = [], [], [], []
        for n, block in enumerate(content):
            where, kind = f"{place}.{n}", block.get("type")
            if kind == "text":
                texts.append(field(block, "text", str, where))
            elif kind == "thinking" and not block.get("signature"):
                thoughts.append(field(block, "thinking", str, where))
            elif kind == "tool_use":
                caller_ids.append(field(block, "id", str, where))
                calls.append(self._call(block, where))
            elif kind not in ("thinking", "redacted_thinking"):
                raise refused(where, f"{str(kind)[:60]!r} in an answer is known to Anthropic's own models alone")
        text = "\n\n".join(text for text in texts if text.strip())
        message = self._conversation.reply(text, calls, caller_ids, place)
        if message and message.get("tool_calls"):
            self._add_thoughts(message, thoughts)

    def _call(self, block: Message, where: str) -> Message:
        """A call of a tool, with what Google wants to see again beside it; others would refuse that."""
        name, arguments = field(block, "name", str, where), _json(field(block, "input", dict, where), where)
        call_id, extra = restored(block["id"])
        call: Message = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        return call | {"extra_content": extra} if extra and self._is_google else call

    def _add_thoughts(self, message: Message, thoughts: list[str]) -> None:
        """What the provider wants to see again beside calls of tools."""
        if READS_THOUGHTS.search(self._model):
            message["reasoning_content"] = message.get("reasoning_content", "") + "".join(thoughts)
        if WANTS_SIGNATURE.search(self._model):
            message["tool_calls"][0].setdefault("extra_content", NO_SIGNATURE)


def _json(arguments: dict[str, Any], where: str) -> str:
    try:
        return msgspec.json.encode(arguments).decode()
    except (ValueError, TypeError) as error:
        raise refused(f"{where}.input", "Input should be a valid object") from error
