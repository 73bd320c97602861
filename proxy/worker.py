"""gunicorn's gevent worker, with a way of its own for model calls: around WSGI, which would cost as much as the relay.

gunicorn parses every request and keeps the connections. All but POST /v1/messages goes to Flask, as ever.
"""

from typing import Any

from gunicorn.workers.ggevent import GeventWorker

from proxy.messages import PATH, Incoming, Messages
from proxy.writer import Writer

HTTP_1_1 = (1, 1)
CHUNK_BYTES = 65536  # read at once of a request's body; gunicorn itself reads 8 KB


class RelayWorker(GeventWorker):  # type: ignore[misc]
    """Serves the Flask application that it loads, and the `Messages` among its extensions."""

    def handle_request(self, listener_name: object, req: Any, sock: Any, addr: object) -> None:
        """Answers one request. Raises StopIteration where its connection is to be closed, as gunicorn wants it."""
        if req.path != PATH or req.method != "POST":
            super().handle_request(listener_name, req, sock, addr)
            return
        stays = self.alive and req.version >= HTTP_1_1 and not req.should_close()
        writer = Writer(sock, chunked=req.version >= HTTP_1_1, stays=stays)
        req.unreader.mxchunk = CHUNK_BYTES
        headers = [(name.lower(), value) for name, value in req.headers]
        if ("expect", "100-continue") in headers:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        messages: Messages = self.wsgi.extensions["messages"]
        if not messages.answer(Incoming(headers, req.query or "", req.body, sock), writer) or not stays:
            raise StopIteration

    def handle_exit(self, sig: int, frame: object) -> None:
        """Told to stop: what is under way ends first, and the dashboard's endless streams end at once."""
        if hasattr(self, "wsgi"):  # it may be told before it has begun
            self.wsgi.extensions["life"].ending = True
        super().handle_exit(sig, frame)
