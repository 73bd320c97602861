"""The forge as a process, between not-github and a real broker; the orchestrator is played."""

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask, request

from native.rabbitmq import free_port
from sim.not_github import client
from stack import topology
from stack.broker import Consumer, Listener, Publisher
from stack.ids import uuid7
from stack.messages import AnyMessage, Progress, Result, Signal, Task
from stack.proof import Prover
from stack.web import WebServer
from stack.work.review import FetchPullRequest, PullRequest
from tests.sim.not_github import TOKEN

ROOT = Path(__file__).parents[2]
API_TOKEN = "of-the-role"
PROVER = Prover("orchestrator", lambda: [API_TOKEN])
SECONDS = 20.0  # how long anything may take on a busy machine


class Orchestrator:
    """Sends tasks, lets the forge claim them, and hears what comes of them."""

    def __init__(self, broker: str, port: int) -> None:
        self.publisher = Publisher(broker, "orchestrator")
        self.results: queue.Queue[Result] = queue.Queue()
        self.heard: list[Progress] = []
        self.calls: list[str] = []
        self._parts = (
            self.publisher,
            WebServer(self._app(), host="127.0.0.1", port=port, room=lambda *_: 1 << 20, prover=PROVER),
            Listener(broker, "orchestrator", topology.PROGRESS, "#", self._hear),
            Consumer(broker, topology.RESULTS, self._take, publisher=self.publisher),
        )

    def send(self, number: int) -> Task:
        brief = FetchPullRequest(repository="acme/shop", number=number)
        task = Task(run_id=uuid7(), step="fetch", brief=brief)
        self.publisher.publish(task)
        return task

    def texts(self, kind: str) -> list[str]:
        return [one.text for one in self.heard if one.kind == kind]

    @contextmanager
    def running(self) -> Iterator["Orchestrator"]:
        for part in self._parts:
            part.start()
        yield self
        for part in reversed(self._parts):
            part.stop()

    def _hear(self, message: AnyMessage) -> None:
        assert isinstance(message, Progress)
        self.heard.append(message)

    def _take(self, message: AnyMessage) -> None:
        assert isinstance(message, Result)
        self.results.put(message)

    def _app(self) -> Flask:
        app = Flask(__name__)

        @app.post("/instances")
        def register() -> dict[str, str]:
            self.calls.append(f"{request.headers['Authorization']} is {request.get_json()['name']}")
            return {"token": "of-this-instance"}

        @app.post("/tasks/<uuid:task>/<verb>")
        def task(task: UUID, verb: str) -> dict[str, object]:
            assert request.headers["Authorization"] == "Bearer of-this-instance"
            self.calls.append(verb)
            return {"verdict": "run", "attempt": 1, "lease_seconds": 1.5} if verb == "claim" else {"verdict": "go"}

        return app


@pytest.fixture
def orchestrator(broker_url: Callable[[str], str], port: int) -> Iterator[Orchestrator]:
    with Orchestrator(broker_url("orchestrator"), port).running() as orchestrator:
        yield orchestrator


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(
    orchestrator: Orchestrator, port: int, broker_url: Callable[[str], str], not_github: str, tmp_path: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    settings = {
        "PATH": os.environ["PATH"], "BROKER_URL": broker_url("forge"), "API_TOKEN": API_TOKEN,
        "ORCHESTRATOR_URL": f"http://127.0.0.1:{port}", "SERVICE_NAME": "forge-1", "DATA_DIR": str(tmp_path / "data"),
        "FORGE_PORT": str(free_port()), "FORGE_TOKEN_KEY": "not-a-key", "FORGE_MARK_KEY": "not-a-key",
        "PROOF_KEY": "not-a-key", "GITHUB_TOKEN": TOKEN,
        "GITHUB_API_URL": not_github, "GITHUB_URL": not_github, "HEARTBEAT_FILE": str(tmp_path / "beat"),
    }  # fmt: skip
    with subprocess.Popen([sys.executable, "-m", "forge"], cwd=ROOT, env=settings) as process:
        wait_for((tmp_path / "beat").exists)
        yield process
        process.terminate()
        assert process.wait(SECONDS) == 0
    client.call("DELETE", f"{not_github}/_sim/faults")


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def slow(not_github: str, seconds: float) -> None:
    fault = {"path_regex": "info/refs", "delay_seconds": seconds}
    client.call("POST", f"{not_github}/_sim/faults", fault)


@pytest.mark.usefixtures("process")
def test_a_task_is_claimed_kept_and_done(orchestrator: Orchestrator, not_github: str) -> None:
    slow(not_github, 2)

    task = orchestrator.send(12)

    result = orchestrator.results.get(timeout=SECONDS)
    assert (result.task_id, result.run_id, result.attempt) == (task.id, task.run_id, 1)
    assert isinstance(result.outcome, PullRequest)
    assert orchestrator.calls[:2] == ["Bearer of-the-role is forge-1", "claim"]
    assert orchestrator.calls.count("renew") >= 2
    wait_for(lambda: orchestrator.texts("hop") == ["fetch.claimed", "fetch.done"])
    assert orchestrator.texts("step") == ["Cloning acme/shop, this once"]
    assert {one.source for one in orchestrator.heard} == {"forge"}


@pytest.mark.usefixtures("process")
def test_a_cancel_ends_a_clone(orchestrator: Orchestrator, not_github: str) -> None:
    slow(not_github, 60)
    task = orchestrator.send(12)
    wait_for(lambda: "Cloning acme/shop, this once" in orchestrator.texts("step"))

    for _ in range(20):  # a signal may be lost, above all before the forge listens
        orchestrator.publisher.mention(Signal(task_id=task.id))
        time.sleep(0.1)
    client.call("DELETE", f"{not_github}/_sim/faults")
    other = orchestrator.send(12)

    assert orchestrator.results.get(timeout=SECONDS).task_id == other.id
    assert "give_back" not in orchestrator.calls


def test_a_forge_that_stops_gives_a_clone_back(
    process: "subprocess.Popen[bytes]", orchestrator: Orchestrator, not_github: str
) -> None:
    slow(not_github, 60)
    orchestrator.send(12)
    wait_for(lambda: "Cloning acme/shop, this once" in orchestrator.texts("step"))

    process.send_signal(signal.SIGTERM)

    assert process.wait(SECONDS) == 0
    assert orchestrator.calls[-1] == "give_back"
    assert orchestrator.results.empty()


@pytest.mark.usefixtures("process")
def test_a_slow_clone_keeps_its_own_worker_alone(orchestrator: Orchestrator, not_github: str) -> None:
    slow(not_github, 6)
    first = orchestrator.send(12)
    wait_for(lambda: "Cloning acme/shop, this once" in orchestrator.texts("step"))

    others = {orchestrator.send(12).id for _ in range(3)}
    for _ in others:
        result = orchestrator.results.get(timeout=SECONDS)
        assert result.task_id in others
        assert getattr(result.outcome, "after", None) == 20
    assert orchestrator.results.get(timeout=SECONDS).task_id == first.id
