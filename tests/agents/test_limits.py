"""Control groups of both versions: what is asked of the kernel, and what it says. Version 1 is also tried for real, by
tests/attacks/test_bombs.py; version 2 by its files alone, where a machine has none of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents.claude.options import require_start
from agents.sandbox.limits import ControlGroup, Limits
from stack.errors import GiveUp
from tests.agents.conftest import IS_ROOT, slot

LIMITS = Limits(memory_mb=300, processes=200, disk_mb=100, cpus=1.5)


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    """Version 2, as a kernel shows it that has just made the group."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    group = tmp_path / "slot"
    group.mkdir()
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n")
    (group / "pids.events").write_text("max 0\n")
    return tmp_path


def test_version_2_is_asked_for_all_limits(unified: Path) -> None:
    group = ControlGroup.made("slot", LIMITS, unified)
    assert (unified / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    asked = ("memory.max", "pids.max", "cpu.max", "cpu.weight")
    assert [(unified / "slot" / name).read_text() for name in asked] == ["314572800", "200", "150000 100000", "50"]
    assert group.entries == [unified / "slot/cgroup.procs"]


@pytest.mark.parametrize(
    ("file", "said", "complaint"),
    [
        ("memory.events", "oom 3\noom_kill 1\n", "it took more than 300 MB of memory"),
        ("pids.events", "max 7\n", "it had more than 200 processes at once"),
        ("memory.events", "max 12\noom 0\noom_kill 0\n", ""),
    ],
)
def test_what_the_kernel_refuses_is_said_once_for_the_task_that_it_was_refused(
    unified: Path, file: str, said: str, complaint: str
) -> None:
    group = ControlGroup.made("slot", LIMITS, unified)
    assert group.complaint() == ""
    (unified / "slot" / file).write_text(said)
    assert group.complaint() == complaint
    group.begin()
    assert group.complaint() == ""


@pytest.mark.parametrize("version", [1, 2])
def test_in_a_container_its_own_groups_are_read(tmp_path: Path, version: int) -> None:
    memory, pids = (tmp_path, tmp_path) if version == 2 else (tmp_path / "memory", tmp_path / "pids")
    memory.mkdir(exist_ok=True)
    pids.mkdir(exist_ok=True)
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("memory pids\n")
    killed = memory / ("memory.events" if version == 2 else "memory.oom_control")
    killed.write_text("oom_kill 0\n")
    (pids / "pids.events").write_text("max 4\n")
    group = ControlGroup.of_container(LIMITS, tmp_path)
    assert (group.entries, group.complaint()) == ((), "")
    killed.write_text("oom_kill 1\n")
    assert group.complaint() == "it took more than 300 MB of memory"


def test_where_there_are_none_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no control groups|No such file"):
        ControlGroup.made("slot", LIMITS, tmp_path)
    with pytest.raises(OSError, match="No such file"):
        ControlGroup.of_container(LIMITS, tmp_path)


@pytest.mark.skipif(not IS_ROOT, reason="control groups are joined as root alone")
def test_where_nothing_can_be_started_that_is_said_before_a_task_comes(folder: Path, unified: Path) -> None:
    require_start(slot(folder), folder)
    groups = dict.fromkeys(("memory", "pids"), unified / "slot")
    away = ControlGroup(LIMITS, groups, entries=[unified / "away/cgroup.procs"])
    with pytest.raises(GiveUp, match=r"nothing can be started in .*cgroup\.procs"):
        require_start(replace(slot(folder), group=away), folder)
