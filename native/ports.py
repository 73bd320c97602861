"""Ports of 127.0.0.1 for the processes of a stack: as root such as no other user can take when one of them is away."""

import contextlib
import os
import random
import socket
import weakref
from pathlib import Path

from native.rabbitmq import free_port

FIRST_OF_ALL = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")  # ip(7); 0 in many containers
CLOSED = range(700, 980)  # of those below 1024; browsers open none of some above


class Ports:
    """A free port for each process that listens; no other stack gets it while this lives."""

    def __init__(self) -> None:
        self.broker = self._one()
        self.orchestrator = self._one()
        self.forge = self._one()
        self.proxy = self._one()
        self.not_github = free_port()
        self.not_telegram = free_port()
        self.not_anthropic = free_port()

    def url(self, name: str) -> str:
        """The loopback address of a process."""
        return f"http://127.0.0.1:{getattr(self, name)}"

    def _one(self) -> int:
        if os.geteuid() != 0 or _first_of_all() < CLOSED.stop:
            return free_port()
        for port in random.sample(CLOSED, len(CLOSED)):
            if (sign := _sign(port)) is not None:
                weakref.finalize(self, sign.close)
                return port
        return free_port()


def _first_of_all() -> int:
    try:
        return int(FIRST_OF_ALL.read_text())
    except FileNotFoundError:
        return 0  # nothing says that a port is closed


def _sign(port: int) -> socket.socket | None:
    """What tells other stacks that the port is taken, before anybody listens; None where it is, or has a known use."""
    with contextlib.suppress(OSError):
        socket.getservbyport(port)
        return None
    sign = socket.socket(socket.AF_UNIX)
    try:
        sign.bind(f"\0claude-stack/port/{port}")
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
    except OSError:
        sign.close()
        return None
    return sign
