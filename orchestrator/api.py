"""The internal HTTP API: a token and a list of allowed verbs per caller."""

import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Flask, Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from orchestrator.leases import Leases
from orchestrator.runs import Runs
from stack.errors import GiveUp, Refused
from stack.messages import Cancel, Request, StartReview, Value

log = logging.getLogger(__name__)

# caller → what it may do
VERBS: Mapping[str, frozenset[str]] = {
    "bot": frozenset({"list", "show", "log"}),
    "agent": frozenset({"claim", "renew"}),
    "cli": frozenset({"start", "list", "show", "cancel", "log", "metrics"}),
}

View = Callable[..., Any]


class ClaimAsked(Value):
    """Body of a claim."""

    holder: str
    instance: str


class RenewalAsked(Value):
    """Body of a renewal."""

    attempt: int


class Routes:
    """Adds views to an application, each behind the verb that its caller must be allowed."""

    def __init__(self, app: Flask, tokens: Mapping[str, str]) -> None:
        self._app = app
        self._tokens = tokens

    def add(self, method: str, path: str, verb: str) -> Callable[[View], View]:
        """Decorates a view, which gets `caller` beside the arguments of its path."""

        def decorate(view: View) -> View:
            def guarded(**arguments: Any) -> Any:
                caller = _caller(self._tokens)
                if verb not in VERBS[caller]:
                    raise Refused(f"{caller} may not {verb}")
                return view(caller=caller, **arguments)

            self._app.add_url_rule(path, endpoint=f"{method} {path}", view_func=guarded, methods=[method])
            return view

        return decorate


def create_app(*, runs: Runs, leases: Leases, tokens: Mapping[str, str]) -> Flask:
    """The API over `runs` and `leases`. `tokens` holds each caller's."""
    app = Flask(__name__)
    routes = Routes(app, tokens)
    _add_runs(routes, runs)
    _add_tasks(routes, leases)

    @app.get("/healthz")
    def health() -> Any:
        runs.count_by_state()  # the database answers
        return jsonify(status="ok")

    app.register_error_handler(Exception, _refusal)
    return app


def _add_runs(routes: Routes, runs: Runs) -> None:
    @routes.add("POST", "/runs", "start")
    def start(caller: str) -> Any:
        message = Request(person=caller, ask=StartReview.model_validate(request.get_json()))
        runs.take(message)
        return jsonify(id=str(message.id)), 202

    @routes.add("GET", "/runs", "list")
    def newest(caller: str) -> Any:
        return jsonify(runs=runs.newest(person=request.args.get("person"), limit=request.args.get("limit", 10, int)))

    @routes.add("GET", "/runs/<uuid:run_id>", "show")
    def show(caller: str, run_id: UUID) -> Any:
        return jsonify(runs.show(run_id))

    @routes.add("GET", "/runs/<uuid:run_id>/log", "log")
    def show_log(caller: str, run_id: UUID) -> Any:
        return jsonify(log=runs.log(run_id))

    @routes.add("POST", "/runs/<uuid:run_id>/cancel", "cancel")
    def cancel(caller: str, run_id: UUID) -> Any:
        person = runs.show(run_id)["person"]
        runs.take(Request(person=person, ask=Cancel(run_id=run_id)))
        return jsonify(state=runs.show(run_id)["state"]), 202

    @routes.add("GET", "/metrics", "metrics")
    def metrics(caller: str) -> Any:
        counts = runs.count_by_state()
        lines = [
            "# TYPE claude_stack_runs gauge",
            *(f'claude_stack_runs{{state="{s}"}} {n}' for s, n in counts.items()),
        ]
        return Response("\n".join(lines) + "\n", mimetype="text/plain")


def _add_tasks(routes: Routes, leases: Leases) -> None:
    @routes.add("POST", "/tasks/<uuid:task_id>/claim", "claim")
    def claim(caller: str, task_id: UUID) -> Any:
        asked = ClaimAsked.model_validate(request.get_json())
        return leases.claim(task_id, holder=asked.holder, instance=asked.instance).model_dump()

    @routes.add("POST", "/tasks/<uuid:task_id>/renew", "renew")
    def renew(caller: str, task_id: UUID) -> Any:
        asked = RenewalAsked.model_validate(request.get_json())
        return leases.renew(task_id, attempt=asked.attempt).model_dump()


def _caller(tokens: Mapping[str, str]) -> str:
    """Whose token the request shows. Raises Refused."""
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    for caller, token in tokens.items():
        if hmac.compare_digest(shown.encode(), token.encode()):
            return caller
    raise Refused("this API needs a caller's token")


def _refusal(error: Exception) -> Any:
    match error:
        case Refused():
            status = 403
        case GiveUp():
            status = 404
        case ValidationError():
            first = error.errors(include_url=False, include_input=False)[0]
            return jsonify(error=f"{'.'.join(map(str, first['loc']))}: {first['msg']}"), 400
        case HTTPException():
            return jsonify(error=error.description), error.code or 500
        case _:
            log.exception("the internal API failed")
            return jsonify(error="internal error"), 500
    return jsonify(error=str(error)), status
