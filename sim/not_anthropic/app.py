"""not-anthropic as a Flask application."""

import uuid

from flask import Flask, Response, g, jsonify
from werkzeug.exceptions import HTTPException

from sim.not_anthropic import api, control, wire
from sim.not_anthropic.simulator import Refusal, Simulator

# https://docs.anthropic.com/en/api/errors
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def create_app(simulator: Simulator) -> Flask:
    """The Messages API, with the door for tests under /_sim/."""
    app = Flask(__name__)
    app.extensions["simulator"] = simulator
    app.register_blueprint(api.routes)
    app.register_blueprint(control.routes)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(HTTPException, _refused_by_flask)
    app.before_request(_name_request)
    app.after_request(_stamp)
    return app


def _name_request() -> None:
    g.request_id = f"req_{uuid.uuid4().hex}"


def _stamp(response: Response) -> Response:
    response.headers["request-id"] = g.request_id
    return response


def _refused(refusal: Refusal) -> Response:
    kind = KINDS.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "api_error")
    response = jsonify(wire.error(kind, refusal.text, g.request_id))
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["retry-after"] = f"{refusal.retry_after:g}"
    return response


def _refused_by_flask(error: HTTPException) -> Response:
    return _refused(Refusal(error.code or 500, error.description or error.name))
