"""What the gateway tells of itself: health to anyone, usage and metrics to who holds the read token."""

import hmac
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from proxy.door import bearer, refused
from proxy.ledger.ledger import Ledger
from proxy.ledger.records import LedgerAway
from proxy.metrics import CONTENT_TYPE
from proxy.prices import MICRO
from stack.secret import Secret, accepted


def blueprint(
    ledger: Ledger, metrics: Callable[[], str], read_token: Secret, *, off_loop: Callable[[Callable[[], Any]], Any]
) -> Blueprint:
    """Health, a run's usage, metrics: `metrics` makes their text, and `off_loop` has it made."""
    routes = Blueprint("status", __name__)

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> tuple[dict[str, str], int]:
        """Whether calls can be made: without the ledger, none is."""
        try:
            ledger.ready()
        except LedgerAway as away:
            return {"status": "not ready", "reason": str(away)}, 503
        return {"status": "ready"}, 200

    @routes.route("/", methods=["HEAD"])
    def probe() -> str:
        return ""

    @routes.get("/usage/<run>")
    def usage(run: str) -> dict[str, Any]:
        """What a run used: calls, tokens by kind, dollars, the models that answered."""
        _require(read_token)
        sums = ledger.usage_of_run(run)
        return {"run": run, "cost_usd": sums.pop("micro_dollars") / MICRO, **sums}

    @routes.get("/metrics")
    def exposition() -> Response:
        _require(read_token)
        return Response(off_loop(metrics), content_type=CONTENT_TYPE)

    return routes


def _require(read_token: Secret) -> None:
    """Raises ApiError for a caller without the read token."""
    shown = bearer(request.headers.get("authorization", "")).encode()
    if not any(hmac.compare_digest(shown, token.encode()) for token in accepted(read_token)):
        raise refused("the read token is required as a bearer token")
