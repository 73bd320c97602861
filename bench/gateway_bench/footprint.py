"""What a server costs: CPU time and memory of its process and of all that it has started."""

import re
from collections import Counter
from pathlib import Path

from bench.idle import family

TICKS = 100  # clock ticks a second in /proc/PID/stat on Linux
# The head of a mapping in /proc/PID/smaps: addresses, rights, offset, device, inode (0: of no file).
MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+ \d+)")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its descendants, and of those of its children that have ended."""
    return (sum(_ticks(one, 11) for one in _all(pid)) + _ticks(pid, 13)) / TICKS


def megabytes(pid: int) -> float:
    """The sum of the PSS of a process and its descendants, as it would be if nothing else ran on the machine.

    The kernel's own PSS shrinks with every other process that uses the same interpreter or the same libraries, as the
    other contenders do. Here the pages of files count once for the tree, as many as the process that uses most of them.
    """
    own, of_files = 0.0, Counter[str]()
    for one in _all(pid):
        own += _not_of_files(one)
        of_files |= _of_files(one)  # the larger of both counts
    return (own + sum(of_files.values())) / 1024


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


def _not_of_files(pid: int) -> int:
    """PSS in KB of what is in no file; what a fork still has in common with its parent counts in parts."""
    for line in _lines(pid, "smaps_rollup"):
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1])
    return 0


def _of_files(pid: int) -> Counter[str]:
    """KB in memory of each file that is mapped; pages of which there is a copy of its own are not of the file."""
    found, file = Counter[str](), ""
    for line in _lines(pid, "smaps"):
        if head := MAPPING.match(line):
            file = "" if head[1].endswith(" 0") else head[1]
        elif file and line.startswith("Rss:"):
            found[file] += int(line.split()[1])
        elif file and line.startswith("Anonymous:"):
            found[file] -= int(line.split()[1])
    return found


def _lines(pid: int, name: str) -> list[str]:
    """None of a process that has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text().splitlines()
    except OSError:
        return []
