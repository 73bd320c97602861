"""Files that go with messages: their bytes lie in a folder under their SHA-256, for a month."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import delete, select

from orchestrator.store import FileRow, Sessions
from stack.errors import GiveUp, NotThere
from stack.messages import Attachment
from stack.values import now

MOST_BYTES = 50 << 20  # what Telegram takes from a bot: https://core.telegram.org/bots/api#senddocument
KEPT = timedelta(days=30)


class Files:
    """Keeps files."""

    def __init__(self, folder: Path, sessions: Sessions) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._sessions = sessions

    def keep(self, name: str, content: bytes) -> Attachment:
        """Keeps a file; the same bytes are kept once. Raises GiveUp where it is too large."""
        if len(content) > MOST_BYTES:
            raise GiveUp(f"the file has {len(content) >> 20} MB, {MOST_BYTES >> 20} are most")
        found = Attachment(id=hashlib.sha256(content).hexdigest(), name=_plain(name), size=len(content))
        path = self._folder / found.id
        temporary = self._folder / f"{uuid4()}.new"  # others may keep the same file right now
        temporary.write_bytes(content)
        temporary.replace(path)
        with self._sessions.begin() as session:
            session.merge(FileRow(id=found.id, name=found.name, size=found.size, created=now()))
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
        """Removes what is older than KEPT."""
        with self._sessions.begin() as session:
            old = list(session.scalars(select(FileRow.id).where(FileRow.created < now() - KEPT)))
            session.execute(delete(FileRow).where(FileRow.id.in_(old)))
        for file_id in old:
            (self._folder / file_id).unlink(missing_ok=True)


def _plain(name: str) -> str:
    """The last part of a name, without what a file system or a chat could take for something else."""
    return re.sub(r"[^\w. ()+-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")[:200] or "file"
