"""Which headers go on to the provider, and which come back. Both are open lists: what is unknown passes."""

from collections.abc import Iterable, Mapping

Pairs = Iterable[tuple[str, str]]

# of one connection only (RFC 9110, 7.6.1)
HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
# the caller's credentials, where it came from, and what the next hop says for itself
NOT_SENT = HOP_BY_HOP | {
    "accept-encoding", "authorization", "content-length", "cookie", "expect", "forwarded", "host", "via", "x-api-key",
    "x-real-ip",
}  # fmt: skip
# what is true of the provider's connection alone, and what our server says for itself
NOT_RETURNED = HOP_BY_HOP | {
    "alt-svc", "content-length", "date", "server", "set-cookie", "strict-transport-security",
}  # fmt: skip


def to_upstream(pairs: Pairs, credentials: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request to the provider: the caller's, with our key in the place of its token."""
    kept = {name: value for name, value in _without(NOT_SENT, pairs) if not name.startswith("x-forwarded-")}
    return kept | {"accept-encoding": "identity"} | dict(credentials)


def to_caller(pairs: Pairs) -> list[tuple[str, str]]:
    """The headers of the answer to the caller."""
    return _without(NOT_RETURNED, pairs)


def _without(dropped: set[str], pairs: Pairs) -> list[tuple[str, str]]:
    lowered = [(name.lower(), value) for name, value in pairs]
    named = {part.strip().lower() for name, value in lowered if name == "connection" for part in value.split(",")}
    return [(name, value) for name, value in lowered if name not in dropped and name not in named]
