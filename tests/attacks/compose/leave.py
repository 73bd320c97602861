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
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/run/lock")
libc = ctypes.CDLL(None)


def user_of_claude(shown: set[str]) -> int:
    """The user id of Claude Code, once it works; `shown` are the command lines that everybody could see until then."""
    print("waiting", flush=True)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for folder in glob.glob("/proc/[0-9]*"):
            with suppress(OSError), open(f"{folder}/cmdline") as line, open(f"{folder}/status") as status:
                words = line.read().split("\0")
                shown.add(" ".join(words))
                uid = int(status.read().split("\nUid:\t")[1].split()[0])
                if os.path.basename(words[0]) == "claude" and uid:
                    return uid
        time.sleep(0.002)
    raise SystemExit("Claude Code was not seen")


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
uid = user_of_claude(lines)
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
leave()
there = sorted({os.path.dirname(path) for place in PLACES for path in glob.glob(f"{place}/left*")})
print(json.dumps({"uid": uid, "folders": there, "shown": sorted(lines)}), flush=True)
if os.fork():
    os._exit(0)
os.setsid()
time.sleep(SECONDS)
