"""A code-writer's shell, natively as root: ways out of a slot with namespaces of its own, each tried for real."""

import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agents.sandbox.folders import SLOTS_OWN, private_folder
from tests.attacks.shell import as_shell
from tests.attacks.views import PYTHON

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
        master, terminal = pty.openpty()
        left.callback(os.close, master)
        left.callback(os.close, terminal)
        done = subprocess.run(
            [sys.executable, "-c", AGENT, folder, json.dumps({"hidden": hidden, "folders": folders})],
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
