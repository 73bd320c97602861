"""Slots: folders, users, and the end of everything that ran in one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.sandbox import WRAPPER, Slot, make_slots, reachable_folder
from native.processes import ROOT
from stack.errors import GiveUp

UID = 61990
# The capabilities that an agent's container has.
CAPABILITIES = "-all,+chown,+kill,+setgid,+setuid"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="slots have users of their own as root alone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that a slot's user can reach."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o711)
    return tmp_path


def slot(folder: Path) -> Slot:
    return Slot(folder / "slot-0", UID if os.geteuid() == 0 else None)


def start(place: Slot, script: str, started: Path) -> "subprocess.Popen[bytes]":
    """Runs a shell script in a slot, by the wrapper that starts Claude Code."""
    environment = {"PATH": os.defpath, **place.environment(Path("/bin/sh"), started)}
    return subprocess.Popen([WRAPPER, "-c", script], env=environment, start_new_session=True, cwd="/")


def test_a_workspace_is_fresh_and_gone_afterwards(folder: Path) -> None:
    place = slot(folder)
    for _ in range(2):
        with place.workspace() as workspace:
            assert set(workspace.work.iterdir()) == {workspace.diff, workspace.repo}
            assert list(workspace.home.iterdir()) == []
            (workspace.home / "left.txt").write_text("left")
        assert not place.folder.exists()


def test_the_moment_of_the_start_is_marked(folder: Path) -> None:
    place = slot(folder)
    with place.workspace() as workspace:
        assert start(place, "exit 7", workspace.started).wait(10) == 7
        assert abs(workspace.started.stat().st_mtime - time.time()) < 10


def test_every_process_ends_with_the_slot_wherever_it_has_moved_to(folder: Path) -> None:
    place = slot(folder)
    with place.workspace() as workspace:
        first = start(place, "sleep 600 & setsid sleep 600 & (trap '' TERM INT; sleep 600) & wait", workspace.started)
        deadline = time.monotonic() + 10
        while len(place._processes()) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert place.is_busy()
    assert not place.is_busy()
    assert first.wait(5) == -signal.SIGKILL


@root_only
def test_what_runs_in_a_slot_is_nobody_else_and_can_do_nothing_else(folder: Path) -> None:
    place = slot(folder)
    with place.workspace() as workspace:
        script = f"id -u; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status; touch {workspace.work}/x 2>&1; env"
        environment = {"PATH": os.defpath, **place.environment(Path("/bin/sh"), workspace.started)}
        done = subprocess.run([WRAPPER, "-c", script], env=environment, capture_output=True, text=True, cwd="/")
    uid, groups, *rest = done.stdout.splitlines()
    assert (uid, groups) == (str(UID), str(UID))
    assert "CapEff:\t0000000000000000" in rest
    assert "NoNewPrivs:\t1" in rest
    assert any("Permission denied" in line for line in rest)
    assert not any(line.startswith("STACK_") for line in rest)


@root_only
def test_a_slot_is_closed_to_the_users_of_other_slots(folder: Path) -> None:
    place = slot(folder)
    with place.workspace() as workspace:
        (workspace.diff / "0001.diff").write_text("private")
        other = subprocess.run(
            ["cat", workspace.diff / "0001.diff"], user=UID + 1, group=UID + 1, extra_groups=[], capture_output=True
        )
        own = subprocess.run(
            ["cat", workspace.diff / "0001.diff"], user=UID, group=UID, extra_groups=[], capture_output=True
        )
    assert other.returncode != 0
    assert own.stdout == b"private"


@root_only
def test_with_the_rights_of_a_container_a_slot_can_be_used_again_and_again(folder: Path) -> None:
    """Root that may not pass over permissions cannot empty a private folder of the slot's user by itself."""
    script = f"""
import pathlib, subprocess
from agents.sandbox import Slot
slot = Slot(pathlib.Path({str(folder)!r}) / "slot-0", {UID})
for _ in range(2):
    with slot.workspace() as workspace:
        home = workspace.home
        command = ["sh", "-c", f"mkdir -p {{home}}/a/b; echo x >{{home}}/a/b/c; chmod 000 {{home}}/a/b"]
        subprocess.run(command, user={UID}, group={UID}, extra_groups=[], check=True, cwd="/")
    assert not slot.folder.exists()
print("twice")
"""
    command = ["setpriv", f"--bounding-set={CAPABILITIES}", "--inh-caps=-all", sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "twice\n", done.stderr


@root_only
def test_a_folder_that_a_slots_user_cannot_enter_is_refused(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(GiveUp, match="private"):
        reachable_folder(private / "data")


def test_each_slot_has_a_user_of_its_own(folder: Path) -> None:
    slots = make_slots(folder, count=3, first_uid=UID)
    expected = [UID, UID + 1, UID + 2] if os.geteuid() == 0 else [None] * 3
    assert [s.uid for s in slots] == expected
