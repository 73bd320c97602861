"""What a slot without namespaces of its own shares with others, in a container above all: emptied after each task."""

import logging
import os
from pathlib import Path

from agents.sandbox.folders import SLOTS_OWN
from agents.sandbox.slot import Slot, as_user

log = logging.getLogger(__name__)

# Folders that everybody may write to; POSIX queues lie in a folder too.
FOLDERS = (*SLOTS_OWN, "/run/lock", "/dev/mqueue")
# System V's memory, semaphores and queues.
TABLES = ("/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg")
# As the slot's user: in a container root may not pass over permissions. What is closed is opened first.
EMPTY = """
find "$@" -mindepth 1 -maxdepth 1 -user "$(id -u)" -exec chmod -R u+rwX -- {} + -exec rm -rf -- {} +
ipcrm --all
"""


def cleared(slot: Slot) -> bool:
    """Removes what a slot's users, of whom no process is left, have where others have things. False: not all went."""
    if slot.uid is None or (slot.network and slot.network.own):
        return True  # one user with us, whose things nobody can tell apart; or all of it has ended with the namespaces
    try:
        for uid in _owners(slot.ids).values():
            as_user(uid, EMPTY, *filter(os.path.exists, FOLDERS))
        left = [*_owners(slot.ids)]
    except OSError as error:  # no process more can be started, for one
        left = [str(error)]
    if left:
        log.error("%s has left what cannot be removed: %s", slot.name, left[:5])
    return not left


def _owners(uids: set[int]) -> dict[str, int]:
    """What is these users', and whose: in the folders (what lies below is in folders of theirs) and in the tables."""
    found: dict[str, int] = {}
    for folder in filter(os.path.exists, FOLDERS):
        with os.scandir(folder) as entries:
            found |= {entry.path: entry.stat(follow_symlinks=False).st_uid for entry in entries}
    for table in filter(os.path.exists, TABLES):
        head, *rows = (line.split() for line in Path(table).read_text().splitlines())
        for column in ("uid", "cuid"):  # owner and creator
            found |= {f"{table} {row[1]} {column}": int(row[head.index(column)]) for row in rows}
    return {name: uid for name, uid in found.items() if uid in uids}
