"""The folders of a task: its parts, whose they are, and that they go."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from agents.sandbox.slot import as_user
from agents.sandbox.workspace import Part, Workspaces
from native.processes import ROOT
from stack.errors import TryAgain
from stack.ids import uuid7
from tests.agents.conftest import IS_ROOT, UID, slot

# The capabilities that an agent's container has.
CAPABILITIES = "-all,+chown,+kill,+setgid,+setuid"
PARTS = (Part("diff"), Part("repo", writable=True))
root_only = pytest.mark.skipif(not IS_ROOT, reason="slots have users of their own as root alone")


def test_a_workspace_has_the_parts_that_were_asked_for_and_is_gone_afterwards(folder: Path) -> None:
    place, task_id, workspaces = slot(folder), uuid7(), Workspaces(folder / "tasks")
    for _ in range(2):
        with workspaces.of(task_id, slot=place, parts=PARTS, mark="m") as workspace:
            assert {path.name for path in workspace.work.iterdir()} == {"diff", "repo"}
            assert list(workspace.home.iterdir()) == []
            (workspace.home / "left.txt").write_text("left")
            workspace.hand_over(place.uid)
            assert list(workspaces.left()) == []
        assert not workspace.folder.exists()


def test_a_task_has_the_same_folder_in_each_slot_so_that_its_session_finds_it_again(folder: Path) -> None:
    task_id, workspaces, seen = uuid7(), Workspaces(folder / "tasks"), set()
    for number in range(2):
        with workspaces.of(task_id, slot=slot(folder, number), parts=PARTS, mark="m") as workspace:
            seen.add(workspace.work)
    assert len(seen) == 1


@root_only
def test_what_is_handed_over_may_be_written_and_the_rest_may_not(folder: Path) -> None:
    place = slot(folder)
    with Workspaces(folder / "tasks").of(uuid7(), slot=place, parts=PARTS, mark="m") as workspace:
        (workspace.part("repo") / "deep/er").mkdir(parents=True)
        (workspace.part("repo") / "deep/er/file").write_text("x")
        os.symlink("/etc/passwd", workspace.part("repo") / "link")
        (workspace.part("diff") / "file").write_text("x")
        workspace.hand_over(place.uid)
        assert as_user(place.uid, 'echo y >"$1"', workspace.part("repo") / "deep/er/file") == 0
        assert as_user(place.uid, 'cat "$1" && ! echo y >"$1"', workspace.part("diff") / "file") == 0
        assert as_user(place.uid, '! touch "$1"', workspace.work / "more") == 0
        assert Path("/etc/passwd").stat().st_uid == 0
    assert not workspace.folder.exists()


@root_only
def test_a_workspace_is_closed_to_the_users_of_other_slots(folder: Path) -> None:
    place = slot(folder)
    with Workspaces(folder / "tasks").of(uuid7(), slot=place, parts=PARTS, mark="m") as workspace:
        (workspace.part("diff") / "0001.diff").write_text("private")
        workspace.hand_over(place.uid)
        assert as_user(UID, 'cat "$1"', workspace.part("diff") / "0001.diff") == 0
        assert as_user(UID + 1, 'cat "$1"', workspace.part("diff") / "0001.diff") != 0


@root_only
def test_with_the_rights_of_a_container_it_can_be_used_again_and_again(folder: Path) -> None:
    """Root that may not pass over permissions can empty no private folder of the slot's user, and read none."""
    script = f"""
import pathlib, uuid
from agents.claude.transcripts import Transcripts
from agents.sandbox.folders import private_folder
from agents.sandbox.slot import Slot, as_user
from agents.sandbox.workspace import Part, Workspaces
folder, task = pathlib.Path({str(folder)!r}), uuid.uuid4()
kept = Transcripts(private_folder(folder / "transcripts"), keep_days=1).of(task)
session = kept.begin("")
for number in range(2):
    slot = Slot("slot", {UID} + number)
    parts = (Part("diff"), Part("repo", writable=True))
    with Workspaces(folder / "tasks").of(task, slot=slot, parts=parts, mark="") as workspace:
        (workspace.part("repo") / "a").mkdir()
        if number:
            kept.restore(workspace.home)
        workspace.hand_over(slot.uid)
        for place in (workspace.home, workspace.part("repo")):
            assert not as_user(slot.uid, 'mkdir -p "$1/a/b"; echo x >"$1/a/b/c"; chmod 000 "$1/a/b"', place)
        said = f"{{workspace.home}}/.claude/projects/-work/{{session}}.jsonl"
        write = 'umask 077; mkdir -p "$(dirname "$1")"; echo said >>"$1"; chmod 600 "$1"'
        assert not as_user(slot.uid, write, said)
        kept.collect(workspace.home, slot.uid)
    assert not workspace.folder.exists()
print(kept.path.read_text().split())
"""
    command = ["setpriv", f"--bounding-set={CAPABILITIES}", "--inh-caps=-all", sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "['said', 'said']\n", done.stderr


def test_what_is_looked_through_is_not_begun_meanwhile(folder: Path) -> None:
    place, task_id, workspaces = slot(folder), uuid7(), Workspaces(folder / "tasks")
    (folder / "tasks" / str(task_id)).mkdir(parents=True)
    for _ in workspaces.left():
        with pytest.raises(TryAgain), workspaces.of(task_id, slot=place, parts=PARTS, mark="m"):
            pass
    with workspaces.of(task_id, slot=place, parts=PARTS, mark="m") as workspace:
        assert workspace.home.exists()


def test_what_a_killed_process_has_left_is_found_and_removed(folder: Path) -> None:
    place, task_id = slot(folder), uuid7()
    killed = Workspaces(folder / "tasks").of(task_id, slot=place, parts=PARTS, mark="m")
    workspace = killed.__enter__()
    (workspace.home / "left.txt").write_text("left")
    workspace.hand_over(place.uid)
    (left,) = Workspaces(folder / "tasks").left()
    assert UUID(left.folder.name) == task_id
    assert left.owner == place.uid
    assert left.remove()
    assert not workspace.folder.exists()
