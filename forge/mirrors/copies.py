"""The copies of a mirror: the newest is read, fetched into and served; one that it replaced may still be read.

They lie beside each other, `name.git`, `name.git.1`, `name.git.2`, so that nothing moves or goes under a reader.
"""

import logging
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from stack.roles import ROLES

log = logging.getLogger(__name__)

# Twice as long as a task of any role may take: then nobody reads a copy any more that was replaced.
READ_SECONDS = 2 * 60 * max(role.minutes for role in ROLES.values())
_COPY = re.compile(r"(.+)\.git(?:\.new|\.\d+)?")


class Copies:
    """The mirrors in `folder`. Whoever makes, replaces or tidies one must be alone with its repository."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder.absolute()
        self._clock = clock
        self._replaced: dict[Path, float] = {}  # when, for those that were replaced since this process began

    def newest(self, repository: str) -> Path:
        """Where the mirror of `owner/name` lies or would lie. The name must have been checked."""
        return self._all(repository)[-1]

    def beside(self, repository: str) -> Path:
        """Where another copy may be made; what a killed process left there is gone."""
        place = self._beside(repository)
        shutil.rmtree(place, ignore_errors=True)
        return place

    def replace(self, repository: str, new: Path) -> None:
        """From now on `new`, which was made beside it, is the newest."""
        old = self.newest(repository)
        first = self._first(repository)
        new.rename(first.with_name(f"{first.name}.{_number(old) + 1}"))
        self._replaced[old] = self._clock()

    def free_kilobytes(self) -> int:
        """What the disk has left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free // 1024

    def repositories(self) -> set[str]:
        """Of which there are copies, as `owner/name` in lower case."""
        found = ((path.parent.name, _COPY.fullmatch(path.name)) for path in self._folder.glob("*/*.git*"))
        return {f"{owner}/{name[1]}" for owner, name in found if name}

    def tidy(self, repository: str) -> None:
        """Removes the copies that nobody reads any more, and what a killed git had begun."""
        *replaced, newest = self._all(repository)
        unread = [path for path in replaced if self._is_unread(path)]
        for path in (*unread, self._beside(repository)):
            if path.exists():
                log.info("removing %s, which is not used any more", path)
                shutil.rmtree(path, ignore_errors=True)
                self._replaced.pop(path, None)
        for path in newest.glob("objects/pack/tmp_*"):
            path.unlink(missing_ok=True)

    def _is_unread(self, path: Path) -> bool:
        since = self._replaced.get(path)
        return since is None or self._clock() - since > READ_SECONDS

    def _first(self, repository: str) -> Path:
        return self._folder / f"{repository.lower()}.git"

    def _beside(self, repository: str) -> Path:
        first = self._first(repository)
        return first.with_name(f"{first.name}.new")

    def _all(self, repository: str) -> list[Path]:
        """The first, whether it is there or not, and those that replaced it, the newest last."""
        first = self._first(repository)
        others = (path for path in first.parent.glob(f"{first.name}.*") if path.name[len(first.name) + 1 :].isdigit())
        return [first, *sorted(others, key=_number)]


def _number(copy: Path) -> int:
    return int(copy.suffix[1:]) if copy.suffix != ".git" else 0
