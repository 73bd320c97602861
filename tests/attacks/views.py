"""What of a folder a user can reach who knows every name in it."""

import os
import tempfile
from pathlib import Path

from agents.sandbox.slot import as_user

PYTHON = "/usr/bin/python3"  # one that others can start, wherever the tests' own is
TRY = """
import os, sys
for path in open(sys.argv[1], "rb").read().split(b"\\0"):
    if os.access(path, int(sys.argv[2])): print(os.fsdecode(path))
"""


def reached(uid: int | None, folder: Path, mode: int) -> list[str]:
    """The files, sockets and folders below `folder` that this user may read (os.R_OK) or write (os.W_OK)."""
    paths = [Path(parent, name) for parent, folders, files in os.walk(folder) for name in (*folders, *files)]
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as names, tempfile.TemporaryFile() as out:
        names.write(b"\0".join(os.fsencode(path) for path in paths if not path.is_symlink()))
        names.flush()
        Path(names.name).chmod(0o644)
        assert as_user(uid, f'{PYTHON} -c "$1" "$2" "$3"', TRY, names.name, str(mode), out=out) == 0
        out.seek(0)
        return out.read().decode().splitlines()
