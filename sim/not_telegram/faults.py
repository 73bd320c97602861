"""What goes wrong on purpose: errors that a test orders, and Telegram's limits on how much a bot may send."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sim.not_telegram.refusals import Refusal, bad_request, too_many_requests

ANY = "*"
BEFORE, AFTER = "before", "after"
DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
}

MESSAGES_A_SECOND, BURST = 30.0, 30
CHAT_MESSAGES_A_SECOND, CHAT_BURST = 1.0, 5


@dataclass
class Fault:
    """`status` 0 only delays. `after`: the call has its effect, and then the answer is this error."""

    method: str
    status: int = 0
    description: str = ""
    retry_after: int | None = None
    count: int = 1
    when: str = BEFORE
    delay_seconds: float = 0

    def __post_init__(self) -> None:
        if self.when not in (BEFORE, AFTER):
            raise bad_request('"when" is "before" or "after"')
        if not self.status and not self.delay_seconds:
            raise bad_request("a fault has a status, delay_seconds, or both")
        if self.status and not 400 <= self.status <= 599:
            raise bad_request('"status" is an error: 400 to 599')

    def strike(self) -> None:
        """Waits the delay, then raises the `Refusal`, if there is one."""
        time.sleep(self.delay_seconds)
        if self.status == 429:
            raise too_many_requests(self.retry_after or 1)
        if self.status:
            raise Refusal(self.status, self.description or DESCRIPTIONS.get(self.status, "Error"))


@dataclass
class Faults:
    waiting: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self.lock:
            self.waiting.append(fault)

    def clear(self) -> None:
        with self.lock:
            self.waiting.clear()

    def call(self, method: str, action: Callable[[], Any]) -> Any:
        """What `action` answers, unless a fault strikes before or after it."""
        fault = self._take(method)
        if fault and fault.when == BEFORE:
            fault.strike()
        result = action()
        if fault and fault.when == AFTER:
            fault.strike()
        return result

    def _take(self, method: str) -> Fault | None:
        with self.lock:
            for fault in self.waiting:
                if fault.method in (method, ANY):
                    fault.count -= 1
                    if fault.count <= 0:
                        self.waiting.remove(fault)
                    return fault
        return None


@dataclass
class Bucket:
    """Refills at `rate` a second up to `size`."""

    rate: float
    size: float
    left: float
    at: float

    def missing_seconds(self, now: float) -> float:
        self.left = min(self.size, self.left + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (1 - self.left) / self.rate)


@dataclass
class RateLimit:
    """About what Telegram allows: a message a second to a chat with some burst, 30 a second in all."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, chat_id: str) -> None:
        """Raises `Refusal` (429) when the bot must wait."""
        with self.lock:
            now = time.monotonic()
            both = [
                self._bucket("", MESSAGES_A_SECOND, BURST, now),
                self._bucket(chat_id, CHAT_MESSAGES_A_SECOND, CHAT_BURST, now),
            ]
            missing = max(bucket.missing_seconds(now) for bucket in both)
            if missing:
                raise too_many_requests(math.ceil(missing))
            for bucket in both:
                bucket.left -= 1

    def _bucket(self, name: str, rate: float, size: float, now: float) -> Bucket:
        return self.buckets.setdefault(name, Bucket(rate, size, left=size, at=now))
