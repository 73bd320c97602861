"""Notices that the caller hung up while we wait for the provider. The only file that speaks gevent."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gevent import get_hub, getcurrent

from proxy.errors import HungUp

READABLE = 1  # libev's EV_READ


@contextmanager
def noticed(caller: socket.socket) -> Iterator[None]:
    """Raises HungUp inside the block as soon as the caller closes its connection; the block must wait on I/O only."""
    waiting = getcurrent()
    watcher = get_hub().loop.io(caller.fileno(), READABLE)

    def look() -> None:
        watcher.stop()  # what else can be read is the caller's next request
        if _is_gone(caller):
            waiting.throw(HungUp)

    watcher.start(look)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()


def _is_gone(caller: socket.socket) -> bool:
    try:
        return not caller.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
