"""A look at what a task takes, every moment while it works: what the kernel has refused it, and what nobody bounds."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agents.sandbox.limits import MEGABYTE
from agents.sandbox.slot import Slot, as_user

LOOK_SECONDS = 0.5  # between looks
# Files are counted when the disk has lost so much since the last time, and now and then: that takes a moment.
COUNT_BYTES = 64 * MEGABYTE
COUNT_SECONDS = 30.0
BYTES_PER_FILE = 16 << 10  # as ext4 reckons: a disk can also be out of files
LEAST_FREE = 256 * MEGABYTE  # of the disk; what was written to a file without a name is seen here alone
LEAST_MEMORY = 512 * MEGABYTE  # of the machine's; what lies in files or pipes, and in no process, is seen here alone
# A folder that is closed to its own user would hide what is in it: it is opened first.
COUNT = """find "$@" -xdev -printf '%k\n' -type d ! -perm -500 -exec chmod u+rx -- {} \\; 2>/dev/null |
awk '{ sum += $1 } END { print sum + 0, NR }'"""


@dataclass
class Watch:
    """Over one session in a slot, whose files lie in `folders`."""

    slot: Slot
    folders: list[Path]
    least_memory: int = LEAST_MEMORY
    _memory: int = field(init=False)
    _free: int = field(init=False)
    _counted: float = field(init=False)

    def __post_init__(self) -> None:
        self._memory, self._free, self._counted = available(), self._left(), time.monotonic()

    async def over(self) -> str:
        """The first complaint, as soon as there is one."""
        while not (complaint := await asyncio.to_thread(self.complaint)):
            await asyncio.sleep(LOOK_SECONDS)
        return complaint

    def complaint(self) -> str:
        """What it takes that it may not, in words, or nothing."""
        if self.slot.group:
            return self.slot.group.complaint() or self._of_disk()
        return self._of_processes() or self._of_disk()

    def _of_processes(self) -> str:
        limits, running = self.slot.limits, self.slot.processes()
        if sum(_number(one, "Threads") for one in running.values()) >= limits.processes:
            return limits.too_many
        most = limits.memory_mb * MEGABYTE >> 10
        # what several share counts for each of them at first: to look closer takes the kernel long
        if sum(_number(one, "RssAnon") + _number(one, "RssShmem") for one in running.values()) > most < _parts(running):
            return limits.too_large
        return "the memory of this machine is nearly full" if available() < self.least_memory < self._memory else ""

    def _of_disk(self) -> str:
        left, now = self._left(), time.monotonic()
        if left < LEAST_FREE < self._free:
            return "the disk of this machine is nearly full"
        if self._free - left < COUNT_BYTES and now - self._counted < COUNT_SECONDS:
            return ""
        self._free, self._counted = left, now
        limits, (kilobytes, files) = self.slot.limits, self._files()
        if kilobytes << 10 > limits.disk_mb * MEGABYTE:
            return f"it wrote more than {limits.disk_mb} MB of files"
        if files > limits.disk_mb * MEGABYTE // BYTES_PER_FILE:
            return f"it made more than {limits.disk_mb * MEGABYTE // BYTES_PER_FILE} files"
        return ""

    def _left(self) -> int:
        disk = os.statvfs(self.folders[0])
        return disk.f_bavail * disk.f_frsize

    def _files(self) -> tuple[int, int]:
        """Kilobytes and files in the folders, counted as the slot's user, who owns all of it."""
        with tempfile.TemporaryFile() as out:
            with suppress(OSError):  # no process more can be started: that is told by another limit
                as_user(self.slot.uid, COUNT, *self.folders, out=out)
            out.seek(0)
            kilobytes, files = map(int, (out.read() or b"0 0").split())
        return kilobytes, files


def _parts(running: Iterable[int]) -> int:
    """Kilobytes that these processes have, of what several share its part each."""
    kilobytes = 0
    for pid in running:
        with suppress(OSError):  # it has ended
            lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
            kilobytes += sum(int(number) for name, number, _ in lines if name in ("Pss_Anon:", "Pss_Shmem:"))
    return kilobytes


def available() -> int:
    """Bytes of memory that this machine could still give."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return next(int(number) << 10 for name, number, *_ in lines if name == "MemAvailable:")


def _number(status: dict[str, str], name: str) -> int:
    return int(status.get(name, "0").split()[0])
