"""The orchestrator's API as its callers see it: what they show, and what its answers mean to them."""

import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest

from stack.api import Claim, Renewal, RunsApi, TasksApi
from stack.errors import GiveUp, Refused, TryAgain
from tests.stack.proving import proves
from tests.stack.samples import FILE, RUN

ROLE_TOKEN = "not-a-role-token"
TOKENS = ("x", "not-a-token", "not-the-token")  # of others that it proves to, and knows of no right of
SUMMARY = {
    "id": str(RUN), "workflow": "review", "title": "Review of acme/shop#12", "person": "cli", "state": "running",
    "started": "2026-01-08T12:00:00Z", "seconds": 1.5,
}  # fmt: skip


class Orchestrator(ThreadingHTTPServer):
    """Knows the tokens that it gave out, and answers each path with what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: queue.Queue[tuple[str, str, dict[str, str], bytes]] = queue.Queue()
        self.answers: dict[str, tuple[int, Any]] = {}
        self.known: set[str] = set()
        self.given_out = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, token: str) -> tuple[int, Any]:
        if path == "/instances":
            return self._registered(token)
        if path.startswith("/tasks/") and token not in self.known:
            return 401, {"error": "this token is not known"}
        return self.answers.get(f"{method} {path}", (404, {"error": f"there is no {path}"}))

    def _registered(self, token: str) -> tuple[int, Any]:
        if token != ROLE_TOKEN:
            return 401, {"error": "this token is not known"}
        with self._lock:
            self.given_out += 1
            self.known.add(f"instance-{self.given_out}")
            return 200, {"token": f"instance-{self.given_out}"}


class Answering(BaseHTTPRequestHandler):
    """One request to it."""

    server: Orchestrator
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if proves(self, "orchestrator", ROLE_TOKEN, *TOKENS):
            return
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.put((self.command, self.path, headers, body))
        token = headers.get("authorization", "").removeprefix("Bearer ")
        status, answer = self.server.answer(self.command, self.path, token)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - http.server names it

    def log_message(self, *_: object) -> None:
        """In silence."""


@contextmanager
def running(server: Orchestrator) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    server = Orchestrator()
    with running(server):
        yield server


@pytest.fixture
def tasks(orchestrator: Orchestrator) -> TasksApi:
    for verb, answer in (("claim", {"verdict": "run", "attempt": 1}), ("renew", {"verdict": "go"})):
        orchestrator.answers[f"POST /tasks/{RUN}/{verb}"] = (200, answer)
    return TasksApi(orchestrator.url + "/", ROLE_TOKEN, name="forge-1")


# --- who works on tasks -------------------------------------------------------------------------------


def test_a_process_registers_once_with_its_roles_token_and_is_known_by_its_own(
    orchestrator: Orchestrator, tasks: TasksApi
) -> None:
    assert tasks.claim(RUN) == Claim(verdict="run", attempt=1)
    assert tasks.renew(RUN, attempt=1) == Renewal(verdict="go")
    asked = [orchestrator.asked.get_nowait() for _ in range(3)]
    assert [(path, headers["authorization"]) for _, path, headers, _ in asked] == [
        ("/instances", f"Bearer {ROLE_TOKEN}"),
        (f"/tasks/{RUN}/claim", "Bearer instance-1"),
        (f"/tasks/{RUN}/renew", "Bearer instance-1"),
    ]
    assert [json.loads(body) for *_, body in asked] == [{"name": "forge-1"}, {}, {"attempt": 1}]


def test_threads_that_begin_together_register_once(orchestrator: Orchestrator, tasks: TasksApi) -> None:
    """A lease is held by the token that claimed it: with two, one thread would take the other's for lost."""
    together = threading.Barrier(8)

    def claim(_: int) -> Claim:
        together.wait(10)
        return tasks.claim(RUN)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(claim, range(8)))) == 8
    assert orchestrator.given_out == 1


def test_a_process_that_is_not_known_any_more_registers_anew(orchestrator: Orchestrator, tasks: TasksApi) -> None:
    tasks.claim(RUN)
    orchestrator.known.clear()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: tasks.renew(RUN, attempt=1).verdict, range(4))) == ["go"] * 4
    assert orchestrator.given_out == 2


def test_what_is_refused_to_a_process_that_is_known_does_not_make_it_another(
    orchestrator: Orchestrator, tasks: TasksApi
) -> None:
    other = UUID(int=RUN.int + 1)
    orchestrator.answers[f"POST /tasks/{other}/claim"] = (403, {"error": "this is a task of another role"})
    tasks.claim(RUN)
    with pytest.raises(Refused, match="another role"):
        tasks.claim(other)
    assert orchestrator.given_out == 1


def test_a_role_that_is_not_known_is_refused(orchestrator: Orchestrator) -> None:
    with pytest.raises(Refused, match="not known"):
        TasksApi(orchestrator.url, "not-the-token", name="x").claim(RUN)


# --- what answers mean --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"), [(400, GiveUp), (401, Refused), (403, Refused), (404, GiveUp), (409, GiveUp)]
)
def test_what_is_refused_is_said_in_the_orchestrators_words(
    orchestrator: Orchestrator, status: int, error: type[GiveUp]
) -> None:
    orchestrator.answers[f"POST /runs/{RUN}/cancel"] = (status, {"error": "it has ended"})
    with pytest.raises(error, match=r"^it has ended$") as raised:
        RunsApi(orchestrator.url, "x").cancel(RUN)
    assert isinstance(raised.value, Refused) == (status in (401, 403))


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_orchestrator_with_a_fault_is_asked_again(orchestrator: Orchestrator, status: int) -> None:
    orchestrator.answers[f"GET /runs/{RUN}"] = (status, b"<html>")
    with pytest.raises(TryAgain, match=str(status)):
        RunsApi(orchestrator.url, "x").run(RUN)


def test_an_orchestrator_that_is_not_there_is_asked_again() -> None:
    with pytest.raises(TryAgain, match="cannot be reached"):
        RunsApi("http://127.0.0.1:1", "x").run(RUN)


def test_what_somebody_else_answers_is_shown_in_part(orchestrator: Orchestrator) -> None:
    orchestrator.answers[f"GET /runs/{RUN}"] = (418, b"x" * 10_000)
    with pytest.raises(GiveUp, match=r"answers 418: x{200}$"):
        RunsApi(orchestrator.url, "x").run(RUN)


# --- runs ---------------------------------------------------------------------------------------------


def test_a_run_is_begun_once_with_a_key(orchestrator: Orchestrator) -> None:
    orchestrator.answers["POST /runs"] = (201, SUMMARY)
    ask = {"verb": "review", "repository": "acme/shop", "number": 12}
    found = RunsApi(orchestrator.url, "not-a-token").start(ask, key="a-key", priority="high")
    assert (found.id, found.state, found.title) == (RUN, "running", "Review of acme/shop#12")
    _, _, headers, body = orchestrator.asked.get_nowait()
    assert (headers["idempotency-key"], headers["authorization"]) == ("a-key", "Bearer not-a-token")
    assert json.loads(body) == {"ask": ask, "priority": "high"}


def test_runs_are_seen_with_their_attributes(orchestrator: Orchestrator) -> None:
    event = {"at": "2026-01-08T12:00:01Z", "source": "forge", "kind": "hop", "text": "fetch.done", "data": {}}
    task = {"id": str(RUN), "step": "fetch", "role": "forge", "state": "claimed", "attempt": 1}
    orchestrator.answers["GET /runs?person=telegram%3A1&limit=3"] = (200, {"runs": [SUMMARY, SUMMARY]})
    orchestrator.answers[f"GET /runs/{RUN}"] = (200, {**SUMMARY, "tasks": [task], "events": [event]})
    api = RunsApi(orchestrator.url, "x")
    assert [run.id for run in api.runs(person="telegram:1", limit=3)] == [RUN, RUN]
    run = api.run(RUN)
    assert (run.tasks[0].step, run.tasks[0].outcome, run.events[0].text) == ("fetch", None, "fetch.done")


def test_files_go_there_and_come_back_as_they_are(orchestrator: Orchestrator) -> None:
    orchestrator.answers["POST /files?name=F%C3%BC%C3%9Fe.txt"] = (201, FILE.model_dump())
    orchestrator.answers[f"GET /files/{FILE.id}"] = (200, b"\x00\xff")
    api = RunsApi(orchestrator.url, "x")
    assert api.keep("Füße.txt", b"\x00\xff") == FILE
    assert orchestrator.asked.get_nowait()[3] == b"\x00\xff"
    assert api.file(FILE.id) == b"\x00\xff"


def test_an_answer_names_its_question(orchestrator: Orchestrator) -> None:
    orchestrator.answers[f"POST /runs/{RUN}/answer"] = (200, SUMMARY)
    assert RunsApi(orchestrator.url, "x").answer(RUN, "post", "Post", digest="d").id == RUN
    assert json.loads(orchestrator.asked.get_nowait()[3]) == {"question": "post", "choice": "Post", "digest": "d"}
