"""For processes under libfaketime: its clock_nanosleep (0.9.10) fails where Python's time.sleep gives it a moment of
the monotonic clock, which is not faked here. A wait for nothing takes as long.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: SupportsIndex | float) -> None:
    """As time.sleep."""
    select.select([], [], [], max(float(seconds), 0))


time.sleep = sleep
