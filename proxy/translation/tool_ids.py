"""Ids of tool calls on their way through the caller, who sends back an id and nothing else that is ours.

What a provider wants to see again with a call (its own id in its own alphabet, Gemini's signature of a thought)
travels inside the id, so the proxy remembers nothing. Claude Code names the file that keeps a large result after the
id: where that is over 250 characters it cannot, and shows the result without one. Nothing else depends on the length.
"""

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import msgspec

# What Anthropic takes as an id, and long enough to be the only one of its conversation: `call_0` is not.
PLAIN = re.compile(r"[A-Za-z0-9_-]{9,64}")
PREFIX = "carried_"
MOST_BYTES = 262_144  # of what an id may carry, unpacked
OPENAI_MOST = 40  # characters of an id that OpenAI takes


class ToolIds:
    """The ids of the calls of one message. `salt`, of letters and digits, is the message's own."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self._used: set[str] = set()

    def given(self, call_id: str, extra: dict[str, Any] | None) -> str:
        """The id that the caller gets for a provider's. No other call of any message has it."""
        if call_id in self._used or extra is not None or not PLAIN.fullmatch(call_id) or call_id.startswith(PREFIX):
            packed = zlib.compress(msgspec.json.encode((call_id, extra)), 9)  # its checksum tells if it was altered
            found = f"{PREFIX}{self._salt}{len(self._used)}_{urlsafe_b64encode(packed).decode().rstrip('=')}"
        else:
            found = call_id
        self._used |= {call_id, found}
        return found


def restored(caller_id: str) -> tuple[str, dict[str, Any] | None]:
    """The id and the extra content for a provider of OpenAI's wire, from the id that the caller sent."""
    call_id, extra = _unpacked(caller_id)
    if not call_id or len(call_id) > OPENAI_MOST:
        call_id = f"call_{sha256(caller_id.encode('utf-8', 'replace')).hexdigest()[:32]}"
    return call_id, extra


def _unpacked(caller_id: str) -> tuple[str, dict[str, Any] | None]:
    if not caller_id.startswith(PREFIX):
        return caller_id, None
    packed = caller_id.removeprefix(PREFIX).partition("_")[2]
    try:
        stream = zlib.decompressobj()
        text = stream.decompress(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), MOST_BYTES)
        if not stream.eof:
            return caller_id, None
        return msgspec.json.decode(text, type=tuple[str, dict[str, Any] | None])
    except (ValueError, zlib.error, RecursionError):
        return caller_id, None
