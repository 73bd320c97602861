"""Too many connections, and bodies without an end: no part dies, nothing is kept, and all is well again at once."""

import json
import os
import resource
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from agents.sandbox.slot import as_user
from native.desk import wait_until
from native.processes import ROOT
from native.stack import Stack
from stack.health import complaint
from tests.whole.world import World

OURS = ("orchestrator", "forge", "proxy")
FLOODED = (*OURS, "broker")
CONNECTIONS, SECONDS = 5_000, 10
WELL_AGAIN_SECONDS = 5
TAKEN = 500  # of them taken, at least: the others wait in the kernel
BODY = 200 << 20
PIECE = bytes(1 << 16)
MORE_MEMORY = 32 << 20  # of a process
MORE_ON_DISK = 1 << 20  # of all: logs, and what databases write by themselves
FEW = 8  # descriptors more than before: a database's, a keep-alive's


@dataclass(frozen=True)
class Used:
    """What a process has at a moment: bytes of memory, descriptors, bytes in its open files, nameless ones too."""

    memory: int
    descriptors: int
    files: int


def used(pid: int) -> Used:
    status = Path(f"/proc/{pid}/status").read_text()
    sizes = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found = descriptor.stat()
            sizes.append(found.st_size if stat.S_ISREG(found.st_mode) else 0)
    return Used(int(status.split("VmRSS:")[1].split()[0]) << 10, len(sizes), sum(sizes))


def processes(stack: Stack) -> dict[int, str]:
    """Every process of the stack's services and of its broker, by its id."""
    named = {service.pid: name for name, service in stack.services.items()} | {stack.broker.pid: "broker"}
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(ProcessLookupError):
            found[int(entry)] = named.get(os.getsid(int(entry)), "")
    return {pid: name for pid, name in found.items() if name}


def complaints(stack: Stack) -> dict[str, str]:
    """What is wrong, as the services' own health checks have it."""
    beats = {name: str(service.ready_file) for name, service in stack.services.items() if service.ready_file}
    urls = {name: f"{stack.ports.url(name)}/healthz" for name in OURS}
    found = {name: complaint(beats.get(name), urls.get(name)) for name in stack.services}
    return {name: words for name, words in found.items() if words}


def well_again(stack: Stack, before: dict[int, str]) -> None:
    """All that lived before lives, and is well."""
    wait_until(lambda: not complaints(stack), seconds=WELL_AGAIN_SECONDS)
    assert processes(stack) == before


# --- connections ------------------------------------------------------------------------------------


def test_five_thousand_connections_to_every_port_end_no_part_and_no_work(world: World) -> None:
    stack = world.stack
    pull = world.pull()
    names = processes(stack)
    before = {pid: used(pid) for pid, name in names.items() if name in FLOODED}
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for pid, name in names.items():
        if name in ("orchestrator", "forge"):  # more than they counted with: their own limit must hold them
            assert as_user(stack.users.of(name), f"prlimit --pid {pid} --nofile={most}:{most}") == 0
    ports = {name: getattr(stack.ports, name) for name in FLOODED}
    under_way = world.ask(f"/review {pull}")
    floods = {name: flood(port) for name, port in ports.items()}
    said = {name: json.loads(one.communicate()[0]) for name, one in floods.items()}
    well_again(stack, names)
    assert [log for log in (stack.folder / "rabbitmq/log").iterdir() if "emfile" in log.read_text()] == []
    assert {name: sum(counts.values()) for name, counts in said.items()} == dict.fromkeys(ports, CONNECTIONS)
    assert [name for name, counts in said.items() if counts.get("taken", 0) + counts.get("hung up", 0) < TAKEN] == []
    assert world.desk.wait_for_ending(under_way).run.state == "verified"
    assert world.desk.run(f"/review {pull} fresh").run.state == "verified"
    wait_until(lambda: not too_much(before, names), seconds=20)


def flood(port: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.attacks.flood", str(port), str(CONNECTIONS), str(SECONDS)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def too_much(before: dict[int, Used], names: dict[int, str]) -> dict[str, tuple[Used, Used]]:
    """What has much more than it had."""
    now = {pid: used(pid) for pid in before}
    return {
        f"{names[pid]} {pid}": (had, now[pid])
        for pid, had in before.items()
        if now[pid].descriptors > had.descriptors + FEW or now[pid].memory > had.memory + MORE_MEMORY
    }


# --- bodies -----------------------------------------------------------------------------------------

DOORS = {
    "orchestrator": ("/runs", "/files?name=x", "/tasks/x/pieces", "/healthz", "/"),
    "forge": ("/git/acme/shop/git-upload-pack", "/git/acme/shop/git-receive-pack", "/healthz"),
    "proxy": ("/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/dashboard/login", "/healthz", "/nowhere"),
}
FORM = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'


def heads(stack: Stack, name: str, path: str) -> Iterator[tuple[bytes, bool]]:
    """The ways to announce a body that is too large, and whether it comes in chunks."""
    host = f"127.0.0.1:{getattr(stack.ports, name)}"
    first = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: {FORM}\r\n"
    yield f"{first}Content-Length: {BODY}\r\n\r\n".encode(), False
    yield f"{first}Authorization: Bearer x\r\nx-api-key: x\r\nContent-Length: {BODY}\r\n\r\n".encode(), False
    yield f"{first}Transfer-Encoding: chunked\r\n\r\n".encode(), True


def send(port: int, head: bytes, chunked: bool) -> tuple[int, int]:
    """Sends a body until all of it is sent, or nobody hears it any more: the answer's status (0: none), bytes sent."""
    sent, until = 0, time.monotonic() + SECONDS
    frame = b"%x\r\n%b\r\n" if chunked else b"%b"
    first = FILE.ljust(len(PIECE), b"x")
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        with suppress(OSError):
            connection.sendall(head)
            while sent < BODY and time.monotonic() < until:
                piece = PIECE if sent else first
                connection.sendall(frame % ((len(piece), piece) if chunked else piece))
                sent += len(piece)
        with suppress(OSError):
            answer = connection.recv(1 << 12)
            return int(answer.split()[1]) if answer else 0, sent
    return 0, sent


def test_bodies_without_an_end_are_refused_at_their_head(world: World) -> None:
    stack, names = world.stack, processes(world.stack)
    services = [pid for pid, name in names.items() if name in OURS]
    before, on_disk = {pid: used(pid) for pid in services}, disk(stack)
    sent = [
        (name, path, getattr(stack.ports, name), *way)
        for name, paths in DOORS.items()
        for path in paths
        for way in heads(stack, name, path)
    ]
    with watched(services) as seen, ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda one: (*one[:2], *send(*one[2:])), sent))
    well_again(stack, names)
    assert [one for one in said if one[2] not in (0, 401, 403, 404, 405, 413, 411)] == []
    assert max(seen[pid].memory - before[pid].memory for pid in services) < MORE_MEMORY
    assert sum(seen[pid].files - before[pid].files for pid in services) < MORE_ON_DISK
    assert disk(stack) - on_disk < MORE_ON_DISK


@contextmanager
def watched(pids: list[int]) -> Iterator[dict[int, Used]]:
    """The most that each process has while inside."""
    seen, over = {pid: used(pid) for pid in pids}, Event()

    def watch() -> None:
        while not over.wait(0.02):
            for pid in pids:
                now, most = used(pid), seen[pid]
                seen[pid] = Used(*(max(getattr(now, f), getattr(most, f)) for f in Used.__annotations__))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def disk(stack: Stack) -> int:
    """Bytes in the files of our services."""
    return sum(path.stat().st_size for name in OURS for path in (stack.folder / name).rglob("*") if path.is_file())
