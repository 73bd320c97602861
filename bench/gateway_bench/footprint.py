"""What a server costs: CPU time and memory of its process and of all that it has started."""

from pathlib import Path

from bench.idle import family, pss

TICKS = 100  # clock ticks a second in /proc/PID/stat on Linux


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its descendants, and of those of its children that have ended."""
    return sum(_own(one) for one in family(pid)) + _ended(pid)


def megabytes(pid: int) -> float:
    """Proportional set size of a process and its descendants."""
    return sum(pss(one) for one in family(pid))


def _own(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def _ended(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[13]) + int(fields[14])) / TICKS


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
