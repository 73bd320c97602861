"""The stack in containers, attacked from inside an agent's as the slot's user: `python -m tests.attacks.compose`.

For `.ci/compose`, on a stack with two agents whose outside world is simulated. What is found must be what the table
says, neither more nor less: an attack that is not tried finds nothing.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from native.compose_review import CONNECT, NOWHERE, PERSON, REVIEWER, arguments, review
from native.containers import Containers
from sim.not_github.client import example
from sim.not_telegram.person import Person

HERE = Path(__file__).parent
SLOT = "61000"  # as good as any: the boundary knows root and everybody else
AS_SLOT = ("setpriv", f"--reuid={SLOT}", f"--regid={SLOT}", "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--")
AS_SUPERVISOR = ("setpriv", "--inh-caps=-all", "--bounding-set=-net_admin,-setpcap", "--")
SUPERVISORS = 1 << 0 | 1 << 5 | 1 << 6 | 1 << 7  # linux/capability.h: CHOWN, KILL, SETGID, SETUID
SERVICES = ("rabbitmq", "orchestrator", "forge", "proxy", "bot", "not-telegram", "not-github", "not-anthropic")
NOW_AND_THEN = {"python -m stack.health"}  # Docker's health check
ELSEWHERE = (NOWHERE, "169.254.169.254")  # and where clouds hand out credentials
USUAL = (22, 53, 80, 443, 2375, 4369, 25672)  # beside those that listen
GONE_SECONDS = 10

# What code of a task finds, with the reason that it may.
TABLE: dict[str, tuple[str, ...]] = {
    # By TCP its own loopback: the agent's relay to the proxy is there, and what the task starts itself.
    "tcp": ("own:8003",),
    "tcp_by_other_ways": ("own:8003 mapped", "own:8003 mptcp"),
    "udp": (),
    "icmp": (),
    "names": (),
    "answers_for_the_name_server": (),
    "ipv6": (),
    "sockets_without_a_network": (),
    "takes_the_relays_port": (),
    # Devices that keep nothing, and three folders of a size that are emptied after each task.
    "fills": ("/dev/shm 256 MB", "/tmp 256 MB"),
    "writes": (
        "/dev/full", "/dev/mqueue", "/dev/null", "/dev/pts/ptmx", "/dev/random", "/dev/shm", "/dev/tty", "/dev/urandom",
        "/dev/zero", "/proc/keys", "/proc/timer_list", "/tmp",
    ),
    # Docker's own files, and the agent's sign of life.
    "reads": ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/run/heartbeat", "/usr/sbin/docker-init"),
    "looks_into_others": (),
    # Linux shows command lines to everybody: no secret may stand in one.
    "shown_of_others": ("/sbin/docker-init -- agents/container.sh python -m agents", "python -m agents"),
    "touches_others": (),
    "rights": (),
    "changes_the_filter": (),
    "from_a_namespace_of_its_own": (),
}  # fmt: skip

LISTEN = "import socket, time; s = socket.create_server(('', 7777)); print('listening', flush=True); time.sleep(6)"
HANG_UP = """
import socket, time
for _ in range(50):
    with socket.create_connection(("orchestrator", 8001), 3) as one:
        one.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
time.sleep(1)
"""
TAKE = """
import signal, socket, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("trying", flush=True)
while True:
    try: held = socket.create_server(("127.0.0.1", 8003)); time.sleep(600)
    except OSError: time.sleep(0.001)
"""
ASK = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8003/healthz', timeout=5).read().decode())"
# As root: who else is there, and what they have left.
LEFT = r"""
import glob
left = [p for d in ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run") for p in glob.glob(d + "/left*")]
left += [row for table in ("shm", "sem", "msg") for row in list(open("/proc/sysvipc/" + table))[1:]]
for path in glob.glob("/proc/[0-9]*/status"):
    try: status = open(path).read()
    except OSError: continue
    if "\nUid:\t0\t" not in status: left.append(status.splitlines()[0])
print(left)
"""
USERS = "import socket; from stack.uids import block_of; print(block_of(socket.gethostname()))"
HOLDS = """
import glob
for path in glob.glob("/proc/[0-9]*/cmdline"):
    if open(path).read().startswith("python\\0-m\\0agents"):
        status = dict(l.split(":\\t") for l in open(path.replace("cmdline", "status")))
        print(int(status["CapBnd"], 16) | int(status["CapPrm"], 16) | int(status["CapInh"], 16))
"""


def main() -> int:
    """The command line. Exits 0 where the table holds."""
    options = arguments()
    stack = Containers()
    wrong: list[str] = []
    for judge in JUDGES:
        wrong += judge(stack)
    wrong += of_what_is_left(stack, options.telegram, options.github)
    wrong += of_a_restart(stack)
    for problem in wrong:
        print(f"compose: {problem}", file=sys.stderr)
    return 1 if wrong else 0


def of_what_is_found(stack: Containers) -> Iterator[str]:
    """Each attack of `as_slot.py` against the table; and no secret in anything that it has seen."""
    at = {"hosts": dict(hosts(stack)), "names": [*SERVICES, REVIEWER, "github.com", "host.docker.internal"]}
    said = as_slot(stack, (HERE / "as_slot.py").read_text(), json.dumps(at))
    found = json.loads(said)
    for attack in sorted(found.keys() | TABLE.keys()):
        seen = sorted(set(found.get(attack, ["not tried"])) - NOW_AND_THEN)
        if seen != sorted(TABLE.get(attack, ["not listed"])):
            yield f"a task {attack.replace('_', ' ')}: {seen}"
    if secrets_in(stack, said):
        yield "a task sees a secret of its agent"


def hosts(stack: Containers) -> Iterator[tuple[str, dict[str, Any]]]:
    """All that there is to reach: itself, each address of each service, the other agent, the machine, and elsewhere."""
    yield "own", {"address": "127.0.0.1", "ports": [8003]}
    for service in (*SERVICES, REVIEWER):
        ports = sorted({*listening(stack, service), *USUAL})
        for container in stack.inspected(service):
            for network in container["NetworkSettings"]["Networks"].values():
                for address in filter(None, (network["IPAddress"], network["GlobalIPv6Address"])):
                    yield f"{container['Name']} {address}", {"address": address, "ports": ports}
                for address in filter(None, (network["Gateway"], network["IPv6Gateway"])):
                    yield f"machine {address}", {"address": address, "ports": USUAL}
    for address in ELSEWHERE:
        yield address, {"address": address, "ports": (80, 443)}


def listening(stack: Containers, service: str) -> set[int]:
    """The TCP ports on which something listens beside a service."""
    tables = stack.run(service, "cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    return {int(row.split()[1].rsplit(":", 1)[1], 16) for row in tables if " 0A " in row}


def of_what_listens(stack: Containers) -> Iterator[str]:
    """What a task listens on is not there for others: nobody can call it, and so nobody can be asked to."""
    listener = stack.start(REVIEWER, LISTEN, before=AS_SLOT)
    as_slot(stack, CONNECT, "127.0.0.1", "7777")
    address = stack.run(REVIEWER, "hostname", "-i").strip()
    if works(lambda: stack.run("orchestrator", "python", "-c", CONNECT, address, "7777")):
        yield "what a task listens on can be called by others"
    listener.communicate()


def of_what_ends(stack: Containers) -> Iterator[str]:
    """What the agent closes at once is closed for who it called too: a packet without an owner may end a connection."""
    stack.run(REVIEWER, "python", "-c", HANG_UP, user="root")
    table = stack.run("orchestrator", "cat", "/proc/net/tcp").splitlines()
    if left := [row for row in table if row.split()[1].endswith(":1F41") and row.split()[3] == "09"]:
        yield f"{len(left)} connections of the agent do not end (LAST_ACK)"


def of_the_supervisor(stack: Containers) -> Iterator[str]:
    """The agent itself can change nothing of the boundary any more."""
    held = stack.run(REVIEWER, "python", "-c", HOLDS, user="root").split()
    if held != [str(SUPERVISORS)]:
        yield f"the supervisor holds capabilities {[hex(int(one)) for one in held]}"
    for command in (("flush", "ruleset"), ("delete", "table", "inet", "slot"), ("list", "ruleset")):
        if works(partial(stack.run, REVIEWER, *AS_SUPERVISOR, "nft", *command, user="root")):
            yield f"who holds what the supervisor holds can {' '.join(command)}"


def of_limits(stack: Containers) -> Iterator[str]:
    """What Docker was told of each agent."""
    for container in stack.inspected(REVIEWER):
        host = container["HostConfig"]
        told = {name: bool(host[name]) for name in ("Memory", "PidsLimit", "ReadonlyRootfs", "ShmSize", "CapDrop")}
        if not all(told.values()) or host["Privileged"] or host["PidMode"] or host["NetworkMode"] == "host":
            yield f"{container['Name']} is without a limit: {told}"
        if any("size=" not in options for options in host["Tmpfs"].values()):
            yield f"{container['Name']} has a folder in memory without a size: {host['Tmpfs']}"
        if mounted := [m["Source"] for m in container["Mounts"] if m["Type"] == "bind"]:
            yield f"{container['Name']} sees the machine's {mounted}"


def of_users(stack: Containers) -> Iterator[str]:
    """What Linux counts by user is not counted for both agents together."""
    users = [stack.run(REVIEWER, "python", "-c", USERS, user="root", index=index).strip() for index in (1, 2)]
    if "" in users or users[0] == users[1]:
        yield f"tasks of two agents have the users {users}"


def of_bombs(stack: Containers) -> Iterator[str]:
    """Too many processes and too much memory end in their container, and their agent is there after them."""
    before, script = agents(stack), (HERE / "bombs.py").read_text()
    limits = stack.inspected(REVIEWER)[0]["HostConfig"]
    if works(lambda: as_slot(stack, script, "memory", str(limits["Memory"] + (256 << 20)))):
        yield "a task could have more memory than its container"
    begun = int(as_slot(stack, script, "processes"))
    if not limits["PidsLimit"] / 2 < begun < limits["PidsLimit"]:
        yield f"a task has begun {begun} processes of {limits['PidsLimit']}"
    stack.compose("up", "--wait", "--no-recreate", "--scale", f"{REVIEWER}=2", REVIEWER)
    if agents(stack) != before:
        yield "a bomb has ended an agent"


def agents(stack: Containers) -> list[tuple[str, str]]:
    """Each container of the agents, and since when it runs."""
    return sorted((one["Id"], one["State"]["StartedAt"]) for one in stack.inspected(REVIEWER))


def of_a_start(stack: Containers) -> Iterator[str]:
    """Without its filter, or with rights by which it could be undone, no agent starts."""
    bare = ("--entrypoint", "timeout", REVIEWER, "20")
    starts: dict[str, tuple[str, ...]] = {
        "the filter that keeps a task": ("--cap-drop", "NET_ADMIN", REVIEWER),
        "a task's user can reach": (*bare, *AS_SUPERVISOR, "python", "-m", "agents"),
        "it holds capabilities": (*bare, "python", "-m", "agents"),
    }
    for words, how in starts.items():
        try:
            stack.compose("run", "--rm", "-T", "--no-deps", *how)
            yield f"an agent runs where it should say: {words}"
        except RuntimeError as error:
            if words not in str(error):
                yield f"an agent that should say “{words}” says: {error}"


def of_what_is_left(stack: Containers, telegram: str, github: str) -> Iterator[str]:
    """What a task leaves in its container is gone after it, its processes too; and what it could see meanwhile."""
    script = (HERE / "leave.py").read_text()
    waiting = {index: stack.start(REVIEWER, script, index=index) for index in (1, 2)}
    review(stack, Person(telegram, PERSON), example(github), again=True)
    left = {index: json.loads(line) for index, one in waiting.items() if (line := _line_of(one))}
    if not left:
        yield "Claude Code was seen at work in no agent"
    for index, said in left.items():
        if said["folders"] != ["/dev/mqueue", "/dev/shm", "/tmp"]:
            yield f"a task could leave something in {said['folders']}"
        if said["of_claude"]:
            yield f"what runs as Claude Code's user reaches {said['of_claude']} of it"
        if secrets_in(stack, json.dumps(said)) or "earer " in json.dumps(said):
            yield "a secret stands in a command line"
        deadline = time.monotonic() + GONE_SECONDS
        while (there := stack.run(REVIEWER, "python", "-c", LEFT, user="root", index=index).strip()) != "[]":
            if time.monotonic() > deadline:
                yield f"a task has left {there}"
                break
            time.sleep(0.2)


def _line_of(process: "subprocess.Popen[str]") -> str:
    """What it has said by now, if anything."""
    try:
        return process.communicate(timeout=1)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


def of_a_restart(stack: Containers) -> Iterator[str]:
    """Who waits for the relay's port, for the moment in which the agent ends, ends with the container."""
    trying = stack.start(REVIEWER, TAKE, before=AS_SLOT)
    stack.compose("restart", REVIEWER)
    stack.compose("up", "--wait", "--no-recreate", "--scale", f"{REVIEWER}=2", REVIEWER)
    trying.kill()
    trying.communicate()
    if not works(lambda: as_slot(stack, ASK)):
        yield "after a restart the proxy does not answer at the relay"
    if (there := stack.run(REVIEWER, "python", "-c", LEFT, user="root").strip()) != "[]":
        yield f"after a restart there is still {there}"


def as_slot(stack: Containers, script: str, *arguments: str) -> str:
    """What a Python script prints that runs as the slot's user, as Claude Code is started (agents/claude/claude.sh)."""
    return stack.run(REVIEWER, *AS_SLOT, "python", "-c", script, *arguments, user="root")


def works(call: Callable[[], object]) -> bool:
    """Whether a call into a container works out."""
    try:
        call()
    except RuntimeError:
        return False
    return True


def secrets_in(stack: Containers, text: str) -> bool:
    """Whether a secret of the agent's stands in a text; of an address that holds one, the password."""
    said = stack.run(REVIEWER, "sh", "-c", "cat /secrets/*", user="root").split()
    return any(secret in text for value in said for secret in (value, value.split("@")[0].split(":")[-1]))


JUDGES: tuple[Callable[[Containers], Iterator[str]], ...] = (
    of_what_is_found, of_what_listens, of_what_ends, of_the_supervisor, of_limits, of_users, of_bombs, of_a_start,
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
