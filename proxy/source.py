"""Where a gateway comes from."""

import time
from typing import Protocol

from proxy.gateway import Gateway


class Source(Protocol):
    """`proxy.reload.Watched`, or one that never changes. Its attributes are those of Watched."""

    gateway: Gateway
    error: str
    loaded_at: float
    said: str

    def look(self) -> bool:
        """Sees whether another gateway is to be had; whether it is in place now."""


class Fixed:
    """A gateway that never changes."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.error = ""
        self.loaded_at = time.time()
        self.said = "this program"

    def look(self) -> bool:
        return False
