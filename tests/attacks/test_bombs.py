"""A task that takes without end: it is ended, its person is told, and what it took is free again.

Each bomb ends by itself at a gigabyte, or at 2,000 processes, whether or not somebody stops it.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.claude.options import WRAPPER
from agents.sandbox.limits import ControlGroup, Limits
from agents.sandbox.network import Network
from agents.sandbox.slot import Slot, as_user
from agents.sandbox.watch import Watch
from native.desk import Desk
from native.stack import Stack
from tests.agents.fake_claude import put_fake_claude
from tests.whole.world import PEOPLE, World

LIMITS = Limits(memory_mb=600, processes=200, disk_mb=200)  # what processes share counts for each of them
BOMBS = {
    "fork_bomb": "it had more than 200 processes at once",
    "memory_bomb": "it took more than 600 MB of memory",
    "disk_bomb": "it wrote more than 200 MB of files",
}
UID = 20_000 + os.getpid() % 1_000


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack with a stand-in for Claude Code, and less room than usual."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        settings = {
            "agents": {
                "CLAUDE_CLI": str(put_fake_claude(folder / "claude", "exit")),
                "AGENT_MEMORY_MB": str(LIMITS.memory_mb),
                "AGENT_PROCESSES": str(LIMITS.processes),
                "AGENT_DISK_MB": str(LIMITS.disk_mb),
            },
            "bot": {"ALLOWED_USERS": ",".join(map(str, PEOPLE))},
        }
        running = Stack(folder / "stack", extra=settings)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_task_that_takes_too_much_is_ended_and_its_person_told(world: World, desk: Desk, bomb: str) -> None:
    put_fake_claude(world.stack.folder.parent / "claude", bomb)
    free = os.statvfs("/var/tmp")
    ended = desk.run(f"/review {world.pull()}")
    assert ended.run.state == "failed"
    assert BOMBS[bomb] in ended.final["text"]
    world.until(lambda: not world.slot_processes())
    world.until(lambda: os.statvfs("/var/tmp").f_bavail > free.f_bavail - (64 << 20) // free.f_bsize)


# --- the same bombs, with a control group and without ---------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        home = Path(name, "home")
        home.mkdir()
        os.chown(home, UID, UID)
        yield Path(name)


@pytest.fixture(params=["with a control group", "without"])
def slot(request: pytest.FixtureRequest) -> Iterator[Slot]:
    slot = Slot("bombed", UID, Network("http://127.0.0.1:9", "not-a-key"), limits=LIMITS)
    if request.param == "without":
        yield slot
        return
    group = ControlGroup.made(f"claude-stack-test-{os.getpid()}", LIMITS)
    yield replace(slot, group=group)
    group.remove()


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_a_task_takes_is_seen_and_bounded(slot: Slot, folder: Path, bomb: str) -> None:
    claude = put_fake_claude(folder / "claude", bomb)
    home = {"PATH": os.defpath, "HOME": str(folder / "home")}
    environment = {**home, **slot.environment(claude, started=folder / "started", folder=folder)}
    watch, most = Watch(slot, [folder / "home"]), 0
    with subprocess.Popen(
        [WRAPPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={"PATH": os.defpath, "HOME": str(folder / "home"), **environment},
    ) as begun:
        assert begun.stdin
        begun.stdin.write(b"{}\n{}\n")
        begun.stdin.flush()
        deadline = time.monotonic() + 15
        while not (complaint := watch.complaint()) and time.monotonic() < deadline:
            most = max(most, len(slot.processes()))
            time.sleep(0.05)
        most = max(most, len(slot.processes()))
        assert slot.end_processes()
    assert complaint == BOMBS[bomb]
    assert most <= LIMITS.processes


def test_what_a_task_has_closed_to_itself_is_counted(folder: Path) -> None:
    watch = Watch(Slot("bombed", UID, limits=LIMITS), [folder / "home"])
    hide = 'cd "$1" && mkdir -p closed/open && cd closed/open && chmod 0 .. && head -c 220000000 /dev/zero >file'
    assert as_user(UID, hide, folder / "home") == 0
    assert watch.complaint() == BOMBS["disk_bomb"]
