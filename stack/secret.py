"""A secret that may be renewed while who uses it runs: `python -m stack rotate`.

The first line of its file is the newest: who shows it or signs with it takes that. Who verifies takes those below too.
"""

import os
from contextlib import suppress
from pathlib import Path


class SecretFile:
    """A secret in a file, as it is when it is used. Raises OSError where it is not there to begin with.

    `seen` is all that it was since this process knows it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seen: frozenset[str] = frozenset()
        self._read(self._stamp())

    def lines(self) -> tuple[str, ...]:
        """The newest first. As they were before, where the file cannot be read just now."""
        with suppress(OSError):
            if (stamp := self._stamp()) != self._known:
                self._read(stamp)
        return self._lines

    def _read(self, stamp: tuple[int, int, int]) -> None:
        # what is written between the look and this is read once more at the next look
        self._lines, self._known = lines_of(self._path.read_text()), stamp
        self.seen |= {*self._lines}

    def _stamp(self) -> tuple[int, int, int]:
        found = os.stat(self._path)
        return found.st_ino, found.st_mtime_ns, found.st_size


Secret = str | SecretFile  # one that is a plain text never changes


def lines_of(text: str) -> tuple[str, ...]:
    """The secrets that a file's text holds, the newest first."""
    return tuple(filter(None, map(str.strip, text.splitlines())))


def newest(secret: Secret) -> str:
    """What is shown, and signed with."""
    return accepted(secret)[0]


def accepted(secret: Secret) -> tuple[str, ...]:
    """All that is taken as good, the newest first."""
    return (secret,) if isinstance(secret, str) else secret.lines()


def seen(secret: Secret) -> frozenset[str]:
    """All that it is, and was."""
    return frozenset({*accepted(secret)} if isinstance(secret, str) else {*secret.lines(), *secret.seen})
