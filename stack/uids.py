"""User ids that are nobody's on this machine: a block of them for a stack, or for an agent in a container."""

import zlib
from pathlib import Path

BLOCK = 10_000
OF_ONE_AGENT = 150  # of a block: a task has one, and it comes again after all the others
# Nobody's, as systemd lists who takes which (systemd.io/UIDS-GIDS); where the machine has fewer, those that it has.
BASE, BLOCKS = 1_900_000_000, 20_000
SMALL_BASE, SMALL_BLOCKS = 20_000, 4
MAP = Path("/proc/self/uid_map")  # user_namespaces(7); a container may have no more than 65,536


def block_of(name: str) -> int:
    """The first id of the block that a name has. Two names hardly ever have the same.

    What Linux counts by user (processes, watched files) it counts across containers: so they must differ there too.
    """
    number = zlib.crc32(name.encode())
    for line in MAP.read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= BASE and first + count >= BASE + BLOCKS * BLOCK:
            return BASE + number % BLOCKS * BLOCK
    return SMALL_BASE + number % SMALL_BLOCKS * BLOCK
