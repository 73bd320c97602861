"""Waits for Claude Code among the processes of this machine and prints, as JSON, who it is and what it knows.

Runs inside an agent's container, as root there: on its own, with nothing but the standard library.
"""

import json
import os
import time
from pathlib import Path

SECONDS = 120


def watch() -> None:
    """Prints a line when it begins, and another when it has seen Claude. Raises SystemExit where it does not."""
    print("watching", flush=True)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            if found := claude(process):
                print(json.dumps(found))
                return
        time.sleep(0.01)
    raise SystemExit(f"Claude Code was not seen within {SECONDS} s")


def claude(process: Path) -> dict[str, object] | None:
    """What the kernel says of a process, if it is Claude Code."""
    try:
        if os.path.basename((process / "cmdline").read_bytes().split(b"\0")[0]) != b"claude":
            return None
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
        is_open = _is_open(process, int(status["Uid"].split()[0]))
    except OSError:
        return None  # it has ended
    return {
        "uids": sorted(set(map(int, status["Uid"].split()))),
        "groups": status["Groups"].split(),
        "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapInh"], 16),
        "no_new_privileges": status["NoNewPrivs"] == "1",
        "open": is_open,
    }


def _is_open(process: Path, user: int) -> bool:
    """Whether another process of the same user could look into it, and speak for it."""
    os.setegid(user)
    os.seteuid(user)
    try:
        (process / "environ").read_bytes()
    except PermissionError:
        return False
    finally:
        os.seteuid(0)
        os.setegid(0)
    return True


if __name__ == "__main__":
    watch()
