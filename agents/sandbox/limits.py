"""What the processes of one task may take: by a control group where one can be made, and by limits of each process.

A control group bounds all of a task together, whatever it does. Without one, what a user may start is bounded, and
agents.sandbox.watch looks at the rest.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

GROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds over which the kernel counts a processor's time, as it does by itself
MEGABYTE = 1 << 20
OF_SWAP = ("memory.swap.max", "memory.memsw.limit_in_bytes")  # of the same; the latter with the memory
KILLED = ("memory.events", "memory.oom_control")  # of version 2 and 1


def usual_cpus() -> float:
    """Half a processor stays for the others, where there is more than one."""
    return max(1.0, len(os.sched_getaffinity(0)) - 0.5)


@dataclass(frozen=True)
class Limits:
    """Of one task at once: megabytes of memory and disk, processes (a thread counts as one), processors."""

    memory_mb: int = 2048
    processes: int = 512
    disk_mb: int = 4096
    cpus: float = field(default_factory=usual_cpus)

    @property
    def too_large(self) -> str:
        """Says so."""
        return f"it took more than {self.memory_mb} MB of memory"

    @property
    def too_many(self) -> str:
        """Says so."""
        return f"it had more than {self.processes} processes at once"

    def of_a_process(self, *, own_user: bool) -> str:
        """The options of prlimit(1). Processes are counted by user, so only a user of its own can have a limit."""
        most = f" --nproc={self.processes}" if own_user else ""
        return f"--core=0 --fsize={self.disk_mb * MEGABYTE}{most}"


class ControlGroup:
    """The control groups of a slot, of either version: `folders` by controller.

    A process joins by writing 0 into each of `entries`. Raises OSError where they cannot be read.
    """

    def __init__(self, limits: Limits, folders: Mapping[str, Path], *, entries: Sequence[Path] = ()) -> None:
        self.entries = entries
        self._limits = limits
        self._folders = folders
        self._before = self._counted()

    @classmethod
    def made(cls, name: str, limits: Limits, groups: Path = GROUPS) -> "ControlGroup":
        """Groups for what joins them. Raises OSError where none can be made."""
        unified = _is_unified(groups)
        folders = _unified(groups, name) if unified else _each(groups, name)
        for file, value in (_version_2 if unified else _version_1)(limits).items():
            place = folders[file.split(".")[0]] / file
            if place.name not in OF_SWAP or place.exists():  # where the kernel counts it
                place.write_text(value)
        return cls(limits, folders, entries=[folder / "cgroup.procs" for folder in dict.fromkeys(folders.values())])

    @classmethod
    def of_container(cls, limits: Limits, groups: Path = GROUPS) -> "ControlGroup":
        """Those of the container that we are in, and of its one slot: docker-compose.yml gives it the limits."""
        return cls(limits, {name: groups if _is_unified(groups) else groups / name for name in ("memory", "pids")})

    def remove(self) -> None:
        """Where nothing is left in it."""
        for folder in dict.fromkeys(self._folders.values()):
            with suppress(OSError):
                folder.rmdir()

    def begin(self) -> None:
        """From now on it is another task's."""
        self._before = self._counted()

    def complaint(self) -> str:
        """Which limit the task has run into, in words, or nothing."""
        too_large, too_many = (now > before for now, before in zip(self._counted(), self._before, strict=True))
        if too_large:
            return self._limits.too_large
        return self._limits.too_many if too_many else ""

    def _counted(self) -> tuple[int, int]:
        """How often the kernel has ended a process here for its memory, and refused one more."""
        memory, processes = self._folders["memory"], self._folders["pids"]
        killed = KILLED[0] if (memory / KILLED[0]).exists() else KILLED[1]
        return _count(memory / killed, "oom_kill"), _count(processes / "pids.events", "max")


def _is_unified(groups: Path) -> bool:
    return (groups / "cgroup.controllers").exists()


def _version_2(limits: Limits) -> dict[str, str]:
    return {
        "memory.max": str(limits.memory_mb * MEGABYTE),
        OF_SWAP[0]: "0",
        "pids.max": str(limits.processes),
        "cpu.max": f"{limits.cpus * PERIOD:.0f} {PERIOD}",
        "cpu.weight": "50",  # of 100, the usual one: who answers people comes first
    }


def _version_1(limits: Limits) -> dict[str, str]:
    return {
        "memory.limit_in_bytes": str(limits.memory_mb * MEGABYTE),
        OF_SWAP[1]: str(limits.memory_mb * MEGABYTE),
        "pids.max": str(limits.processes),
        "cpu.cfs_quota_us": f"{limits.cpus * PERIOD:.0f}",
        "cpu.shares": "512",  # of 1,024, the usual one
    }


def _unified(groups: Path, name: str) -> dict[str, Path]:
    """A group at the top: groups further down may have processes beside them only there."""
    (groups / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    folder = groups / name
    folder.mkdir(exist_ok=True)
    return dict.fromkeys(("memory", "pids", "cpu"), folder)


def _each(groups: Path, name: str) -> dict[str, Path]:
    """A group below our own in each hierarchy, so that no limit above it is passed by."""
    folders = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        for controller in {"memory", "pids", "cpu"} & set(controllers.split(",")):
            folders[controller] = groups / controllers / own.strip("/") / name
    if len(folders) < 3:
        raise FileNotFoundError(f"no control groups for memory, processes and processors in {groups}")
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    return folders


def _count(file: Path, name: str) -> int:
    return next((int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(f"{name} ")), 0)
