"""A bounded fork bomb: as many processes as there can be, for a few seconds. Runs inside, as the slot's user."""

import os
import time

MOST = 4000
SECONDS = 3

begun, children = time.monotonic(), 0
while children < MOST and time.monotonic() - begun < SECONDS:
    try:
        if os.fork() == 0:
            time.sleep(max(0, SECONDS + begun - time.monotonic()))
            os._exit(0)
        children += 1
    except OSError:
        time.sleep(0.05)
print(children)
