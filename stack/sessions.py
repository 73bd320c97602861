"""Sessions of `requests` to another service of the stack, which proves that it is who is called on each connection."""

import logging
import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from stack.proof import Stranger, prove
from stack.secret import Secret

log = logging.getLogger(__name__)


def session_with(server: str, secret: Secret) -> requests.Session:
    """One that shows nothing to who is not `server`. Nothing in the environment leads it elsewhere."""
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", _Adapter(server, secret))
    return made


class _Adapter(HTTPAdapter):
    def __init__(self, server: str, secret: Secret) -> None:
        connection = type("Connection", (_Connection,), {"server": server, "secret": secret})
        self._pool = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": connection})
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": self._pool}


class _Connection(HTTPConnection):
    """A connection that is used once the other end has proven who it is."""

    server: str
    secret: Secret
    sock: socket.socket

    def connect(self) -> None:
        super().connect()
        try:
            prove(self.sock, self.server, self.secret)
        except OSError as error:
            self.close()
            if isinstance(error, Stranger):
                log.warning("%s", error)
            raise
