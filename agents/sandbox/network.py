"""The network of a slot: one of its own, in which one address leads to the proxy, and nothing leads anywhere else.

In a container it is the container's, and a filter keeps the slot's user from all of it but its own loopback
(agents/container.sh).
"""

import ctypes
import fcntl
import logging
import os
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

from stack.errors import GiveUp
from stack.proof import prove
from stack.secret import Secret

log = logging.getLogger(__name__)

ADDRESS = ("127.0.0.1", 8003)  # in the slot's network, where nobody else can have it
CONNECTIONS = 16  # at once; Claude Code holds a few
PAUSE_SECONDS = 1.0  # while this process can open or start no more
CONNECT_SECONDS = 10
BYTES = 1 << 16  # at a time

CLONE_NEWNET = 0x40000000  # linux/sched.h
SIOCSIFFLAGS = 0x8914  # linux/sockios.h
IFF_UP_RUNNING = 0x1 | 0x40  # linux/if.h


class Network:
    """A network namespace with a relay to the proxy at `proxy_url`, which proves that it is the proxy with `proof_key`.

    Where it is not to be its `own`, it is the relay alone, in the network of this process. Raises GiveUp; OSError where
    no namespace can be made.
    """

    url = f"http://{ADDRESS[0]}:{ADDRESS[1]}"

    def __init__(self, proxy_url: str, proof_key: Secret, *, own: bool = True) -> None:
        proxy = urlsplit(proxy_url)
        if proxy.scheme != "http" or not proxy.hostname or proxy.path.strip("/"):
            raise GiveUp(f"PROXY_URL {proxy_url}: an address like http://127.0.0.1:8003 is needed")
        self._proof_key = proof_key
        self._proxy = (proxy.hostname, proxy.port or 80)
        self.own = own
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        self._held: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._made: tuple[socket.socket, int] | OSError = OSError("the network was not made")
        # A thread can move into a new network by itself. It ends there; its socket stays, and keeps the network alive.
        making = threading.Thread(target=self._make, name="network")
        making.start()
        making.join()
        if isinstance(self._made, OSError):
            if own:
                raise self._made
            raise GiveUp(f"{self.url}, where a task is to find the model proxy: {self._made.strerror}")
        listener, namespace = self._made
        self._listener: socket.socket = listener
        self._namespace: int = namespace
        threading.Thread(target=self._serve, name="relay", daemon=True).start()

    @property
    def path(self) -> str:
        """The namespace, as nsenter(1) takes it while this process lives; empty where it is this process's."""
        return f"/proc/{os.getpid()}/fd/{self._namespace}" if self.own else ""

    def _make(self) -> None:
        try:
            if self.own and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            with ExitStack() as unless_made:
                listener = unless_made.enter_context(socket.socket())
                if self.own:
                    fcntl.ioctl(listener, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP_RUNNING))
                listener.bind(ADDRESS)
                listener.listen(CONNECTIONS)
                self._made = listener, os.open("/proc/thread-self/ns/net", os.O_RDONLY)
                unless_made.pop_all()
        except OSError as error:
            self._made = error

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
                if self._free.acquire(blocking=False):
                    self._begin(caller)
                else:
                    caller.close()
            except (OSError, RuntimeError) as error:  # no descriptor, no thread more
                log.warning("a slot's connection could not be taken: %s", error)
                time.sleep(PAUSE_SECONDS)

    def _begin(self, caller: socket.socket) -> None:
        try:
            threading.Thread(target=self._relay, args=(caller,), name="relayed", daemon=True).start()
        except RuntimeError:
            self._free.release()
            caller.close()
            raise

    def cut(self) -> None:
        """Ends all connections: a call of a task that is over would be in the way of the next one's."""
        for both in [*self._held.values()]:
            for connection in both:
                with suppress(OSError):  # it has ended
                    connection.shutdown(socket.SHUT_RDWR)

    def prove(self, connection: socket.socket) -> None:
        """Returns where the proxy is at the other end. Raises Stranger, OSError."""
        prove(connection, "proxy", self._proof_key)

    def _relay(self, caller: socket.socket) -> None:
        try:
            with caller, socket.create_connection(self._proxy, CONNECT_SECONDS) as proxy:
                self.prove(proxy)
                proxy.settimeout(None)
                for connection in (caller, proxy):  # what is streamed comes in small pieces, each of them at once
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._held[threading.get_ident()] = caller, proxy
                back = threading.Thread(target=_pump, args=(proxy, caller), name="relayed back", daemon=True)
                back.start()
                _pump(caller, proxy)
                back.join()
        except (OSError, RuntimeError) as error:
            log.warning("the proxy cannot be reached for a slot: %s", error)
        finally:
            self._held.pop(threading.get_ident(), None)
            self._free.release()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """All that comes from one goes to the other, to its end; then the other is told of the end."""
    with suppress(OSError):
        while data := source.recv(BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
    with suppress(OSError):  # what the other still says goes nowhere any more
        source.shutdown(socket.SHUT_RD)
