"""Folders and programs that a slot's user can reach, and those that it cannot."""

import logging
import os
import shutil
from pathlib import Path

from stack.errors import GiveUp

log = logging.getLogger(__name__)


def reachable_folder(folder: Path) -> Path:
    """`folder`, made, if a slot's user can enter it; raises GiveUp with the folder that is in the way."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()  # as Claude will name what it reads there
    if os.geteuid() == 0:
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
    copy = folder / f"claude-{claude.stat().st_size}"
    if os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in claude.absolute().parents):
        return claude
    if not copy.exists():
        temporary = copy.with_suffix(".new")
        try:
            os.link(claude, temporary)
        except OSError:
            shutil.copy2(claude, temporary)
        if not temporary.stat().st_mode & 0o001:
            temporary.chmod(0o755)
        temporary.replace(copy)
    return copy


def start_only(program: Path) -> Path:
    """`program`, which other users may start but not read from now on, where we are root.

    What runs it is closed to whatever else runs as the same user (agents/claude/claude.sh).
    """
    if os.geteuid() == 0 and program.stat().st_mode & 0o044:
        try:
            program.chmod(0o711)
        except OSError as error:
            log.warning("what a slot starts could speak for Claude Code: %s", error)
    return program
