"""Each process of a stack as a user of its own, where root may give it one."""

import os
import stat
import subprocess
import sys
import zlib
from pathlib import Path

SHOW = Path(__file__).parent / "show.sh"
ROOT = Path(__file__).parent.parent
# Nobody's, as systemd lists who takes which (systemd.io/UIDS-GIDS); where the machine has fewer, those that it has.
BASE, STACKS = 1_900_000_000, 1000
UIDS, UIDS_PER_AGENT = 10_000, 150  # of a stack, and of an agent: slots have user ids of their own
SERVICES = 100  # of them, before those of the agents
PORT_CAPABILITY = "net_bind_service"  # for ports that nobody else may take


class Users:
    """The users of the stack in `folder`; none where we are not root, or may make none, as `complaint` says."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.first = first_uid(folder)
        self._names = names
        self._shown = [ROOT, folder, Path(sys.prefix), Path(sys.base_prefix)]
        self.complaint = "not root"
        if os.geteuid() == 0:
            trial = [*self._command(self.first), sys.executable, "-c", "import stack"]
            self.complaint = subprocess.run(trial, cwd=ROOT, capture_output=True, text=True).stderr.strip()

    def of(self, name: str) -> int | None:
        """The user id of a process; None where it has ours."""
        return None if self.complaint or name not in self._names else self.first + self._names.index(name)

    def slots(self, number: int) -> int:
        """The first user id of the slots of an agent."""
        return self.first + SERVICES + UIDS_PER_AGENT * number

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


def first_uid(folder: Path) -> int:
    """The first of UIDS user ids of a stack, by its folder: two stacks must not end each other's processes."""
    number = zlib.crc32(str(folder).encode())
    # uid_map(5): a container may have no more than 65,536
    ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    whole = any(first <= BASE and first + count >= BASE + STACKS * UIDS for first, _, count in ranges)
    return BASE + number % STACKS * UIDS if whole else 20_000 + number % 4 * UIDS


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
