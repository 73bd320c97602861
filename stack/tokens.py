"""Signed, expiring tokens: what runs a model holds one for its model calls, its runner another for the forge.

A token names the run, task, person and role it was made for, and carries its budget. It opens nothing else: each kind
has a salt of its own, and a verifier asks for its kind.
"""

import time
from dataclasses import asdict, dataclass

from itsdangerous import BadData, URLSafeSerializer

from stack.errors import Refused
from stack.roles import TokenKind
from stack.secret import Secret, accepted


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `expires` is in seconds since the epoch; `repository` is `owner/name` or empty.

    For model calls: `tiers` lists those that may be used, all if empty; without `downgrade`, no worse model may take
    the place of the tier's own; with `server_tools`, tools may run on the provider's servers. With `writes` the
    repository may also be written to.
    """

    run: str
    task: str
    person: str
    role: str
    attempt: int
    budget_usd: float
    expires: float
    repository: str = ""
    tiers: tuple[str, ...] = ()
    downgrade: bool = True
    server_tools: bool = False
    writes: bool = False


def sign(key: Secret, kind: TokenKind, claims: Claims) -> str:
    """A token for `claims`, safe in a header."""
    return _serializer(key, kind).dumps(asdict(claims))


def verify(key: Secret, kind: TokenKind, token: str) -> Claims:
    """The claims of a token of this kind. Raises Refused where it is forged, of another kind, or has expired."""
    try:
        said = _serializer(key, kind).loads(token)
        claims = Claims(**{**said, "tiers": tuple(said.get("tiers", ()))})
    except (BadData, TypeError, AttributeError) as error:
        raise Refused("the token is not one of ours") from error
    if claims.expires < time.time():
        raise Refused("the token has expired")
    return claims


def _serializer(key: Secret, kind: TokenKind) -> URLSafeSerializer:
    # it signs with the last of its keys
    return URLSafeSerializer(accepted(key)[::-1], salt=f"claude-stack.{kind}")
