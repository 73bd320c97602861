"""Files that go with messages: their bytes lie in a folder under their SHA-256, for a month."""

import hashlib
import re
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from stack.api import MOST_FILE_BYTES
from stack.errors import GiveUp, NotThere
from stack.messages import Attachment

KEPT = timedelta(days=30)


class Files:
    """Keeps files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def keep(self, name: str, content: bytes) -> Attachment:
        """Keeps a file; the same bytes are kept once, for another month. Raises GiveUp where it is too large."""
        if len(content) > MOST_FILE_BYTES:
            raise GiveUp(f"the file has {len(content) >> 20} MB, {MOST_FILE_BYTES >> 20} are most")
        found = Attachment(id=hashlib.sha256(content).hexdigest(), name=_plain(name), size=len(content))
        path = self._folder / found.id
        temporary = self._folder / f"{uuid4()}.new"  # others may keep the same file right now
        temporary.write_bytes(content)
        temporary.replace(path)
        return found

    def read(self, file_id: str) -> bytes:
        """The bytes of a file. Raises NotThere."""
        if not re.fullmatch(r"[0-9a-f]{64}", file_id):
            raise NotThere("that is not the id of a file")
        try:
            return (self._folder / file_id).read_bytes()
        except FileNotFoundError:
            raise NotThere("there is no such file, or it is gone") from None

    def purge(self) -> None:
        """Removes what is older than KEPT, also what was half written when the process died."""
        oldest = time.time() - KEPT.total_seconds()
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # it has got its name meanwhile
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _plain(name: str) -> str:
    """The last part of a name, without what a file system or a chat could take for something else."""
    return re.sub(r"[^\w. ()+-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")[:200] or "file"
