"""Waits for Claude Code, becomes its user, and leaves behind what could outlive its task; then stays itself.

Runs inside an agent's container, as root at first: on its own, nothing but the standard library.
"""

import ctypes
import glob
import json
import os
import time
from contextlib import suppress

SECONDS = 120
KEY = 4711
PTRACE_SEIZE, PIDFD_OPEN, PIDFD_GETFD = 0x4206, 434, 438
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock")
libc = ctypes.CDLL(None)


def claude(shown: set[str]) -> tuple[int, int]:
    """Claude Code and its user, once it works; `shown` are the command lines that everybody could see until then."""
    print("waiting", flush=True)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for folder in glob.glob("/proc/[0-9]*"):
            with suppress(OSError), open(f"{folder}/cmdline") as line, open(f"{folder}/status") as status:
                words = line.read().split("\0")
                shown.add(" ".join(words))
                uid = int(status.read().split("\nUid:\t")[1].split()[0])
                if os.path.basename(words[0]) == "claude" and uid:
                    return int(os.path.basename(folder)), uid
        time.sleep(0.002)
    raise SystemExit("Claude Code was not seen")


def opened(process: int) -> list[str]:
    """What of a process of the same user opens: its streams, its memory, its secrets; and whether it can be led."""
    found = []
    descriptor = libc.syscall(PIDFD_OPEN, process, 0)
    if libc.syscall(PIDFD_GETFD, descriptor, 1, 0) >= 0:
        found.append("pidfd_getfd")
    for name in ("fd", "fd/1", "mem", "environ", "maps", "cwd/x", "root/x", "exe"):
        try:
            os.close(os.open(f"/proc/{process}/{name}", os.O_RDONLY))
            found.append(name)
        except FileNotFoundError:
            found.append(name)
        except OSError:
            pass
    if libc.ptrace(PTRACE_SEIZE, process, 0, 0) == 0:
        found.append("ptrace")
    return found


def leave() -> None:
    """Files, closed folders, System V's objects and a POSIX queue, whoever comes next could read."""
    for place in PLACES:
        with suppress(OSError):
            os.makedirs(f"{place}/left d/closed", 0o700)
            open(f"{place}/left d/closed/file", "x").close()
            os.chmod(f"{place}/left d/closed", 0)
            os.chmod(f"{place}/left d", 0o1000)
        with suppress(OSError):
            os.symlink("/etc/passwd", f"{place}/left-link")
            os.mkfifo(f"{place}/left-fifo")
        with suppress(OSError):
            open(f"{place}/left", "x").close()
    assert libc.shmget(KEY, 4096, 0o1666) >= 0
    assert libc.semget(KEY, 1, 0o1666) >= 0
    assert libc.msgget(KEY, 0o1666) >= 0


lines: set[str] = set()
process, uid = claude(lines)
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
of_claude = opened(process)
leave()
there = sorted({os.path.dirname(path) for place in PLACES for path in glob.glob(f"{place}/left*")})
print(json.dumps({"of_claude": of_claude, "folders": there, "shown": sorted(lines)}), flush=True)
if os.fork():
    os._exit(0)
os.setsid()
time.sleep(SECONDS)
