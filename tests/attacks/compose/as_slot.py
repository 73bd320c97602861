"""What code of a task finds in an agent's container: all that it could be after, tried, and what worked, as JSON.

Runs inside, as the slot's user, on its own: nothing but the standard library. Its argument is JSON: `hosts` by name,
each with its `address` and the `ports` that listen there, `names` to ask for, and attacks to go `without`.
"""

import ctypes
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

SECONDS = 1.5
NAMESPACE = ("unshare", "--user", "--map-root-user")
MPTCP, SCTP, UDPLITE = 262, 132, 136
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
PTRACE_SEIZE, PIDFD_OPEN, PIDFD_GETFD = 0x4206, 434, 438
# Of others, Linux shows these of each process to everybody. None is to hold anything.
SHOWN = {
    "arch_status", "autogroup", "cgroup", "cmdline", "comm", "coredump_filter", "cpu_resctrl_groups", "cpuset",
    "gid_map", "limits", "loginuid", "mountinfo", "mounts", "oom_adj", "oom_score", "oom_score_adj", "projid_map",
    "sched", "schedstat", "sessionid", "setgroups", "stat", "statm", "status", "timens_offsets", "uid_map", "wchan",
}  # fmt: skip
libc = ctypes.CDLL(None, use_errno=True)
Found = list[str]


def reached(host: str, port: int, *, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> bool:
    """Whether a connection comes about, or something can be sent."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, kind, protocol) as tried:
            tried.settimeout(SECONDS)
            tried.connect((host, port))
            tried.send(b"\x08\x00\x00\x00\x00\x00\x00\x00" if kind != socket.SOCK_STREAM else b"")
            return True
    except OSError:
        return False


# --- the network ----------------------------------------------------------------------------------------


def tcp(at: dict[str, Any]) -> Found:
    """Each port that listens on each host, from here."""
    return _each(at, "", lambda host, port: reached(host, port))


def tcp_by_other_ways(at: dict[str, Any]) -> Found:
    """As IPv6, and by protocols that open TCP connections or do as TCP."""
    return [
        *_each(at, " mapped", lambda host, port: reached(f"::ffff:{host}", port)),
        *_each(at, " mptcp", lambda host, port: reached(host, port, protocol=MPTCP)),
        *_each(at, " sctp", lambda host, port: reached(host, port, protocol=SCTP)),
    ]


def udp(at: dict[str, Any]) -> Found:
    """What may be sent to each host."""
    return [
        *_each(at, "", lambda host, port: reached(host, port, kind=socket.SOCK_DGRAM)),
        *_each(at, " lite", lambda host, port: reached(host, port, kind=socket.SOCK_DGRAM, protocol=UDPLITE)),
    ]


def icmp(at: dict[str, Any]) -> Found:
    """Pings, which need no right here, and raw sockets, which do."""
    hosts = [(name, host["address"]) for name, host in at["hosts"].items()]
    found = [f"ping {n}" for n, h in hosts if _pinged(h)]
    for family, kind, protocol in ((2, 3, 1), (2, 3, 255), (10, 3, 58), (17, 3, 3), (17, 2, 3)):
        with suppress(OSError):
            socket.socket(family, kind, protocol).close()
            found.append(f"raw {family} {kind} {protocol}")
    return found


def _pinged(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as tried:
            tried.sendto(b"\x08" + bytes(15), (host, 0))
            return True
    except OSError:
        return False


def names(at: dict[str, Any]) -> Found:
    """Which names lead anywhere, by this machine's own means and asked for by hand."""
    found = []
    for name in at["names"]:
        with suppress(OSError):
            found.append(f"{name} {socket.getaddrinfo(name, 80)[0][4][0]}")
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        found += [f"asked {s}" for s in ("127.0.0.11", "8.8.8.8") if reached(s, 53, kind=kind)]
    return found


def answers_for_the_name_server(_at: dict[str, Any]) -> Found:
    """Words to a program on this loopback that seem to be of Docker's name server: who asked it believes them."""
    found = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        for host, port in (("127.0.0.11", 53), ("127.0.0.2", 0), ("127.0.0.1", 0)):
            with suppress(OSError), socket.socket(socket.AF_INET, kind) as answering:
                answering.settimeout(SECONDS)
                answering.bind((host, port))
                answering.connect(("127.0.0.1", 8003))
                if kind == socket.SOCK_DGRAM:
                    answering.send(b"x")
                found += [f"{kind.name} as {host}"] if (kind, host) != (socket.SOCK_STREAM, "127.0.0.1") else []
    return found


def ipv6(_at: dict[str, Any]) -> Found:
    """Addresses of everybody on the link, and outside."""
    hosts = ("ff02::1%eth0", "ff02::1%eth1", "fe80::1%eth0", "2001:db8::1")
    return [h for h in hosts if reached(h, 53, kind=socket.SOCK_DGRAM) or reached(h, 80)]


def _each(at: dict[str, Any], way: str, reaches: Callable[[str, int], bool]) -> Found:
    """The ports that are reached of all that there are: many at a time, since who is not answered waits."""
    ports = [(name, host["address"], port) for name, host in at["hosts"].items() for port in host["ports"]]
    with ThreadPoolExecutor(100) as pool:
        answers = pool.map(lambda one: reaches(one[1], one[2]), ports)
        return [f"{name}:{port}{way}" for (name, _, port), answer in zip(ports, answers, strict=True) if answer]


def sockets_without_a_network(_at: dict[str, Any]) -> Found:
    """Abstract sockets, and files that are sockets."""
    with open("/proc/net/unix") as table:
        paths = {line.split()[-1] for line in list(table)[1:] if "/" in line or "@" in line}
    paths |= {path for path, mode in _walked("/") if stat.S_ISSOCK(mode)}
    found = []
    for path in sorted(paths):
        with socket.socket(socket.AF_UNIX) as tried, suppress(OSError):
            tried.connect("\0" + path[1:] if path.startswith("@") else path)
            found.append(path)
    return found


def takes_the_relays_port(_at: dict[str, Any]) -> Found:
    """The port at which a task finds the proxy, taken before or beside the one who holds it."""
    found = []
    for host in ("127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1"):  # noqa: S104 - to take it
        for option in (0, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with suppress(OSError), socket.socket(family) as taken:
                if option:
                    taken.setsockopt(socket.SOL_SOCKET, option, 1)
                taken.bind((host, 8003))
                taken.listen()
                found.append(f"{host} {option}")
    return found


# --- the tree -------------------------------------------------------------------------------------------


def _walked(top: str) -> Iterator[tuple[str, int]]:
    """All that can be seen below, with its mode; but for processes and what the kernel tells of itself in /sys."""
    for folder, folders, files in os.walk(top):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys")]
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            with suppress(OSError):
                yield path, os.lstat(path).st_mode


def writes(_at: dict[str, Any]) -> Found:
    """Every place that lets itself be written to; links lead to what is found by its own name."""
    found = [p for p, mode in _walked("/") if not stat.S_ISLNK(mode) and os.access(p, os.W_OK)]
    for top in ("/sys", "/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"):
        found += [p for p, mode in _walked(top) if not stat.S_ISLNK(mode) and os.access(p, os.W_OK)]
    own = [f"/proc/{name}" for name in os.listdir("/proc") if not name.isdigit()]
    return sorted(found + [p for p in own if not os.path.islink(p) and not os.path.isdir(p) and os.access(p, os.W_OK)])


def fills(_at: dict[str, Any]) -> Found:
    """How much goes into each folder that everybody may write to, 300 MB at most."""
    found = []
    for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/data"):
        written = 0
        with suppress(OSError), open(f"{place}/fill", "wb", buffering=0) as file:
            while written < 300 and file.write(bytes(1 << 20)) == 1 << 20:
                written += 1
        if os.path.exists(f"{place}/fill"):
            os.unlink(f"{place}/fill")
            found.append(f"{place} {written} MB")
    return sorted(found)


def reads(_at: dict[str, Any]) -> Found:
    """Every file that can be read and is none of the image's: of volumes, and of what is made at a start."""
    found = []
    image = os.stat("/").st_dev
    for path, mode in _walked("/"):
        with suppress(OSError):
            if stat.S_ISREG(mode) and os.stat(path).st_dev != image and os.access(path, os.R_OK):
                found.append(path)
    return sorted(found)


# --- processes ------------------------------------------------------------------------------------------


def _others() -> list[int]:
    return [int(n) for n in os.listdir("/proc") if n.isdigit() and os.stat(f"/proc/{n}").st_uid != os.getuid()]


def looks_into_others(_at: dict[str, Any]) -> Found:
    """What of others' processes opens, beside what Linux shows to everybody; with all that is shown, for the judge."""
    found = []
    for pid in _others():
        for name in sorted(os.listdir(f"/proc/{pid}")):
            path = f"/proc/{pid}/{name}"
            try:
                if name in ("cwd", "root", "exe"):
                    os.readlink(path)
                elif os.path.isdir(path):
                    if name in ("task", "net", "attr"):
                        continue
                    os.listdir(path)
                else:
                    with open(path, "rb") as file:
                        file.read(1)
            except OSError:
                continue
            if name not in SHOWN:
                found.append(f"{pid} {name}")
    return found


def shown_of_others(_at: dict[str, Any]) -> Found:
    """The command lines of others, which Linux shows to everybody: what may stand in them is listed."""
    found = []
    for pid in _others():
        with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            found.append(file.read().replace(b"\0", b" ").decode().strip())
    return sorted(found)


def touches_others(_at: dict[str, Any]) -> Found:
    """Signals, ptrace, descriptors and memory of others' processes."""
    found = []
    for pid in _others():
        with suppress(OSError):
            os.kill(pid, 0)
            found.append(f"{pid} kill")
        if libc.ptrace(PTRACE_SEIZE, pid, 0, 0) == 0:
            found.append(f"{pid} ptrace")
        opened = libc.syscall(PIDFD_OPEN, pid, 0)
        if opened >= 0 and libc.syscall(PIDFD_GETFD, opened, 1, 0) >= 0:
            found.append(f"{pid} descriptor")
        if opened >= 0 and libc.setns(opened, CLONE_NEWNET) == 0:
            found.append(f"{pid} namespace")
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, 19)
            found.append(f"{pid} nice")
        with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as file:
            file.write("1000")
            found.append(f"{pid} oom")
    return found


# --- rights ---------------------------------------------------------------------------------------------


def rights(_at: dict[str, Any]) -> Found:
    """What it holds, and calls that need more."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines())
    found = [name for name in ("CapEff", "CapPrm", "CapInh", "CapAmb") if int(status[name], 16)]
    found += ["new privileges"] if status["NoNewPrivs"] != "1" else []
    found += ["groups"] if status["Groups"].split() else []
    calls: dict[str, Callable[[], int]] = {
        "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "remount": lambda: libc.mount(None, b"/", None, 32, None),
        "umount": lambda: libc.umount2(b"/secrets", 2),
        "chroot": lambda: libc.chroot(b"/tmp"),
        "unshare mounts": lambda: libc.unshare(CLONE_NEWNS),
        "unshare network": lambda: libc.unshare(CLONE_NEWNET),
        "setuid": lambda: libc.setuid(0),
        "setgid": lambda: libc.setgid(0),
        "mknod": lambda: libc.mknod(b"/tmp/device", 0o60666, 0xFE00),
        "hostname": lambda: libc.sethostname(b"x", 1),
        "nice": lambda: libc.setpriority(0, 0, -5),
    }
    return found + [name for name, call in calls.items() if call() == 0]


def changes_the_filter(_at: dict[str, Any]) -> Found:
    """As it is, and as root of a user namespace of its own, where it may make one."""
    tries = (["nft", "flush", "ruleset"], ["nft", "delete", "table", "inet", "slot"], ["nft", "list", "ruleset"])
    found = [" ".join(one) for one in tries if _worked(one)]
    return found + [" ".join((*NAMESPACE, *one)) for one in tries if _worked([*NAMESPACE, *one])]


def from_a_namespace_of_its_own(at: dict[str, Any]) -> Found:
    """As root of a user namespace: the network that it is in stays the container's."""
    code = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
    served = {host["address"] for host in at["hosts"].values() if 8001 in host["ports"]}
    return [h for h in served if _worked([*NAMESPACE, sys.executable, "-c", code, h, "8001"])]


def _worked(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0


ATTACKS: list[Callable[[dict[str, Any]], Found]] = [
    tcp, tcp_by_other_ways, udp, icmp, names, answers_for_the_name_server, ipv6, sockets_without_a_network,
    takes_the_relays_port, writes, fills, reads, looks_into_others, shown_of_others, touches_others, rights,
    changes_the_filter, from_a_namespace_of_its_own,
]  # fmt: skip

if __name__ == "__main__":
    at = json.loads(sys.argv[1])
    tried = (attack for attack in ATTACKS if attack.__name__ not in at.get("without", ()))
    print(json.dumps({attack.__name__: attack(at) for attack in tried}))
