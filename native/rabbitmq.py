"""A private RabbitMQ node from the distribution's package, with its own port, data, name and cookie."""

import contextlib
import os
import random
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from native.users import Users
from stack.init import write
from stack.topology import CONSUMER_TIMEOUT_MS

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = SERVER.with_name("rabbitmqctl")
LOOK_SECONDS = 0.5  # between looks at whether a password was renewed
READY_SECONDS = 60
COOKIE_BYTES = 32
DESCRIPTORS = 16_384


# Below what Linux takes for outgoing connections (net.ipv4.ip_local_port_range, from 32768): a port from there may be
# one end of somebody's connection at the moment when a server wants to listen on it.
PORTS = range(12_000, 32_000)


# Two schedulers that do not spin; the nodes' own protocol is spoken on loopback alone, by rabbitmqctl too.
LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"
ERLANG = f"+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none {LOOPBACK}"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now, nor gets for a connection."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise SystemExit("no TCP port of 127.0.0.1 is free")


class RabbitMQ:
    """A node whose data live in `folder`: a second start there finds the queues and messages of the first.

    With `users` it is the user of that name's.
    """

    def __init__(self, folder: Path, *, definitions: Path, port: int, users: Users | None = None) -> None:
        self._folder = folder
        self._users = users
        self._definitions = definitions
        self._process: subprocess.Popen[bytes] | None = None
        self._port_mapper: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self.port = port

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the node's process, and of its session."""
        assert self._process is not None  # noqa: S101 - it was started
        return self._process.pid

    def start(self) -> None:
        """Starts the node and waits until it takes connections. Raises SystemExit with its log where it does not."""
        if not SERVER.exists():
            raise SystemExit("RabbitMQ is not installed: run scripts/setup, or install rabbitmq-server")
        self._folder.mkdir(parents=True, exist_ok=True)
        write(self._folder / "rabbitmq.conf", self._configuration())
        write(self._folder / "enabled_plugins", "[].\n")
        self._make_cookie()
        environment, defined = self._environment(), self._definitions.read_bytes()
        # a port mapper of our own: the node would start one that outlives it
        self._port_mapper = self._run("epmd", "-address", "127.0.0.1", environment=environment)
        self._process = self._run("prlimit", f"--nofile={descriptors()}:", str(SERVER), environment=environment)
        self._wait_until_ready()
        self._stopping.clear()
        threading.Thread(target=self._follow, args=(environment, defined), name="definitions", daemon=True).start()

    def _follow(self, environment: dict[str, str], known: bytes) -> None:
        """Has the node take renewed passwords (`python -m stack rotate`)."""
        while not self._stopping.wait(LOOK_SECONDS):
            with contextlib.suppress(OSError):
                defined = self._definitions.read_bytes()
                if defined != known and self._takes_definitions(environment):
                    known = defined

    def _takes_definitions(self, environment: dict[str, str]) -> bool:
        process = self._run(str(CONTROL), "import_definitions", str(self._definitions), environment=environment)
        return process.wait() == 0

    def stop(self, *, kill: bool = False) -> None:
        """Ends the node: in order, or at once with `kill`. Idempotent."""
        self._stopping.set()
        node, mapper = self._process, self._port_mapper
        self._process = self._port_mapper = None
        for process in (node, mapper):
            if process is not None:
                _end(process, kill=kill or process is mapper)

    def _run(self, *command: str, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        with open(self._folder / "server.log", "ab", opener=_no_link) as log:
            return subprocess.Popen(
                [*(self._users.command("rabbitmq") if self._users else ()), *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        assert self._process  # noqa: S101 - started above
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if _answers(self.port):
                return
            time.sleep(0.1)
        log = (self._folder / "server.log").read_text(errors="replace")[-3000:]
        self.stop(kill=True)
        raise SystemExit(f"RabbitMQ did not start:\n{log}")

    def _configuration(self) -> str:
        return "\n".join(
            [
                f"listeners.tcp.1 = 127.0.0.1:{self.port}",
                f"load_definitions = {self._definitions.absolute()}",
                f"consumer_timeout = {CONSUMER_TIMEOUT_MS}",
                "disk_free_limit.absolute = 1GB",
                "log.console = false",
                "",
            ]
        )

    def _make_cookie(self) -> None:
        """Erlang would make one of 36 bits: whoever has it may do anything in the node."""
        cookie = self._folder / ".erlang.cookie"
        if not cookie.exists() or cookie.stat().st_size < COOKIE_BYTES:
            write(cookie, secrets.token_urlsafe(COOKIE_BYTES), mode=0o400)
        if self._users:
            self._users.give(self._folder, "rabbitmq")

    def _environment(self) -> dict[str, str]:
        folder = self._folder.absolute()
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),  # the cookie lives here
            "RABBITMQ_NODENAME": "stack@localhost",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            "RABBITMQ_CTL_ERL_ARGS": LOOPBACK,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
            "LANG": "C.UTF-8",
        }


def descriptors() -> int:
    """How many files and connections the node may open: what a shell gives (1,024) would not do for quorum queues
    beside strangers, and Erlang makes room for every one that it may open."""
    return min(DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def installed() -> bool:
    """Whether the distribution's RabbitMQ is there."""
    return SERVER.exists() and shutil.which("erl") is not None


def _no_link(path: str, flags: int) -> int:
    """Opens a file in the folder of another user, who may have put a link there to what is not theirs."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(connection.recv(1))
    except OSError:
        return False


def _end(process: "subprocess.Popen[bytes]", *, kill: bool) -> None:
    _signal_group(process.pid, signal.SIGKILL if kill else signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        kill = False
    if not kill:
        _signal_group(process.pid, signal.SIGKILL)  # what is left of it
        process.wait()


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
