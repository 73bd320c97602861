"""The copies of a mirror: the newest is read, fetched into and served; one that it replaced may still be read.

They lie beside each other, `name.git`, `name.git.1`, `name.git.2`, so that nothing moves or goes under a reader.
"""

import logging
import os
import shutil
import time
from pathlib import Path

from stack.roles import ROLES

log = logging.getLogger(__name__)

# Twice as long as a task of any role may take: then nobody reads a copy any more that was replaced.
READ_SECONDS = 2 * 60 * max(role.minutes for role in ROLES.values())


class Copies:
    """The mirrors in `folder`. Whoever makes or replaces one must be alone with its repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def newest(self, repository: str) -> Path:
        """Where the mirror of `owner/name` lies or would lie. The name must have been checked."""
        return _copies(self._first(repository))[-1]

    def beside(self, repository: str) -> Path:
        """Where another copy may be made; what a killed process left there is gone."""
        first = self._first(repository)
        place = first.with_name(f"{first.name}.new")
        shutil.rmtree(place, ignore_errors=True)
        return place

    def replace(self, repository: str, new: Path) -> Path:
        """From now on `new`, which was made beside it, is the newest. Returns its place."""
        first, old = self._first(repository), self.newest(repository)
        place = first.with_name(f"{first.name}.{_number(old) + 1}")
        os.utime(old)  # its age counts from now
        return new.rename(place)

    def free_kilobytes(self) -> int:
        """What the disk has left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free // 1024

    def tidy(self) -> None:
        """Removes the copies that were replaced so long ago that nobody reads them."""
        for first in {path.with_suffix("") for path in self._folder.glob("*/*.git.*") if path.suffix[1:].isdigit()}:
            for replaced in _copies(first)[:-1]:
                if replaced.exists() and time.time() - replaced.stat().st_mtime > READ_SECONDS:
                    log.info("removing %s, which was replaced", replaced)
                    shutil.rmtree(replaced, ignore_errors=True)

    def _first(self, repository: str) -> Path:
        return self._folder / f"{repository.lower()}.git"


def _copies(first: Path) -> list[Path]:
    """The first, whether it is there or not, and those that replaced it, the newest last."""
    others = (
        path for path in first.parent.glob(f"{first.name}.*") if path.name.removeprefix(f"{first.name}.").isdigit()
    )
    return [first, *sorted(others, key=_number)]


def _number(copy: Path) -> int:
    return int(copy.suffix[1:]) if copy.suffix != ".git" else 0
