"""A code-writer's shell, natively as root: ways out of a slot with namespaces of its own, each tried for real."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agents.claude.options import WRAPPER
from agents.claude.transcripts import Transcript
from agents.sandbox.folders import SLOTS_OWN, private_folder
from agents.sandbox.limits import ControlGroup, Limits
from agents.sandbox.network import CONNECTIONS, Network
from agents.sandbox.slot import Slot, as_user
from agents.sandbox.watch import Watch, available
from native.stack import Stack
from tests.attacks.shell import as_shell
from tests.attacks.views import PYTHON
from tests.stack.proving import PROOF_KEY, proves

UID = 23_000 + os.getpid() % 1_000
SCRIPT = Path(as_shell.__file__)
ATTACKS = [attack.__name__ for attack in as_shell.ATTACKS]
# An agent that a person has started by hand: at a terminal, with keys at hand.
AGENT = f"""
import ctypes, fcntl, os, subprocess, sys, termios
from pathlib import Path
from agents.claude.options import WRAPPER
from agents.sandbox.limits import Limits
from agents.sandbox.slot import make_slots
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
libc = ctypes.CDLL(None)
libc.syscall(250, 1, None)  # KEYCTL_JOIN_SESSION_KEYRING
libc.syscall(248, b"user", b"claude-stack-canary", b"secret", 6, -3)  # add_key
folder = Path(sys.argv[1])
slot, = make_slots(f"shell-{{os.getpid()}}", count=1, first_uid={UID}, proxy_url="http://127.0.0.1:9",
                   proof_key="not-a-key", limits=Limits())
os.chown(folder / "home", slot.uid, slot.uid)
given = slot.environment(Path({PYTHON!r}), started=folder / "started", folder=folder)
done = subprocess.run([WRAPPER, folder / "attack.py", sys.argv[2]], stdin=subprocess.DEVNULL, cwd=folder / "home",
                      env={{"PATH": os.defpath, "HOME": str(folder / "home"), **given}}, timeout=60)
sys.exit(done.returncode or not slot.end_processes())
"""
# What is found, with the reason that it may. What is not here must find nothing.
TABLE: dict[str, set[str]] = {
    # They lead nowhere; the last three to terminals that it makes itself.
    "devices": {*(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "pts/ptmx"))},
    # Of its own user namespace.
    "writes_of_the_kernels": {"/proc/sys/user/max_user_namespaces"},
}
if not int(re.findall(r"CapEff:\t(\w+)", Path("/proc/self/status").read_text())[0], 16) & 1 << 24:
    # Root's word on who is ended first is final where root holds SYS_RESOURCE, as on most machines. Without, a task can
    # be as likely to be ended as a service, and never less.
    TABLE["outlives_others_where_memory_is_short"] = {"0", "899"}


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, list[str]]]:
    """What each attack finds, in a slot as an agent has them."""
    with ExitStack() as left:
        folder = Path(left.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        hidden = [left.enter_context(tempfile.NamedTemporaryFile(dir=place)).name for place in SLOTS_OWN]
        for name in hidden:
            Path(name).chmod(0o644)
        folder.chmod(0o711)
        for name in ("home", "cache", "transcripts", "tasks/other"):
            (folder / name).mkdir(parents=True)
        (folder / "tasks").chmod(0o711)
        for name in ("cache", "transcripts", "tasks/other"):
            private_folder(folder / name)
            (folder / name / "canary").touch()
        folders = [str(folder / name) for name in ("", "cache", "transcripts", "tasks", "tasks/other")]
        (folder / "attack.py").write_text(SCRIPT.read_text())
        of_root = folder / "id"
        shutil.copy("/usr/bin/id", of_root)
        of_root.chmod(0o4755)
        master, terminal = pty.openpty()
        left.callback(os.close, master)
        left.callback(os.close, terminal)
        at = {"hidden": hidden, "folders": folders, "of_root": str(of_root)}
        done = subprocess.run(
            [sys.executable, "-c", AGENT, folder, json.dumps(at)],
            stdin=terminal,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_shell_finds_what_is_listed_and_nothing_else(found: dict[str, list[str]], attack: str) -> None:
    assert set(found[attack]) == TABLE.get(attack, set())


# --- what is looked at, and tidied up, from outside -----------------------------------------------------


@pytest.fixture
def place() -> Iterator[Path]:
    """A task's folder, with a home that is the slot's."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        home = Path(name, "home")
        home.mkdir()
        os.chown(home, UID, UID)
        yield Path(name)


def ended_for(slot: Slot, place: Path, code: str, watch: Watch | None = None) -> str:
    """What is said of a task that runs code, as soon as it is; or nothing, when all of it has run."""
    script = place / "attack.py"
    script.write_text(f"import ctypes, os, time\n{code}\nprint('ready', flush=True)\ntime.sleep(60)\n")
    given = slot.environment(Path(PYTHON), started=place / "started", folder=place)
    environment = {"PATH": os.defpath, "HOME": str(place / "home"), **given}
    with subprocess.Popen([WRAPPER, script], env=environment, cwd=place, stdout=subprocess.PIPE) as begun:
        try:
            assert begun.stdout
            begun.stdout.read(6)  # or it has ended before
            complaint, deadline = "", time.monotonic() + 5
            while watch and not (complaint := watch.complaint()) and time.monotonic() < deadline:
                time.sleep(0.1)
            return complaint
        finally:
            assert slot.end_processes()


def limited(place: Path, limits: Limits) -> Slot:
    return Slot(place.name, UID, Network("http://127.0.0.1:9", "not-a-key"), limits=limits)


CLOSED = {
    "in a folder that it cannot enter itself": "os.chmod(folder, 0)",
    "deep in such a folder": "os.chmod(os.path.dirname(folder), 0)",
    "in a folder that it may list and not enter": "os.chmod(folder, 0o600)",
    "in a file that it cannot read": "os.chmod(folder + '/file', 0)",
}
FILES = """
folder = os.environ["HOME"] + "/one/other"
os.makedirs(folder)
for name in ("file", "b", "c", "d", "e", "f", "g"):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(os.urandom(12 << 20))
        os.fsync(file)
"""


@pytest.mark.parametrize("closed", CLOSED)
def test_what_a_task_writes_is_counted_wherever_it_hides_it(place: Path, closed: str) -> None:
    slot = limited(place, Limits(disk_mb=20))
    watch = Watch(slot, [place / "home"])
    assert ended_for(slot, place, FILES + CLOSED[closed], watch) == "it wrote more than 20 MB of files"


# 240 to 600 MB each, in none of its processes.
MEMORY = {
    "files in folders of its own": """
for n in range(30): open(f'{("/dev/shm", "/tmp", "/run")[n % 3]}/{n}', 'wb').write(bytes(20 << 20))
""",
    "files without a name": """
held = [os.memfd_create('x') for _ in range(12)]
for one in held: os.write(one, bytes(20 << 20))
""",
    "memory of System V's that nobody has": """
libc = ctypes.CDLL(None)
libc.shmat.restype, libc.shmdt.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
for _ in range(12):
    at = libc.shmat(libc.shmget(0, 20 << 20, 0o1666), None, 0)
    ctypes.memset(at, 1, 20 << 20)
    libc.shmdt(at)
""",
    "a file system that it mounts itself": """
uid, libc, place = os.getuid(), ctypes.CDLL(None), os.environ['HOME'] + '/mounted'
os.mkdir(place)
libc.unshare(0x10000000 | 0x00020000)
for name, line in (('setgroups', 'deny'), ('uid_map', f'0 {uid} 1'), ('gid_map', f'0 {uid} 1')):
    open(f'/proc/self/{name}', 'w').write(line)
libc.mount(b'x', place.encode(), b'tmpfs', 0, None)
for n in range(30): open(f'{place}/{n}', 'wb').write(bytes(20 << 20))
""",
    "tables of pages": """
libc, size = ctypes.CDLL(None), 120_000 << 21
pointer, whole = ctypes.c_void_p, ctypes.c_size_t
libc.mmap.restype, libc.mmap.argtypes = pointer, [pointer, whole, *[ctypes.c_int] * 3, ctypes.c_long]
at = libc.mmap(None, size, 1, 0x4022, -1, 0)  # to read; private, of nothing, without reserve
libc.madvise(pointer(at), whole(size), 15)  # in small pages
for page in range(at, at + (60_000 << 21), 1 << 21): ctypes.c_char.from_address(page).value
""",
}


@pytest.mark.parametrize("kind", MEMORY)
def test_memory_is_bounded_in_whatever_a_task_has_it(place: Path, kind: str) -> None:
    slot = limited(place, Limits(memory_mb=100))
    group = ControlGroup.made(f"claude-stack-{place.name}", slot.limits)
    slot = replace(slot, group=group)
    try:
        assert ended_for(slot, place, MEMORY[kind], Watch(slot, [place / "home"])) == slot.limits.too_large
    finally:
        group.remove()


def test_without_a_control_group_the_machine_keeps_some_of_its_memory(place: Path) -> None:
    slot = limited(place, Limits(memory_mb=100))
    watch = Watch(slot, [place / "home"])
    watch.least_memory = available() - (60 << 20)  # a part of what it takes: others give memory back meanwhile
    complaint = ended_for(slot, place, MEMORY["files in folders of its own"], watch)
    assert complaint == "the memory of this machine is nearly full"


def test_a_transcript_that_is_a_link_is_not_followed(place: Path) -> None:
    """Kept for the next attempt, it would show what of the machine's is hidden from a slot."""
    transcript = Transcript(place / "kept")
    session = transcript.begin("words")
    with tempfile.NamedTemporaryFile(dir="/tmp") as hidden:
        hidden.write(b"secret")
        hidden.flush()
        Path(hidden.name).chmod(0o644)
        code = 'mkdir -p "$1/.claude/projects/x" && ln -s "$2" "$1/.claude/projects/x/$3.jsonl"'
        assert as_user(UID, code, place / "home", hidden.name, session) == 0
        transcript.collect(place / "home", UID)
    assert not transcript.path.exists()


# --- the relay ------------------------------------------------------------------------------------------


class Silent(BaseHTTPRequestHandler):
    """A proxy that proves who it is, and is long in answering some: as one whose provider is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if proves(self, "proxy", PROOF_KEY):
            return
        if self.path == "/long":
            time.sleep(8)
        with suppress(OSError):  # the caller has been cut off
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """In silence."""


def test_connections_of_a_former_task_are_not_kept_from_the_next_one(place: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        server.block_on_close = False
        threading.Thread(target=server.serve_forever).start()
        network = Network(f"http://127.0.0.1:{server.server_port}", PROOF_KEY)
        slot = Slot("relayed", UID, network, uids=range(UID, UID + 2))
        call = """
import socket
def call(path):
    one = socket.create_connection(("127.0.0.1", 8003), 5)
    one.settimeout(3)
    one.sendall(b"GET " + path + b" HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    return one
"""
        held = f"{call}\nheld = [call(b'/long') for _ in range({CONNECTIONS})]\ntime.sleep(0.5)"
        ended_for(slot, place, held)
        slot = slot.renewed()
        os.chown(place / "home", slot.uid or 0, -1)
        asks = f"{call}\nopen(os.environ['HOME'] + '/answer', 'wb').write(call(b'/').recv(15))"
        ended_for(slot, place, asks)
        assert (place / "home/answer").read_bytes() == b"HTTP/1.1 200 OK"
        server.shutdown()


def test_the_relay_leads_to_the_models_alone(place: Path, stack: Stack) -> None:
    """It proves who we are to the proxy, and whoever talks through it is no more than its token says."""
    slot = Slot("talks", UID, Network(stack.ports.url("proxy"), stack.secret("pr-reviewer", "PROXY_PROOF_KEY")))
    known = f"GET /proof?secret={'0' * 64}&nonce={'0' * 64} HTTP/1.1\r\nHost: x\r\n\r\n"
    call = "POST /v1/messages HTTP/1.1\r\nHost: x\r\n"
    asks = {
        "another's proof": known,
        "dashboard": "GET /dashboard HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "metrics": "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n",
        "usage": "GET /usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n",
        "smuggled by chunks": f"{call}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{known}",
        "smuggled by two lengths": f"{call}Content-Length: 0\r\nContent-Length: 9\r\n\r\n{known}",
        "smuggled by a proof": known.replace("HTTP/1.1", "HTTP/1.1\r\nContent-Length: 400") + f"{call}\r\n{known}",
    }
    code = f"""
import json, socket
said = {{}}
for name, ask in {asks!r}.items():
    with socket.create_connection(("127.0.0.1", 8003), 5) as one:
        one.settimeout(3)
        one.sendall(ask.encode())
        said[name] = b""
        try:
            while data := one.recv(4096): said[name] += data
        except OSError: pass
        said[name] = [line.split()[1] for line in said[name].decode().splitlines() if line.startswith("HTTP/1.1 ")]
open(os.environ["HOME"] + "/answer", "w").write(json.dumps(said))
"""
    ended_for(slot, place, code)
    said = json.loads((place / "home/answer").read_text())
    assert set(said) == set(asks)
    assert said.pop("dashboard") == ["303"]  # to where a person says the password
    assert not [name for name, codes in said.items() if any(code[0] in "23" for code in codes)], said
