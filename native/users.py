"""Each process of a stack as a user of its own, where root may give it one."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from native.processes import ROOT
from stack.uids import OF_ONE_AGENT, block_of

SHOW = Path(__file__).parent / "show.sh"
IDS_OF_SERVICES = 100  # of a block, before those of the agents
PORT_CAPABILITY = "net_bind_service"  # for ports that nobody else may take


class Users:
    """The users of the stack in `folder`; none where we are not root, or may make none, as `complaint` says."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.first = block_of(str(folder))
        self._names = names
        self._shown = [ROOT, folder, Path(sys.prefix), Path(sys.base_prefix)]
        self.complaint = "not root"
        if os.geteuid() == 0:
            trial = [*self._command(self.first), sys.executable, "-c", "import stack"]
            done = subprocess.run(trial, cwd=ROOT, capture_output=True, text=True)
            self.complaint = (done.stderr.strip() or f"it ends with {done.returncode}") if done.returncode else ""

    def of(self, name: str) -> int | None:
        """The user id of a process; None where it has ours."""
        return None if self.complaint or name not in self._names else self.first + self._names.index(name)

    def slots(self, number: int) -> int:
        """The first user id of the slots of an agent."""
        return self.first + IDS_OF_SERVICES + OF_ONE_AGENT * number

    def command(self, name: str) -> list[str]:
        """What goes before the command of a process, so that it runs as its user."""
        uid = self.of(name)
        return [] if uid is None else self._command(uid)

    def give(self, folder: Path, name: str) -> None:
        """Makes the folder where it is missing; it and all in it is this process's and closed to others from now on."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        if os.geteuid() != 0:
            return
        uid = self.of(name) or 0
        for parent, _, files in os.walk(folder, topdown=False):
            for path in (*(Path(parent, file) for file in files), Path(parent)):
                if path.lstat().st_uid != uid:
                    os.chown(path, uid, uid, follow_symlinks=False)

    def _command(self, uid: int) -> list[str]:
        nothing_but = f"-all,+{PORT_CAPABILITY}"
        return [
            *_shown(self._shown),
            *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"),
            *(f"--inh-caps={nothing_but}", f"--ambient-caps={nothing_but}", f"--bounding-set={nothing_but}", "--"),
        ]


def private_place(path: Path) -> Path | None:
    """The first folder on the way to `path` that other users may not enter; None where they may come to it."""
    way = (path, *path.parents)
    return next((place for place in reversed(way) if place.exists() and not place.stat().st_mode & stat.S_IXOTH), None)


def _shown(paths: list[Path]) -> list[str]:
    """What shows these to everybody, for one process, where some of them lie in private places."""
    places: dict[Path, list[Path]] = {}
    for path in sorted({path.resolve() for path in paths}):
        place = private_place(path)
        if place and not any(path.is_relative_to(shown) for shown in places.get(place, [])):
            places.setdefault(place, []).append(path)
    command = ["unshare", "--mount", "--"] if places else []
    for place, shown in places.items():
        command += [str(SHOW), str(place), str(len(shown)), *map(str, shown)]
    return command
