"""A lock on a file. Who waits for it wakes at once; the kernel takes it back from a process that dies."""

import errno
import fcntl
import os
from pathlib import Path


class FileLock:
    """A lock among all who open the same file, threads of one process too if each opens its own. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._open: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Waits until nobody else has it."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def share(self) -> None:
        """Waits until nobody has it alone. Gives up having it alone."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def take_if_free(self) -> bool:
        """Whether nobody else has or shares it. It is lost in any case if it was shared before and is not free."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Gives it up."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Gives it up for good. Idempotent."""
        if self._open is not None:
            os.close(self._open)
            self._open = None

    @property
    def _file(self) -> int:
        if self._open is None:
            raise OSError(errno.EBADF, "closed")
        return self._open
