"""Reads files, and tells later whether one of them is no longer what was read."""

import os
from pathlib import Path

MOST_BYTES = 1024 * 1024

Stamp = tuple[int, int, int]  # when it was written (ns), its size, its inode: an editor may write in place or replace


class FilesRead:
    """The files that were read through this, those that could not be read among them."""

    def __init__(self) -> None:
        self._stamps: dict[Path, Stamp | None] = {}

    def read(self, path: Path) -> bytes:
        """What is in a file. Raises OSError where it cannot be read, or is larger than MOST_BYTES."""
        self._stamps[path] = None
        with path.open("rb") as file:
            # before it is read: what is written meanwhile shows as a change
            self._stamps[path] = _stamp(os.fstat(file.fileno()))
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise OSError(0, f"it is larger than {MOST_BYTES} bytes")
        return content

    def changes(self) -> dict[Path, Stamp | None]:
        """The files that are not what was read, as they are now; None for one that is not there."""
        now = {path: _stamp_of(path) for path in self._stamps}
        return {path: stamp for path, stamp in now.items() if stamp != self._stamps[path]}


def _stamp_of(path: Path) -> Stamp | None:
    try:
        return _stamp(path.stat())
    except OSError:
        return None


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_size, found.st_ino
