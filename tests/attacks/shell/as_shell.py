"""What code with a shell finds in a slot with namespaces of its own: each way out tried, and what worked, as JSON.

Runs inside, as the slot's user, on its own: nothing but the standard library. Its argument is JSON: files of the
machine's that are `hidden` from the slot, a program `of_root` that is root's by its mode, and `folders` of the agent's
that are not the slot's.
"""

import ctypes
import fcntl
import glob
import json
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)
Found = list[str]
At = dict[str, Any]

INIT = 1  # root's shell, the first process of these namespaces
AT_FDCWD, OPEN_TREE_CLONE, AT_RECURSIVE, MOVE_MOUNT_F_EMPTY_PATH = -100, 1, 0x8000, 4
MS_BIND, MS_REC, MS_MOVE, MS_PRIVATE, MNT_DETACH = 4096, 16384, 8192, 1 << 18, 2
CLONE = {"cgroup": 0x02000000, "ipc": 0x08000000, "mnt": 0x00020000, "net": 0x40000000, "pid": 0x20000000,
         "time": 0x80, "user": 0x10000000, "uts": 0x04000000}  # fmt: skip
SYSCALLS = {"bpf": (321, 5), "perf_event_open": (298, 0), "userfaultfd": (323, 0), "init_module": (175, 0),
            "kexec_load": (246, 0), "open_by_handle_at": (304, 0), "fanotify_init": (300, 0)}  # fmt: skip


def in_a_namespace(code: Callable[[], Found], *, kinds: int = CLONE["user"] | CLONE["mnt"]) -> Found:
    """What code finds as root of user and mount namespaces of its own."""
    ends = os.pipe()
    child = os.fork()
    if not child:
        uid, found = os.getuid(), ["no namespace"]
        with suppress(OSError):
            if libc.unshare(kinds) == 0:
                _write("/proc/self/setgroups", "deny")
                _write("/proc/self/uid_map", f"0 {uid} 1")
                _write("/proc/self/gid_map", f"0 {uid} 1")
                found = code()
        os.write(ends[1], json.dumps(found).encode())
        os._exit(0)
    os.close(ends[1])
    os.waitpid(child, 0)
    with os.fdopen(ends[0]) as said:
        return list(json.loads(said.read() or '["it died"]'))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _writes(path: str, text: str) -> bool:
    try:
        _write(path, text)
    except OSError:
        return False
    return True


def _opens(path: str, flags: int = os.O_RDONLY | os.O_NONBLOCK) -> bool:
    try:
        os.close(os.open(path, flags))
    except OSError:
        return False
    return True


# --- what it inherits -----------------------------------------------------------------------------------


def descriptors(_at: At) -> Found:
    """Descriptors beyond the three streams, and streams that lead to more than a pipe."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            leads = os.readlink(f"/proc/self/fd/{name}")
            if not leads.startswith(("pipe:", "/dev/null", "/proc/")):
                found.append(f"{name} {leads}")
    return found


def the_terminal(_at: At) -> Found:
    """The terminal of whoever has started the agent: to write to it, and to type there."""
    found = []
    with suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        found.append("opened")
        with suppress(OSError):
            fcntl.ioctl(terminal, 0x5412, b"x")  # TIOCSTI
            found.append("typed")
    return found


def keys_of_who_started_it(_at: At) -> Found:
    """Keys in the session keyring that it was started with: who has the keyring has what lies in it."""
    found = []
    key = libc.syscall(249, b"user", b"claude-stack-canary", None, -3)  # request_key
    text = ctypes.create_string_buffer(100)
    if key >= 0 and libc.syscall(250, 11, key, text, 100) >= 0:  # KEYCTL_READ
        found.append(f"read {text.value.decode()}")
    if libc.syscall(248, b"user", b"left-behind", b"x", 1, -3) >= 0:  # add_key
        found.append("left one")
    return found


# --- the first process of the namespaces, and the way back ----------------------------------------------


def roots_shell(_at: At) -> Found:
    """Root's shell that began the namespaces: its files, its memory, its end."""
    places = ("root/", "cwd/", "fd/", "mem", "environ", "maps", "map_files/", "exe", "syscall", "stack", "ns/mnt")
    found = [place for place in places if _opens(f"/proc/{INIT}/{place}")]
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGCONT):
        with suppress(OSError):
            os.kill(INIT, number)
            found.append(number.name)
    if libc.ptrace(0x4206, INIT, 0, 0) == 0:
        found.append("ptrace")
    opened = libc.syscall(434, INIT, 0)
    found += [f"descriptor {n}" for n in range(12) if opened >= 0 and libc.syscall(438, opened, n, 0) >= 0]
    return found


def other_namespaces(_at: At) -> Found:
    """Namespaces that it may enter, as it is and as root of a user namespace."""

    def enter() -> Found:
        found = []
        for path in glob.glob("/proc/*/ns/*"):
            with suppress(OSError):
                if not path.startswith((f"/proc/{os.getpid()}/", "/proc/self/", "/proc/thread-self/")):
                    opened = os.open(path, os.O_RDONLY)
                    if libc.setns(opened, 0) == 0:
                        found.append(path)
        for name, kind in CLONE.items():
            opened = libc.syscall(434, INIT, 0)
            if libc.setns(opened, kind) == 0:
                found.append(f"{INIT} {name}")
        return found

    return [*enter(), *in_a_namespace(enter)]


def parents_of_namespaces(_at: At) -> Found:
    """The user and process namespaces that its own lie in (NS_GET_USERNS, NS_GET_PARENT)."""
    found = []
    for kind in ("net", "mnt", "pid", "user"):
        opened = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
        for request in (0xB701, 0xB702):
            with suppress(OSError):
                parent = fcntl.ioctl(opened, request)
                if libc.setns(parent, 0) == 0:
                    found.append(f"{kind} {request:x}")
    return found


# --- what lies below its mounts -------------------------------------------------------------------------


def what_is_below_its_mounts(at: At) -> Found:
    """The machine's own /tmp and its like, below what the slot has there: by each call that moves or shows mounts."""
    hidden, place = at["hidden"], os.environ["HOME"] + "/mounted"
    os.makedirs(place, exist_ok=True)
    for name in ("upper", "working"):
        os.makedirs(f"{os.environ['HOME']}/{name}", exist_ok=True)

    def shown(way: str) -> Found:
        parts = [path.split("/") for path in hidden]
        tries = [*hidden, *("/".join([place, *one[n:]]) for one in parts for n in range(1, len(one)))]
        return [f"{way} {path}" for path in tries if os.path.exists(path)]

    def unmounted() -> Found:
        for top in ("/tmp", "/var/tmp", "/run", "/dev/shm", "/dev", "/proc"):
            libc.umount2(top.encode(), MNT_DETACH)
            libc.umount2(top.encode(), 0)
        return shown("umount")

    def moved() -> Found:
        for top in ("/tmp", "/var/tmp", "/run", "/dev/shm"):
            libc.mount(top.encode(), place.encode(), None, MS_MOVE, None)
        return shown("move")

    def bound() -> Found:
        found = []
        for top in ("/", "/var", "/dev"):
            if libc.mount(top.encode(), place.encode(), None, MS_BIND, None) == 0:
                found += shown(f"bind {top}")
                libc.umount2(place.encode(), MNT_DETACH)
        return found

    def bound_with_all() -> Found:
        libc.mount(b"/", place.encode(), None, MS_BIND | MS_REC, None)
        for top in ("/tmp", "/var/tmp", "/run", "/dev/shm"):
            libc.umount2(f"{place}{top}".encode(), MNT_DETACH)
        return shown("rbind")

    def cloned() -> Found:
        found = []
        for top in ("/", "/var", "/dev"):
            tree = libc.syscall(428, AT_FDCWD, top.encode(), OPEN_TREE_CLONE)
            if tree >= 0:
                libc.syscall(429, tree, b"", AT_FDCWD, place.encode(), MOVE_MOUNT_F_EMPTY_PATH)
                found += shown(f"open_tree {top}")
        return found

    def overlaid() -> Found:
        found = []
        for top in ("/", "/var", "/dev"):
            options = f"lowerdir={top},upperdir={place}/../upper,workdir={place}/../working,userxattr"
            for one in (options, f"lowerdir={top}:{place}"):
                if libc.mount(b"overlay", place.encode(), b"overlay", 0, one.encode()) == 0:
                    found += shown(f"overlay {top}")
                    libc.umount2(place.encode(), MNT_DETACH)
        return found

    def pivoted() -> Found:
        libc.mount(b"/", b"/", None, MS_BIND | MS_REC, None)
        os.chdir("/")
        libc.syscall(155, b".", b".")
        libc.umount2(b".", MNT_DETACH)
        return shown("pivot")

    def by_handle() -> Found:
        root = struct.pack("Ii8s", 8, 1, b"\2")
        return ["handle"] if libc.syscall(304, os.open("/", os.O_RDONLY), root, 0) >= 0 else []

    def chrooted() -> Found:
        outside = os.open("/", os.O_RDONLY)
        if libc.chroot(place.encode()) == 0:
            os.fchdir(outside)
            for _ in range(50):
                os.chdir("..")
            libc.chroot(b".")
        return shown("chroot")

    found = shown("as it is")
    for way in (unmounted, moved, bound, bound_with_all, cloned, overlaid, pivoted, by_handle, chrooted):
        found += in_a_namespace(way)
    return found


def other_processes_by_a_proc_of_its_own(_at: At) -> Found:
    """A /proc that it mounts itself, with and without process namespaces of its own."""
    place = os.environ["HOME"] + "/proc"
    os.makedirs(place, exist_ok=True)

    def mounted() -> Found:
        libc.mount(b"proc", place.encode(), b"proc", 0, None)
        seen = [name for name in os.listdir(place) if name.isdigit()]
        return seen if len(seen) > 15 else []

    return in_a_namespace(mounted)


def writes_of_the_kernels(_at: At) -> Found:
    """Settings of the whole machine, as root of all namespaces of its own."""

    def written() -> Found:
        kept = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
                "/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max",
                "/proc/sys/kernel/pid_max", "/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/yama/ptrace_scope",
                "/proc/sys/user/max_user_namespaces", "/proc/sys/fs/binfmt_misc/register", "/sys/power/state",
                "/sys/kernel/uevent_helper", "/sys/kernel/mm/ksm/run")  # fmt: skip
        return [path for path in kept if _opens(path, os.O_WRONLY)]

    every = CLONE["user"] | CLONE["mnt"] | CLONE["ipc"] | CLONE["net"] | CLONE["uts"]
    return [*written(), *in_a_namespace(written, kinds=every)]


# --- its limits -----------------------------------------------------------------------------------------


def control_groups(_at: At) -> Found:
    """Other groups that it may move to, limits that it may raise, and groups by mounts of its own."""

    def written() -> Found:
        found = []
        for folder, _, files in os.walk("/sys/fs/cgroup"):
            found += [os.path.join(folder, name) for name in files if os.access(os.path.join(folder, name), os.W_OK)]
            found += [folder] if os.access(folder, os.W_OK) else []
        return found

    def mounted() -> Found:
        place, found = os.environ["HOME"] + "/groups", []
        os.makedirs(place, exist_ok=True)
        for kind, options in ((b"cgroup2", None), (b"cgroup", b"memory"), (b"cgroup", b"pids"), (b"cgroup", b"rdma")):
            if libc.mount(b"x", place.encode(), kind, 0, options) == 0:
                for folder, _, files in os.walk(place):
                    paths = [os.path.join(folder, name) for name in files]
                    found += [path for path in paths if os.access(path, os.W_OK)]
        return found

    in_another = CLONE["user"] | CLONE["mnt"] | CLONE["cgroup"]
    return [*written(), *in_a_namespace(mounted, kinds=in_another)]


def raises_its_limits(_at: At) -> Found:
    """Core files, files' sizes and processes, as it is and as root of a user namespace."""

    def raised() -> Found:
        found = []
        for name in ("RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NPROC"):
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            if hard == resource.RLIM_INFINITY:
                found.append(f"{name} has none")
                continue
            with suppress(OSError, ValueError):
                resource.setrlimit(number, (hard + 1, hard + 1))
                found.append(name)
        return found

    return [*raised(), *in_a_namespace(raised)]


def outlives_others_where_memory_is_short(_at: At) -> Found:
    """A lower score for who is ended first, in its own files and in those of a thread or a child."""
    with open("/proc/self/oom_score_adj") as file:
        found = [f"begins with {score}"] if int(score := file.read()) < 900 else []

    def lowered() -> Found:
        scores = [s for s in ("-1000", "0", "899") if _writes("/proc/self/oom_score_adj", s)]
        return scores + [f"old {s}" for s in ("-17", "-1") if _writes("/proc/self/oom_adj", s)]

    return [*found, *lowered(), *in_a_namespace(lowered)]


def leaves_a_core(_at: At) -> Found:
    """A crash, whose memory would be written where the machine says."""
    place = os.environ["HOME"] + "/crash"
    os.makedirs(place, exist_ok=True)
    child = os.fork()
    if not child:
        os.chdir(place)
        os.kill(os.getpid(), signal.SIGSEGV)
    status = os.waitpid(child, 0)[1]
    return [*(["dumped"] if os.WCOREDUMP(status) else []), *os.listdir(place)]


def takes_a_better_place_in_the_queue(_at: At) -> Found:
    """Real-time, deadline and negative nice, and the disk's queue: none is for it."""
    found = [f"sched {policy}" for policy in (1, 2) if _schedules(policy)]
    if libc.syscall(251, 1, 0, 1 << 13) == 0:  # ioprio_set, real-time
        found.append("ioprio")
    if libc.syscall(314, 0, struct.pack("IIQiIQQQ", 48, 6, 0, 0, 0, 10**7, 10**8, 10**8), 0) == 0:  # sched_setattr
        found.append("deadline")
    if libc.mlockall(3) == 0 and resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY:
        found.append("mlockall")
    return found


def _schedules(policy: int) -> bool:
    with suppress(OSError):
        os.sched_setscheduler(0, policy, os.sched_param(1))
        return True
    return False


# --- devices, and calls of the kernel -------------------------------------------------------------------


def devices(_at: At) -> Found:
    """Devices that open for reading or writing."""
    found = []
    for folder, _, files in os.walk("/dev"):
        for name in files:
            path = os.path.join(folder, name)
            with suppress(OSError):
                mode = os.lstat(path).st_mode
                is_device = stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
                found += [path] if is_device and (os.access(path, os.R_OK) or os.access(path, os.W_OK)) else []
    return sorted(found)


def devices_of_its_own(_at: At) -> Found:
    """Device nodes that it makes, or mounts, as root of a user namespace."""
    place = os.environ["HOME"] + "/nodes"
    os.makedirs(place, exist_ok=True)

    def made() -> Found:
        found = []
        libc.mount(b"t", place.encode(), b"tmpfs", 0, None)
        for name, kind, number in (("mem", stat.S_IFCHR, os.makedev(1, 1)), ("disk", stat.S_IFBLK, os.makedev(254, 0))):
            with suppress(OSError):
                os.mknod(f"{place}/{name}", kind | 0o666, number)
                os.close(os.open(f"{place}/{name}", os.O_RDWR))
                found.append(name)
        for kind_ in (b"devtmpfs", b"sysfs", b"debugfs", b"tracefs", b"securityfs", b"ext4"):
            if libc.mount(b"/dev/vda", place.encode(), kind_, 0, None) == 0:
                libc.umount2(place.encode(), MNT_DETACH)
                found.append(kind_.decode())
        return found

    return in_a_namespace(made)


def calls_of_the_kernel(_at: At) -> Found:
    """Calls that look into the kernel, or into everybody's memory, files and events."""
    space = ctypes.create_string_buffer(256)
    found = []
    for name, (number, first) in SYSCALLS.items():
        got = libc.syscall(number, first, space, 120, -1, 0)
        if got >= 0:
            found.append(name)
    return found


def hears_the_machine(_at: At) -> Found:
    """Netlink's words of the machine: audit, devices, processes."""
    found = []
    listen = struct.pack("IHHII", 40, 3, 0, 0, 0) + struct.pack("IIIIHHI", 1, 1, 0, 0, 4, 0, 1)  # PROC_CN_MCAST_LISTEN
    for name, protocol, said in (("audit", 9, b""), ("processes", 11, listen)):
        with suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, protocol) as heard:
            heard.bind((0, 1))
            heard.settimeout(0.3)
            with suppress(OSError):
                heard.send(said)
            subprocess.run(["true"], check=True)
            found += [f"{name} {len(heard.recv(4096))}"]
    return found


def becomes_somebody_by_a_program(at: At) -> Found:
    """Programs that are somebody else's by their mode, or may more by a mark on the file; its own among them."""
    own = os.environ["HOME"] + "/own"
    with open("/bin/sh", "rb") as sh, open(own, "wb") as copy:
        copy.write(sh.read())
    os.chmod(own, 0o6755)  # noqa: S103 - what is tried
    tries = {"mount": ["--bind", "/etc", "/mnt"], "umount": ["/tmp"], "su": ["-c", "id -u"], "sudo": ["-n", "id"],
             "pkexec": ["id"], "newuidmap": ["1", "0", "0", "1"], "chsh": ["root"],
             own: ["-c", "test $(id -u) -ne " + str(os.getuid())], "at": ["now"], "crontab": ["-l"]}  # fmt: skip
    ids = subprocess.run([at["of_root"]], capture_output=True, text=True, check=False).stdout
    found = ["root"] if "euid=0" in ids else []
    for name, given in tries.items():
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run([name, *given], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)
            found += [name] if done.returncode == 0 else []
    return found


def ids_by_a_map_of_its_own(_at: At) -> Found:
    """Other users' ids in a user namespace: a map that names more than itself."""
    found = []
    for line in ("0 0 1", "0 0 4294967295", "0 1000 1", f"0 {os.getuid() + 1} 1", f"0 {os.getuid()} 2"):

        def mapped(line: str = line) -> Found:
            return [line] if _writes("/proc/self/uid_map", line) else []

        ends = os.pipe()
        child = os.fork()
        if not child:
            if libc.unshare(CLONE["user"]) == 0 and mapped():
                os.write(ends[1], line.encode())
            os._exit(0)
        os.close(ends[1])
        os.waitpid(child, 0)
        found += [said] if (said := os.read(ends[0], 100).decode()) else []
    return found


# --- the agent's folders --------------------------------------------------------------------------------


def the_agents_folders(at: At) -> Found:
    """Lists, watches, reads or writes what lies beside its own: other tasks', cache, transcripts."""
    found = []
    for folder in at["folders"]:
        with suppress(OSError):
            found += [f"{folder}: {os.listdir(folder)}"]
        watch = libc.inotify_init()
        found += [f"watches {folder}"] if libc.inotify_add_watch(watch, folder.encode(), 0xFFF) >= 0 else []
        found += [f"writes {folder}"] if os.access(folder, os.W_OK) else []
        for name in ("canary", "home/canary", "work/canary", "session.json"):
            found += [f"reads {folder}/{name}"] if _opens(f"{folder}/{name}") else []
    return found


def links_to_others_files(at: At) -> Found:
    """Hard links in its own home to files of others, which a later change of owner would give it."""
    found = []
    for path in ("/etc/shadow", "/etc/passwd", "/usr/bin/env", *[f"{folder}/canary" for folder in at["folders"]]):
        with suppress(OSError):
            os.link(path, f"{os.environ['HOME']}/linked")
            os.unlink(f"{os.environ['HOME']}/linked")
            found.append(path)
    return found


ATTACKS: list[Callable[[At], Found]] = [
    descriptors, the_terminal, keys_of_who_started_it, roots_shell, other_namespaces, parents_of_namespaces,
    what_is_below_its_mounts, other_processes_by_a_proc_of_its_own, writes_of_the_kernels, control_groups,
    raises_its_limits, outlives_others_where_memory_is_short, leaves_a_core, takes_a_better_place_in_the_queue, devices,
    devices_of_its_own, calls_of_the_kernel, hears_the_machine, becomes_somebody_by_a_program, ids_by_a_map_of_its_own,
    the_agents_folders, links_to_others_files,
]  # fmt: skip

if __name__ == "__main__":
    at = json.loads(sys.argv[1])
    print(json.dumps({attack.__name__: attack(at) for attack in ATTACKS}))
