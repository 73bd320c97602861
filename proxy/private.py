"""A gateway of one's own for a while: on a loopback port, in a process of its own, with a ledger that goes with it."""

import http.client
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from proxy.app import Secrets
from proxy.check.exchange import Endpoint
from proxy.check.plan import CannotCheck
from proxy.gateway import Gateway
from proxy.providers import secrets as secrets_of
from proxy.serve import serve
from proxy.source import Fixed
from stack import logs, tokens

HOST = "127.0.0.1"
START_SECONDS = 15.0
LIFE_SECONDS = 3600.0
BUDGET_USD = 1000.0  # nobody's money is guarded here: what is asked for is bounded by who asks


@contextmanager
def private_gateway(gateway: Gateway) -> Iterator[Endpoint]:
    """Its address, and a token that opens it. Raises CannotCheck where it does not start."""
    token_key, port = secrets.token_hex(32), _free_port()
    with TemporaryDirectory(prefix="gateway-") as folder:
        # forked: it needs nothing but what is loaded already; gevent patches that process alone
        process = get_context("fork").Process(target=_serve, args=(gateway, Path(folder), token_key, port))
        process.start()
        try:
            _wait_until_well(port)
            yield Endpoint(f"http://{HOST}:{port}", _token(token_key))
        finally:
            process.terminate()
            process.join()


def _serve(gateway: Gateway, folder: Path, token_key: str, port: int) -> None:
    os.setsid()  # Ctrl-C is for who started us, who then ends us
    logs.set_up("gateway", level="ERROR", secrets=lambda: [token_key, *secrets_of(gateway)])
    serve(
        Fixed(gateway),
        ledger=folder / "gateway.sqlite",
        secrets=Secrets(token_key=token_key, read_token=secrets.token_hex(32), dashboard_password=""),
        host=HOST,
        port=port,
        workers=1,
        log_level="ERROR",
    )


def _token(key: str) -> str:
    now = time.time()
    claims = tokens.Claims(
        run=str(uuid4()), task=str(uuid4()), person="", role="check", attempt=1, budget_usd=BUDGET_USD,
        expires=now + LIFE_SECONDS, server_tools=True,
    )  # fmt: skip
    return tokens.sign(key, "model", claims)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _wait_until_well(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HOST, port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise CannotCheck(f"a gateway of its own did not start on {HOST}:{port} within {START_SECONDS:.0f} s")
