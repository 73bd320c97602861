"""The internal HTTP API: a token and a list of allowed verbs per caller."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask, Response, jsonify, make_response, request
from pydantic import Field, ValidationError
from werkzeug.exceptions import HTTPException

from orchestrator.callers import Caller, Callers, Unknown
from orchestrator.files import Files
from orchestrator.runs import Runs
from orchestrator.store import database_may_be_away
from orchestrator.tasks import Tasks
from orchestrator.views import Views
from stack.api import MOST_FILE_BYTES, RENEWED_TOKEN
from stack.errors import GiveUp, NotThere, Refused, TryAgain
from stack.messages import Attachment, Priority, Request
from stack.people import Person
from stack.values import Value
from stack.web import Room
from stack.work import AnyAsk, complaint
from stack.work.kinds import Answer, Cancel, Retry, Start

log = logging.getLogger(__name__)

View = Callable[..., Any]

BODY_BYTES = 1 << 20  # of all requests but those that bring a file


class StartAsked(Value):
    """Body of a start: what is asked, and for whom; nobody named: for the owner."""

    ask: AnyAsk
    person: str = Field(default="", max_length=100)
    priority: Priority = "normal"
    files: tuple[Attachment, ...] = ()


class AnswerAsked(Value):
    """Body of an answer; with the `digest` of what was seen, it counts for that alone."""

    question: str
    choice: str
    digest: str = ""


class InstanceAsked(Value):
    """Body of a registration."""

    name: str


class AttemptAsked(Value):
    """Body of what is asked about an attempt."""

    attempt: int


class PieceAsked(AttemptAsked):
    """Body of a piece of what will be a report."""

    piece: dict[str, Any]


class Routes:
    """Adds views to an application, each behind the verb that its caller must be allowed."""

    def __init__(self, app: Flask, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    def add(self, method: str, path: str, verb: str) -> Callable[[View], View]:
        """Decorates a view, which gets `caller` beside the arguments of its path."""

        def decorate(view: View) -> View:
            def guarded(**arguments: Any) -> Any:
                caller = self._callers.of(_token(request.headers.get("Authorization", "")))
                if verb not in caller.verbs:
                    raise Refused(f"{caller.name} may not {verb}")
                with database_may_be_away():
                    answer = make_response(_answered(view(caller=caller, **arguments)))
                if caller.renewed:
                    answer.headers[RENEWED_TOKEN] = caller.renewed
                return answer

            self._app.add_url_rule(path, endpoint=f"{method} {path}", view_func=guarded, methods=[method])
            return view

        return decorate


def create_app(*, runs: Runs, views: Views, tasks: Tasks, files: Files, callers: Callers) -> Flask:
    """The API."""
    app = Flask(__name__)
    routes = Routes(app, callers)
    _add_runs(routes, runs, views)
    _add_tasks(routes, tasks, callers)
    _add_files(routes, files)

    @app.get("/healthz")
    def health() -> Any:
        views.count_by_state()  # the database answers
        return jsonify(status="ok")

    app.register_error_handler(Exception, _refusal)
    return app


def room_for(callers: Callers) -> Room:
    """How large a body each caller may send to the API."""

    def room(path: str, authorization: str) -> int:
        caller = callers.of(_token(authorization))
        return MOST_FILE_BYTES if path == "/files" and "files" in caller.verbs else BODY_BYTES

    return room


def _token(authorization: str) -> str:
    return authorization.removeprefix("Bearer ")


def _add_runs(routes: Routes, runs: Runs, views: Views) -> None:
    @routes.add("POST", "/runs", "start")
    def start(caller: Caller) -> Any:
        asked = StartAsked.model_validate(request.get_json())
        if not isinstance(asked.ask, Start):
            raise GiveUp(f"{asked.ask.verb} begins no run")
        person = Person(id=asked.person) if asked.person else _owner(caller)
        message = Request(person=person, ask=asked.ask, priority=asked.priority, files=asked.files)
        run_id = runs.handle(message, caller=caller.name, key=_key())
        return views.summary(run_id), 202

    @routes.add("GET", "/runs", "list")
    def newest(caller: Caller) -> Any:
        found = views.newest(person=request.args.get("person"), limit=request.args.get("limit", 10, int))
        return {"runs": [run.model_dump(mode="json") for run in found]}

    @routes.add("GET", "/runs/<uuid:run_id>", "show")
    def show(caller: Caller, run_id: UUID) -> Any:
        return views.show(run_id)

    @routes.add("GET", "/runs/<uuid:run_id>/log", "log")
    def show_log(caller: Caller, run_id: UUID) -> Any:
        return {"log": [event.model_dump(mode="json") for event in views.log(run_id)]}

    @routes.add("POST", "/runs/<uuid:run_id>/cancel", "cancel")
    def cancel(caller: Caller, run_id: UUID) -> Any:
        runs.handle(Request(person=_owner(caller), ask=Cancel(run_id=run_id)))
        return views.summary(run_id), 202

    @routes.add("POST", "/runs/<uuid:run_id>/retry", "retry")
    def retry(caller: Caller, run_id: UUID) -> Any:
        runs.handle(Request(person=_owner(caller), ask=Retry(run_id=run_id)), caller=caller.name, key=_key())
        return views.summary(run_id), 202

    @routes.add("POST", "/runs/<uuid:run_id>/answer", "answer")
    def answer(caller: Caller, run_id: UUID) -> Any:
        asked = AnswerAsked.model_validate(request.get_json())
        said = Answer(run_id=run_id, **asked.model_dump())
        runs.handle(Request(person=_owner(caller), ask=said))
        return views.summary(run_id), 202

    @routes.add("GET", "/metrics", "metrics")
    def metrics(caller: Caller) -> Any:
        counts = views.count_by_state()
        lines = [
            "# TYPE claude_stack_runs gauge",
            *(f'claude_stack_runs{{state="{s}"}} {n}' for s, n in counts.items()),
        ]
        return Response("\n".join(lines) + "\n", mimetype="text/plain")


def _add_tasks(routes: Routes, tasks: Tasks, callers: Callers) -> None:
    @routes.add("POST", "/instances", "register")
    def register(caller: Caller) -> Any:
        return {"token": callers.register(caller, InstanceAsked.model_validate(request.get_json()).name)}

    @routes.add("POST", "/tasks/<uuid:task_id>/claim", "claim")
    def claim(caller: Caller, task_id: UUID) -> Any:
        return tasks.claim(task_id, role=caller.role, instance=caller.instance)

    @routes.add("POST", "/tasks/<uuid:task_id>/renew", "renew")
    def renew(caller: Caller, task_id: UUID) -> Any:
        asked = AttemptAsked.model_validate(request.get_json())
        return tasks.renew(task_id, instance=caller.instance, attempt=asked.attempt)

    @routes.add("POST", "/tasks/<uuid:task_id>/pieces", "keep")
    def keep(caller: Caller, task_id: UUID) -> Any:
        asked = PieceAsked.model_validate(request.get_json())
        return tasks.keep(task_id, instance=caller.instance, attempt=asked.attempt, piece=asked.piece)

    @routes.add("POST", "/tasks/<uuid:task_id>/give_back", "give_back")
    def give_back(caller: Caller, task_id: UUID) -> Any:
        asked = AttemptAsked.model_validate(request.get_json())
        return tasks.give_back(task_id, instance=caller.instance, attempt=asked.attempt)

    @routes.add("GET", "/tasks/<uuid:task_id>/alive", "alive")
    def alive(caller: Caller, task_id: UUID) -> Any:
        return {"alive": tasks.is_alive(task_id, request.args.get("attempt", 0, int))}


def _add_files(routes: Routes, files: Files) -> None:
    @routes.add("POST", "/files", "files")
    def keep(caller: Caller) -> Any:
        return files.keep(request.args.get("name", ""), request.get_data(cache=False)), 201

    @routes.add("GET", "/files/<file_id>", "files")
    def read(caller: Caller, file_id: str) -> Any:
        return Response(files.read(file_id), mimetype="application/octet-stream")


def _key() -> str:
    """The key with which a caller has something done once; none if empty."""
    return request.headers.get("Idempotency-Key", "")[:200]


def _owner(caller: Caller) -> Person:
    """Who calls the API with a service's token is the owner of the machine."""
    return Person(id=caller.name, standing="admin")


def _answered(answer: Any) -> Any:
    """A view's answer, (value) or (value, status), as Flask takes it."""
    value, status = answer if isinstance(answer, tuple) else (answer, 200)
    return (value.model_dump(mode="json") if isinstance(value, Value) else value), status


def _refusal(error: Exception) -> Any:
    match error:
        case Unknown():
            status = 401
        case Refused():
            status = 403
        case NotThere():
            status = 404
        case GiveUp():
            status = 409
        case TryAgain():
            status = 503
        case ValidationError():
            return jsonify(error=complaint(error)), 400
        case HTTPException():
            return jsonify(error=error.description), error.code or 500
        case _:
            log.exception("the internal API failed")
            return jsonify(error="internal error"), 500
    return jsonify(error=str(error)), status
