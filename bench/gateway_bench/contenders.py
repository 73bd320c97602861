"""The other contenders: the upstream itself, nginx, LiteLLM's proxy, claude-code-router, as their users start them."""

import json
from abc import ABC, abstractmethod
from pathlib import Path

from bench.gateway_bench import installing
from bench.gateway_bench.answers import HAIKU, SONNET, Kind
from bench.gateway_bench.client import Address
from bench.gateway_bench.running import Command, Server
from native.processes import ROOT
from native.rabbitmq import free_port

PROVIDER_KEY = "invented-provider-key"
CLIENT_KEY = "sk-invented-client-key"
PACED = "/paced"
CREDENTIALS = 16  # tasks that call in turn: as many as may well be under way at once


class Contender(ABC):
    """A server between the callers and the upstream.

    `transparent`: it must pass every byte on. `note` says for the table how it is set up.
    """

    name: str
    note: str
    transparent = False

    def __init__(self, upstream: int, folder: Path) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._folder = folder
        self._server: Server | None = None

    @property
    def pid(self) -> int:
        """The process that started all others of it."""
        assert self._server is not None
        return self._server.pid

    def alive(self) -> bool:
        """Whether it runs: one that has died may have left processes behind that go on to answer."""
        return self._server is not None and self._server.alive()

    def start(self) -> float:
        """Starts it afresh, and returns the seconds until it answers. Raises NotStarted where it does not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = Server(self.command(), self._folder / "log")
        return self._server.wait_until_ready()

    def stop(self) -> None:
        """Stops it. Idempotent."""
        if self._server:
            self._server.stop()
        self._server = None

    def address(self, kind: Kind) -> Address:
        """Where calls of a kind go; the model's name says the kind, unless the caller chooses the upstream."""
        return Address(self.port)

    def credentials(self) -> list[str]:
        """What callers show; as many as there are callers."""
        return [CLIENT_KEY] * CREDENTIALS

    def counted(self) -> int | None:
        """The calls that it has written down for the last credentials; None where it writes nothing down."""
        return None

    @abstractmethod
    def command(self) -> Command:
        """How it is started. Raises NotStarted where it cannot be installed."""


class Nginx(Contender):
    """A plain reverse proxy."""

    name = "nginx"
    note = "plain reverse proxy: 2 workers, keep-alive to the upstream, proxy_buffering off, no access log"
    transparent = True

    def address(self, kind: Kind) -> Address:
        """It chooses nothing: the path does."""
        return Address(self.port, PACED if kind == "paced" else "")

    def credentials(self) -> list[str]:
        """It checks nothing: the provider's key goes through it."""
        return [PROVIDER_KEY] * CREDENTIALS

    def command(self) -> Command:
        """Everything that it writes stays in its folder."""
        nginx = installing.from_debian("nginx")
        file = self._folder / "nginx.conf"
        temporary = "".join(f"{kind}_temp_path {self._folder}/{kind};\n" for kind in NGINX_WRITES)
        values = {"PORT": self.port, "UPSTREAM": self._upstream, "FOLDER": self._folder, "TEMPORARY": temporary}
        text = NGINX
        for name, value in values.items():
            text = text.replace(f"%{name}%", str(value))
        file.write_text(text)
        arguments = [nginx.path, "-p", str(self._folder), "-c", str(file), "-e", str(self._folder / "error.log")]
        return Command(arguments, self.port, "/healthz", self._folder, nginx.environment)


NGINX_WRITES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
NGINX = """\
worker_processes 2;
worker_rlimit_nofile 8192;
daemon off;
pid %FOLDER%/pid;
error_log %FOLDER%/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  %TEMPORARY%
  keepalive_requests 1000000;
  upstream mock { server 127.0.0.1:%UPSTREAM%; keepalive 512; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:%PORT% backlog=2048;
    client_max_body_size 40m;
    client_body_buffer_size 1m;
    location = /healthz { return 200; }
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
"""


class LiteLLM(Contender):
    """LiteLLM's proxy, through its own Messages API."""

    name = "LiteLLM"
    note = (
        f"LiteLLM {installing.LITELLM}: /v1/messages to an anthropic/ model, 2 workers, --run_granian (its fastest"
        " server), master key; no database: no ledger, no budgets"
    )

    def command(self) -> Command:
        """It neither calls home nor looks for prices on the internet."""
        config = {
            "model_list": [self._model(SONNET, ""), self._model(HAIKU, PACED)],
            "general_settings": {"master_key": CLIENT_KEY},
            "litellm_settings": {"telemetry": False},
        }
        file = self._folder / "config.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        program = installing.litellm()
        arguments = [
            str(program), "--config", str(file), "--host", "127.0.0.1", "--port", str(self.port),
            "--num_workers", "2", "--run_granian", "--telemetry", "False",
        ]  # fmt: skip
        environment = {
            "HOME": str(self._folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION", "NO_PROXY": "127.0.0.1",
        }  # fmt: skip
        return Command(arguments, self.port, "/health/liveliness", self._folder, environment)

    def _model(self, name: str, path: str) -> dict[str, object]:
        base = f"http://127.0.0.1:{self._upstream}{path}"
        return {
            "model_name": name,
            "litellm_params": {"model": f"anthropic/{name}", "api_base": base, "api_key": PROVIDER_KEY},
        }


class ClaudeCodeRouter(Contender):
    """claude-code-router 2, passing Anthropic's wire through."""

    name = "CCR"
    note = (
        f"claude-code-router {installing.ROUTER}: one process (there is no setting for more); transformer Anthropic,"
        " which passes bodies on as they are; client key; no log; no ledger, no budgets"
    )

    def command(self) -> Command:
        """Its configuration is read from a home of its own."""
        home = self._folder / ".claude-code-router"
        home.mkdir(exist_ok=True)
        config = {
            "HOST": "127.0.0.1", "PORT": self.port, "APIKEY": CLIENT_KEY, "LOG": False, "API_TIMEOUT_MS": 600_000,
            "Providers": [self._provider("mock", SONNET, ""), self._provider("paced", HAIKU, PACED)],
            "Router": {"default": f"mock,{SONNET}", "background": f"paced,{HAIKU}"},
        }  # fmt: skip
        (home / "config.json").write_text(json.dumps(config))
        environment = {"HOME": str(self._folder), "NO_PROXY": "127.0.0.1"}
        command = [*installing.claude_code_router(), "start"]
        return Command(command, self.port, "/health", self._folder, environment)

    def _provider(self, name: str, model: str, path: str) -> dict[str, object]:
        return {
            "name": name,
            "api_base_url": f"http://127.0.0.1:{self._upstream}{path}/v1/messages",
            "api_key": PROVIDER_KEY,
            "models": [model],
            "transformer": {"use": ["Anthropic"]},
        }


class Direct(Contender):
    """The mock upstream itself: what is left when nothing is between."""

    name = "direct"
    note = "the mock upstream itself, nothing between: what the load generator and it are able to"
    transparent = True

    def __init__(self, folder: Path) -> None:
        super().__init__(0, folder)

    def address(self, kind: Kind) -> Address:
        """The path chooses the pace."""
        return Address(self.port, PACED if kind == "paced" else "")

    def credentials(self) -> list[str]:
        """The provider's own."""
        return [PROVIDER_KEY] * CREDENTIALS

    def command(self) -> Command:
        """The mock is a module without dependencies but for its event loop."""
        python = str(installing.python_with_uvloop())
        arguments = [python, "-m", "bench.gateway_bench.mock", str(self.port)]
        return Command(arguments, self.port, "/seen", ROOT)
