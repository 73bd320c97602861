"""Notices that the caller hung up while we wait for the provider. Speaks gevent, as does `server`."""

import socket

from gevent import get_hub, getcurrent

from proxy.errors import HungUp

READABLE = 1  # libev's EV_READ


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
        self._watcher.stop()  # what else can be read is the caller's next request
        self._gone = _is_gone(self._connection)
        if self._gone and self._waiting is not None:
            self._waiting.throw(HungUp)


def _is_gone(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
