"""Who calls the internal API: a service by its token, a process of a role by the token that it got as it registered."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

from itsdangerous import BadData, URLSafeSerializer

from stack.errors import Refused
from stack.ids import dashed
from stack.roles import ROLES
from stack.secret import Secret, accepted, newest

# caller → what it may do
VERBS: Mapping[str, frozenset[str]] = {
    "bot": frozenset({"list", "show", "log", "files"}),
    "cli": frozenset({"start", "list", "show", "cancel", "retry", "answer", "log", "metrics", "files"}),
    "proxy": frozenset({"alive"}),
    **{dashed(role): frozenset({"register"}) for role in ROLES},
    "forge": frozenset({"register", "alive"}),  # it verifies tokens, as the proxy does
}
INSTANCE_VERBS = frozenset({"claim", "renew", "keep", "give_back"})


class Unknown(Refused):
    """Nobody shows such a token."""


@dataclass(frozen=True)
class Caller:
    """Who calls. A process of a role has the id that it was given, and the role's own name.

    `renewed` takes the place of the token that it has shown, where a former key has signed that.
    """

    name: str
    verbs: frozenset[str]
    role: str = ""
    instance: str = ""
    renewed: str = ""


class Callers:
    """Knows callers by their tokens: `tokens` says which are good for each of them now."""

    def __init__(self, tokens: Callable[[], Mapping[str, Sequence[str]]], *, instance_key: Secret) -> None:
        self._tokens = tokens
        self._instance_key = instance_key

    def of(self, token: str) -> Caller:
        """Whose token it is. Raises Unknown."""
        for name, known in self._tokens().items():
            if any(hmac.compare_digest(token.encode(), one.encode()) for one in known):
                return Caller(name, VERBS.get(name, frozenset()))
        first, *former = map(_serializer, accepted(self._instance_key))
        for signer in (first, *former):
            with suppress(BadData, TypeError, ValueError, KeyError):
                name, instance = said = signer.loads(token)
                role = {dashed(role): role for role in ROLES}[name]
                renewed = "" if signer is first else str(first.dumps(said))
                return Caller(name, INSTANCE_VERBS, role=role, instance=instance, renewed=renewed)
        raise Unknown("this API needs a caller's token")

    def secrets(self) -> list[str]:
        """What it has in common with each of them."""
        return [token for tokens in self._tokens().values() for token in tokens]

    def register(self, caller: Caller, name: str) -> str:
        """A token for one process of the caller's role. `name` is for people; ids are never given twice."""
        return str(_serializer(newest(self._instance_key)).dumps([caller.name, f"{name[:60]}/{uuid4()}"]))


def _serializer(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="claude-stack.instance")
