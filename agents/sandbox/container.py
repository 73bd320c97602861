"""A container as the boundary of its one slot: what must hold is tried before a task comes, and each time it starts."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from agents.sandbox.network import ADDRESS
from agents.sandbox.slot import Slot
from stack.errors import GiveUp

Address = tuple[str, int]

# linux/capability.h: CHOWN, KILL, SETGID, SETUID. NET_ADMIN could take the filter away, SYS_PTRACE look into others.
MAY_HOLD = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 7
NAMES: Address = ("127.0.0.11", 53)  # Docker's own
NOT_THE_SLOTS = "127.0.0.2"  # on the same loopback
TRY_SECONDS = 2
DEFAULT_PORTS = {"http": 80, "https": 443, "amqp": 5672, "amqps": 5671}
MEND = "No agent is started here: see 'The boundary in Compose' in docs/operations.md"

# As the slot's user, with nothing of ours: what of the given addresses it reaches over TCP, or can send to over UDP.
REACH = f"""
import json, socket, sys
reached = []
for kind, host, port in json.loads(sys.argv[1]):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, getattr(socket, kind)) as tried:
            tried.settimeout({TRY_SECONDS})
            tried.connect((host, port))
            if kind == "SOCK_DGRAM":
                tried.send(b"x")
            reached.append([kind, host, port])
    except OSError:
        pass
print(json.dumps(reached))
"""


def require_boundary(slots: Sequence[Slot], urls: Sequence[str]) -> None:
    """Raises GiveUp, in words, where a slot's user reaches anything but its relay, or we hold more than we need.

    `urls` are of the services that the agent calls.
    """
    if len(slots) != 1 or (slot := slots[0]).uid is None:
        raise GiveUp("a container has one slot, and root beside it: AGENT_SLOTS=1, and `--scale` for more")
    if more := _capabilities() & ~MAY_HOLD:
        raise GiveUp(f"the agent could undo what keeps a task apart: it holds capabilities {more:#x}. {MEND}")
    with socket.create_server((NOT_THE_SLOTS, 0)) as ours:
        closed = {NAMES, ours.getsockname(), *_found(urls)}
        tried = [(kind, *address) for address in sorted(closed) for kind in ("SOCK_STREAM", "SOCK_DGRAM")]
        reached = _reached(slot.uid, [("SOCK_STREAM", *ADDRESS), ("SOCK_DGRAM", *ADDRESS), *tried])
    if reached[:1] != [("SOCK_STREAM", *ADDRESS)]:
        raise GiveUp(f"the agent's relay at {ADDRESS[0]}:{ADDRESS[1]} cannot be reached by a task's user. {MEND}")
    if open_ := sorted({f"{host}:{port}" for _, host, port in reached[1:]}):
        raise GiveUp(f"a task's user can reach {', '.join(open_)}: the filter of agents/container.sh fails. {MEND}")


def _capabilities() -> int:
    """Those that this process has, or could get by whatever it starts."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["CapBnd"], 16) | int(status["CapPrm"], 16) | int(status["CapInh"], 16)


def _found(urls: Sequence[str]) -> Iterator[Address]:
    """The addresses of services, of those that can be found now."""
    for url in urls:
        parts = urlsplit(url)
        with suppress(OSError):
            for *_, address in socket.getaddrinfo(parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme, 80)):
                yield str(address[0]), int(address[1])


def _reached(uid: int, addresses: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", REACH, json.dumps(addresses)],
        user=uid,
        group=uid,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        env={"PATH": os.defpath},
        check=False,
        timeout=TRY_SECONDS * (len(addresses) + 5),
    )
    if done.returncode:
        raise GiveUp(f"what a task's user reaches could not be tried: {done.stderr.decode()[-500:]}. {MEND}")
    return [(kind, host, port) for kind, host, port in json.loads(done.stdout)]
