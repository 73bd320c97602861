"""The internal API: each caller may do what it needs and nothing else; what is wrong is said without a stack trace."""

from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from native.rabbitmq import free_port
from orchestrator.callers import INSTANCE_VERBS, VERBS
from orchestrator.store import KeyRow, RunRow
from stack.api import RunsApi, TasksApi
from stack.errors import GiveUp, Refused, TryAgain
from stack.ids import dashed, uuid7
from stack.messages import Attachment, Request
from stack.roles import ROLES
from tests.orchestrator.played import World
from tests.orchestrator.samples import CLOCK, PULL, REVIEW, TITLE
from tests.orchestrator.serving import START, TOKENS, Api, summary

NOBODY = ("", "Bearer", "Bearer ", "Bearer x", "Basic " + TOKENS["cli"], "Bearer bot", "Bearer é", "Bearer W10.x")
# what is asked for → how, with {run}, {waiting}, {task} and {file}; its name is the verb, unless VERB_OF has another
CALLS: dict[str, tuple[str, str, object]] = {
    "start": ("POST", "/runs", START),
    "list": ("GET", "/runs", None),
    "show": ("GET", "/runs/{run}", None),
    "log": ("GET", "/runs/{run}/log", None),
    "cancel": ("POST", "/runs/{run}/cancel", {}),
    "retry": ("POST", "/runs/{failed}/retry", {}),
    "answer": ("POST", "/runs/{waiting}/answer", {"question": "approve", "choice": "Post"}),
    "metrics": ("GET", "/metrics", None),
    "files": ("POST", "/files?name=a.txt", {}),
    "file": ("GET", "/files/{file}", None),
    "register": ("POST", "/instances", {"name": "one"}),
    "claim": ("POST", "/tasks/{task}/claim", {}),
    "renew": ("POST", "/tasks/{task}/renew", {"attempt": 1}),
    "keep": ("POST", "/tasks/{task}/pieces", {"attempt": 1, "piece": {"title": "Wrong"}}),
    "give_back": ("POST", "/tasks/{task}/give_back", {"attempt": 1}),
    "alive": ("GET", "/tasks/{task}/alive?attempt=1", None),
}
VERB_OF = {"file": "files"}
MAY = {
    "bot": {"list", "show", "log", "files"},
    "cli": {"start", "list", "show", "log", "cancel", "retry", "answer", "metrics", "files"},
    "proxy": {"alive"},
    "scheduler": set(),
    "forge": {"register", "alive"},
    "pr-reviewer": {"register"},
    "an instance of forge": {"claim", "renew", "keep", "give_back"},
}


@pytest.fixture
def api(world: World) -> Api:
    return Api(world)


def ask(api: Api, verb: str, caller: str = "cli", **more: object) -> TestResponse:
    method, path, body = CALLS[verb]
    failed = api.failed if "{failed}" in path else ""
    path = path.format(run=api.run, waiting=api.waiting, failed=failed, task=api.task, file=api.file)
    if body is not None and not {"json", "data"} & more.keys():
        more["json"] = body
    return api.call(method, path, caller, **more)


# --- who may do what ----------------------------------------------------------------------------------


def test_the_table_of_rights_is_the_one_that_is_tried_here() -> None:
    tried = {caller: set(verbs) for caller, verbs in MAY.items() if verbs and caller in VERBS}
    assert {caller: set(verbs) for caller, verbs in VERBS.items()} == tried
    assert MAY["an instance of forge"] == INSTANCE_VERBS
    assert set.union(*MAY.values()) == {VERB_OF.get(call, call) for call in CALLS}


@pytest.mark.parametrize("caller", MAY)
@pytest.mark.parametrize("call", CALLS)
def test_a_caller_may_do_what_it_needs_alone(api: Api, caller: str, call: str) -> None:
    before, verb = api.world.task(api.task), VERB_OF.get(call, call)
    answer = ask(api, call, caller)
    if verb in MAY[caller]:
        assert answer.status_code in (200, 201, 202)
    else:
        name = caller.removeprefix("an instance of ")
        assert (answer.status_code, answer.json) == (403, {"error": f"{name} may not {verb}"})
        assert (before.state, before.attempt) == ("sent", 0)
        assert api.world.run(api.waiting).state == "waiting"


@pytest.mark.parametrize("role", ROLES)
def test_a_process_of_each_role_can_register_and_its_role_can_do_nothing_else_to_tasks(api: Api, role: str) -> None:
    name = dashed(role)
    answer = ask(api, "register", name)
    assert answer.status_code == 200
    caller = api.callers.of((answer.json or {})["token"])
    assert (caller.name, caller.role, caller.verbs) == (name, role, INSTANCE_VERBS)
    for verb in INSTANCE_VERBS:
        assert ask(api, verb, name).status_code == 403


def test_nobody_but_roles_can_register(api: Api) -> None:
    roles = {dashed(role) for role in ROLES}
    for caller in TOKENS:
        assert (ask(api, "register", caller).status_code == 200) == (caller in roles)
    assert ask(api, "register", "an instance of forge").status_code == 403


@pytest.mark.parametrize("header", NOBODY)
def test_nobody_else_may_do_anything(api: Api, header: str) -> None:
    for verb in CALLS:
        answer = ask(api, verb, headers={"Authorization": header})
        assert (answer.status_code, answer.json) == (401, {"error": "this API needs a caller's token"})


def test_whoever_comes_without_a_token_learns_no_more_than_that_it_is_well(api: Api) -> None:
    assert api.http.get("/healthz").json == {"status": "ok"}
    assert api.http.get("/runs").status_code == 401


# --- what is wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("start", {}),
        ("start", {"ask": {}}),
        ("start", {"ask": {**START["ask"], "number": 0}}),
        ("start", {"ask": {**START["ask"], "repository": "../x"}}),
        ("start", {"ask": {**START["ask"], "more": 1}}),
        ("start", {"ask": {"verb": "dance"}}),
        ("start", {**START, "more": 1}),
        ("start", {**START, "priority": "soon"}),
        ("start", {**START, "person": "x" * 101}),
        ("start", {**START, "files": [{"id": "../x", "name": "a", "size": 1}]}),
        ("start", []),
        ("start", "x"),
        ("answer", {}),
        ("answer", {"question": "approve"}),
        ("answer", {"question": "q" * 41, "choice": "Post"}),
        ("answer", {"question": "approve", "choice": "x" * 4001}),
        ("answer", {"question": "approve", "choice": "Post", "digest": "x" * 65}),
        ("register", {}),
        ("register", {"name": 1}),
        ("renew", {}),
        ("renew", {"attempt": "x"}),
        ("give_back", []),
        ("keep", {"attempt": 1}),
        ("keep", {"attempt": 1, "piece": "x"}),
        ("keep", {"attempt": 1, "piece": [1]}),
        ("keep", {"piece": {}}),
    ],
)
def test_a_bad_body_is_named(api: Api, verb: str, body: object) -> None:
    caller = next(caller for caller in MAY if verb in MAY[caller])
    answer = ask(api, verb, caller, json=body)
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["error"]
    assert "x" * 41 not in answer.json["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{}" * 2])
def test_what_is_not_json_is_refused(api: Api, body: bytes) -> None:
    for kind in ("application/json", "text/plain"):
        answer = ask(api, "start", data=body, content_type=kind)
        assert answer.status_code in (400, 415)
        assert set(answer.json or {}) == {"error"}


@pytest.mark.parametrize("verb", ["show", "log", "cancel", "answer", "file"])
def test_what_is_not_there_is_404(api: Api, verb: str) -> None:
    api.run = api.waiting = uuid7()
    api.file = "0" * 64
    answer = ask(api, verb)
    assert answer.status_code == 404
    assert "no" in (answer.json or {})["error"]


def test_what_has_ended_cannot_be_cancelled_and_that_is_409(api: Api) -> None:
    api.world.change(RunRow, str(api.run), state="verified")
    answer = ask(api, "cancel")
    assert (answer.status_code, answer.json) == (409, {"error": f"{TITLE} has already ended: verified."})


def test_a_cancel_that_is_refused_is_409(api: Api) -> None:
    api.world.answer(api.waiting)  # now it is posted
    api.run = api.waiting
    answer = ask(api, "cancel")
    assert answer.status_code == 409
    assert "Too late to stop" in (answer.json or {})["error"]


@pytest.mark.parametrize("ask_", [{"verb": "cancel"}, {"verb": "steer", "text": "hm"}])
def test_what_begins_no_run_cannot_be_started(api: Api, ask_: dict[str, str]) -> None:
    answer = api.start({"ask": {**ask_, "run_id": str(api.run)}})
    assert (answer.status_code, answer.json) == (409, {"error": f"{ask_['verb']} begins no run"})


@pytest.mark.parametrize("role", ["pr-reviewer", "forge"])
def test_a_task_of_another_role_and_one_that_is_none_are_not_there_for_an_instance(api: Api, role: str) -> None:
    if role == "forge":
        api.task = uuid7()
    answer = ask(api, "claim", f"an instance of {role}")
    assert answer.status_code == 404
    assert "there is no task" in (answer.json or {})["error"]


@pytest.mark.parametrize("path", ["/", "/nothing", "/runs/x", "/runs/../x", "/tasks/1/claim", "/runs/%00"])
def test_a_path_that_is_none_is_404_in_json(api: Api, path: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status_code, set(answer.json or {})) == (404, {"error"})


def test_a_fault_inside_shows_nothing_of_the_inside(api: Api) -> None:
    api.world.sessions.configure(bind=None)
    answer = ask(api, "list")
    assert (answer.status_code, answer.json) == (500, {"error": "internal error"})


@pytest.mark.parametrize("call", CALLS)
def test_a_database_that_is_away_is_503(api: Api, call: str) -> None:
    caller = next(caller for caller in MAY if VERB_OF.get(call, call) in MAY[caller])
    assert api.failed
    with api.world.engine.begin() as connection:
        for table in ("runs", "tasks", "gates"):
            connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_away"))
    answer = ask(api, call, caller)
    if call in ("register", "file", "files"):
        assert answer.status_code in (200, 201)
    else:
        assert (answer.status_code, answer.json) == (503, {"error": "the database does not answer"})


def test_an_orchestrator_whose_database_is_away_is_not_well(api: Api) -> None:
    with api.world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE runs RENAME TO runs_away"))
    assert api.http.get("/healthz").status_code >= 500


# --- starting -----------------------------------------------------------------------------------------


def test_a_program_starts_a_run_for_the_owner(api: Api) -> None:
    run = summary(api.start())
    assert (run.workflow, run.title, run.person, run.state, run.priority) == (
        "review", TITLE, "cli", "queued", "normal",
    )  # fmt: skip
    assert api.world.poked == [str(run.id)]
    request = Request.model_validate(api.world.run(run.id).request)
    assert (request.person.standing, request.chat) == ("admin", None)


def test_a_program_starts_a_run_for_somebody(api: Api) -> None:
    run = summary(api.start({**START, "person": "telegram:7", "priority": "low"}))
    assert (run.person, run.priority) == ("telegram:7", "low")
    assert Request.model_validate(api.world.run(run.id).request).person.standing == "requester"


def test_the_same_key_and_body_is_the_same_run(api: Api) -> None:
    key = {"Idempotency-Key": "nightly 1"}
    first, again = summary(api.start(**key)), summary(api.start(**key))
    assert first.id == again.id
    assert summary(api.start()).id != first.id
    assert [row.caller for row in api.world.rows(KeyRow)] == ["cli"]


@pytest.mark.parametrize("other", [{"priority": "high"}, {"person": "telegram:7"}])
def test_the_same_key_with_another_body_is_409(api: Api, other: dict[str, str]) -> None:
    key = {"Idempotency-Key": "nightly 1"}
    api.start(**key)
    answer = api.start({**START, **other}, **key)
    assert (answer.status_code, answer.json) == (409, {"error": "this Idempotency-Key was used for another request"})


def test_an_endless_key_is_cut(api: Api) -> None:
    key = {"Idempotency-Key": "k" * 5000}
    assert summary(api.start(**key)).id == summary(api.start(**key)).id


# --- what else it does --------------------------------------------------------------------------------


def test_a_program_stops_a_run_of_anybody(api: Api) -> None:
    assert summary(ask(api, "cancel")).id == api.run
    api.world.go_on()
    assert api.detail(api.run).state == "cancelled"


def test_a_program_has_a_run_of_anybody_tried_again(api: Api) -> None:
    failed = api.failed
    answer = api.call("POST", f"/runs/{failed}/retry")
    assert (answer.status_code, summary(answer).id, summary(answer).state) == (202, failed, "running")


def test_a_run_that_cannot_be_tried_again_is_409(api: Api) -> None:
    answer = api.call("POST", f"/runs/{api.run}/retry")
    assert (answer.status_code, answer.json) == (409, {"error": f"{TITLE} is still under way."})
    assert api.call("POST", f"/runs/{uuid7()}/retry").status_code == 404


def test_a_program_answers_for_anybody_and_its_name_stands_there(api: Api) -> None:
    assert summary(ask(api, "answer")).id == api.waiting
    (gate,) = api.detail(api.waiting).gates
    assert (gate.answer, gate.answered_by) == ("Post", "cli")


@pytest.mark.parametrize("body", [{"question": "approve", "choice": "yes"}, {"question": "other", "choice": "Post"}])
def test_an_answer_that_was_not_asked_for_is_409(api: Api, body: dict[str, str]) -> None:
    answer = ask(api, "answer", json=body)
    assert answer.status_code == 409
    assert api.world.gate(api.waiting).answer is None


def test_an_answer_to_what_is_no_longer_asked_is_409(api: Api) -> None:
    (gate,) = api.detail(api.waiting).gates
    said = {"question": "approve", "choice": "Post"}
    answer = ask(api, "answer", json={**said, "digest": "0" * 64})
    assert answer.status_code == 409
    assert "is not what" in (answer.json or {})["error"]
    assert api.world.gate(api.waiting).answer is None
    assert ask(api, "answer", json={**said, "digest": gate.digest}).status_code == 202


def test_an_answer_that_came_before_is_409(api: Api) -> None:
    ask(api, "answer")
    answer = ask(api, "answer", json={"question": "approve", "choice": "Discard"})
    assert (answer.status_code, answer.json) == (409, {"error": f"{TITLE} was answered before: Post."})


def test_a_run_that_the_api_began_asks_its_person_and_the_api_can_answer(api: Api) -> None:
    begun = summary(api.start({"ask": {**START["ask"], "approval": True}, "person": "clock"}))
    world = api.world
    world.publisher.published.clear()
    world.go_on()
    world.bring(begun.id, "fetch", PULL)
    world.bring(begun.id, "review", REVIEW)
    world.pass_by(begun.id)
    assert world.question().choices == ("Post", "Discard")
    world.answer(begun.id, "Post", CLOCK)
    assert world.run(begun.id).state == "waiting"
    api.waiting = begun.id
    assert ask(api, "answer").status_code == 202


def test_runs_are_listed_by_person(api: Api) -> None:
    api.start({**START, "person": "telegram:7"})
    found = (api.call("GET", "/runs?person=telegram:7&limit=5").json or {})["runs"]
    assert [run["person"] for run in found] == ["telegram:7"]
    assert len((api.call("GET", "/runs?limit=-1").json or {})["runs"]) == 1
    assert len((api.call("GET", "/runs?limit=x").json or {})["runs"]) == 3


def test_metrics_count_runs_by_state(api: Api) -> None:
    answer = ask(api, "metrics")
    assert 'claude_stack_runs{state="running"} 1\n' in answer.text
    assert 'claude_stack_runs{state="waiting"} 1\n' in answer.text


# --- as its clients see it ----------------------------------------------------------------------------


def test_a_process_registers_claims_renews_and_gives_back(api: Api) -> None:
    with api.served() as url:
        client = TasksApi(url, TOKENS["forge"], name="forge 1")
        claim = client.claim(api.task)
        assert (claim.verdict, claim.attempt, claim.tokens) == ("run", 1, {})
        assert client.renew(api.task, attempt=1).verdict == "go"
        assert client.renew(api.task, attempt=2).verdict == "lost"
        assert api.call("GET", f"/tasks/{api.task}/alive?attempt=1", "proxy").json == {"alive": True}
        assert client.give_back(api.task, attempt=1).verdict == "go"
        assert api.call("GET", f"/tasks/{api.task}/alive?attempt=1", "proxy").json == {"alive": False}
        with pytest.raises(GiveUp, match="there is no task"):
            client.claim(uuid7())


def test_a_process_keeps_pieces_of_what_it_works_on(api: Api) -> None:
    with api.served() as url:
        client = TasksApi(url, TOKENS["forge"], name="forge 1")
        client.claim(api.task)
        for _ in range(2):
            assert client.keep(api.task, attempt=1, piece={"title": "Füße"}).verdict == "go"
        assert client.keep(api.task, attempt=2, piece={}).verdict == "lost"
        with pytest.raises(GiveUp, match="the piece has"):
            client.keep(api.task, attempt=1, piece={"title": "x" * 70_000})
        assert client.claim(api.task).pieces == ({"title": "Füße"},)


def test_three_replicas_of_a_role_do_not_take_each_others_lease(api: Api) -> None:
    with api.served() as url:
        first, *others = (TasksApi(url, TOKENS["forge"], name="forge") for _ in range(3))
        assert first.claim(api.task).verdict == "run"
        assert [other.claim(api.task).verdict for other in others] == ["leased", "leased"]
        assert [other.renew(api.task, attempt=1).verdict for other in others] == ["lost", "lost"]
        assert first.claim(api.task).attempt == 1


def test_the_bot_reads_the_runs_of_a_person(api: Api) -> None:
    with api.served() as url:
        client = RunsApi(url, TOKENS["bot"])
        assert {run.id for run in client.runs(person="telegram:1")} == {api.run, api.waiting}
        assert client.runs(person="telegram:2") == []
        assert client.run(api.waiting).state == "waiting"
        with pytest.raises(Refused, match="bot may not cancel"):
            client.cancel(api.run)


def test_the_command_line_starts_answers_and_cancels(api: Api) -> None:
    with api.served() as url:
        client = RunsApi(url, TOKENS["cli"])
        begun = client.start(START["ask"], key="once", person="telegram:1", priority="high")
        assert client.start(START["ask"], key="once", person="telegram:1", priority="high").id == begun.id
        (gate,) = client.run(api.waiting).gates
        assert client.answer(api.waiting, "approve", "Discard", digest=gate.digest).id == api.waiting
        assert client.cancel(begun.id).id == begun.id
        with pytest.raises(GiveUp, match="answered before"):
            client.answer(api.waiting, "approve", "Post")


def test_the_command_line_has_a_run_tried_again_once_with_a_key(api: Api) -> None:
    failed = api.failed
    with api.served() as url:
        client = RunsApi(url, TOKENS["cli"])
        assert client.retry(failed, key="once").state == client.retry(failed, key="once").state == "running"
        with pytest.raises(GiveUp, match="still under way"):
            client.retry(failed)
    assert api.world.run(failed).round == 2


def test_files_go_both_ways(api: Api) -> None:
    with api.served() as url:
        client = RunsApi(url, TOKENS["bot"])
        kept = client.keep("../Füße & co.txt", b"\x00bytes\xff")
        assert isinstance(kept, Attachment)
        assert (kept.name, kept.size) == ("Füße _ co.txt", 7)
        assert client.file(kept.id) == b"\x00bytes\xff"
        with pytest.raises(GiveUp, match="no such file"):
            client.file("0" * 64)


def test_the_client_says_what_to_do_next(api: Api) -> None:
    with pytest.raises(TryAgain, match="cannot be reached"):
        RunsApi(f"http://127.0.0.1:{free_port()}", "x").run(uuid7())
    with api.served() as url:
        with pytest.raises(TryAgain, match="cannot be reached"):  # it cannot prove that it is the orchestrator
            RunsApi(url, "x").runs()
        with pytest.raises(Refused, match="may not list"):
            RunsApi(url, TOKENS["scheduler"]).runs()
        with pytest.raises(GiveUp, match="there is no run"):
            RunsApi(url, TOKENS["bot"]).run(UUID(int=0))
        with api.world.engine.begin() as connection:
            connection.execute(text("ALTER TABLE runs RENAME TO runs_away"))
        with pytest.raises(TryAgain, match="answers 503"):
            RunsApi(url, TOKENS["bot"]).run(api.run)


def test_a_process_registers_anew_where_the_orchestrator_was_set_up_anew(api: Api) -> None:
    with api.served() as url:
        client = TasksApi(url, TOKENS["forge"], name="forge 1")
        client._instance = "an old instance's token"
        assert client.claim(api.task).verdict == "run"
