"""Slots: users, processes and their end, and what becomes of a slot whose processes do not end."""

import os
import signal
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agents.cache import Cache
from agents.claude import Claude
from agents.claude.options import WRAPPER
from agents.claude.session import CLOSE_SECONDS
from agents.claude.transcripts import Transcript, Transcripts
from agents.role import Answer, Job, Setup
from agents.runner import Runner
from agents.sandbox import pool
from agents.sandbox import slot as slot_module
from agents.sandbox.folders import reachable_folder
from agents.sandbox.limits import ControlGroup, Limits
from agents.sandbox.pool import Slots, beside
from agents.sandbox.slot import END_SECONDS, Slot, as_user, make_slots
from agents.sandbox.workspace import Workspace, Workspaces
from stack.assignment import Assignment
from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.work.kinds import Report, Usage
from tests.agents.conftest import IS_ROOT, UID, Agent, Said, assignment, setup, slot, until

root_only = pytest.mark.skipif(not IS_ROOT, reason="slots have users of their own as root alone")


def start(place: Slot, script: str, started: Path) -> "subprocess.Popen[bytes]":
    """Runs a shell script in a slot, by the wrapper that starts Claude Code."""
    environment = {"PATH": os.defpath, **place.environment(Path("/bin/sh"), started=started, folder=started.parent)}
    return subprocess.Popen([WRAPPER, "-c", script], env=environment, start_new_session=True, cwd="/")


def group_in(folder: Path) -> ControlGroup:
    """A control group as its files show it, which nobody can join."""
    (folder / "memory.events").write_text("oom_kill 0\n")
    (folder / "pids.events").write_text("max 0\n")
    return ControlGroup(Limits(), {"memory": folder, "pids": folder}, entries=[folder / "away/cgroup.procs"])


def test_the_moment_of_the_start_is_marked(folder: Path) -> None:
    start(slot(folder), "true", folder / "started").wait()
    assert abs((folder / "started").stat().st_mtime - time.time()) < 10


def test_every_process_ends_with_the_slot_wherever_it_has_moved_to(folder: Path) -> None:
    place = slot(folder)
    script = "sleep 600 & setsid sleep 600 & (trap '' TERM INT; sleep 600) & wait"
    first = start(place, script, folder / "started")
    until(lambda: len(place.processes()) >= 4)
    assert place.end_processes()
    assert not place.is_busy()
    assert first.wait(5) == -signal.SIGKILL


def test_a_process_may_write_down_what_it_has_where_it_is_ended_gently(folder: Path) -> None:
    place = slot(folder)
    written = folder / "written"
    written.touch()
    written.chmod(0o666)
    writer = start(
        place, f"trap 'echo last words >{written}; exit' TERM; while :; do sleep 0.05; done", folder / "started"
    )
    until(place.is_busy)
    time.sleep(0.3)
    assert place.end_processes(gently=True)
    writer.wait(5)
    assert written.read_text() == "last words\n"


@root_only
def test_a_slot_ends_where_no_process_more_can_be_started_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    place = slot(folder)
    first = start(place, "sleep 600 & sleep 600 & wait", folder / "started")
    until(lambda: len(place.processes()) >= 3)
    monkeypatch.setattr(slot_module, "as_user", none_left)
    assert place.end_processes()
    assert first.wait(5) == -signal.SIGKILL


def test_each_task_of_each_slot_has_a_user_of_its_own() -> None:
    slots = make_slots(
        "here", count=3, first_uid=UID, proxy_url="http://127.0.0.1:9", proof_key="not-a-key", limits=Limits()
    )
    assert len({s.name for s in slots}) == 3
    had = [place.uid for place in slots]
    for _ in range(40):
        slots = [place.renewed() for place in slots]
        had += [place.uid for place in slots]
    assert len(set(had)) == (len(had) if IS_ROOT else 1)


@root_only
def test_what_cannot_join_its_control_group_does_not_start(folder: Path) -> None:
    place = replace(slot(folder), group=group_in(folder))
    assert start(place, "true", folder / "started").wait(5) != 0


@root_only
def test_what_runs_in_a_slot_is_nobody_else_and_can_do_nothing_else(folder: Path) -> None:
    place = slot(folder)
    with Workspaces(folder).of(uuid7(), slot=place, parts=(), mark="") as workspace:
        workspace.hand_over(place.uid)
        script = f"id -u; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status; touch {workspace.work}/x 2>&1; env"
        environment = {
            "PATH": os.defpath,
            **place.environment(Path("/bin/sh"), started=workspace.started, folder=folder),
        }
        done = subprocess.run([WRAPPER, "-c", script], env=environment, capture_output=True, text=True, cwd="/")
    uid, groups, *rest = done.stdout.splitlines()
    assert (uid, groups) == (str(UID), str(UID))
    assert "CapEff:\t0000000000000000" in rest
    assert "NoNewPrivs:\t1" in rest
    assert any("Permission denied" in line for line in rest)
    assert not any(line.startswith("STACK_") for line in rest)


@root_only
def test_a_script_of_a_slots_user_has_nothing_of_ours(folder: Path) -> None:
    with (folder / "out").open("wb") as out:
        assert as_user(UID, "id -u; id -G; env | grep -v -e PATH -e PWD -e ^_=; exit 3", out=out) == 3
    assert (folder / "out").read_text() == f"{UID}\n{UID}\n"


@root_only
def test_a_folder_that_a_slots_user_cannot_enter_is_refused(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(GiveUp, match="private"):
        reachable_folder(private / "data")


# --- what does not end -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stubborn(Slot):
    """A slot with a process that no signal ends, from the first one on until it is let go."""

    signalled: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def processes(self) -> dict[int, dict[str, str]]:
        stuck = self.signalled.is_set() and not self.let_go.is_set()
        return {**super().processes(), **({2**22: {"Uid": str(UID)}} if stuck else {})}

    def end_processes(self, *, gently: bool = False) -> bool:
        if super().is_busy():
            self.signalled.set()
        return super().end_processes(gently=gently)


@pytest.fixture
def stubborn(folder: Path) -> Stubborn:
    place = slot(folder)
    return Stubborn(place.name, place.uid)


def test_a_report_is_brought_though_a_process_does_not_end(agent: Agent, stubborn: Stubborn) -> None:
    agent.slots = (stubborn,)
    assert "Say something." in agent.work(assignment()).text
    assert stubborn.signalled.wait(10)
    stubborn.let_go.set()


class Looks(Claude):
    """Says what lies beside its workspace; a process of it stays for a while."""

    def converse(
        self,
        setup: Setup,
        job: Job,
        at: Assignment,
        *,
        slot: Slot,
        workspace: Workspace,
        kept: Transcript,
        held: ExitStack,
    ) -> Report:
        assert isinstance(slot, Stubborn)
        slot.signalled.set()
        beside = [path.name for path in workspace.folder.parent.iterdir() if path != workspace.folder]
        return job.report(Answer(text=str(beside)), Usage(model="m", turns=1, seconds=1))


def test_what_a_process_that_did_not_end_has_kept_is_gone_when_its_slot_is_taken_again(folder: Path) -> None:
    place = Stubborn("slot", None)
    workspaces = Workspaces(folder / "tasks")
    runner = Runner(
        slots=Slots([place]),
        workspaces=workspaces,
        caches=Cache(folder, forge_url="http://127.0.0.1:9", proof_key="not-a-key"),
        transcripts=Transcripts(folder / "transcripts", keep_days=7),
        claude=Looks(Path("/bin/false"), "", 1),
    )
    work = runner.does(setup())
    first = assignment()
    work(first.task.brief, first)
    until(lambda: next(workspaces.left(), None))
    place.let_go.set()
    second = assignment()
    report = work(second.task.brief, second)
    assert isinstance(report, Said)
    assert report.text == "[]"


def test_a_slot_that_cannot_be_cleared_is_out_of_service_until_it_is(
    stubborn: Stubborn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(pool, "RETRY_SECONDS", 0.1)
    slots = Slots([stubborn])
    with slots.one():
        stubborn.signalled.set()
    with pytest.raises(TryAgain, match="no slot is free") as refused, slots.one():
        pass
    assert refused.value.after
    until(lambda: "is out of service" in caplog.text)
    stubborn.let_go.set()
    until(lambda: "is in service again" in caplog.text)
    with slots.one() as cleared:
        assert cleared == stubborn


def test_a_slot_whose_control_group_is_away_for_a_moment_is_not_lost(folder: Path) -> None:
    slots = Slots([replace(slot(folder), group=group_in(folder))])
    (folder / "pids.events").rename(folder / "away")
    with pytest.raises(FileNotFoundError), slots.one():
        pass
    (folder / "away").rename(folder / "pids.events")
    with slots.one() as free:
        assert free.group


def test_what_is_to_be_done_beside_is_done_where_a_task_has_taken_all_threads() -> None:
    done: list[str] = []
    before = threading.stack_size(1 << 47)  # more than there is: no thread can be started
    try:
        with pytest.raises(RuntimeError):
            threading.Thread(target=int).start()
        beside(lambda: done.append("done"), name="beside")
    finally:
        threading.stack_size(before)
    assert done == ["done"]


def test_a_slot_is_waited_for_as_long_as_the_tidying_of_the_task_before_may_take() -> None:
    assert pool.WAIT_SECONDS >= END_SECONDS + CLOSE_SECONDS + 5
