"""A line to a PostgreSQL server that can be cut at the worst moment: after a commit, before the answer to it."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path


class CutLine:
    """Listens on a port of the loopback and passes everything on to a server's Unix socket, and back."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._mark: bytes | None = None
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.was_cut = False
        self._run(self._accept)

    def url_for(self, url: str) -> str:
        """The same database, reached over this line."""
        port = self._listener.getsockname()[1]
        return f"postgresql://gateway@127.0.0.1:{port}/{url.rpartition('/')[2]}"

    def cut_after(self, mark: bytes) -> None:
        """The next message to the server with `mark` in it gets there; the answer does not get back."""
        self._mark = mark

    def close(self) -> None:
        """Ends it and all that goes over it."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                self._sockets += [client, server]
                self._run(partial(self._pass_on, client, server, watched=True))
                self._run(partial(self._pass_on, server, client, watched=False))

    def _pass_on(self, source: socket.socket, target: socket.socket, *, watched: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if watched and self._mark and self._mark in data:
                    self._cut(source, target, data)
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        self._mark, self.was_cut = None, True
        client.shutdown(socket.SHUT_RDWR)
        server.sendall(data)

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()
