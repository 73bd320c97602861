"""The folders of one task: parts that the role asks for, read-only or handed over to the slot's user, and a home."""

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from agents.sandbox.slot import Slot, as_user
from stack.errors import TryAgain

log = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0


@dataclass(frozen=True)
class Part:
    """A folder that Claude works in, by the name that the prompt calls it; the slot's user may write what `writable`.

    A part is filled by the role before it is handed over.
    """

    name: str
    writable: bool = False


@dataclass(frozen=True)
class Workspace:
    """The folders of one task; the same ones in each attempt on this machine, so that a session finds its paths again.

    `mark` is a word that nobody could know when they wrote what is read here: it shows where strangers' text ends.
    """

    folder: Path
    parts: tuple[Part, ...]
    mark: str

    @property
    def agent_folder(self) -> Path:
        """The agent's folder, in which the folder of all tasks lies."""
        return self.folder.parent.parent

    @property
    def work(self) -> Path:
        """Where Claude works: the parts lie in it."""
        return self.folder / "work"

    @property
    def home(self) -> Path:
        """The home of the slot's user."""
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        """Where the slot's user may leave what nobody keeps."""
        return self.folder / "tmp"

    @property
    def started(self) -> Path:
        """A file that is touched at the moment that Claude Code starts."""
        return self.folder / "started"

    def part(self, name: str) -> Path:
        """A part's folder."""
        return self.work / name

    @property
    def owner(self) -> int | None:
        """The user whom it was handed over to; None where it is ours."""
        uid = self.home.stat().st_uid if self.home.exists() else os.geteuid()
        return None if uid == os.geteuid() else uid

    def make(self) -> None:
        """Makes the folders, which are ours at first."""
        for part in self.parts:
            self.part(part.name).mkdir(parents=True)
        self.work.mkdir(parents=True, exist_ok=True)
        for path in (self.home, self.temporary):
            path.mkdir(mode=0o700)

    def hand_over(self, uid: int | None) -> None:
        """The slot's user may enter the task's folder, which others may not, and write in what is its own there."""
        if uid is None:
            return
        self.folder.chmod(0o750)
        os.chown(self.folder, -1, uid)
        for path in self.own:
            _give(path, uid)

    def remove(self) -> bool:
        """Removes all of it. False where that does not work, which a log record tells of."""
        if not self.folder.exists():
            return True
        try:
            for path in self.own:
                if path.exists() and (uid := path.stat().st_uid) != os.geteuid():
                    # in a container root may not pass over permissions, so the slot's user empties what is its own
                    as_user(uid, 'chmod -R u+rwX -- "$1"; find "$1" -mindepth 1 -delete', path)
                    path.rmdir()
            shutil.rmtree(self.folder)
        except OSError:
            log.exception("the workspace %s could not be removed", self.folder.name)
            return False
        return True

    @property
    def own(self) -> list[Path]:
        """What the slot's user may write in."""
        return [self.home, self.temporary, *(self.part(part.name) for part in self.parts if part.writable)]


class Workspaces:
    """The workspaces of one agent, a folder for each task that is at work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._in_use: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def of(self, task_id: UUID, *, slot: Slot, parts: tuple[Part, ...], mark: str) -> Iterator[Workspace]:
        """Fresh folders for a task, which go when it ends. What cannot go yet is found by `left` later."""
        workspace = Workspace(self._folder / str(task_id), parts, mark)
        with self._alone_with(workspace.folder) as alone:
            if not alone or not workspace.remove():
                raise TryAgain("the workspace of an earlier attempt could not be removed yet", after=AGAIN_SECONDS)
            try:
                workspace.make()
                yield workspace
            finally:
                if not slot.is_busy():  # what the task has brought must not be lost to a process that does not end
                    workspace.remove()

    def left(self) -> Iterator[Workspace]:
        """What lies there of tasks that are not at work: of a process that was killed, or of one that did not end.

        Its task is not begun before the next one is asked for.
        """
        for folder in list(self._folder.iterdir()) if self._folder.exists() else ():
            with self._alone_with(folder) as alone:
                if alone:
                    yield Workspace(folder, _parts_in(folder), mark="")

    @contextmanager
    def _alone_with(self, folder: Path) -> Iterator[bool]:
        """Nobody else has the folder meanwhile; False where somebody does."""
        with self._lock:
            alone = folder.name not in self._in_use
            self._in_use.add(folder.name)
        try:
            yield alone
        finally:
            if alone:
                with self._lock:
                    self._in_use.remove(folder.name)


def _parts_in(folder: Path) -> tuple[Part, ...]:
    """The parts that lie in a task's folder, seen from outside."""
    work = folder / "work"
    found = [path for path in work.iterdir() if path.is_dir()] if work.exists() else []
    return tuple(Part(path.name, writable=path.stat().st_uid != os.geteuid()) for path in found)


def _give(path: Path, uid: int) -> None:
    """Changes the owner from the leaves up: without passing over permissions, what is given away is closed to us."""
    for folder, folders, files in os.walk(path, topdown=False):
        for name in (*files, *folders):
            os.chown(Path(folder, name), uid, uid, follow_symlinks=False)
    os.chown(path, uid, uid)
