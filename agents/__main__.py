"""`python -m agents`: builds an agent of one role from the environment and runs it until it is stopped."""

import importlib
import importlib.util
import os
import socket
from pathlib import Path
from uuid import uuid4

from agents.cache import Cache
from agents.claude import Claude
from agents.role import Role
from agents.runner import Runner
from agents.sandbox import make_slots, private_folder, reachable_claude, reachable_folder
from agents.settings import AgentSettings
from stack import logs, topology
from stack.api import OrchestratorApi
from stack.broker import Consumer, Listener, Publisher, share_run_records
from stack.errors import GiveUp
from stack.ids import dashed
from stack.service import run_until_stopped

# What the processes that this one starts may see of its environment; secrets came in as files or are gone by now.
KEPT = ("PATH", "LANG", "LC_ALL", "TZ")


def main(settings: AgentSettings) -> None:
    """Runs the agent."""
    _forget_environment()
    role, broker = load_role(settings.agent_role), settings.broker_url.get_secret_value()
    name = settings.service_name or socket.gethostname()
    user = dashed(role.name)
    publisher = Publisher(broker, user)
    redact = logs.set_up(user, level=settings.log_level, secrets=settings.secrets())
    share_run_records(publisher, user, redact)
    folder = reachable_folder(settings.data_dir)
    runner = Runner(
        role,
        slots=make_slots(folder / "slots", count=settings.agent_slots, first_uid=settings.agent_slot_uid),
        caches=Cache(private_folder(folder / "cache"), forge_url=settings.forge_url),
        claude=Claude(reachable_claude(settings.claude_cli or bundled_claude(), folder), settings.proxy_url),
        api=OrchestratorApi(settings.orchestrator_url, settings.api_token.get_secret_value()),
        publisher=publisher,
        holder=name,
        instance=str(uuid4()),
        silence_seconds=settings.agent_silence_seconds,
    )
    run_until_stopped(
        publisher,
        Listener(broker, user, topology.SIGNALS, "task.*", runner.hear),
        Consumer(
            broker,
            topology.agent_queue(role.name),
            runner.take,
            publisher=publisher,
            workers=settings.agent_slots,
            heartbeat_file=settings.heartbeat_file,
        ),
    )


def load_role(name: str) -> Role:
    """The role in the folder `name` beside this file. Raises SystemExit where there is none."""
    if name not in topology.AGENT_ROLES:
        raise SystemExit(f"AGENT_ROLE: there is no role {name}; there are {', '.join(topology.AGENT_ROLES)}")
    role = importlib.import_module(f"agents.{name}").ROLE
    assert isinstance(role, Role)  # noqa: S101 - held by a test
    return role


def bundled_claude() -> Path:
    """The Claude Code that claude-agent-sdk brings, found without importing it."""
    found = importlib.util.find_spec("claude_agent_sdk")
    if found is None or found.origin is None:
        raise GiveUp("claude-agent-sdk is not installed")
    return Path(found.origin).parent / "_bundled" / "claude"


def _forget_environment() -> None:
    """The SDK hands all of its environment on to Claude Code: so there must be nothing in it."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)


if __name__ == "__main__":
    try:
        main(AgentSettings.load())
    except GiveUp as error:
        raise SystemExit(str(error)) from None
