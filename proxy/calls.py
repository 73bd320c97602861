"""What clients ask beside messages: how many tokens a request has, which models there are, what a task has spent."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from proxy import headers
from proxy.attempt import Ask, Attempt
from proxy.connection import request_bytes
from proxy.dispatch import Dispatch, Providers
from proxy.door import Admitted, Door, credentials, route_for
from proxy.errors import ApiError
from proxy.gateway import TIERS, Gateway, Target
from proxy.hang_up import Line
from proxy.ledger.ledger import Ledger
from proxy.prices import MICRO
from proxy.request import ModelRequest
from proxy.translation import estimate

NOT_COUNTED = (404, 405, 501)  # how providers say that they do not count tokens
MODELS_SECONDS = 2.5  # Claude Code waits for 3
COUNT_SECONDS = 30.0


class Calls:
    """The routes, for callers that the door admits. None of them costs anything."""

    def __init__(self, *, gateway: Callable[[], Gateway], door: Door, ledger: Ledger, providers: Providers) -> None:
        self._gateway = gateway
        self._door = door
        self._ledger = ledger
        self._providers = providers.beside()  # many providers do not count tokens, and serve messages well

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("calls", __name__)
        routes.add_url_rule("/v1/messages/count_tokens", "count_tokens", self._count_tokens, methods=["POST"])
        routes.add_url_rule("/v1/models", "models", self._models, methods=["GET"])
        routes.add_url_rule("/task", "task", self._task, methods=["GET"])
        return routes

    def _admitted(self) -> Admitted:
        return self._door.admit(credentials(dict(_headers())))

    def _count_tokens(self) -> Response:
        """The provider's count; where it counts none, our own estimate, which is rather too high than too low."""
        admitted = self._admitted()
        asked = ModelRequest(request.get_data())
        admitted.check(asked)
        route = route_for(self._gateway(), admitted, asked, downgrade=True)
        first = route.targets[0]
        attempt = self._counted(asked, first) if first.provider.wire == "anthropic" else None
        if attempt is None or attempt.status in NOT_COUNTED or attempt.status >= 500:
            return jsonify({"input_tokens": estimate.tokens(asked.decoded())})
        return Response(attempt.first, attempt.status, attempt.headers)

    def _counted(self, asked: ModelRequest, target: Target) -> Attempt | None:
        line = Line(request.environ["gunicorn.socket"])
        query = request.query_string.decode("latin-1")
        ask = Ask(asked, _headers(), request.path, query, line)
        dispatch = Dispatch(ask, (target,), self._providers)
        try:
            return dispatch.wait(COUNT_SECONDS)
        except ApiError:
            return None
        finally:
            line.forget()
            dispatch.close()

    def _task(self) -> Response:
        """What the caller's task has spent in all its attempts, and its budget, in dollars. Raises ApiError (403) where
        the caller is no task."""
        admitted = self._admitted()
        if admitted.budget is None:
            raise ApiError(403, "permission_error", "only a task has a budget here", final=True)
        spent = self._ledger.spent_of_task(admitted.caller.task)
        return jsonify({"spent_usd": spent / MICRO, "budget_usd": admitted.budget / MICRO})

    def _models(self) -> Response:
        """The provider's own list where names pass through to it, else the names that lead somewhere here."""
        self._admitted()
        gateway = self._gateway()
        first = gateway.tiers["sonnet"].targets[0]
        if first.provider.wire == "anthropic" and not first.model and (found := self._listed(first)):
            return found
        return jsonify(_own_list(gateway))

    def _listed(self, target: Target) -> Response | None:
        """What the provider lists; None where it does not."""
        provider = target.provider
        pool = self._providers.pool(provider)
        key = next(iter(self._providers.keys(provider).in_order("")))
        query = request.query_string.decode("latin-1")
        own = {"host": pool.host_header, **provider.extra_headers, **provider.credentials(key)}
        sent = headers.to_upstream(_headers(), own)
        try:
            connection, _ = pool.take()
            connection.wait(MODELS_SECONDS)
            connection.send(request_bytes("GET", f"{pool.path}/v1/models" + (f"?{query}" if query else ""), sent, None))
            status, received = connection.head()
            body = b"".join(iter(connection.read, b""))
        except (OSError, ValueError):
            return None
        pool.give_back(connection)
        is_good = status == 200 and "content-encoding" not in dict(received)
        return Response(body, status, headers.to_caller(received)) if is_good else None


def _headers() -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in request.headers.items()]


def _own_list(gateway: Gateway) -> dict[str, Any]:
    """Anthropic's form of a list of models: a name for each tier, and each name that has a route of its own."""
    named = {f"claude-{tier}": gateway.tiers[tier] for tier in TIERS} | dict(gateway.models)
    data = [
        {
            "type": "model",
            "id": name,
            "display_name": f"{name}: {route.targets[0].model or name} at {route.targets[0].provider.name}",
            "created_at": "1970-01-01T00:00:00Z",
        }
        for name, route in named.items()
    ]
    return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
