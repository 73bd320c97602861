"""What whole and streamed answers of chat completions have in common: why they stopped, what they used, their texts."""

from typing import Any

from proxy.translation import errors

Error = tuple[int, str, str]

# finish reasons of OpenAI; Gemini and GLM (safety, sensitive), Mistral (model_length), GLM (the context window)
STOPS = {
    "length": "max_tokens", "max_tokens": "max_tokens", "model_length": "max_tokens",
    "content_filter": "refusal", "safety": "refusal", "sensitive": "refusal",
    "model_context_window_exceeded": "model_context_window_exceeded",
}  # fmt: skip
# what is no end but a failure: OpenRouter, DeepSeek (request cut for want of machines), vLLM and SGLang, GLM
FAILURES = ("error", "insufficient_system_resource", "abort", "network_error")
CHARACTERS_PER_TOKEN = 4


def stop_reason(finish: object, *, has_tool: bool, refused: bool = False) -> str:
    """Anthropic's stop reason: that of a tool only where there is one, and then even if the provider says `stop`."""
    if isinstance(finish, str) and (found := STOPS.get(finish.lower())):
        return found
    if has_tool:
        return "tool_use"
    return "refusal" if refused else "end_turn"


def stop_sequence(choice: dict[str, Any]) -> str | None:
    """The stop sequence that ended an answer, where the provider tells (vLLM's `stop_reason`)."""
    found = choice.get("stop_reason")
    return found if isinstance(found, str) and found else None


def failure(choice: dict[str, Any]) -> Error | None:
    """Status, type and message where the provider broke its answer off."""
    if choice.get("error"):  # OpenRouter
        return errors.as_error(choice)
    finish = choice.get("finish_reason")
    return (502, "api_error", f"the provider broke its answer off: {finish}") if finish in FAILURES else None


def first_choice(completion: dict[str, Any]) -> dict[str, Any] | None:
    """The first of the choices; None in a chunk that has none, such as that of the usage."""
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) and not choice.get("index") else None


def text_of(content: object) -> str:
    """The text of a message's content: a string, or parts as Mistral sends them."""
    if isinstance(content, str):
        return content
    return "".join(_text(part) for part in content) if isinstance(content, list) else ""


def reasoning_of(message: dict[str, Any]) -> str:
    """What the model thought: `reasoning_content` (DeepSeek, Kimi, Qwen, vLLM), `reasoning` and details (OpenRouter).

    Where several say it they say the same, so the first counts. Mistral has it among the parts of the content.
    """
    for found in (message.get("reasoning_content"), message.get("reasoning")):
        if isinstance(found, str) and found:
            return found
    details = message.get("reasoning_details")
    if isinstance(details, list):
        return "".join(_text(part) or _text(part, "summary") for part in details)
    content = message.get("content")
    return "".join(text_of(_thinking(part)) for part in content) if isinstance(content, list) else ""


def signed_content(found: dict[str, Any]) -> dict[str, Any] | None:
    """What must come back with a tool call: Gemini's signature of a thought, among whatever is beside it."""
    extra = found.get("extra_content")
    return extra if isinstance(extra, dict) and extra else None


def usage_of(usage: object) -> dict[str, int]:
    """Anthropic's counts for those of chat completions: what is not known is not there.

    OpenAI counts in `prompt_tokens` what was read from the cache and written to it, Anthropic's `input_tokens` counts
    neither. No prompt and no answer has 0 tokens: such a count means that it is not known.
    """
    if not isinstance(usage, dict):
        return {}
    prompt, output = _count(usage, "prompt_tokens"), _output(usage)
    counts = {"output_tokens": output} if output else {}
    return counts | _input(usage, prompt) if prompt else counts


def newest(before: dict[str, int], found: dict[str, int]) -> dict[str, int]:
    """The counts after a later report, which says how much it is by now. Those of the input belong together."""
    if "input_tokens" in found and "output_tokens" in before:
        return {"output_tokens": before["output_tokens"]} | found
    return found if "input_tokens" in found else before | found


def estimated(characters: int) -> int:
    """Tokens of an output of which nothing but its length is known; never 0."""
    return max(1, characters // CHARACTERS_PER_TOKEN)


def _input(usage: dict[str, Any], prompt: int) -> dict[str, int]:
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    read = _first_count((details, "cached_tokens"), (usage, "prompt_cache_hit_tokens"), (usage, "cached_tokens"))
    written = _count(details, "cache_write_tokens")
    cached = (read or 0) + (written or 0)
    counts = {"input_tokens": prompt - cached if cached <= prompt else prompt}
    if read is not None:
        counts["cache_read_input_tokens"] = read
    if written is not None:
        counts["cache_creation_input_tokens"] = written
    return counts


def _output(usage: dict[str, Any]) -> int | None:
    """Tokens put out. Gemini and Grok leave those of thoughts out of `completion_tokens`, but not out of the total."""
    output, prompt = _count(usage, "completion_tokens"), _count(usage, "prompt_tokens")
    total = _count(usage, "total_tokens")
    if output is None or prompt is None or total is None:
        return output
    details = usage.get("completion_tokens_details")
    thought = _count(details, "reasoning_tokens") if isinstance(details, dict) else None
    beyond = total - prompt - output
    return output + beyond if beyond > 0 and thought in (None, beyond) else output


def _first_count(*places: tuple[dict[str, Any], str]) -> int | None:
    return next((count for found, name in places if (count := _count(found, name)) is not None), None)


def _count(found: dict[str, Any], name: str) -> int | None:
    value = found.get(name)
    return value if type(value) is int and value >= 0 else None


def _text(part: object, name: str = "text") -> str:
    text = part.get(name) if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def _thinking(part: object) -> object:
    return part.get("thinking") if isinstance(part, dict) else None
