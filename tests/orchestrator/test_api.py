"""The internal API: each caller may do what it needs and nothing else; what is wrong is said without a stack trace."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from native.rabbitmq import free_port
from native.review import wait_until
from orchestrator.api import VERBS, create_app
from stack.api import OrchestratorApi
from stack.errors import GiveUp, Refused, TryAgain
from stack.ids import uuid7
from stack.web import WebServer
from tests.orchestrator.played import World
from tests.stack.samples import review_request

TOKENS = {caller: f"not-a-token-of-{caller}" for caller in ("bot", "agent", "cli")}
START = {"repository": "acme/shop", "number": 12}
NOBODY = ("", "Bearer", "Bearer ", "Bearer x", "Basic " + TOKENS["cli"], "Bearer bot", "Bearer é")
# verb → how it is asked for, with {run} and {task}
CALLS: dict[str, tuple[str, str, object]] = {
    "start": ("POST", "/runs", START),
    "list": ("GET", "/runs", None),
    "show": ("GET", "/runs/{run}", None),
    "log": ("GET", "/runs/{run}/log", None),
    "cancel": ("POST", "/runs/{run}/cancel", {}),
    "claim": ("POST", "/tasks/{task}/claim", {"holder": "one", "instance": "a"}),
    "renew": ("POST", "/tasks/{task}/renew", {"attempt": 1}),
    "metrics": ("GET", "/metrics", None),
}
MAY = {
    "bot": {"list", "show", "log"},
    "agent": {"claim", "renew"},
    "cli": {"start", "list", "show", "log", "cancel", "metrics"},
}


class Caller:
    """Somebody who calls the API of a world in which there is a run with a task."""

    def __init__(self, world: World, http: FlaskClient) -> None:
        self.world, self.http = world, http
        self.task = world.task()

    def ask(self, verb: str, caller: str = "cli", **more: Any) -> TestResponse:
        method, path, body = CALLS[verb]
        path = more.pop("path", path).format(run=self.task.run_id, task=self.task.id)
        sent = {"headers": {"Authorization": f"Bearer {TOKENS[caller]}"}, "method": method, **more}
        if body is not None and not {"json", "data"} & more.keys():
            sent["json"] = body
        return self.http.open(path, **sent)


@pytest.fixture
def api(starting_world: World) -> Caller:
    app = create_app(runs=starting_world.runs, leases=starting_world.leases, tokens=TOKENS)
    return Caller(starting_world, app.test_client())


# --- who may do what ----------------------------------------------------------------------------------


def test_the_table_of_rights_is_the_one_that_is_tried_here() -> None:
    assert {caller: set(verbs) for caller, verbs in VERBS.items()} == MAY
    assert set.union(*MAY.values()) == set(CALLS)


@pytest.mark.parametrize("caller", TOKENS)
@pytest.mark.parametrize("verb", CALLS)
def test_a_caller_may_do_what_it_needs_alone(api: Caller, caller: str, verb: str) -> None:
    answer = api.ask(verb, caller)
    if verb in MAY[caller]:
        assert answer.status_code in (200, 202)
    else:
        assert (answer.status_code, answer.json) == (403, {"error": f"{caller} may not {verb}"})
        assert api.world.row(api.task).attempt == 0


@pytest.mark.parametrize("header", NOBODY)
@pytest.mark.parametrize("verb", CALLS)
def test_nobody_else_may_do_anything(api: Caller, verb: str, header: str) -> None:
    answer = api.ask(verb, headers={"Authorization": header})
    assert (answer.status_code, answer.json) == (403, {"error": "this API needs a caller's token"})


def test_whoever_comes_without_a_token_learns_no_more_than_that_it_is_well(api: Caller) -> None:
    assert api.http.get("/healthz").json == {"status": "ok"}
    assert api.http.get("/runs").status_code == 403


# --- what is wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "body"),
    [("start", {}), ("start", {**START, "number": 0}), ("start", {**START, "repository": "../x"}),
     ("start", {**START, "more": 1}), ("start", []), ("start", "x"),
     ("claim", {}), ("claim", {"holder": 1, "instance": []}), ("renew", {}), ("renew", {"attempt": "x"})],
)  # fmt: skip
def test_a_bad_body_is_named(api: Caller, verb: str, body: object) -> None:
    answer = api.ask(verb, "agent" if verb in MAY["agent"] else "cli", json=body)
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{}" * 2])
def test_what_is_not_json_is_refused(api: Caller, body: bytes) -> None:
    for kind in ("application/json", "text/plain"):
        answer = api.ask("start", data=body, content_type=kind)
        assert answer.status_code in (400, 415)
        assert set(answer.json or {}) == {"error"}


@pytest.mark.parametrize("verb", ["show", "cancel", "claim"])
def test_what_is_not_there_is_404(api: Caller, verb: str) -> None:
    path = CALLS[verb][1].format(run=uuid7(), task=uuid7())
    answer = api.ask(verb, "agent" if verb == "claim" else "cli", path=path)
    assert answer.status_code == 404
    assert "there is no" in (answer.json or {})["error"]


@pytest.mark.parametrize("path", ["/", "/nothing", "/runs/x", "/runs/../x", "/tasks/1/claim", "/runs/%00"])
def test_a_path_that_is_none_is_404_in_json(api: Caller, path: str) -> None:
    answer = api.ask("list", path=path)
    assert (answer.status_code, set(answer.json or {})) == (404, {"error"})


def test_a_fault_inside_shows_nothing_of_the_inside(api: Caller) -> None:
    api.world.sessions.configure(bind=None)  # as if the database were gone
    answer = api.ask("list")
    assert (answer.status_code, answer.json) == (500, {"error": "internal error"})


# --- what it does -------------------------------------------------------------------------------------


def test_a_program_starts_a_run(api: Caller, begun: list[str]) -> None:
    run_id = (api.ask("start").json or {})["id"]
    wait_until(lambda: run_id in begun, seconds=10)
    assert api.world.run_row(UUID(run_id)).person == "cli"


def test_a_program_stops_a_run_of_anybody(api: Caller) -> None:
    assert (api.ask("cancel").json or {})["state"] == "queued"
    assert api.world.run_row(api.task.run_id).cancelled


def test_runs_are_listed_by_person(api: Caller) -> None:
    api.world.run(review_request(uuid7(), person="telegram:2"))
    found = api.ask("list", path="/runs?person=telegram:2&limit=5").json or {}
    assert [run["person"] for run in found["runs"]] == ["telegram:2"]
    assert len((api.ask("list", path="/runs?limit=-1").json or {})["runs"]) == 1
    assert len((api.ask("list", path="/runs?limit=x").json or {})["runs"]) == 2


def test_metrics_count_runs_by_state(api: Caller) -> None:
    assert 'claude_stack_runs{state="queued"} 1\n' in api.ask("metrics").text


# --- as its client sees it ----------------------------------------------------------------------------


@pytest.fixture
def url(api: Caller) -> Iterator[str]:
    port = free_port()
    server = WebServer(api.http.application, host="127.0.0.1", port=port)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def test_an_agent_claims_and_renews(api: Caller, url: str) -> None:
    client = OrchestratorApi(url, TOKENS["agent"])
    claim = client.claim(api.task.id, holder="one", instance="a")
    assert (claim.verdict, claim.attempt) == ("run", 1)
    assert client.renew(api.task.id, attempt=1).verdict == "go"
    assert client.renew(api.task.id, attempt=2).verdict == "lost"


def test_the_client_says_what_to_do_next(api: Caller, url: str) -> None:
    with pytest.raises(Refused, match="agent may not list"):
        OrchestratorApi(url, TOKENS["agent"]).runs(person="telegram:1")
    with pytest.raises(GiveUp, match="there is no task"):
        OrchestratorApi(url, TOKENS["agent"]).claim(uuid7(), holder="one", instance="a")
    with pytest.raises(TryAgain, match="cannot be reached"):
        OrchestratorApi(f"http://127.0.0.1:{free_port()}", "x").run(uuid7())
    api.world.sessions.configure(bind=None)
    with pytest.raises(TryAgain, match="answers 500"):
        OrchestratorApi(url, TOKENS["bot"]).run(api.task.run_id)
    api.world.sessions.configure(bind=api.world.engine)


def test_a_bot_reads_the_runs_of_a_person(api: Caller, url: str) -> None:
    client = OrchestratorApi(url, TOKENS["bot"])
    assert [run["id"] for run in client.runs(person="telegram:1")] == [str(api.task.run_id)]
    assert client.run(api.task.run_id)["state"] == "queued"
