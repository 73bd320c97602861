"""What tests of agents share: not-anthropic, a small role of their own, tasks for it, and a runner with real slots."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
import requests

from agents.__main__ import bundled_claude
from agents.cache import Cache
from agents.claude import Claude
from agents.claude.transcripts import Transcripts
from agents.role import Answer, Job, Repositories, Setup
from agents.runner import Runner
from agents.sandbox.folders import private_folder, reachable_claude, start_only
from agents.sandbox.network import Network
from agents.sandbox.pool import Slots
from agents.sandbox.slot import Slot
from agents.sandbox.workspace import Part, Workspace, Workspaces
from stack.api import Claim
from stack.assignment import Assignment
from stack.ids import uuid7
from stack.messages import Message, Progress, Signal, Task
from stack.work.kinds import Brief, Report, Usage
from tests.stack.proving import PROOF_KEY

KEY = "not-a-token"
# Ten users of this process's own, below those of any stack's slots (native/stack.py): ending a slot ends all of its
# user's processes, and other tests may run on this machine.
UID = 20_000 + os.getpid() % 4_000 * 10
IS_ROOT = os.geteuid() == 0


# --- a role of the tests' own ---------------------------------------------------------------------------


class Said(Report):
    """What Claude said."""

    report: Literal["said"] = "said"
    text: str
    usage: Usage


class Say(Brief[Said]):
    """Say something about what lies in the folder."""

    do: Literal["say"] = "say"
    by = "pr_reviewer"
    text: str = "Say something."


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
# What makes not-anthropic read all of diff/ first.
FINDINGS: dict[str, Any] = {
    **SCHEMA,
    "properties": {"summary": {"type": "string"}, "findings": {"type": "array", "items": {"type": "object"}}},
}


class SayJob(Job):
    """Reads nothing but what it is told to; keeps what tools have shown."""

    def __init__(self, brief: Say, workspace: Workspace, _repositories: Repositories) -> None:
        self.prompt = f"{brief.text} {workspace.mark}"
        self.shown: list[tuple[str, Any]] = []
        for number in range(1, 4):
            (workspace.part("diff") / f"{number:04}.diff").write_text(diff(f"a{number}.py"))
        jobs.append(self)

    def heard(self, tool: str, asked: dict[str, Any], answer: Any) -> None:
        self.shown.append((tool, answer))

    def report(self, answer: Answer, usage: Usage) -> Said:
        return Said(text=answer.text or str(answer.structured["summary"]), usage=usage)


jobs: list[SayJob] = []


def diff(path: str) -> str:
    body = "+x = eval(y)\n" * 300
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,302 @@\n before\n{body} after\n"


def setup(**more: Any) -> Setup:
    """How Claude is set up in these tests."""
    settings: dict[str, Any] = {
        "system_prompt": "You say something.",
        "schema": SCHEMA,
        "begin": SayJob,
        "parts": (Part("diff"),),
        "recorded_tools": ("Read",),
    }
    return Setup(**{**settings, **more})


# --- a task, and what is told of it ---------------------------------------------------------------------


@dataclass
class Told:
    """Keeps what an assignment tells. `then` is called with each text, while whoever tells it waits."""

    then: Callable[[str], object] = lambda _text: None
    progress: list[Progress] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        raise AssertionError("an agent's function brings nothing by itself")

    def mention(self, message: Progress | Signal) -> None:
        assert isinstance(message, Progress)
        self.progress.append(message)
        self.then(message.text)

    def steps(self, *, passing: bool = False) -> list[str]:
        """What a person was told, in order."""
        return [p.text for p in self.progress if p.kind == "step" and bool(p.data.get("passing")) is passing]

    def hops(self) -> list[str]:
        return [p.text for p in self.progress if p.kind == "hop"]

    def wait_for(self, text: str, *, seconds: float = 20) -> None:
        """Returns when a step or hop that has `text` in it was told."""
        until(lambda: any(text in p.text for p in self.progress), seconds=seconds)


def assignment(
    brief: Brief[Any] | None = None,
    *,
    task_id: UUID | None = None,
    seconds: float = 60,
    attempt: int = 1,
    last: bool | None = None,
    budget_usd: float = 5,
    pieces: Sequence[dict[str, Any]] = (),
    token: str = KEY,
) -> Assignment:
    """A task that was claimed; `kept` tells which pieces of a report it has stored. A second attempt is the last one,
    unless that is said otherwise.
    """
    claim = Claim(
        verdict="run", attempt=attempt, lease_seconds=15, seconds=seconds, budget_usd=budget_usd,
        tokens={"model": token, "forge": ""}, last=attempt > 1 if last is None else last, pieces=tuple(pieces),
    )  # fmt: skip
    task = Task(id=task_id or uuid7(), run_id=uuid7(), step="say", brief=brief or Say())
    sender = Told()
    return Assignment(task, claim, sender, sender.kept.append)


def told(at: Assignment) -> Told:
    """What was told of a task."""
    assert isinstance(at.sender, Told)
    return at.sender


def until(look: Callable[[], object], *, seconds: float = 20) -> None:
    """Returns once `look` is true."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


class Running:
    """Work in a thread: `outcome` waits for its report, or raises what it raised."""

    def __init__(self, work: Callable[[], Report]) -> None:
        self._found: list[Report | BaseException] = []
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def outcome(self, *, seconds: float = 60) -> Report:
        self._thread.join(seconds)
        assert self._found, "it does not end"
        if isinstance(self._found[0], BaseException):
            raise self._found[0]
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:
            self._found.append(error)


# --- not-anthropic --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """not-anthropic, and what it is told to do."""

    url: str

    def play(self, kind: str, **more: Any) -> None:
        requests.post(f"{self.url}/_sim/scenario", json={"kind": kind, **more}, timeout=5).raise_for_status()

    def behave(self) -> None:
        requests.delete(f"{self.url}/_sim/scenario", timeout=5).raise_for_status()

    def forget(self) -> None:
        """Empties the log of calls."""
        requests.delete(f"{self.url}/_sim/requests", timeout=5).raise_for_status()

    def calls(self) -> list[int]:
        """How many messages each call of the model so far had."""
        calls = requests.get(f"{self.url}/_sim/requests", timeout=5).json()["requests"]
        return [call["messages"] for call in calls if call["path"].split("?")[0] == "/v1/messages"]


@pytest.fixture(scope="session")
def simulator() -> Iterator[Model]:
    command = [sys.executable, "-m", "sim.not_anthropic", "--port", "0", "--key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield Model(process.stdout.readline().split()[-1])
        process.terminate()


@pytest.fixture
def model(simulator: Model) -> Iterator[Model]:
    """not-anthropic with no scenario on and no calls in its log."""
    simulator.forget()
    yield simulator
    simulator.behave()


# --- a runner -------------------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a slot's user can reach: pytest closes its own to others, at any start of another pytest."""
    made = Path(tempfile.mkdtemp(prefix="agents-", dir="/var/tmp"))
    made.chmod(0o755)
    yield made
    wait_for_tidying()
    shutil.rmtree(made)


def wait_for_tidying() -> None:
    """Returns once the slots of what was reported are cleared: it ends all that runs in them."""
    for thread in threading.enumerate():
        if thread.name.startswith("tidy"):
            thread.join()


class Trusting(Network):
    """Leads to a model that is played here, and can prove nothing: tests/attacks has one that asks."""

    def prove(self, connection: socket.socket) -> None:
        """In silence."""


def slot(folder: Path, number: int = 0, *, proxy_url: str = "") -> Slot:
    """A slot that is this test's own; with the address of a proxy, in a network of its own where that can be made."""
    network = Trusting(proxy_url, PROOF_KEY) if IS_ROOT and proxy_url else None
    return Slot(f"{folder}/slot-{number}", UID + number if IS_ROOT else None, network)


Environment = Mapping[str, str]


@dataclass
class Agent:
    """A runner as a process has it, on a folder that outlives it."""

    folder: Path
    model_url: str
    silence_seconds: float = 30
    claude: Path | None = None
    slots: tuple[Slot, ...] = ()
    caches: Cache | None = None

    def runner(self) -> Runner:
        executable = self.claude or reachable_claude(start_only(bundled_claude()), self.folder)
        return Runner(
            slots=Slots(list(self.slots or (slot(self.folder, proxy_url=self.model_url),))),
            workspaces=Workspaces(self.folder / "tasks"),
            caches=self.caches
            or Cache(private_folder(self.folder / "cache"), forge_url="http://127.0.0.1:9", proof_key=PROOF_KEY),
            transcripts=Transcripts(private_folder(self.folder / "transcripts"), keep_days=7),
            claude=Claude(executable, self.model_url, self.silence_seconds),
        )

    def work(self, at: Assignment, how: Setup | None = None) -> Said:
        """Works on a task to its end, as a process that has just started."""
        report = self.report(at, how or setup())
        assert isinstance(report, Said)
        return report

    def report(self, at: Assignment, how: Setup) -> Report:
        wait_for_tidying()  # of another runner on the same slots, which a machine does not have
        runner = self.runner()
        runner.tidy()
        return runner.does(how)(at.task.brief, at)


@pytest.fixture
def agent(folder: Path, model: Model) -> Iterator[Agent]:
    """A runner that has not-anthropic for a model; the environment is as empty as that of an agent."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(kept)
    jobs.clear()
    yield Agent(folder, model.url)
    os.environ.clear()
    os.environ.update(before)
