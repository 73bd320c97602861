"""The real proxy process, and a plain HTTP client to talk to it."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from native.rabbitmq import free_port
from stack import tokens
from stack.roles import TokenKind

TOKEN_KEY = "invented-signing-key"
READ_TOKEN = "invented-read-token"
PROVIDER_KEY = "invented-provider-key"


class NotStarted(AssertionError):
    """The proxy did not start; the text is its log."""


@dataclass(frozen=True)
class Reply:
    """An answer, read to its end; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status and the type of an error in Anthropic's shape."""
        assert self.json["type"] == "error"
        assert self.json["error"]["message"]
        return self.status, self.json["error"]["type"]


@dataclass(frozen=True)
class RunningProxy:
    """A proxy that listens on `port`."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, seconds: float = 20) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def call(self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Sends a request and reads the answer to its end."""
        connection = self.connect()
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()

    def message(self, token: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Asks for a message with a task's token."""
        return self.call("POST", "/v1/messages?beta=true", body or request(), {"x-api-key": token, **(headers or {})})

    def usage(self, run: str) -> dict[str, Any]:
        """What the proxy says that a run used."""
        reply = self.call("GET", f"/usage/{run}", headers={"authorization": f"Bearer {READ_TOKEN}"})
        assert reply.status == 200
        found: dict[str, Any] = reply.json
        return found

    def usage_after(self, run: str, calls: int) -> dict[str, Any]:
        """The usage, once that many calls are recorded."""
        deadline = time.monotonic() + 10
        while (found := self.usage(run))["calls"] < calls and time.monotonic() < deadline:
            time.sleep(0.02)
        assert found["calls"] == calls
        return found


def request(model: str = "claude-sonnet-5", **more: Any) -> bytes:
    """The body of a small request."""
    return json.dumps(
        {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **more}
    ).encode()


def a_task(**changes: Any) -> tokens.Claims:
    """The claims of a new task in a new run."""
    claims = tokens.Claims(
        run=str(uuid4()), task=str(uuid4()), person="7", role="pr_reviewer", attempt=1, budget_usd=1.0,
        expires=time.time() + 600,
    )  # fmt: skip
    return replace(claims, **changes)


def token(claims: tokens.Claims, *, key: str = TOKEN_KEY, kind: TokenKind = "model") -> str:
    return tokens.sign(key, kind, claims)


@contextmanager
def running_proxy(folder: Path, **settings: str) -> Iterator[RunningProxy]:
    """Starts `python -m proxy`, waits until it is well, and stops it as a supervisor would."""
    port, log = free_port(), folder / "proxy.log"
    environment = {
        "PATH": os.environ["PATH"], "PROXY_PORT": str(port), "DATA_DIR": str(folder / "data"),
        "MODEL_TOKEN_KEY": TOKEN_KEY, "PROXY_READ_TOKEN": READ_TOKEN, **settings,
    }  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "proxy"], env=environment, stdout=output, stderr=output)
    proxy = RunningProxy(port, process, log)
    try:
        _wait_until_well(proxy)
        yield proxy
    finally:
        process.terminate()
        assert process.wait(timeout=40) == 0
        assert "Traceback" not in log.read_text()


def _wait_until_well(proxy: RunningProxy) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and proxy.process.poll() is None:
        try:
            if proxy.call("GET", "/healthz").json == {"status": "ok"}:
                return
        except OSError:
            time.sleep(0.05)
    raise NotStarted(f"the proxy did not start: {proxy.log.read_text()}")
