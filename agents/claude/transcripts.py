"""Transcripts of sessions, a folder per task that no slot's user can enter: they outlive the slot.

A later attempt on this machine takes its task's session up again. What has failed stays for inspection, by age; what is
done goes within the hour, in case its result was lost on the way.
"""

import contextlib
import hashlib
import json
import logging
import re
import secrets
import shutil
import time
from pathlib import Path
from uuid import UUID, uuid4

from agents.sandbox.slot import as_user

log = logging.getLogger(__name__)

DONE_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
MOST_BYTES = 256 << 20  # of one transcript: what is larger is not kept
# Under the slot's home, as Claude Code names it; a slot's user could have put anything there.
PLACE = re.compile(r"projects/[A-Za-z0-9_.-]{1,255}/[0-9a-f-]{36}\.jsonl")
CONFIGURATION = ".claude"
# A file alone: a pipe would be read for ever, and a link could lead to what of the machine's was hidden from the slot.
FIND = 'cd "$1" && find projects -mindepth 2 -maxdepth 2 -type f -name "$2" -print | head -n 1 | tr -d "\\n"'


class Transcript:
    """What is kept of one task: its mark, the session that was begun last, and what was said in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """What was said, as Claude Code wrote it: a JSON object a line."""
        return self._folder / "transcript.jsonl"

    def mark(self) -> str:
        """The task's mark, the same in each attempt on this machine (see Workspace)."""
        path = self._folder / "mark"
        if not path.exists():
            self._write("mark", secrets.token_hex(8))
        return path.read_text()

    def begin(self, begun_with: str) -> str:
        """The id of a new session, in place of the last one. `begun_with` stands for what it is told first."""
        session = str(uuid4())
        self.path.unlink(missing_ok=True)
        self._write("session.json", json.dumps({"id": session, "begun_with": begun_with}))
        return session

    def to_resume(self, begun_with: str) -> str | None:
        """The id of an earlier attempt's session, if its transcript is here and it began in the same way."""
        session, began = self._session()
        is_here = self.path.exists() and (self._folder / "place").exists()
        return session if session and is_here and began == begun_with else None

    def collect(self, home: Path, uid: int | None) -> None:
        """Takes the transcript out of a slot's home, as that slot's user: what lies there could lead anywhere.

        Where that does not work a log record tells of it: nobody's report depends on it.
        """
        session, _ = self._session()
        try:
            if session:
                self._collect(home / CONFIGURATION, f"{session}.jsonl", uid)
        except OSError as error:
            log.warning("the transcript could not be kept: %s", error)

    def _collect(self, configuration: Path, name: str, uid: int | None) -> None:
        place, taken = self._folder / "place.new", self._folder / "transcript.new"
        with place.open("wb") as out:
            as_user(uid, FIND, configuration, name, out=out)
        found = place.read_text(errors="replace")
        if PLACE.fullmatch(found) is None or not found.endswith(f"/{name}"):
            return
        with taken.open("wb") as out:
            status = as_user(uid, 'cd "$1" && head -c "$3" -- "$2"', configuration, found, str(MOST_BYTES), out=out)
        if status or not 0 < taken.stat().st_size < MOST_BYTES:
            log.warning("the transcript could not be kept: it has %d bytes", taken.stat().st_size)
            taken.unlink()
            return
        taken.replace(self.path)
        place.replace(self._folder / "place")

    def restore(self, home: Path) -> bool:
        """Puts the transcript into a home that is still ours, where Claude Code looks for it. False where it cannot."""
        try:
            place = home / CONFIGURATION / (self._folder / "place").read_text()
            place.parent.mkdir(parents=True, mode=0o700)
            shutil.copyfile(self.path, place)
        except OSError as error:
            log.warning("the transcript cannot be used: %s", error)
            return False
        return True

    def done(self) -> None:
        """The task has its report: nobody needs this any more."""
        with contextlib.suppress(OSError):  # then it stays for as long as one that failed
            self._write("done", "")

    def too_old(self, keep_seconds: float) -> bool:
        """Whether it may go."""
        newest = max(path.stat().st_mtime for path in (self._folder, *self._folder.iterdir()))
        limit = DONE_SECONDS if (self._folder / "done").exists() else keep_seconds
        return time.time() - newest > limit

    def _session(self) -> tuple[str, str]:
        """The id of the session that was begun last, and what it began with; empty where there is none."""
        try:
            said = json.loads((self._folder / "session.json").read_text())
            return str(UUID(said["id"])), str(said["begun_with"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", ""

    def _write(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._folder / f"{name}.new"
        temporary.write_text(text)
        temporary.replace(self._folder / name)


class Transcripts:
    """The transcripts of one agent."""

    def __init__(self, folder: Path, *, keep_days: float) -> None:
        self._folder = folder
        self._keep_seconds = max(keep_days * DAY_SECONDS, DONE_SECONDS)  # a task at work needs its own

    def of(self, task_id: UUID | str) -> Transcript:
        """What is kept of a task."""
        return Transcript(self._folder / str(task_id))

    def prune(self) -> None:
        """Removes what is too old."""
        for folder in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # a task at work takes away and replaces what is its own
                if Transcript(folder).too_old(self._keep_seconds):
                    shutil.rmtree(folder, ignore_errors=True)


def fingerprint(*texts: str) -> str:
    """Stands for texts: equal where they are equal."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
