"""A slot: the user and the processes of one task at a time.

As root, everything that a model or a repository can influence runs as the slot's own user: no groups, no capabilities,
no new privileges; and in namespaces of its own (agents/claude/inside.sh), where the machine lets us make them: its
network leads to the proxy alone, and its processes, with what they share with others, end with it. Ending a slot ends
every process of its user, whatever group or session it has moved to. Without root it all runs as the same user, and a
slot's processes are told by a mark in their environment.
"""

import atexit
import logging
import os
import secrets
import signal
import subprocess
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO

from agents.sandbox.keys import leave_keys
from agents.sandbox.limits import ControlGroup, Limits
from agents.sandbox.network import Network
from stack.secret import Secret
from stack.uids import OF_ONE_AGENT

log = logging.getLogger(__name__)

MARK = "CLAUDE_STACK_SLOT"
# For Claude Code to write down what it has, which takes it a twentieth of a second.
GENTLE_SECONDS = 1.0
END_SECONDS = 5.0
LOOK_SECONDS = 0.005


@dataclass(frozen=True)
class Slot:
    """A user for one task at a time. `name` is its own on this machine; `uid` is None where we are not root.

    `uids` are those that its tasks have in turn: what one has left somehow is another user's for the next ones.
    """

    name: str
    uid: int | None
    network: Network | None = None
    uids: range = range(0)
    limits: Limits = field(default_factory=Limits)
    group: ControlGroup | None = None

    @cached_property
    def ids(self) -> set[int]:
        """All user ids that its tasks have had, or will have."""
        return {*self.uids} | ({self.uid} if self.uid is not None else set())

    def renewed(self) -> "Slot":
        """The slot for its next task."""
        if self.group:
            self.group.begin()
        if self.network:
            self.network.cut()
        if self.uid is None or not self.uids:
            return self
        return replace(self, uid=self.uids[(self.uids.index(self.uid) + 1) % len(self.uids)])

    def environment(self, claude: Path, *, started: Path, folder: Path) -> dict[str, str]:
        """What the wrapper needs to start `claude` in this slot, which sees `folder`; it touches `started` then."""
        return {
            MARK: self.name,
            "STACK_UID": "" if self.uid is None else str(self.uid),
            "STACK_CLAUDE": str(claude),
            "STACK_STARTED": str(started),
            "STACK_NETWORK": self.network.path if self.network else "",
            "STACK_FOLDER": str(folder),
            "STACK_GROUPS": " ".join(map(str, self.group.entries)) if self.group else "",
            "STACK_LIMITS": self.limits.of_a_process(own_user=self.uid is not None),
        }

    def end_processes(self, *, gently: bool = False) -> bool:
        """Ends everything that runs in the slot, and waits until it is gone. False where some of it does not go.

        `gently` lets a process write down what it has first.
        """
        if gently:
            self._signal(signal.SIGTERM)
            self._wait_for_end(GENTLE_SECONDS)
        deadline = time.monotonic() + END_SECONDS
        while self.is_busy():
            if time.monotonic() > deadline:
                log.error("%d processes of %s do not end", len(self.processes()), self.name)
                return False
            self._signal(signal.SIGKILL)
            time.sleep(LOOK_SECONDS)
        return True

    def is_busy(self) -> bool:
        """Whether a process runs in the slot."""
        return bool(self.processes())

    def processes(self) -> dict[int, dict[str, str]]:
        """The processes that run in the slot, by their ids, with what /proc/PID/status says of them."""
        found = {}
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with suppress(OSError):  # it has ended
                status = Path(f"/proc/{pid}/status").read_text()
                if self._is_ours(pid, status):
                    lines = (line.partition(":") for line in status.splitlines())
                    found[pid] = {name: value.strip() for name, _, value in lines}
        return found

    def _wait_for_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.is_busy() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def _is_ours(self, pid: int, status: str) -> bool:
        if "\nState:\tZ" in status:
            return False  # dead, and waiting for its parent to notice
        if self.uid is not None:
            return int(status.partition("\nUid:\t")[2].partition("\t")[0]) in self.ids
        return f"{MARK}={self.name}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()

    def _signal(self, number: signal.Signals) -> None:
        running = self.processes()
        if self.uid is not None:
            # as the slot's user, to every process that it may signal: nothing can fork its way out of that
            with suppress(OSError):  # a slot that has taken up all processes that there may be leaves none for this
                for uid in {int(status["Uid"].split()[0]) for status in running.values()}:
                    as_user(uid, f"kill -{number.value} -1")
                return
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def as_user(uid: int | None, script: str, *arguments: str | Path, out: IO[bytes] | None = None) -> int:
    """Runs a shell script as a slot's user, with nothing of ours; its exit status. What it prints goes to `out`."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", *map(str, arguments)],
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
        stdin=subprocess.DEVNULL,
        stdout=out if out is not None else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        cwd="/",
        env={"PATH": os.defpath},
    )
    return done.returncode


def make_slots(
    name: str,
    *,
    count: int,
    first_uid: int,
    proxy_url: str,
    proof_key: Secret,
    limits: Limits,
    contained: bool = False,
) -> list[Slot]:
    """The slots of this process; as root each with user ids of its own. `name` is the process's own on the machine.

    `contained`: the container is the slot's boundary, and its network the slot's (agents/sandbox/container.py).
    """
    if os.geteuid() != 0:
        log.warning(
            "not root: a task runs as the same user as its agent. It can read what that reads, reach what that "
            "reaches, and leave things behind; see docs/SECURITY.md"
        )
        return [Slot(f"{name}/slot-{n}", None, limits=limits) for n in range(count)]
    leave_keys()
    each = OF_ONE_AGENT // count
    blocks = [range(first_uid + n * each, first_uid + (n + 1) * each) for n in range(count)]
    return [
        Slot(
            f"{name}/slot-{n}",
            secrets.choice(uids),  # after a restart, hardly one that was just used
            _network(proxy_url, proof_key, contained),
            uids,
            limits,
            _group(f"{name}/slot-{n}", limits, contained),
        )
        for n, uids in enumerate(blocks)
    ]


def _group(name: str, limits: Limits, contained: bool) -> ControlGroup | None:
    try:
        if contained:
            return ControlGroup.of_container(limits)
        group = ControlGroup.made(f"claude-stack-{zlib.crc32(name.encode()):08x}", limits)
    except OSError as error:
        log.warning("no control group can be had here (%s): what a task takes is looked at every moment", error)
        return None
    atexit.register(group.remove)
    return group


def _network(proxy_url: str, proof_key: Secret, contained: bool) -> Network | None:
    """A network for a slot; None where the machine lets us make none."""
    try:
        return Network(proxy_url, proof_key, own=not contained)
    except OSError as error:
        log.warning(
            "no namespaces can be made here (%s): a task has a user of its own, and reaches every port that this "
            "container or machine lets it reach; see docs/SECURITY.md",
            error,
        )
        return None
