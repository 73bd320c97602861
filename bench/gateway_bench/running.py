"""Server processes of the benchmark: each in a session of its own, watched until it answers, stopped by its id."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

READY_SECONDS = 120
STOP_SECONDS = 15
POLL_SECONDS = 0.005


class NotStarted(Exception):
    """A contender cannot be installed or started; it says why."""


@dataclass(frozen=True)
class Command:
    """How a server is started; `health` is the path that answers 200 once it is ready."""

    arguments: list[str]
    port: int
    health: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A running server."""

    def __init__(self, command: Command, log: Path) -> None:
        """Starts it. Raises NotStarted where the program cannot be run."""
        self._command = command
        self._log = log
        self.began = time.perf_counter()
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    command.arguments, cwd=command.folder, env={"PATH": os.environ["PATH"], **command.environment},
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise NotStarted(str(error)) from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process that was started runs."""
        return self._process.poll() is None

    def wait_until_ready(self) -> float:
        """The seconds from its start to its first good answer. Raises NotStarted where it ends or takes too long."""
        while time.perf_counter() - self.began < READY_SECONDS and self._process.poll() is None:
            if answers_well(self._command.port, self._command.health):
                return time.perf_counter() - self.began
            time.sleep(POLL_SECONDS)
        raise NotStarted(f"it did not answer: {self._last_words()}")

    def stop(self) -> None:
        """Asks it to end, and makes it after STOP_SECONDS; nothing of its session is left. Idempotent."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return " / ".join(lines[-2:])[-200:] or "it said nothing"


def answers_well(port: int, path: str) -> bool:
    """Whether `GET path` is answered with 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            return connection.recv(100).startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 "))
    except OSError:
        return False
