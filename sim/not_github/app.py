"""not-github as a WSGI application."""

from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import HTTPException

from sim.not_github.by_id import ById
from sim.not_github.control import control, create_example
from sim.not_github.control_people import people
from sim.not_github.graphql import graphql
from sim.not_github.hub import Hub, Refusal
from sim.not_github.outside import Faults, Outside
from sim.not_github.page import page
from sim.not_github.rest import rest
from sim.not_github.rest_commits import rest_commits
from sim.not_github.rest_reviews import rest_reviews
from sim.not_github.smart_http import smart_http

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def create_app(hub: Hub, *, example: bool = False) -> "WSGIApplication":
    flask = Flask(__name__, static_folder=None)
    flask.json.sort_keys = False  # type: ignore[attr-defined]
    faults = Faults()
    flask.extensions |= {"not-github": hub, "not-github-faults": faults}
    for blueprint in (control, people, rest, rest_reviews, rest_commits, graphql, smart_http, page):
        flask.register_blueprint(blueprint)
    flask.register_error_handler(Refusal, lambda refusal: (refusal.body, refusal.status, refusal.headers))
    flask.register_error_handler(HTTPException, _as_refusal)
    if example:
        with flask.app_context():
            create_example()
    return Outside(ById(flask, hub), hub, faults)


def _as_refusal(problem: HTTPException) -> tuple[dict[str, object], int]:
    refusal = Refusal(problem.code or 500, "Not Found" if problem.code == 404 else problem.name)
    return refusal.body, refusal.status
