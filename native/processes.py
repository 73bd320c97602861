"""Processes of the stack on this machine: started with an environment of their own, watched, stopped, killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

READY_SECONDS = 60
STOP_SECONDS = 30
# What every process needs of ours: nothing secret.
KEPT = ("PATH", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
ROOT = Path(__file__).parent.parent


@dataclass
class Process:
    """A Python module as a process. Its output goes to `log`; `ready_file` or `ready_url` shows that it is ready."""

    name: str
    arguments: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_file: Path | None = None
    ready_url: str | None = None
    umask: int = 0o077
    user: list[str] = field(default_factory=list)  # what goes before the command, for it to run as somebody else
    _process: "subprocess.Popen[bytes] | None" = None
    _starting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pid(self) -> int:
        """The process id of the running process."""
        assert self._process is not None  # noqa: S101 - it was started
        return self._process.pid

    def start(self) -> None:
        """Starts the process, unless it runs; `wait_until_ready` says when it can be used."""
        with self._starting:
            if not self.alive():
                self._start()

    def _start(self) -> None:
        if self.ready_file:
            self.ready_file.unlink(missing_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.user, sys.executable, "-m", *self.arguments],
                cwd=ROOT,
                env={**kept, "PYTHONUNBUFFERED": "1", **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=self.umask,
            )

    def wait_until_ready(self) -> None:
        """Returns once it is ready. Raises SystemExit with the end of its log where it ends or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._is_ready():
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Sends a signal to the process alone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def crash(self) -> None:
        """Kills the process alone, as the kernel would; what it started is left to fend for itself."""
        assert self._process is not None  # noqa: S101 - it was started
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Starts it again after it has ended, and waits until it is ready."""
        self.start()
        self.wait_until_ready()

    def kill(self) -> None:
        """Ends the process at once, as a power cut would, and everything in its process group."""
        process, self._process = self._process, None
        if process is not None:
            _kill_group(process.pid)
            process.wait()

    def stop(self) -> None:
        """Asks the process to end, and makes it after STOP_SECONDS. Idempotent."""
        self.signal(signal.SIGTERM)
        if self._process is not None:
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not end when asked to; killed", file=sys.stderr)
        self.kill()

    def _is_ready(self) -> bool:
        if self.ready_file:
            return self.ready_file.exists()
        if self.ready_url:
            try:
                with urlopen(self.ready_url, timeout=2) as answer:  # noqa: S310 - loopback, chosen by us
                    return bool(answer.status == 200)
            except OSError:
                return False
        return True


def end_in_order_on_sigterm() -> None:
    """From now on SIGTERM ends this process as Ctrl-C does, so that what it has started is stopped."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)


def start_all(processes: list[Process]) -> None:
    """Starts them side by side, and returns when all are ready."""
    for process in processes:
        process.start()
    for process in processes:
        process.wait_until_ready()


def stop_all(processes: list[Process]) -> None:
    """Asks all to end at once, then waits for each in turn."""
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        process.stop()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
