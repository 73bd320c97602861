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
        self._marks: tuple[bytes, ...] = ()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.was_cut = threading.Event()
        self._run(self._accept)

    def url_for(self, url: str) -> str:
        """The same database, reached over this line."""
        port = self._listener.getsockname()[1]
        return f"postgresql://gateway@127.0.0.1:{port}/{url.rpartition('/')[2]}"

    def cut_at(self, *marks: bytes) -> None:
        """The connection on which the server has answered with all of `marks`, in order, is cut before the last."""
        self._marks = marks

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
                self._run(partial(self._ask, client, server))
                self._run(partial(self._answer, server, client))

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        seen = 0
        with suppress(OSError):
            while data := server.recv(65536):
                seen += seen < len(self._marks) and self._marks[seen] in data
                if self._marks and seen == len(self._marks):
                    self._marks = ()
                    self.was_cut.set()
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()
