"""Bombs of a bounded size, by name: `processes`, or `memory` in bytes. Runs inside, as the slot's user."""

import os
import sys
import time

PROCESSES, SECONDS = 4000, 3
PIECE = 64 << 20


def processes() -> int:
    """As many as can be begun, for a few seconds."""
    begun, children = time.monotonic(), 0
    while children < PROCESSES and time.monotonic() - begun < SECONDS:
        try:
            if os.fork() == 0:
                time.sleep(max(0, SECONDS + begun - time.monotonic()))
                os._exit(0)
            children += 1
        except OSError:
            time.sleep(0.05)
    return children


def memory(most: int) -> int:
    """How much of it could be had, all of it written to."""
    return sum(len(piece) for piece in [b"x" * PIECE for _ in range(most // PIECE)])


print(memory(int(sys.argv[2])) if sys.argv[1] == "memory" else processes())
