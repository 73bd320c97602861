"""Which headers go on to the provider, and which come back: open lists, what is unknown passes. How they are sent."""

from collections.abc import Mapping, Sequence
from typing import Literal

Pairs = Sequence[tuple[str, str]]

# of one connection only (RFC 9110, 7.6.1)
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
# the caller's credentials, where it came from, and what the next hop says for itself
NOT_SENT = HOP_BY_HOP | {
    "accept-encoding", "authorization", "content-length", "cookie", "expect", "forwarded", "host", "via", "x-api-key",
    "x-real-ip",
}  # fmt: skip
# what is true of the provider's connection alone, and what our server says for itself
NOT_RETURNED = HOP_BY_HOP | {
    "alt-svc", "content-encoding", "content-length", "date", "server", "set-cookie", "strict-transport-security",
}  # fmt: skip
# what a provider of another wire has a use for
KEPT_IN_TRANSLATION = frozenset({"content-type", "user-agent"})
OURS = ("x-gateway-", "x-forwarded-")


def to_upstream(pairs: Pairs, own: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of a request to the provider: the caller's, with what is our `own` in the place of its token."""
    kept = [(name, value) for name, value in _without(NOT_SENT, pairs) if name not in own]
    return [*kept, ("accept-encoding", "identity"), *own.items()]


def to_translated(pairs: Pairs, own: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of a request that is translated: Anthropic's own would mean nothing there."""
    kept = [(name, value) for name, value in pairs if name in KEPT_IN_TRANSLATION and name not in own]
    return [*kept, ("accept-encoding", "identity"), *own.items()]


def to_caller(pairs: Pairs) -> list[tuple[str, str]]:
    """The headers of the answer to the caller."""
    return _without(NOT_RETURNED, pairs)


def _without(dropped: frozenset[str], pairs: Pairs) -> list[tuple[str, str]]:
    kept = [pair for pair in pairs if pair[0] not in dropped and not pair[0].startswith(OURS)]
    named = {part.strip().lower() for name, value in pairs if name == "connection" for part in value.split(",")}
    return [pair for pair in kept if pair[0] not in named] if named else kept


def head_bytes(lines: Sequence[str], *, unknown: Literal["strict", "replace"] = "strict") -> bytes:
    """The head of a request or an answer. Raises ValueError for a line that would be more than one.

    `unknown`: characters that HTTP does not know raise ValueError too, or become question marks.
    """
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header holds a line break")
    return head.encode("latin-1", unknown) + b"\r\n\r\n"
