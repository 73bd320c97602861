"""Who may call: a task with its token, or a person with a client key."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from proxy.errors import ApiError
from proxy.gateway import Gateway, Route, Target
from proxy.ledger.keys import PREFIX, ClientKey
from proxy.ledger.ledger import Ledger
from proxy.ledger.records import Caller
from proxy.prices import MICRO
from proxy.request import ModelRequest
from stack.errors import Refused
from stack.secret import Secret, accepted
from stack.tokens import Claims, verify

KEPT_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller, and what it may do. `budget`: micro-dollars of the task; `tiers`: all if empty."""

    caller: Caller
    budget: int | None = None
    key: ClientKey | None = None
    tiers: tuple[str, ...] = ()
    downgrade: bool = True
    server_tools: bool = True

    def targets(self, route: Route, *, downgrade: bool) -> tuple[Target, ...]:
        """The targets of a route that this caller may use. Raises ApiError (403) where it may use none."""
        if self.tiers and route.tier not in self.tiers:
            said = route.tier or route.name
            text = f"this task may use {' and '.join(self.tiers)}, not {said}"
            raise ApiError(403, "permission_error", text, final=True)
        if self.downgrade and downgrade:
            return route.targets
        return tuple(target for target in route.targets if not target.downgrade)

    def check(self, request: ModelRequest) -> None:
        """Raises ApiError (403) where a task asks for what runs on, or reaches out from, the provider's servers: that
        costs more than tokens, and is a way out that nobody guards."""
        if not self.server_tools and (found := request.server_side + request.fetched()):
            text = f"a task may not use what runs on the provider's side: {', '.join(found)[:200]}"
            raise ApiError(403, "permission_error", text, final=True)


class Door:
    """Knows callers by their tokens and keys. A token that was verified once is remembered, while its keys are good.

    `check` raises Refused where a task that still has a good token has ended.
    """

    def __init__(self, token_key: Secret, ledger: Ledger, check: Callable[[Claims], None]) -> None:
        self._token_key = token_key
        self._good = accepted(token_key)
        self._ledger = ledger
        self._check = check
        self._known: OrderedDict[str, tuple[Claims, Admitted]] = OrderedDict()

    def admit(self, credentials: str) -> Admitted:
        """Whom a token or key belongs to. Raises ApiError (401) for one that is not good."""
        if not credentials:
            raise refused("a task token or a client key is required, as x-api-key or as a bearer token")
        if credentials.startswith(PREFIX):
            return self._client(credentials)
        if self._good != (good := accepted(self._token_key)):
            self._known.clear()
            self._good = good
        claims, admitted = self._known.get(credentials) or self._verified(credentials)
        if claims.expires < time.time():
            raise refused("the token has expired")
        try:
            self._check(claims)
        except Refused as error:
            raise refused(str(error)) from error
        return admitted

    def _client(self, credentials: str) -> Admitted:
        """Looked up each time: a key that is revoked is revoked at once."""
        key = self._ledger.keys.find(credentials)
        if key is None:
            raise refused("the client key is not one of ours, was revoked, or has expired")
        return Admitted(Caller(client=key.name, person="", role="client"), key=key)

    def _verified(self, credentials: str) -> tuple[Claims, Admitted]:
        try:
            claims = verify(self._token_key, "model", credentials)
            UUID(claims.run)
        except (Refused, ValueError) as error:
            raise refused(str(error)) from error
        self._known[credentials] = found = (claims, _admitted(claims))
        if len(self._known) > KEPT_TOKENS:
            self._known.popitem(last=False)
        return found


def any_task(_claims: Claims) -> None:
    """Refuses no task that has a good token: where nobody says which ones have ended."""


def credentials(headers: Mapping[str, str]) -> str:
    """The token or key of a request, from either of the two headers that clients use; empty if there is none. Names of
    headers are in lower case, or the mapping does not mind."""
    return headers.get("x-api-key") or bearer(headers.get("authorization", ""))


def bearer(header: str) -> str:
    """The token of an Authorization header; empty if there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refused(message: str) -> ApiError:
    """The error for a caller that is not known."""
    return ApiError(401, "authentication_error", message, final=True)


def route_for(gateway: Gateway, admitted: Admitted, request: ModelRequest, *, downgrade: bool) -> Route:
    """The route of a request, with the targets that the caller may use. Raises ApiError (403, 404)."""
    route = gateway.route(request.model)
    return Route(route.name, route.tier, admitted.targets(route, downgrade=downgrade))


def _admitted(claims: Claims) -> Admitted:
    caller = Caller(
        run=claims.run, task=claims.task, attempt=claims.attempt, person=claims.person, role=claims.role
    )  # fmt: skip
    return Admitted(
        caller,
        budget=int(claims.budget_usd * MICRO),
        tiers=tuple(claims.tiers),
        downgrade=claims.downgrade,
        server_tools=claims.server_tools,
    )
