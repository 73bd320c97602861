"""`python -m orchestrator`: builds the orchestrator from the environment and runs it until it is stopped."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from dbos import DBOS, DBOSConfig

from orchestrator.api import create_app
from orchestrator.costs import ProxyLedger
from orchestrator.events import Events
from orchestrator.leases import Leases, Limits
from orchestrator.outbox import Outbox
from orchestrator.reaper import LOOK_SECONDS, Reaper
from orchestrator.results import Results
from orchestrator.runs import Runs
from orchestrator.settings import OrchestratorSettings
from orchestrator.steps import Steps
from orchestrator.store import open_store, sqlite_url
from orchestrator.waiters import Waiters
from orchestrator.workflows import register
from stack import logs, topology
from stack.broker import Consumer, Listener, Publisher, share_run_records
from stack.service import Every, run_until_stopped
from stack.web import WebServer

# Pinned: a run that was started by an older version of the workflows is recovered by this one. A workflow that changes
# the order of its steps gets a new name.
WORKFLOWS_VERSION = "1"
MEND_SECONDS = 60.0  # between looks for runs whose workflow is gone


def main(settings: OrchestratorSettings, *, make_steps: Callable[..., Steps] = Steps) -> None:
    """Runs the orchestrator. `make_steps` is for tests that stop it inside a step."""
    broker = settings.broker_url.get_secret_value()
    publisher = Publisher(broker, "orchestrator")
    redact = logs.set_up("orchestrator", level=settings.log_level, secrets=settings.secrets())
    share_run_records(publisher, "orchestrator", redact)
    sessions = open_store(settings.database_url or sqlite_url(settings.data_dir, "orchestrator.sqlite"))
    waiters = Waiters()
    results, outbox = Results(sessions, waiters), Outbox(sessions, publisher)
    costs = ProxyLedger(settings.proxy_url, settings.proxy_read_token.get_secret_value())
    _set_up_dbos(settings)
    steps = make_steps(sessions, outbox=outbox, publisher=publisher, results=results, waiters=waiters, costs=costs)
    workflows = register(steps)
    runs = Runs(sessions, workflows=workflows, outbox=outbox, publisher=publisher, waiters=waiters)
    events = Events(sessions)
    leases = Leases(
        sessions,
        results=results,
        model_key=settings.model_token_key.get_secret_value(),
        forge_key=settings.forge_token_key.get_secret_value(),
        limits=Limits(budget_usd=settings.task_budget_usd, seconds=settings.task_minutes * 60),
    )
    api = create_app(runs=runs, leases=leases, tokens=_callers(settings))

    run_until_stopped(
        publisher,
        events,
        Listener(broker, "orchestrator", topology.PROGRESS, "#", events.hear),
        Workflows(),
        outbox,
        Every(LOOK_SECONDS, Reaper(sessions, outbox=outbox, results=results).look),
        Every(MEND_SECONDS, lambda: runs.mend(steps.abandon)),
        WebServer(api, host=settings.orchestrator_host, port=settings.orchestrator_port),
        Consumer(broker, topology.RESULTS, results.receive, publisher=publisher, workers=4, trusts=results.trusts),
        Consumer(
            broker,
            topology.REQUESTS,
            runs.take,
            publisher=publisher,
            workers=4,
            heartbeat_file=settings.heartbeat_file,
        ),
    )
    # Workflows that wait for an agent or a person hold a thread each, which nothing would ever end.
    os._exit(0)


class Workflows:
    """DBOS as a part of the service: its start takes up every run that was under way."""

    def start(self) -> None:
        """Recovers what was under way."""
        DBOS.launch()

    def stop(self) -> None:
        """Leaves the waiting runs to the next process."""


def _set_up_dbos(settings: OrchestratorSettings) -> None:
    url = settings.database_url or sqlite_url(settings.data_dir, "workflows.sqlite")
    if url.startswith("sqlite:///"):
        with sqlite3.connect(Path(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")  # stays with the file; halves the cost of a checkpoint
    config: DBOSConfig = {
        "name": "claude-stack",
        "system_database_url": url,
        "application_version": WORKFLOWS_VERSION,
        "executor_id": "orchestrator",
        "enable_otlp": False,
        "log_level": "WARNING",
    }
    DBOS(config=config)


def _callers(settings: OrchestratorSettings) -> dict[str, str]:
    return {
        "bot": settings.api_token_bot.get_secret_value(),
        "agent": settings.api_token_agent.get_secret_value(),
        "cli": settings.api_token_cli.get_secret_value(),
    }


if __name__ == "__main__":
    main(OrchestratorSettings.load())
