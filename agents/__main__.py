"""`python -m agents`: builds an agent of one role from the environment and runs it until it is stopped."""

import importlib
import importlib.util
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.cache import Cache
from agents.claude import Claude
from agents.claude.options import require_start
from agents.claude.transcripts import Transcripts
from agents.role import Setup
from agents.runner import Runner
from agents.sandbox.container import require_boundary
from agents.sandbox.folders import private_folder, reachable_claude, reachable_folder, start_only
from agents.sandbox.pool import Slots
from agents.sandbox.slot import make_slots
from agents.sandbox.workspace import Workspaces
from agents.settings import AgentSettings
from stack import logs, topology
from stack.api import TasksApi
from stack.broker import Consumer, Listener, Publisher, share_run_records
from stack.errors import GiveUp
from stack.ids import dashed
from stack.roles import AGENTS
from stack.service import Every, run_until_stopped
from stack.uids import block_of
from stack.work.kinds import Brief
from stack.worker import Worker

# What the processes that this one starts may see of its environment; secrets came in as files or are gone by now.
KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
TIDY_SECONDS = 3600.0


def main(settings: AgentSettings) -> None:
    """Runs the agent."""
    _forget_environment()
    role, broker = settings.agent_role, settings.secret("broker_url")
    table, user = load_role(role), dashed(role)
    publisher = Publisher(broker, user)
    redact = logs.set_up(user, level=settings.log_level, secrets=settings.secrets)
    share_run_records(publisher, redact)
    runner = make_runner(settings)
    runner.tidy()
    tasks = TasksApi(
        settings.orchestrator_url,
        settings.secret("api_token"),
        name=settings.service_name or socket.gethostname(),
    )
    does = {brief: runner.does(setup) for brief, setup in table.items()}
    worker = Worker(role, does, tasks=tasks, sender=publisher)
    run_until_stopped(
        publisher,
        Every(TIDY_SECONDS, runner.tidy),
        Listener(broker, user, topology.SIGNALS, "task.*", worker.hear),
        Consumer(
            broker,
            topology.work_queue(role),
            worker.take,
            publisher=publisher,
            workers=settings.agent_slots,
            heartbeat_file=settings.heartbeat_file,
            too_new=worker.too_new,
        ),
        worker,  # stopped first: it gives back what its consumer would wait for
    )


def make_runner(settings: AgentSettings) -> Runner:
    """The runner with its folders under DATA_DIR; what a slot's user has no business with is closed to it."""
    folder = reachable_folder(settings.data_dir)
    slots = make_slots(
        f"{folder}/slots",
        count=settings.agent_slots,
        first_uid=settings.agent_slot_uid or block_of(socket.gethostname()),
        proxy_url=settings.proxy_url,
        limits=settings.limits(),
        contained=settings.agent_contained,
        proof_key=settings.secret("proxy_proof_key"),
    )
    if settings.agent_contained:
        require_boundary(slots, [settings.broker_url.get_secret_value(), *settings.addresses()])
    for slot in slots:
        require_start(slot, folder)
    claude = reachable_claude(start_only(settings.claude_cli or bundled_claude(), ours=not settings.claude_cli), folder)
    return Runner(
        slots=Slots(slots),
        workspaces=Workspaces(reachable_folder(folder / "tasks")),
        caches=Cache(
            private_folder(folder / "cache"), forge_url=settings.forge_url, proof_key=settings.secret("forge_proof_key")
        ),
        transcripts=Transcripts(private_folder(folder / "transcripts"), keep_days=settings.agent_keep_days),
        claude=Claude(claude, settings.proxy_url, settings.agent_silence_seconds),
    )


def load_role(name: str) -> Mapping[type[Brief[Any]], Setup]:
    """What the role in the folder `name` beside this file can do. Raises SystemExit where there is none."""
    if name not in AGENTS:
        raise SystemExit(f"AGENT_ROLE: there is no role {name}; there are {', '.join(AGENTS)}")
    table: Mapping[type[Brief[Any]], Setup] = importlib.import_module(f"agents.{name}").TABLE
    return table


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
