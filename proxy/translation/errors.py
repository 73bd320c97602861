"""Errors of chat completions, from OpenAI and the many that copy it, in Anthropic's shape and wording."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from proxy.errors import content

MOST_CHARACTERS = 4000
KINDS = {
    401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
    408: "timeout_error", 413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error",
    529: "overloaded_error",
}  # fmt: skip
# `type` or `code` of an error that came in place of an answer, and the status that it would have had
STATUSES = {
    "invalid_request_error": 400, "badrequesterror": 400, "authentication_error": 401, "invalid_api_key": 401,
    "permission_error": 403, "not_found_error": 404, "notfounderror": 404, "model_not_found": 404,
    "rate_limit_error": 429, "rate_limit_exceeded": 429, "rate_limit_reached_error": 429, "resource_exhausted": 429,
    "timeout": 504, "timeout_error": 504, "overloaded_error": 529, "engine_overloaded_error": 529, "overloaded": 529,
}  # fmt: skip
# the account has no money left: OpenAI, Moonshot, DeepSeek, GLM (number); they say it with 429 or 403 too
UNPAID = {
    "insufficient_quota", "billing_hard_limit_reached", "exceeded_current_quota_error", "insufficient_balance",
    "insufficient_user_quota", "1113",
}  # fmt: skip
TOO_LONG = re.compile(
    r"""context_length_exceeded | exceed_context_size | maximum\ (context|prompt|model)\ length
    | context\ length\ exceed
    | exceed(s|ed)?\ (the\ |its\ |your\ )?(model's\ |available\ |maximum\ )*(context|model\ token\ limit)
    | input\ tokens?\ (count\ )?(\(\d+\)\ )?exceeds? | prompt\ is\ too\ long | input\ is\ too\ long
    | range\ of\ input\ length\ should | maximum\ number\ of\ (input\ )?tokens\ allowed | prompt\ exceeds\ max""",
    re.IGNORECASE | re.VERBOSE,
)
# In the texts of OpenAI, vLLM, DeepSeek, Moonshot, Gemini, Mistral, Grok, OpenRouter and llama.cpp: the limit, the
# tokens asked for in all, and how they are made up of input and output.
LIMIT = re.compile(
    r"(?:maximum (?:context|prompt|model) length (?:is|of)|configured limit of|token limit:|tokens allowed(?: is)?"
    r"|context size|model with) \(?(\d+)",
    re.IGNORECASE,
)
ASKED = re.compile(
    r"(?:requested(?: about)?:?|resulted in|contains|request has|token count|request) \(?(\d+)", re.IGNORECASE
)
MADE_UP = (
    re.compile(r"requested(?: about)? (?P<all>\d+) tokens \(.*?(?P<output>\d+) in the (?:completion|output)"),
    re.compile(r"too large: (?P<output>\d+)\b.*?has (?P<input>\d+) input tokens"),
    re.compile(r"requested (?P<output>\d+) output tokens.*?contains (?:at least )?(?P<input>\d+)"),
)
OVERLOADED = re.compile(r"overload|capacity|too busy", re.IGNORECASE)
SECRET = re.compile(
    r"""(?i: \b(?:sk|pk|rk|gsk|xai|hf|nvapi|tgp|csk)[-_][\w*.-]{6,} | \bAIza[\w*-]{6,} | \bbearer\s+\S+
    | (?<=key\ provided:\ )\S+ )
    | \b(?=[A-Za-z_]*\d)(?=[\d_]*[A-Za-z])\w{32,}(?:\.\w+)?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """What an error says of itself: a text, and the words and numbers of its `type` and `code`, in small letters."""

    text: str = ""
    marks: frozenset[str] = frozenset()


def to_error(status: int, body: bytes) -> tuple[int, bytes]:
    """The status and the body that the caller gets, for those of the provider.

    The provider's text is kept, but for keys and web pages. What the caller must act on has Anthropic's words: a prompt
    that is too long is a 400 that begins with `prompt is too long`, or with `input length and max_tokens exceed context
    limit` where the prompt alone would fit; an account without money is a 402.
    """
    status, kind, text = _told(status, _read(body))
    return status, msgspec.json.encode(content(kind, text))


def in_band(found: dict[str, Any]) -> tuple[int, str, str] | None:
    """Status, type and message of an error that came where an answer should be; None where `found` is no error."""
    error = found.get("error")
    choice = found.get("choices")
    if not error and isinstance(choice, list) and choice and isinstance(choice[0], dict):
        error = choice[0].get("error")  # OpenRouter, where an answer failed half-way
    if error:
        said = _said(error)
    elif found.get("object") == "error":
        said = _said(found)
    else:
        return None
    return _told(_status(said), said)


def as_error(found: dict[str, Any]) -> tuple[int, str, str]:
    """The same of an event that calls itself an error, whatever is in it."""
    said = _said(found)
    return in_band(found) or _told(_status(said), said)


def _told(status: int, said: Said) -> tuple[int, str, str]:
    if not 400 <= status < 600:
        status = HTTPStatus.BAD_GATEWAY
    text = SECRET.sub("[key]", said.text[:MOST_CHARACTERS]) or f"the provider answered {status} and did not say why"
    if status in (400, 413, 422, 500) and TOO_LONG.search(" ".join((text, *said.marks))):
        return 400, "invalid_request_error", _too_long(text)
    if said.marks & UNPAID:
        return 402, "billing_error", text
    if status == HTTPStatus.SERVICE_UNAVAILABLE and OVERLOADED.search(text):
        return status, "overloaded_error", text
    return status, KINDS.get(status, "invalid_request_error" if status < 500 else "api_error"), text


def _too_long(text: str) -> str:
    """Claude Code reads the numbers: it compacts by as much as is needed, or asks for less output."""
    limit, asked = _number(LIMIT, text), _number(ASKED, text)
    put_in, put_out = _made_up(text)
    if limit and put_in and put_in < limit:
        return f"input length and `max_tokens` exceed context limit: {put_in} + {put_out} > {limit}: {text}"
    if limit and (put_in or asked) > limit:
        return f"prompt is too long: {put_in or asked} tokens > {limit} maximum: {text}"
    return text if text.startswith("prompt is too long") else f"prompt is too long: {text}"


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else 0


def _made_up(text: str) -> tuple[int, int]:
    """The tokens of the input and those asked for as output; zeros where the text does not tell them apart."""
    found = next((found for pattern in MADE_UP if (found := pattern.search(text))), None)
    if not found:
        return 0, 0
    numbers = {name: int(number) for name, number in found.groupdict().items()}
    put_in = numbers["input"] if "input" in numbers else numbers["all"] - numbers["output"]
    return max(0, put_in), numbers["output"]


def _status(said: Said) -> int:
    numbers = [int(mark) for mark in said.marks if mark.isdecimal() and len(mark) == 3 and "400" <= mark < "600"]
    named = [STATUSES[mark] for mark in said.marks if mark in STATUSES]
    return max(numbers or named or [500])


def _read(body: bytes) -> Said:
    try:
        return _said(msgspec.json.decode(body))
    except (ValueError, RecursionError):
        text = body[: 4 * MOST_CHARACTERS].decode(errors="replace").strip()
        return Said() if text.startswith("<") or "<html" in text.lower() else Said(text)


def _said(found: object) -> Said:
    """Reads the shapes in use: `{"error": {…}}`, `{"error": "…"}`, `{"message": "…"}`, `{"detail": …}`, and lists."""
    if isinstance(found, str):
        return Said(found)
    if isinstance(found, list):  # Gemini sends its error in a list, FastAPI several in one
        return _said(found[0]) if found else Said()
    if not isinstance(found, dict):
        return Said()
    for name in ("error", "errors", "detail"):
        if isinstance(found.get(name), str | dict | list) and found[name]:
            inner = _said(found[name])
            return Said(inner.text or _text(found), inner.marks | _marks(found))
    return Said(_text(found), _marks(found))


def _text(found: dict[str, Any]) -> str:
    text = next((found[name] for name in ("message", "msg", "error_msg") if isinstance(found.get(name), str)), "")
    metadata = found.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None  # OpenRouter: what its own provider said
    return f"{text}: {raw}" if isinstance(raw, str) and raw not in text else str(text)


def _marks(found: dict[str, Any]) -> frozenset[str]:
    values = (found.get(name) for name in ("type", "code", "status"))
    return frozenset(str(value).lower() for value in values if isinstance(value, str | int))
