"""The door for tests, under /_sim/: what the next answers do, and which calls came in."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request

from sim.not_anthropic.scenario import BadScenario, Scenario
from sim.not_anthropic.simulator import Refusal, this_simulator

routes = Blueprint("control", __name__, url_prefix="/_sim")


@routes.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@routes.post("/scenario")
def begin_scenario() -> Response:
    try:
        scenario = Scenario.read(request.get_json(silent=True, force=True))
    except BadScenario as error:
        raise Refusal(400, str(error)) from error
    this_simulator().stage.set(scenario)
    return jsonify(asdict(scenario))


@routes.delete("/scenario")
def end_scenario() -> tuple[str, int]:
    this_simulator().stage.set(None)
    return "", 204


@routes.get("/requests")
def list_requests() -> Response:
    calls = list(this_simulator().calls)
    return jsonify(count=len(calls), requests=calls)


@routes.delete("/requests")
def forget_requests() -> tuple[str, int]:
    this_simulator().calls.clear()
    return "", 204
