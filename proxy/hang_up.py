"""Notices that the caller hung up while we wait for the provider. Speaks gevent, as does `server`."""

import socket

from gevent import get_hub, getcurrent

from proxy.errors import HungUp
from proxy.peek import ENDED, shows

READABLE = 1  # libev's EV_READ
LOOK_SECONDS = 0.5  # between looks at a caller that sent more than its request: the end may come behind it


class Line:
    """The line to the caller. Inside of `with line:`, which may wait on I/O alone, HungUp is raised as soon as the
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
        # it may have ended its side behind something that is still to be read
        self._gone = shows(self._connection, ENDED)
        if not self._gone:  # what can be read is the caller's next request, and can be so for long
            self._watcher.close()
            self._watcher = get_hub().loop.timer(LOOK_SECONDS)
            self._watcher.start(self._look)
        elif self._waiting is not None:
            self._waiting.throw(HungUp)
