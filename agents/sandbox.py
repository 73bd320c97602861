"""A slot: the user, the folder and the processes of one task at a time.

As root, everything that a model or a repository can influence runs as the slot's own user: no groups, no capabilities,
no new privileges. Ending a slot ends every process of that user, whatever group or session it has moved to. Without
root it all runs as the same user, and a slot's processes are told by a mark in their environment.
"""

import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from stack.errors import GiveUp, StackError, TryAgain

log = logging.getLogger(__name__)

WRAPPER = Path(__file__).parent / "claude.sh"
MARK = "CLAUDE_STACK_SLOT"
END_SECONDS = 5.0


@dataclass(frozen=True)
class Workspace:
    """The folders of one task. `work` (with `repo` and `diff` in it) is read-only for the slot's user."""

    work: Path
    home: Path
    temporary: Path
    started: Path  # touched by the wrapper at the moment that Claude Code starts

    @property
    def repo(self) -> Path:
        """The checkout of the head commit."""
        return self.work / "repo"

    @property
    def diff(self) -> Path:
        """A unified diff per changed file."""
        return self.work / "diff"


@dataclass
class Slot:
    """One place to run one task. `uid` is None where the process is not root."""

    folder: Path
    uid: int | None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.folder.name

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Fresh folders; when the task ends, so does every process of the slot, and the folders go."""
        self.clear()
        workspace = Workspace(
            work=self.folder / "work",
            home=self.folder / "home",
            temporary=self.folder / "tmp",
            started=self.folder / "started",
        )
        try:
            for path in (workspace.repo, workspace.diff):
                path.mkdir(parents=True)
            for path in (workspace.home, workspace.temporary):
                path.mkdir(mode=0o700)
            self._give(workspace)
            yield workspace
        finally:
            try:
                self.clear()
            except (OSError, StackError):  # what the task has brought must not be lost; the next one clears first
                log.exception("%s could not be cleared", self.name)

    def environment(self, claude: Path, started: Path) -> dict[str, str]:
        """What the wrapper needs to start `claude` in this slot."""
        uid = "" if self.uid is None else str(self.uid)
        return {
            MARK: self._mark,
            "STACK_UID": uid,
            "STACK_CLAUDE": str(claude),
            "STACK_STARTED": str(started),
        }

    def end_processes(self) -> None:
        """Kills everything that runs in the slot, and waits until it is gone. Raises TryAgain where it does not go."""
        deadline = time.monotonic() + END_SECONDS
        while pids := self._processes():
            if time.monotonic() > deadline:
                raise TryAgain(f"{len(pids)} processes of {self.name} do not end")
            self._kill(pids)
            time.sleep(0.02)

    def clear(self) -> None:
        """Ends every process of the slot and removes its folders. Raises TryAgain where that does not work."""
        self.end_processes()
        if not self.folder.exists():
            return
        own = [path for path in (self.folder / "home", self.folder / "tmp") if path.exists()]
        if self.uid is not None and own:
            # in a container root may not pass over permissions, so the slot's user empties what is its own
            self._as_user('chmod -R u+rwX -- "$@"; find "$@" -mindepth 1 -delete', *map(str, own))
            for path in own:
                path.rmdir()
        shutil.rmtree(self.folder)

    def is_busy(self) -> bool:
        """Whether a process runs in the slot."""
        return bool(self._processes())

    @property
    def _mark(self) -> str:
        return str(self.folder)

    def _give(self, workspace: Workspace) -> None:
        """The slot's user may enter its own folder, which others may not, and write in two places."""
        if self.uid is None:
            return
        self.folder.chmod(0o750)
        os.chown(self.folder, -1, self.uid)
        for path in (workspace.home, workspace.temporary):
            os.chown(path, self.uid, self.uid)

    def _processes(self) -> list[int]:
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            if "\nState:\tZ" in status:
                return False  # dead, and waiting for its parent to notice
            if self.uid is not None:
                return f"\nUid:\t{self.uid}\t" in status
            return f"{MARK}={self._mark}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        return False

    def _kill(self, pids: list[int]) -> None:
        if self.uid is None:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        # as the slot's user, to every process that it may signal: nothing can fork its way out of that
        self._as_user("kill -9 -1")

    def _as_user(self, script: str, *arguments: str) -> None:
        assert self.uid is not None  # noqa: S101 - asked for as root alone
        command = ["sh", "-c", script, "sh", *arguments]
        subprocess.run(
            command, user=self.uid, group=self.uid, extra_groups=[], check=False, cwd="/", env={"PATH": os.defpath}
        )


def make_slots(folder: Path, *, count: int, first_uid: int) -> list[Slot]:
    """The slots of this process; as root each with a user id of its own."""
    root = os.geteuid() == 0
    if not root:
        log.warning("not root: Claude Code runs as the same user as its runner, and could read what it reads")
    return [Slot(folder / f"slot-{n}", first_uid + n if root else None) for n in range(count)]


def reachable_folder(folder: Path) -> Path:
    """`folder`, made, if a slot's user can enter it; raises GiveUp with the folder that is in the way."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()  # as Claude will name what it reads there
    if os.geteuid() == 0:
        for parent in (folder, *folder.parents):
            if not parent.stat().st_mode & 0o001:
                raise GiveUp(f"DATA_DIR {folder}: other users may not enter {parent}; choose a folder that they can")
    return folder


def private_folder(folder: Path) -> Path:
    """`folder`, made, for this user alone: what other tasks have cached is not a slot's business."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def reachable_claude(claude: Path, folder: Path) -> Path:
    """`claude`, or a copy of it in `folder` where a slot's user could not reach it."""
    copy = folder / f"claude-{claude.stat().st_size}"
    if os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in claude.absolute().parents):
        return claude
    if not copy.exists():
        temporary = copy.with_suffix(".new")
        try:
            os.link(claude, temporary)
        except OSError:
            shutil.copy2(claude, temporary)
        temporary.chmod(0o755)
        temporary.replace(copy)
    return copy
