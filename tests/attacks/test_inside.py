"""What code in a slot can reach: started as Claude Code is, on this machine, with everything that it could be after."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agents.claude.options import WRAPPER
from agents.sandbox import network
from agents.sandbox.folders import SLOTS_OWN, start_only
from agents.sandbox.network import CONNECTIONS, Network
from agents.sandbox.slot import Slot
from tests.stack.proving import PROOF_KEY, proves

PYTHON = "/usr/bin/python3"  # one that others can start, wherever the tests' own is
UID = 19_000 + os.getpid() % 1_000


class Proxy(BaseHTTPRequestHandler):
    """Says one word to everybody."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if proves(self, "proxy", PROOF_KEY):
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_: object) -> None:
        """In silence."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def folder() -> Iterator[Path]:
    """The agent's folder, where others can come by, with room for a slot in it."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp"))
    made.chmod(0o755)
    (made / "home").mkdir()
    os.chown(made / "home", UID, UID)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def slot(proxy: str) -> Slot:
    assert os.geteuid() == 0, "slots have namespaces of their own as root alone"
    return Slot("attacked", UID, Network(proxy, PROOF_KEY))


def attack(slot: Slot, folder: Path, code: str, program: str | Path = PYTHON, seconds: float = 30) -> str:
    """What code prints that runs in a slot in Claude Code's place."""
    (folder / "home/attack.py").write_text(code)
    environment = slot.environment(Path(program), started=folder / "started", folder=folder)
    file = folder / "home/attack.py"
    given = [str(file)] if str(program) == PYTHON else ["-c", f"{PYTHON} {file} $$; true"]
    done = subprocess.run(
        [WRAPPER, *given],
        env={"PATH": os.defpath, "HOME": str(folder / "home"), **environment},
        cwd=folder / "home",
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CONNECT = """
import socket, sys
for port in {ports}:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        print("reached", port)
    except OSError as error:
        pass
"""


# --- the network --------------------------------------------------------------------------------------


def test_the_proxy_is_reached(slot: Slot, folder: Path) -> None:
    assert slot.network
    code = f"import urllib.request as u; print(u.urlopen('{slot.network.url}/x', timeout=5).read().decode())"
    assert attack(slot, folder, code) == "hi"


def test_no_other_port_of_the_machine_answers(slot: Slot, folder: Path, proxy: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as other:
        ports = [one.getsockname()[1], other.getsockname()[1], int(proxy.rsplit(":", 1)[1])]
        assert attack(slot, folder, CONNECT.format(ports=ports)) == ""


def test_there_is_no_interface_but_its_own_loopback(slot: Slot, folder: Path) -> None:
    code = "import socket; print(socket.if_nameindex(), open('/proc/net/route').read().splitlines()[1:])"
    assert attack(slot, folder, code) == "[(1, 'lo')] []"


def test_an_abstract_socket_of_the_machine_is_not_there(slot: Slot, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0claude-stack-attacked")
        listener.listen()
        code = 'import socket; print(socket.socket(socket.AF_UNIX).connect_ex("\\0claude-stack-attacked"))'
        assert attack(slot, folder, code) == "111"  # refused


def test_a_socket_file_of_the_machine_is_not_there(slot: Slot, folder: Path) -> None:
    """As those of D-Bus or of a database."""
    path = Path(f"/run/claude-stack-attacked-{os.getpid()}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        try:
            path.chmod(0o777)
            code = f"import socket; print(socket.socket(socket.AF_UNIX).connect_ex({str(path)!r}))"
            assert attack(slot, folder, code) == "2"  # not there
        finally:
            path.unlink()


def test_a_port_that_it_takes_is_taken_in_its_own_network_alone(slot: Slot, folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"""
import os, socket, sys, time
socket.create_server(("127.0.0.1", {port}))
print("taken", flush=True)
"""
    assert attack(slot, folder, code) == "taken"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 2)


def test_it_holds_so_many_connections_to_the_proxy_and_no_more(slot: Slot, folder: Path) -> None:
    code = f"""
import socket
held = []
for _ in range({3 * CONNECTIONS}):
    one = socket.create_connection(("127.0.0.1", 8003), 5)
    one.settimeout(5)
    one.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    try:
        if one.recv(10): held.append(one)
    except OSError: pass
print(len(held))
"""
    assert attack(slot, folder, code) == str(CONNECTIONS)
    assert attack(slot, folder, CONNECT.format(ports=[8003])) == "reached 8003"


def test_the_relay_lives_on_where_a_task_has_taken_all_threads(
    slot: Slot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import socket
def asked():
    with socket.create_connection(("127.0.0.1", 8003), 5) as one:
        one.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        try: return len(one.recv(10))
        except ConnectionError: return 0
print(sum(asked() for _ in range(%d)))
"""
    monkeypatch.setattr(network, "PAUSE_SECONDS", 0.01)
    before = threading.stack_size(1 << 47)  # more than there is: no thread can be started
    try:
        assert attack(slot, folder, code % (CONNECTIONS + 1)) == "0"
    finally:
        threading.stack_size(before)
    assert attack(slot, folder, code % 1) == "10"


# --- processes, and what they share -------------------------------------------------------------------


def test_no_process_of_the_machine_is_seen(slot: Slot, folder: Path) -> None:
    code = "import os; print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) > 50))"
    assert attack(slot, folder, code) == "[]"


LEAVE = """
import ctypes, os, subprocess
for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock"):
    os.makedirs(place, exist_ok=True)
    open(place + "/left-behind", "w").write("x")
libc = ctypes.CDLL(None)
print(libc.shmget(4711, 4096, 0o1666) >= 0, libc.semget(4711, 1, 0o1666) >= 0, libc.msgget(4711, 0o1666) >= 0)
subprocess.Popen(["sleep", "600"], start_new_session=True)
"""
FIND = """
import ctypes, os
print([p for p in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock") if os.path.exists(p + "/left-behind")])
libc = ctypes.CDLL(None)
print(libc.shmget(4711, 4096, 0), libc.semget(4711, 1, 0), libc.msgget(4711, 0))
"""


def test_nothing_is_left_for_who_comes_next(slot: Slot, folder: Path) -> None:
    assert attack(slot, folder, LEAVE) == "True True True"
    assert not slot.is_busy()
    assert attack(slot, folder, FIND) == "[]\n-1 -1 -1"
    assert not [
        place
        for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock")
        if os.path.exists(f"{place}/left-behind")
    ]


def test_both_that_must_know_know_the_same_folders() -> None:
    lines = (WRAPPER.parent / "inside.fstab").read_text().splitlines()
    assert tuple(line.split()[1] for line in lines if line.startswith("slot ") and " tmpfs " in line) == SLOTS_OWN


def test_a_folder_of_everybodys_is_of_a_size(slot: Slot, folder: Path) -> None:
    code = (
        "import os\nfor p in ('/tmp', '/var/tmp', '/dev/shm'): s = os.statvfs(p); print(s.f_blocks * s.f_frsize >> 20)"
    )
    assert attack(slot, folder, code) == "256\n256\n256"


SPEAK = """
import ctypes, os, sys
claude, libc, reached = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True), []
descriptor = libc.syscall(434, claude, 0)  # pidfd_open
if libc.syscall(438, descriptor, 1, 0) >= 0: reached.append("pidfd_getfd")
for name in ("fd/1", "mem", "environ", "cwd/x", "root/x", "maps"):
    try: os.open(f"/proc/{claude}/{name}", os.O_RDONLY); reached.append(name)
    except OSError as error:
        if error.errno == 2: reached.append(name)
if libc.ptrace(0x4206, claude, 0, 0) == 0: reached.append("ptrace")
print(reached)
"""


def test_nobody_speaks_for_claude(slot: Slot, folder: Path) -> None:
    """Its streams and its memory, for a process that it has started itself."""
    shell = folder / "claude"
    shutil.copy("/bin/sh", shell)
    assert "pidfd_getfd" in attack(slot, folder, SPEAK, shell)
    start_only(shell)
    assert attack(slot, folder, SPEAK, shell) == "[]"


# --- rights -------------------------------------------------------------------------------------------


def test_it_mounts_nothing_and_becomes_nobody_else(slot: Slot, folder: Path) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.umount(b"/tmp"), libc.unshare(0x00020000))
for call in (os.setuid, os.setgid):
    try: call(0); print("became root")
    except OSError: pass
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapPrm", "NoNewPrivs"))])
"""
    assert attack(slot, folder, code) == "-1 -1 -1\n['0000000000000000', '0000000000000000', '1']"
