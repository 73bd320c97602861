"""Notices that the caller hung up while we wait for the provider. Speaks gevent, as does `server`."""

import select
import socket

from gevent import get_hub, getcurrent
from gevent.monkey import get_original

from proxy.errors import HungUp

READABLE = 1  # libev's EV_READ
LOOK_SECONDS = 0.5  # between looks at a caller that sent more than its request: the end may come behind it


class Caller:
    """The caller's connection. Inside of `with caller:`, which may wait on I/O alone, HungUp is raised as soon as the
    caller closes it; if that happened before, at once."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._gone = False
        self._waiting = None
        self._watcher = get_hub().loop.io(connection.fileno(), READABLE)
        self._watcher.start(self._look)

    def __enter__(self) -> None:
        if self._gone:
            raise HungUp
        self._waiting = getcurrent()

    def __exit__(self, *_: object) -> None:
        self._waiting = None

    def forget(self) -> None:
        """Stops to look. Idempotent."""
        self._watcher.stop()
        self._watcher.close()

    def _look(self) -> None:
        self._watcher.stop()
        self._gone = _is_gone(self._connection)
        if not self._gone:  # what can be read is the caller's next request, and can be so for long
            self._watcher.close()
            self._watcher = get_hub().loop.timer(LOOK_SECONDS)
            self._watcher.start(self._look)
        elif self._waiting is not None:
            self._waiting.throw(HungUp)


def _is_gone(connection: socket.socket) -> bool:
    """Whether the caller ended its side, be there something left to read before the end or not."""
    poll = get_original("select", "poll")()  # gevent's own would wait
    poll.register(connection.fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
