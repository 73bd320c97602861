"""Looks at a socket without waiting, and without reading. Speaks gevent, as do `hang_up` and `worker`."""

import select
import socket

from gevent.monkey import get_original

ENDED = select.POLLRDHUP  # the other side closed, or sends no more
ENDED_OR_READABLE = select.POLLIN | select.POLLRDHUP


def shows(connection: socket.socket, events: int) -> bool:
    """Whether one of these events of poll(2) is there now."""
    poll = get_original("select", "poll")()  # gevent's own would wait
    poll.register(connection.fileno(), events)
    return bool(poll.poll(0))
