"""How a request can end without a message.

NoMessage      the text says why
├── Refused    the provider says no
├── Unusable   an answer came, but no client can use it
├── Exhausted  the model used up what it may write before it came to an answer
└── Silent     nothing came, not in time, or the provider is busy or away: this tells nothing of what was asked for
"""

import json
from typing import Any

BUSY = (429, 502, 503, 504, 529)
BUSY_KINDS = ("rate_limit_error", "overloaded_error", "timeout_error", "api_error")


class NoMessage(Exception):
    """No message came."""


class Refused(NoMessage):
    """The provider says no. `in_shape`: in the form of Anthropic's errors, on whose words Claude Code acts."""

    def __init__(self, status: int, words: str, *, in_shape: bool) -> None:
        super().__init__(f"{status} {words}")
        self.status = status
        self.words = words
        self.in_shape = in_shape


class Unusable(NoMessage):
    """An answer came, but no client can use it."""


class Exhausted(NoMessage):
    """The model used up what it may write before it came to an answer."""


class Silent(NoMessage):
    """Nothing came."""


def refusal(status: int, body: bytes) -> Refused:
    """What an answer with the status of an error says."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Refused(status, f"with {_kind(body)} instead of an error", in_shape=False)
    error = found.get("error") if isinstance(found, dict) and found.get("type") == "error" else None
    if isinstance(error, dict) and isinstance(error.get("type"), str) and isinstance(error.get("message"), str):
        return Refused(status, words_of(found), in_shape=True)
    return Refused(status, f"in a shape of its own: {json.dumps(found, ensure_ascii=False)[:200]}", in_shape=False)


def in_the_stream(error: dict[str, Any], *, begun: bool) -> NoMessage:
    """What an error event says, before the message has begun or after."""
    words = words_of(error)
    if begun:
        return Unusable(f"an error in the middle of its answer: {words}")
    return Silent(words) if words.startswith(BUSY_KINDS) else Refused(400, words, in_shape=True)


def words_of(error: dict[str, Any]) -> str:
    """What an error in Anthropic's shape says: `type: message`."""
    inner = error.get("error")
    return f"{inner.get('type')}: {inner.get('message')}" if isinstance(inner, dict) else json.dumps(error)[:200]


def parsed(body: bytes) -> object:
    """The JSON of an answer with the status 200. Raises Unusable."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{_kind(body)} with the status 200") from error


def _kind(body: bytes) -> str:
    if body.startswith((b"event:", b"data:")):
        return "a stream that does not say it is one"
    return "a web page" if body.lstrip().startswith(b"<") else "text that is not JSON"
