"""An answer of chat completions that came whole, as Anthropic's message."""

from secrets import token_hex
from typing import Any

import msgspec

from proxy.errors import ApiError
from proxy.translation import answers, errors
from proxy.translation.tool_ids import ToolIds

Block = dict[str, Any]


def to_message(completion: dict[str, Any], *, asked: str, input_estimate: int) -> dict[str, Any]:
    """The message; `asked` is the model that it names. Raises ApiError where the answer is an error, or senseless."""
    if error := errors.in_band(completion):
        raise ApiError(*error)
    choice = answers.first_choice(completion)
    message = choice.get("message") if choice else None
    if choice is None or not isinstance(message, dict):
        raise ApiError(502, "api_error", "the provider's answer holds no message")
    if error := answers.failure(choice):
        raise ApiError(*error)
    salt = token_hex(12)
    content = _said(message) + _calls(message, ToolIds(salt), cut=choice.get("finish_reason") == "length")
    reason = answers.stop_reason(
        choice.get("finish_reason"),
        has_tool=any(block["type"] == "tool_use" for block in content),
        refused=bool(answers.text_of(message.get("refusal")).strip()),
    )
    sequence = answers.stop_sequence(choice) if reason == "end_turn" else None
    return {
        "id": f"msg_{salt}", "type": "message", "role": "assistant", "model": asked, "content": content,
        "stop_reason": "stop_sequence" if sequence else reason, "stop_sequence": sequence,
        "usage": _usage(completion, choice, content, input_estimate),
    }  # fmt: skip


def _said(message: dict[str, Any]) -> list[Block]:
    found: list[Block] = []
    if (thought := answers.reasoning_of(message)).strip():
        found.append({"type": "thinking", "thinking": thought, "signature": ""})
    for text in (answers.text_of(message.get("content")), answers.text_of(message.get("refusal"))):
        if text.strip():
            found.append({"type": "text", "text": text})
    return found


def _calls(message: dict[str, Any], ids: ToolIds, *, cut: bool) -> list[Block]:
    """The calls of tools. One that the limit of output `cut` off is left out: it must not run with half its input."""
    calls, found = message.get("tool_calls"), []
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
            raise ApiError(502, "api_error", "the provider called a tool and did not say which")
        arguments = _arguments(function.get("arguments"))
        if arguments is None and not cut:
            raise ApiError(502, "api_error", "the provider called a tool with arguments that are no JSON object")
        if arguments is not None:
            call_id = call["id"] if isinstance(call.get("id"), str) else ""
            tool_id = ids.given(call_id, answers.signed_content(call))
            found.append({"type": "tool_use", "id": tool_id, "name": function["name"], "input": arguments})
    return found


def _arguments(found: object) -> dict[str, Any] | None:
    """The arguments as an object: an empty one for none at all, None for what is no object."""
    if isinstance(found, str) and found.strip() not in ("", "null"):
        try:
            found = msgspec.json.decode(found)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _usage(
    completion: dict[str, Any], choice: dict[str, Any], content: list[Block], input_estimate: int
) -> dict[str, int]:
    """The counts that are known, and estimates for the two that every message has."""
    characters = sum(len(str(value)) for block in content for value in block.values())
    least = {"input_tokens": max(1, input_estimate), "output_tokens": answers.estimated(characters)}
    return least | answers.usage_of(completion.get("usage") or choice.get("usage"))
