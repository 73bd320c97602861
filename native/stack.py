"""The whole stack on this machine: a private broker, a process per service, and simulators where they are wanted."""

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from native.ports import Ports
from native.processes import ROOT, Process, start_all, stop_all
from native.rabbitmq import RabbitMQ
from native.users import Users, private_place
from stack.ids import dashed
from stack.init import make_secrets
from stack.roles import AGENTS
from stack.secret import SecretFile, newest

log = logging.getLogger(__name__)

NOT_APART = (
    "%s: all services run as one user. What takes one of them over has the secrets of all, and another user of this "
    "machine can take the port of one that is away. Without root a task runs as that user too: it can read and reach "
    "all of it. See docs/SECURITY.md"
)
SERVICES = ("proxy", "orchestrator", "forge", "bot")
SIMULATORS = ("not_github", "not_telegram", "not_anthropic")
PERSON = 1001  # who writes in the demo and in tests, and whom the chat page begins with
# Tokens of the simulators: whoever reads them here has nothing.
GITHUB_TOKEN = "not-a-github-token"  # noqa: S105
TELEGRAM_TOKEN = "123456:not-a-telegram-token"  # noqa: S105
ANTHROPIC_KEY = "not-an-anthropic-key"


class Stack:
    """A stack whose state and logs live in `folder`; a second start there goes on where the first one ended.

    `outside` has the settings that name the outside world (tokens and addresses); without it, the simulators are it.
    `agents` says how many there are of a role, where it is not one. `extra` adds settings by service.
    """

    def __init__(
        self,
        folder: Path,
        *,
        outside: Mapping[str, str] | None = None,
        agents: Mapping[str, int] | None = None,
        extra: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.users = Users(self.folder, ["rabbitmq", *SIMULATORS, *SERVICES])
        self.ports = Ports()
        self._extra = extra or {}
        self._outside = outside
        self.broker = RabbitMQ(
            self.folder / "rabbitmq",
            definitions=self.secrets / "rabbitmq/definitions.json",
            port=self.ports.broker,
            users=self.users,
        )
        self.simulators = {name: self._simulator(name) for name in SIMULATORS} if outside is None else {}
        scaled = [(name, role) for role in AGENTS for name in _names(role, (agents or {}).get(role, 1))]
        self._agents = [name for name, _ in scaled]
        self.services = {
            **{name: self._service(name) for name in SERVICES},
            **{name: self._agent(name, role, number) for number, (name, role) in enumerate(scaled)},
        }

    @property
    def secrets(self) -> Path:
        """Where the secrets inside the stack lie, a folder per service."""
        return self.folder / "secrets"

    def secret(self, service: str, name: str) -> str:
        """One of them, as it is now."""
        return newest(SecretFile(self.secrets / service / name))

    def start(self) -> None:
        """Starts everything, and returns when it can be used. Raises SystemExit with the log of what did not start."""
        if self.users.complaint:
            log.warning(NOT_APART, self.users.complaint)
        make_secrets(self.secrets, broker=f"127.0.0.1:{self.ports.broker}")
        self._close()
        for process in self.simulators.values():
            process.start()
        self.broker.start()
        for process in self.simulators.values():
            process.wait_until_ready()
        start_all(list(self.services.values()))

    def _close(self) -> None:
        """What a service keeps is nobody else's to read, whatever made it before; a slot only passes through."""
        self.users.give(self.folder / "logs", "")
        self.users.give(self.folder / "heartbeats", "")
        self.secrets.chmod(0o711)
        kept = [self.folder / name for name in ("rabbitmq", *SIMULATORS, *SERVICES)]
        for folder in (*kept, *self.secrets.iterdir()):
            self.users.give(folder, folder.name)

    def stop(self) -> None:
        """Ends everything that `start` began."""
        stop_all(list(self.services.values()))
        stop_all(list(self.simulators.values()))
        self.broker.stop()

    def _simulator(self, name: str) -> Process:
        secret = {
            "not_github": ["--token", GITHUB_TOKEN, "--data", str(self.folder / name)],
            "not_telegram": ["--token", TELEGRAM_TOKEN, "--data", str(self.folder / name)],
            "not_anthropic": ["--key", ANTHROPIC_KEY],
        }[name]
        port = getattr(self.ports, name)
        return Process(
            name=name.replace("_", "-"),
            arguments=[f"sim.{name}", "--port", str(port), *secret],
            log=self.folder / "logs" / f"{name}.log",
            ready_url=f"{self.ports.url(name)}/_sim/health",
            user=self.users.command(name),
        )

    def _service(self, name: str, *, module: str | None = None, settings: Mapping[str, str] | None = None) -> Process:
        heartbeat = self.folder / "heartbeats" / name if module else self.folder / name / "heartbeat"
        environment = {
            "SERVICE_NAME": name,
            "DATA_DIR": str(self.folder / name),
            "SECRETS_DIR": str(self.secrets / name),
            "HEARTBEAT_FILE": str(heartbeat),
            **self._addresses(),
            **self._outside_of(module or name),
            **(settings or {}),
            **self._extra.get(module or name, {}),
        }
        web = name == "proxy"
        return Process(
            name=name,
            arguments=[module or name],
            log=self.folder / "logs" / f"{name}.log",
            environment=environment,
            ready_url=f"{self.ports.url(name)}/healthz" if web else None,
            ready_file=None if web else heartbeat,
            user=self.users.command(name),
            umask=0o022 if module else 0o077,  # an agent's folders are for its slots, but for those that it closes
        )

    def _agent(self, name: str, role: str, number: int) -> Process:
        own = {
            "AGENT_ROLE": role,
            "AGENT_SLOT_UID": str(self.users.slots(number)),
            "DATA_DIR": str(reachable(self.folder) / name),
            "SECRETS_DIR": str(self.secrets / dashed(role)),
        }
        return self._service(name, module="agents", settings=own)

    def _addresses(self) -> dict[str, str]:
        ports = self.ports
        return {
            "ORCHESTRATOR_PORT": str(ports.orchestrator),
            "FORGE_PORT": str(ports.forge),
            "PROXY_PORT": str(ports.proxy),
            "ORCHESTRATOR_URL": ports.url("orchestrator"),
            "FORGE_URL": ports.url("forge"),
            "PROXY_URL": ports.url("proxy"),
        }

    def _outside_of(self, service: str) -> Mapping[str, str]:
        """The outside world as this service may know it: each secret goes to the one service that holds it."""
        known = self._outside if self._outside is not None else self._simulated()
        prefixes = {
            "agents": (
                "AGENT_CPUS",
                "AGENT_DISK_MB",
                "AGENT_KEEP_DAYS",
                "AGENT_MEMORY_MB",
                "AGENT_PROCESSES",
                "AGENT_SILENCE_SECONDS",
                "AGENT_SLOTS",
            ),
            "bot": ("TELEGRAM_", "ALLOWED_USERS", "ADMIN_USERS", "GITHUB_URL"),
            "forge": ("GITHUB_", "MAX_INLINE_COMMENTS"),
            "orchestrator": ("TASK_", "ROLE_LIMITS", "DATABASE_URL", "ASK_ABOVE_USD", "CHECK_FINDINGS"),
            "proxy": (
                "DASHBOARD_PASSWORD",
                "GATEWAY_FILE",
                "HAIKU_",
                "LEDGER_URL",
                "LIMIT_",
                "OPUS_",
                "PROXY_DEFAULT_TIER",
                "PROXY_WORKERS",
                "SONNET_",
            ),
        }
        return {k: v for k, v in known.items() if k.startswith(("LOG_LEVEL", *prefixes[service]))}

    def _simulated(self) -> dict[str, str]:
        return {
            "TELEGRAM_BOT_TOKEN": TELEGRAM_TOKEN,
            "TELEGRAM_API_URL": self.ports.url("not_telegram"),
            "ALLOWED_USERS": str(PERSON),
            "GITHUB_TOKEN": GITHUB_TOKEN,
            "GITHUB_API_URL": self.ports.url("not_github"),
            "GITHUB_URL": self.ports.url("not_github"),
            "SONNET_PROVIDER": "anthropic",
            "SONNET_PROVIDER_BASE_URL": self.ports.url("not_anthropic"),
            "SONNET_PROVIDER_API_KEY": ANTHROPIC_KEY,
        }


def _names(role: str, count: int) -> list[str]:
    """The names of the processes of a role: `pr-reviewer`, or `pr-reviewer-1` and so on."""
    name = dashed(role)
    return [name] if count == 1 else [f"{name}-{n}" for n in range(1, count + 1)]


def reachable(folder: Path) -> Path:
    """`folder`, or one outside that another user can enter where this one lies in a private place (such as /root)."""
    if os.geteuid() != 0 or private_place(folder) is None:
        return folder
    name = hashlib.sha256(f"{ROOT}{folder}".encode()).hexdigest()[:12]
    return Path("/var/lib/claude-stack") / name
