"""Who listens proves that it is who is called, before it is shown anything that opens something.

A caller says on each new connection `GET /proof?secret=…&nonce=…`: the name of a secret that both know, which says
nothing of it, and a number of its own. What is answered could be made with the secret alone, for this number, by this
service, at this address: so nothing that was recorded, or that another service or address answers, is of any use.
"""

import hmac
import http.client
import re
import secrets
import socket
from collections.abc import Callable, Iterable
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

from stack.ids import dashed
from stack.roles import AGENTS
from stack.secret import Secret, accepted, newest

PATH = "/proof"
SECONDS = 5.0
BYTES = 64  # of a proof, and of a nonce: 32 in hexadecimal
NONCE = re.compile(f"[0-9a-f]{{{BYTES}}}")

Address = tuple[str, int]


class Stranger(OSError):
    """What listens there is not who is called, or does not know us. It was shown nothing that opens anything."""


class Prover:
    """Proves to its callers that here is `server`. `secrets` are those that it has in common with one of them each."""

    def __init__(self, server: str, known: Callable[[], Iterable[str]]) -> None:
        self._server = server
        self._known = known

    def answer(self, query: str, at: Address) -> str:
        """What is answered to a caller that has connected to `at`; empty for one that is not known."""
        said = {name: values[0] for name, values in parse_qs(query).items()}
        name, nonce = said.get("secret", ""), said.get("nonce", "")
        secret = next((one for one in self._known() if hmac.compare_digest(_name(one), name.encode())), None)
        return _proof(secret, self._server, at, nonce) if secret and NONCE.fullmatch(nonce) else ""


def key_for(key: str, caller: str) -> str:
    """What a caller of a server has in common with it, where it shares nothing else: made from the server's own key,
    so that no caller can pass for the server to another."""
    return _mac(key, f"of {caller}")


def of_agents(key: Secret) -> list[str]:
    """What the agents have in common with a server whose key this is."""
    return [key_for(one, dashed(role)) for one in accepted(key) for role in AGENTS]


def prove(connection: socket.socket, server: str, secret: Secret) -> None:
    """Returns where `server` is at the other end, which is to be done before all else. Raises Stranger, or OSError."""
    at, known, nonce = _place(connection.getpeername()), newest(secret), secrets.token_hex(BYTES // 2)
    before = connection.gettimeout()
    connection.settimeout(min(before or SECONDS, SECONDS))
    ask = f"GET {PATH}?secret={_name(known).decode()}&nonce={nonce} HTTP/1.1\r\nHost: {at[0]}\r\n\r\n"
    connection.sendall(ask.encode())
    if not hmac.compare_digest(_answered(connection), _proof(known, server, at, nonce).encode()):
        where = f"{at[0]}:{at[1]}"
        raise Stranger(f"what listens on {where} does not prove that it is the {server}, or does not know our secret")
    connection.settimeout(before)


def ask(url: str, server: str, secret: Secret) -> None:
    """The same on a connection of its own, for who cannot ask on that which it will use: somebody else could come to
    listen there in between."""
    where = urlsplit(url)
    with closing(socket.create_connection((where.hostname or "", where.port or 80), SECONDS)) as connection:
        prove(connection, server, secret)


def _answered(connection: socket.socket) -> bytes:
    """What is answered, if it can be a proof, and leaves the connection as it is wanted."""
    with closing(http.client.HTTPResponse(connection, method="GET")) as answer:
        try:
            answer.begin()
            if answer.status == 200 and answer.length == BYTES and not answer.will_close:
                return answer.read()
        except (http.client.HTTPException, ValueError):
            pass
    return b""


def _name(secret: str) -> bytes:
    return _mac(secret, "name").encode()


def _proof(secret: str, server: str, at: Address, nonce: str) -> str:
    host, port = _place(at)
    return _mac(_mac(secret, "key"), f"{server} {host} {port} {nonce}")


def _place(address: Address) -> Address:
    """An address as both ends see it: one of IPv4 may look like one of IPv6 to one of them."""
    return address[0].removeprefix("::ffff:"), address[1]


def _mac(key: str, said: str) -> str:
    return hmac.digest(key.encode(), f"claude-stack.proof {said}".encode(), "sha256").hex()
