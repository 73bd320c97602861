"""What a slot without namespaces of its own has left where everybody may write is gone before the next task."""

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.sandbox import pool
from agents.sandbox.pool import Slots
from agents.sandbox.shared import cleared
from agents.sandbox.slot import Slot, as_user
from stack.errors import TryAgain
from tests.agents.conftest import IS_ROOT, UID, until

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="slots have users of their own as root alone")

FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")
NAME = f"left-by-{os.getpid()}"
KEY = 0x51070000 + os.getpid() % 0xFFFF
SLOT = Slot("shared", UID + 900)
OTHER = Slot("other", UID + 901)

# Closed folders, sticky ones, deep ones, names like options; System V's objects, handed to root where that can be.
LEAVE = f"""
import ctypes, os, sys
name, libc = {NAME!r} + sys.argv[1], ctypes.CDLL(None)
for place in {FOLDERS!r}:
    if not os.path.isdir(place): continue
    try: open(f"{{place}}/{{name}}", "x").close()
    except OSError: continue
    if place == "/dev/mqueue": continue
    os.makedirs(f"{{place}}/{{name}} d/a\\nb/-rf", 0o700)
    os.symlink("/etc", f"{{place}}/{{name}} d/etc")
    os.symlink("/etc", f"{{place}}/{{name}}-etc")
    os.mkfifo(f"{{place}}/{{name}}-fifo")
    os.chdir(f"{{place}}/{{name}} d")
    for _ in range(600):
        os.mkdir("deeper-and-deeper")
        os.chdir("deeper-and-deeper")
    os.chmod(f"{{place}}/{{name}} d/a\\nb", 0o1000)
    os.chmod(f"{{place}}/{{name}} d", 0)
key = {KEY} + int(sys.argv[1])
print(libc.shmget(key, 4096, 0o1600) >= 0, libc.semget(key, 1, 0o1600) >= 0, libc.msgget(key, 0o1600) >= 0)
"""


def leave(slot: Slot, number: int) -> None:
    done = subprocess.run(
        ["/usr/bin/python3", "-c", LEAVE, str(number)], user=slot.uid, group=slot.uid, extra_groups=[], cwd="/",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True True True\n"


def files(number: int) -> list[Path]:
    return [path for place in FOLDERS for path in Path(place).glob(f"{NAME}{number}*")]


def objects(number: int) -> list[int]:
    libc = ctypes.CDLL(None)
    key = KEY + number
    return [found for found in (libc.shmget(key, 0, 0), libc.semget(key, 0, 0), libc.msgget(key, 0)) if found >= 0]


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    yield
    for slot in (SLOT, OTHER):
        assert slot.uid
        as_user(slot.uid, "ipcrm --all")
    for path in (*files(1), *files(2)):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def test_files_queues_and_objects_of_the_slot_go_and_those_of_others_stay() -> None:
    leave(SLOT, 1)
    leave(OTHER, 2)
    theirs = len(files(2))
    assert len(files(1)) == theirs >= 10
    assert cleared(SLOT)
    assert (files(1), objects(1)) == ([], [])
    assert (len(files(2)), len(objects(2))) == (theirs, 3)
    assert Path("/etc/passwd").exists()


def test_a_slot_is_out_of_service_while_something_of_it_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    folder = Path(f"/var/tmp/{NAME}1")
    (folder / "ours").mkdir(parents=True)
    (folder / "ours/file").touch()
    assert SLOT.uid
    os.chown(folder, SLOT.uid, SLOT.uid)
    assert not cleared(SLOT)
    slots = Slots([SLOT])
    with pytest.raises(TryAgain), slots.one():
        pass
    shutil.rmtree(folder / "ours")
    until(lambda: not folder.exists())
    with slots.one() as free:
        assert free is SLOT
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("clear ")])


def test_each_task_finds_it_empty() -> None:
    slots = Slots([SLOT])
    with slots.one():
        leave(SLOT, 1)
    with slots.one():
        assert (files(1), objects(1)) == ([], [])
