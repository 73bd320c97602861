"""Folders and programs that a slot's user can reach, and those that it cannot."""

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from stack.errors import GiveUp

log = logging.getLogger(__name__)

SLOTS_OWN = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - what a slot has anew (agents/claude/inside.sh)


def reachable_folder(folder: Path) -> Path:
    """`folder`, made, which a slot's user can pass through; raises GiveUp with the folder that is in the way."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()  # as Claude will name what it reads there
    if os.geteuid() == 0:
        folder.chmod(0o711)
        for parent in (folder, *folder.parents):
            if not parent.stat().st_mode & 0o001:
                raise GiveUp(f"DATA_DIR {folder}: other users may not enter {parent}; choose a folder that they can")
    return folder


def private_folder(folder: Path) -> Path:
    """`folder`, made, for this user alone: what other tasks have left is not a slot's business."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def reachable_claude(claude: Path, folder: Path) -> Path:
    """`claude`, or a copy of it in `folder` where a slot's user could not reach it."""
    copy = folder / f"claude-{claude.stat().st_size}-{claude.stat().st_mtime_ns}"
    place = claude.absolute()
    hidden = any(place.is_relative_to(own) for own in SLOTS_OWN) and not place.is_relative_to(folder)
    if os.geteuid() != 0 or (not hidden and all(p.stat().st_mode & 0o001 for p in place.parents)):
        return claude
    if not copy.exists():
        temporary = copy.with_suffix(".new")
        temporary.unlink(missing_ok=True)  # of a start that was killed
        try:
            os.link(claude, temporary)
        except OSError:
            shutil.copy2(claude, temporary)
        temporary.replace(copy)
    copy.chmod(claude.stat().st_mode | 0o111)
    return copy


def start_only(program: Path, *, ours: bool = True) -> Path:
    """`program`, which other users may start but not read from now on, where we are root and it is ours to change.

    What runs it is closed to whatever else runs as the same user (agents/claude/claude.sh).
    """
    readable = 0o044
    if os.geteuid() == 0 and program.stat().st_mode & readable:
        if ours:
            with suppress(OSError):  # where nobody may change it, which is told
                program.chmod(0o711)
        if program.stat().st_mode & readable:
            log.warning("others may read %s: what Claude Code starts could speak for it", program)
    return program
