"""POST /v1/messages: the one path where microseconds count."""

import logging
from collections.abc import Callable, Mapping

import msgspec

from proxy.attempt import Ask
from proxy.dispatch import Dispatch, Providers
from proxy.door import Admitted, Door, credentials, route_for
from proxy.errors import ApiError, HungUp, content, ledger_away
from proxy.gateway import Gateway
from proxy.hang_up import Line
from proxy.incoming import PATH, Incoming
from proxy.ledger.ledger import Ledger
from proxy.ledger.records import LedgerAway
from proxy.metering import Meter
from proxy.relay import Relay
from proxy.request import ModelRequest
from proxy.writer import Writer

log = logging.getLogger(__name__)


class Messages:
    """Answers model calls."""

    def __init__(self, *, gateway: Callable[[], Gateway], door: Door, ledger: Ledger, providers: Providers) -> None:
        self._gateway = gateway
        self._door = door
        self._ledger = ledger
        self._providers = providers

    def admit(self, headers: Mapping[str, str]) -> Admitted:
        """Whose call it is. Raises ApiError (401), and (503) without a ledger."""
        try:
            return self._door.admit(credentials(headers))
        except LedgerAway as away:
            raise ledger_away(away) from away

    def answer(self, incoming: Incoming, writer: Writer) -> bool:
        """Answers one call. False where the connection must be closed: the caller left, or the answer is not whole."""
        try:
            self._relay(incoming).run(writer)
            return True
        except HungUp:
            return False
        except ApiError as error:
            return refuse(error, writer)
        except LedgerAway as away:
            return refuse(ledger_away(away), writer)
        except Exception:
            log.exception("a model call failed")
            return refuse(ApiError(500, "api_error", "the gateway failed; its log says why"), writer)

    def _relay(self, incoming: Incoming) -> Relay:
        named = dict(incoming.headers)
        admitted = incoming.admitted
        request = ModelRequest(incoming.take_body())
        admitted.check(request)
        gateway = self._gateway()
        # with `x-gateway-downgrade: forbid` a caller has rather an error than a worse model
        route = route_for(gateway, admitted, request, downgrade=named.get("x-gateway-downgrade") != "forbid")
        session = named.get("x-claude-code-session-id", "")
        meter = Meter(self._ledger, gateway, admitted, route, request, session)
        line = Line(incoming.connection)
        try:
            meter.reserve(line)
        except BaseException:
            line.forget()
            raise
        ask = Ask(request, incoming.headers, PATH, incoming.query, line, session)
        return Relay(Dispatch(ask, route.targets, self._providers), meter, line, request)


def refuse(error: ApiError, writer: Writer) -> bool:
    """Answers with an error. False where that is not possible any more."""
    if writer.began:
        return False
    body = msgspec.json.encode(content(error.kind, str(error)))
    try:
        writer.whole(error.status, [("content-type", "application/json"), *error.headers()], body)
    except HungUp:
        return False
    return True
