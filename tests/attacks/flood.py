"""python -m tests.attacks.flood PORT COUNT SECONDS: so many connections to a port of loopback, held for so long.

They come from many addresses; a third say nothing, a third half of a head, a third a byte now and then. Prints how many
were taken, and how many of those were hung up on.
"""

import errno
import json
import resource
import select
import socket
import sys
import time
from collections import Counter
from itertools import cycle

ADDRESSES = [f"127.0.{n}.1" for n in range(1, 41)]
HALF = b"POST /v1/messages HTTP/1.1\r\nHost: stack\r\nContent-Le"
SLOW = b"GET /healthz HTTP/1.1\r\nX-Slow: " + 1000 * b"x"
BATCH = 200
LATER = {errno.EINPROGRESS, errno.EAGAIN}


class Held:
    """A connection of the flood."""

    def __init__(self, port: int, address: str, kind: int) -> None:
        self.port = port
        self.text = (b"", HALF, SLOW)[kind]
        self.pace = (0, len(HALF), 1)[kind]  # bytes at a time
        self.sent = 0
        self.state = "waiting"
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((address, 0))
        if self.socket.connect_ex(("127.0.0.1", port)) not in (0, *LATER):
            self.state = "refused"

    def speak(self) -> None:
        """Says what comes next."""
        said = self.text[self.sent : self.sent + self.pace]
        try:
            self.sent += self.socket.send(said) if said else 0
        except BlockingIOError:
            return
        except OSError:
            self.state = "hung up"

    def look(self) -> None:
        """Finds whether the other side is still there."""
        try:
            if not self.socket.recv(4096):
                self.state = "hung up"
        except BlockingIOError:
            return
        except OSError:
            self.state = "hung up"


def flood(port: int, count: int, seconds: float) -> dict[str, int]:
    """Opens them, holds all for `seconds` after the last was tried, and leaves. How many ended in which state."""
    poll, held = select.epoll(), {}
    for n, address in zip(range(count), cycle(ADDRESSES)):
        one = Held(port, address, n % 3)
        held[one.socket.fileno()] = one
        poll.register(one.socket, select.EPOLLOUT | select.EPOLLIN | select.EPOLLET)
        if n % BATCH == 0:
            _attend(poll, held, 0)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        _attend(poll, held, min(left, 0.5))
        for one in held.values():
            if one.state == "taken":
                one.speak()
    for one in held.values():
        one.socket.close()
    return dict(Counter(one.state for one in held.values()))


def _attend(poll: select.epoll, held: dict[int, Held], seconds: float) -> None:
    for descriptor, event in poll.poll(seconds, 20_000):
        one = held[descriptor]
        if event & (select.EPOLLHUP | select.EPOLLERR):
            one.state = "hung up" if one.state == "taken" else "refused"
        elif one.state == "waiting" and event & select.EPOLLOUT:
            one.state = "taken"
        if event & select.EPOLLIN and one.state == "taken":
            one.look()


if __name__ == "__main__":
    target, number, period = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(flood(int(target), int(number), float(period))))
