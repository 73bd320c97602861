"""How many tokens a request is, guessed high: too high a guess compacts early, too low a guess fails."""

from typing import Any

import msgspec

IMAGE = 1600  # what Anthropic's rule of thumb, width x height / 750, gives for the largest image that is not shrunk
PAGE = 3000  # tokens of a page of a PDF as Anthropic counts it: its text and its picture
PAGE_BYTES = 40_000  # of base64: a page is rarely less
# what stands around each message, block and tool; and the prompt that tools bring along (Anthropic's table: 313 to 346)
AROUND, TOOLS = 8, 400

# Tokens by kind of character, so that no sample of prose in a dozen languages, of code, JSON, hashes or base64 comes
# out lower than the tokenizers of GPT-4 and Claude 2 count, nor JSON lower than 1.43 times Claude's, which GLM takes.
# Names in camel case and base64 break at capitals; some tokenizers take digits one by one.
LOWER, CAPITAL, DIGIT, SPACE, NEWLINE, SIGN = 0.41, 1.15, 1.0, 0.15, 1.0, 1.0
KINDS = {
    bytes(range(ord("a"), ord("z") + 1)): LOWER,
    bytes(range(ord("A"), ord("Z") + 1)): CAPITAL,
    b"0123456789": DIGIT,
    b" \t": SPACE,
    b"\r\n": NEWLINE,
}
# beyond ASCII by the first byte of a character in UTF-8: Cyrillic, Greek, Arabic and the like; Indic, Thai, Georgian
# and the like; Chinese, Japanese, Korean, signs; emoji
FIRST_BYTES = {
    bytes(range(0xC0, 0xE0)): 1.2,
    b"\xe0\xe1": 2.3,
    bytes(range(0xE2, 0xF0)): 1.6,
    bytes(range(0xF0, 0xF8)): 3.2,
}
JSON = ("input", "input_schema")  # what the model reads as JSON
# what it does not read; ids can be long here, and are short where they are sent
UNSEEN = ("cache_control", "signature", "type", "role", "id", "tool_use_id")


def tokens(request: dict[str, Any]) -> int:
    """The tokens of a request's input, at least as many as a provider would count. Never raises for what is in it."""
    seen: list[str] = []
    fixed = TOOLS if request.get("tools") else 0
    for name in ("system", "messages", "tools"):
        fixed += _walk(request.get(name), seen)
    return fixed + _of_text("\n".join(seen).encode(errors="replace")) + 1


def _walk(found: object, seen: list[str]) -> int:
    """Puts every text into `seen`; gives the tokens of what is not text, and of what stands around it."""
    waiting, fixed = [found], 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            seen.append(value)
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            file = _of_file(value)
            fixed += AROUND + file
            passed = (*UNSEEN, *JSON, "source") if file else (*UNSEEN, *JSON)
            waiting += [inner for name, inner in value.items() if name not in passed]
            seen += [_json(value[name]) for name in JSON if name in value]
    return fixed


def _of_file(block: dict[str, Any]) -> int:
    """The tokens of an image, or of a document that is not text; 0 for any other block."""
    source = block.get("source")
    if block.get("type") == "image":
        return IMAGE
    if block.get("type") != "document" or not isinstance(source, dict) or source.get("type") in ("text", "content"):
        return 0
    data = source.get("data")
    return PAGE * (1 + (len(data) // PAGE_BYTES if isinstance(data, str) else 0))


def _json(value: object) -> str:
    """What tools are given and described with, as the JSON that the model reads."""
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError):
        return ""


def _of_text(text: bytes) -> int:
    counts = {kind: len(text) - len(text.translate(None, kind)) for kind in KINDS}
    found = sum(counts[kind] * weight for kind, weight in KINDS.items())
    rest = len(text) - sum(counts.values())
    if not text.isascii():
        beyond = text.translate(None, bytes(range(0x80)))
        rest -= len(beyond)
        found += sum((len(beyond) - len(beyond.translate(None, kind))) * weight for kind, weight in FIRST_BYTES.items())
    return round(found + rest * SIGN)
