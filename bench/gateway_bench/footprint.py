"""What a server costs: CPU time and memory of its process and of all that it has started."""

from pathlib import Path

from bench.idle import family, pss

TICKS = 100  # clock ticks a second in /proc/PID/stat on Linux


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its descendants, and of those of its children that have ended."""
    return (sum(_ticks(one, 11) for one in _all(pid)) + _ticks(pid, 13)) / TICKS


def megabytes(pid: int) -> float:
    """Proportional set size of a process and its descendants."""
    return sum(_pss(one) for one in _all(pid))


def _all(pid: int) -> list[int]:
    try:
        return family(pid)
    except OSError:  # one of them has just ended
        return [pid]


def _ticks(pid: int, field: int) -> int:
    """Of two fields, user and system time; 0 of a process that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return int(fields[field]) + int(fields[field + 1])


def _pss(pid: int) -> float:
    try:
        return pss(pid)
    except (OSError, StopIteration):  # it has ended, and may not have been waited for
        return 0.0
