"""Who calls the internal API: a service by its token, a process of a role by the token that it got as it registered."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from itsdangerous import BadData, URLSafeSerializer

from stack.errors import Refused
from stack.ids import dashed
from stack.roles import ROLES

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
    """Who calls. A process of a role has the id that it was given, and the role's own name."""

    name: str
    verbs: frozenset[str]
    role: str = ""
    instance: str = ""


class Callers:
    """Knows callers by their tokens."""

    def __init__(self, tokens: Mapping[str, str], *, instance_key: str) -> None:
        self._tokens = tokens
        self._serializer = URLSafeSerializer(instance_key, salt="claude-stack.instance")

    def of(self, token: str) -> Caller:
        """Whose token it is. Raises Unknown."""
        for name, known in self._tokens.items():
            if hmac.compare_digest(token.encode(), known.encode()):
                return Caller(name, VERBS.get(name, frozenset()))
        try:
            name, instance = self._serializer.loads(token)
            role = {dashed(role): role for role in ROLES}[name]
        except (BadData, TypeError, ValueError, KeyError):
            raise Unknown("this API needs a caller's token") from None
        return Caller(name, INSTANCE_VERBS, role=role, instance=instance)

    def register(self, caller: Caller, name: str) -> str:
        """A token for one process of the caller's role. `name` is for people; ids are never given twice."""
        return str(self._serializer.dumps([caller.name, f"{name[:60]}/{uuid4()}"]))
