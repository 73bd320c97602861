"""The Messages API, as far as it is passed through: messages, count_tokens and models."""

import socket
from collections.abc import Callable, Mapping
from uuid import UUID

from flask import Blueprint, Response, request

from proxy import auth
from proxy.errors import HungUp, UpstreamFailed
from proxy.ledger import Ledger
from proxy.meter import Meter
from proxy.relay import metered, passed_on, settle_failure
from proxy.settings import TierName
from proxy.splice import ModelRequest, model_request
from proxy.tiers import tier_of
from proxy.upstream import Answer, Upstream
from stack.logs import about
from stack.tokens import Claims

View = Callable[[Claims], Response]


class Calls:
    """The calls that a task may make with its token."""

    def __init__(self, *, upstreams: Mapping[TierName, Upstream], ledger: Ledger, token_key: str) -> None:
        self._upstreams = upstreams
        self._ledger = ledger
        self._token_key = token_key

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("calls", __name__)
        routes.add_url_rule("/v1/messages", "messages", self._for_a_task(self._messages), methods=["POST"])
        routes.add_url_rule(
            "/v1/messages/count_tokens", "count_tokens", self._for_a_task(self._count_tokens), methods=["POST"]
        )
        routes.add_url_rule("/v1/models", "models", self._for_a_task(self._models), methods=["GET"])
        return routes

    def _for_a_task(self, view: View) -> Callable[[], Response]:
        def checked() -> Response:
            claims = auth.claims(request.headers, self._token_key)
            with about(UUID(claims.run)):
                return view(claims)

        return checked

    def _messages(self, claims: Claims) -> Response:
        asked = model_request(request.get_data())
        upstream = self._upstreams[tier_of(asked.model)]
        meter = Meter(self._ledger, claims, upstream.tier, model=asked.model, request_bytes=len(asked.body))
        meter.admit()
        try:
            return metered(_forward(upstream, asked), meter)
        except (UpstreamFailed, HungUp) as failure:
            settle_failure(meter, failure)
            raise

    def _count_tokens(self, _: Claims) -> Response:
        asked = model_request(request.get_data())
        return passed_on(_forward(self._upstreams[tier_of(asked.model)], asked))

    def _models(self, _: Claims) -> Response:
        return passed_on(_forward(self._upstreams["sonnet"], None))


def _forward(upstream: Upstream, asked: ModelRequest | None) -> Answer:
    query = request.query_string.decode("latin-1")
    caller: socket.socket = request.environ["gunicorn.socket"]
    return upstream.send(
        request.method,
        request.path + (f"?{query}" if query else ""),
        headers=request.headers.items(),
        body=asked.asking_for(upstream.tier.model) if asked else None,
        caller=caller,
    )
