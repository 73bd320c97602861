"""What the figures were measured on, and whether it had other things to do meanwhile."""

import os
import platform
import time
from pathlib import Path

# Above these the figures are rough: the load average before the start, of each core; the share that the host took.
BUSY_LOAD, BUSY_STOLEN = 0.25, 0.05


class Machine:
    """This machine, from now on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._load = os.getloadavg()[0]
        self._stolen, self._all = _cpu_ticks()

    def note(self) -> str:
        """A line for the report."""
        cores = len(os.sched_getaffinity(0))
        stolen, everything = _cpu_ticks()
        share = (stolen - self._stolen) / max(1, everything - self._all)
        busy = self._load / cores > BUSY_LOAD or share > BUSY_STOLEN
        return (
            f"machine: {cores} cores ({_processor()}), Linux {platform.release()}, Python {platform.python_version()};"
            f" load before the start {self._load:.1f}, CPU time taken by its host {share:.0%},"
            f" {(time.monotonic() - self._began) / 60:.1f} minutes in all"
            + (": BUSY with other things, the figures are rough" if busy else "")
        )


def _cpu_ticks() -> tuple[int, int]:
    """CPU time of all cores since the machine started: what the host took for others, and all of it."""
    ticks = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[7], sum(ticks)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
