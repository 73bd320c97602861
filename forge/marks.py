"""Hidden lines at the end of what we post: whose it is and what is in it. They make posting idempotent.

What stands in a text is believed only where a key signed it that nobody has but the forge: a stranger can write, and
have us quote, whatever looks like such a line.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from stack.secret import Secret, accepted, newest

MOST_BYTES = 64_000  # of facts in one line, unpacked
_LINE = re.compile(r"<!-- claude-stack ([A-Za-z0-9_-]+={0,2})\.([0-9a-f]{32}) -->")
_LAST = re.compile(r"(?:<!-- claude-stack [A-Za-z0-9_=.-]+ -->\s*)+\Z")

Facts = dict[str, Any]


class Marks:
    """Writes and reads signed lines. What former keys have signed stays ours."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def line(self, facts: Facts) -> str:
        """The line that says so: always the same for the same facts and key. The facts must be JSON."""
        said = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        packed = base64.urlsafe_b64encode(zlib.compress(said.encode(), 9)).decode()
        return f"<!-- claude-stack {packed}.{_signature(newest(self._key), packed)} -->"

    def read(self, body: str | None) -> Iterator[Facts]:
        """What the last lines of a text say, of those that we signed."""
        last = _LAST.search(body or "")
        for packed, signature in _LINE.findall(last[0]) if last else ():
            if any(hmac.compare_digest(signature, _signature(key, packed)) for key in accepted(self._key)):
                with contextlib.suppress(ValueError):  # too much was said in it
                    yield dict(json.loads(_unpacked(packed)))


def without(body: str) -> str:
    """A text without its hidden last lines."""
    return _LAST.sub("", body).rstrip()


def _signature(key: str, packed: str) -> str:
    return hmac.new(key.encode(), packed.encode(), hashlib.sha256).hexdigest()[:32]


def _unpacked(packed: str) -> bytes:
    return zlib.decompressobj().decompress(base64.urlsafe_b64decode(packed), MOST_BYTES)
