"""Reads from a request's JSON what routing needs, and replaces the model without touching any other byte."""

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import msgspec

from proxy.errors import ApiError

BILLING_MARK = b"x-anthropic-billing-header"
# the model as the first member, as Claude Code and the SDKs send it
FIRST_MEMBER = re.compile(rb'\s*\{\s*"model"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")')
SPACE = re.compile(r"[ \t\n\r]*")
MOST_NAME = 200  # characters of a model's name
# Members that cost more than the tokens they are counted by, or lead elsewhere; two of them are OpenRouter's.
NOT_FOR_TASKS = ("mcp_servers", "container", "plugins", "models", "speed", "inference_geo")
NOTHING_ASKED = (b"", b"null", b"[]", b'"standard"')
FETCHED = ("url", "file")  # sources of images and documents that the provider fetches
THINKING = ("thinking", "redacted_thinking")


class _Tool(msgspec.Struct):
    type: str | None = None


class _Read(msgspec.Struct):
    """The members that matter here; all others are skipped: the wire is open."""

    model: str
    max_tokens: int | None = None
    stream: bool | None = None
    tools: list[_Tool] | None = None
    system: msgspec.Raw = msgspec.Raw()
    mcp_servers: msgspec.Raw = msgspec.Raw()
    container: msgspec.Raw = msgspec.Raw()
    plugins: msgspec.Raw = msgspec.Raw()
    models: msgspec.Raw = msgspec.Raw()
    speed: msgspec.Raw = msgspec.Raw()
    inference_geo: msgspec.Raw = msgspec.Raw()


# stands in a model's place while a body is read; nobody can know it
_PROBE = secrets.token_hex(16)
_PROBE_JSON = msgspec.json.encode(_PROBE)

_decoder = msgspec.json.Decoder(_Read)


class ModelRequest:
    """A request: its `body` and the `size` of that, the `model` it asks for, `max_tokens` (None: not said), whether it
    wants a `stream`; `server_side` names what the provider's own servers are asked to run or reach, tools and members;
    `has_billing_block`: the system prompt holds a block that only Anthropic's servers understand."""

    __slots__ = ("_span", "body", "has_billing_block", "max_tokens", "model", "server_side", "size", "stream")

    def __init__(self, body: bytes) -> None:
        """Raises ApiError (400) where `body` is not a JSON object with exactly one model in it."""
        try:
            self.model, self._span, read = _fast(body) or _slow(body)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "invalid_request_error", f"the request body is not a request: {error}") from error
        if len(self.model) > MOST_NAME:
            raise ApiError(400, "invalid_request_error", f"model: a name has at most {MOST_NAME} characters")
        self.body = body
        self.size = len(body)
        self.server_side = _server_side(read)
        self.has_billing_block = BILLING_MARK in bytes(read.system)
        self.max_tokens = read.max_tokens
        self.stream = bool(read.stream)

    def asking_for(self, model: str) -> bytes:
        """The body with `model` in the place of the requested one; the very same body if empty or the same."""
        if not model or model == self.model:
            return self.body
        start, end = self._span
        return b"".join((self.body[:start], msgspec.json.encode(model), self.body[end:]))

    def fetched(self) -> list[str]:
        """The kinds of sources that the provider would fetch from elsewhere, such as an image's url."""
        if not any(mark in self.body for mark in (b'url"', b'file"', b"\\u00")):
            return []
        return sorted(set(_sources(self.decoded().get("messages"))) & set(FETCHED))

    def release(self) -> None:
        """Lets go of the body: it went where it had to go, and an answer may take long."""
        self.body = b""

    def decoded(self) -> dict[str, Any]:
        """The whole request as a dictionary of its own. Raises ApiError (400): what was skipped may be no JSON."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self.body)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "invalid_request_error", f"the request body is not JSON: {error}") from error
        return found


def _sources(messages: object) -> Iterator[str]:
    """The types of all `source` members, however deep."""
    waiting = [messages]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            source = found.get("source")
            if isinstance(source, dict) and isinstance(source.get("type"), str):
                yield source["type"]
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)


def _server_side(read: _Read) -> list[str]:
    kinds = [tool.type for tool in read.tools or () if tool.type and tool.type != "custom"]
    return kinds + [name for name in NOT_FOR_TASKS if bytes(getattr(read, name)) not in NOTHING_ASKED]


def is_object(answer: bytes) -> bool:
    """Whether bytes are one JSON object, and nothing else."""
    try:
        msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return False
    return True


def with_model(answer: bytes, model: str) -> bytes:
    """A message that came as one JSON object, with `model` in the place of its own; unchanged where it has none."""
    try:
        start, end = _spans(answer)["model"]
    except (ValueError, LookupError, RecursionError):
        return answer
    return b"".join((answer[:start], msgspec.json.encode(model), answer[end:]))


def without_billing_block(body: bytes) -> bytes:
    """The body without the blocks of the system prompt that bill; every byte outside of the system prompt is kept."""
    system = _decoder.decode(body).system
    raw = bytes(system)
    if BILLING_MARK not in raw or not raw.startswith(b"["):
        return body
    blocks = msgspec.json.decode(raw, type=list[msgspec.Raw])
    kept = b"[" + b",".join(bytes(block) for block in blocks if BILLING_MARK not in bytes(block)) + b"]"
    if body.count(raw) == 1:
        return body.replace(raw, kept)
    start, end = _spans(body)["system"]
    return b"".join((body[:start], kept, body[end:]))


def without_thinking(body: bytes) -> bytes:
    """The body without thinking in its history: what one provider's model thought, another's may refuse to read."""
    try:
        request = msgspec.json.decode(body)
        messages = request["messages"]
    except (ValueError, LookupError, RecursionError):
        return body
    if not isinstance(messages, list):
        return body
    kept = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            content = [block for block in content if not isinstance(block, dict) or block.get("type") not in THINKING]
            if not content:
                continue
            message = {**message, "content": content}
        kept.append(message)
    return msgspec.json.encode({**request, "messages": kept})


def _fast(body: bytes) -> tuple[str, tuple[int, int], _Read] | None:
    """Reads a body whose first member is the model; None where it is not, or where that name stands there twice.

    The decoder takes the last of members with one name: if it finds what was put in the first one's place, that is the
    only one, however a second might be spelt.
    """
    found = FIRST_MEMBER.match(body)
    if not found:
        return None
    start, end = found.span(1)
    read = _decoder.decode(b"".join((body[:start], _PROBE_JSON, body[end:])))
    return (msgspec.json.decode(found[1]), (start, end), read) if read.model == _PROBE else None


def _slow(body: bytes) -> tuple[str, tuple[int, int], _Read]:
    read = _decoder.decode(body)
    return read.model, _spans(body)["model"], read


def _spans(body: bytes) -> dict[str, tuple[int, int]]:
    """Where the value of each member stands, in bytes. Raises ValueError for a member that stands twice."""
    text = body.decode()
    spans: dict[str, tuple[int, int]] = {}
    at = after = 0  # how far it is read, in characters and in bytes
    for name, start, end in _members(text):
        if name in spans:
            raise ValueError(f"{name} stands there twice")
        before = after + len(text[at:start].encode())
        after = before + len(text[start:end].encode())
        at = end
        spans[name] = (before, after)
    return spans


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """The members of the object that `text` is: name, and where the value begins and ends."""
    decode = json.JSONDecoder().raw_decode
    at = _after(text, 0, "{")
    while True:
        name, at = decode(text, at)
        start = _after(text, at, ":")
        _, end = decode(text, start)
        yield name, start, end
        at = _skip_space(text, end)
        if text[at : at + 1] != ",":
            break
        at = _after(text, at, ",")


def _after(text: str, at: int, mark: str) -> int:
    """The place of what follows `mark`, which must be the next thing in `text`."""
    at = _skip_space(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} was expected at character {at}")
    return _skip_space(text, at + 1)


def _skip_space(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at
