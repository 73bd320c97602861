"""`python -m orchestrator`: builds the orchestrator from the environment and runs it until it is stopped."""

from collections.abc import Callable, Mapping

from orchestrator.api import create_app, room_for
from orchestrator.callers import Callers
from orchestrator.costs import ProxyLedger
from orchestrator.events import Events
from orchestrator.files import Files
from orchestrator.local import Local
from orchestrator.outbox import Outbox
from orchestrator.runs import Runs
from orchestrator.settings import OrchestratorSettings
from orchestrator.store import open_store, sqlite_url
from orchestrator.stories import SWEEP_SECONDS, Stories
from orchestrator.tasks import LOOK_SECONDS, Grants, Tasks
from orchestrator.transactions import Transactions
from orchestrator.views import Views
from stack import logs, topology
from stack.broker import Consumer, Listener, Publisher, share_run_records
from stack.proof import Prover
from stack.roles import TokenKind
from stack.secret import Secret
from stack.service import Every, run_until_stopped
from stack.web import WebServer

WORKERS = 4
PURGE_SECONDS = 3600.0


def main(settings: OrchestratorSettings, *, make_transactions: Callable[..., Transactions] = Transactions) -> None:
    """Runs the orchestrator. `make_transactions` is for tests that stop it inside one."""
    broker = settings.secret("broker_url")
    publisher = Publisher(broker, "orchestrator")
    redact = logs.set_up("orchestrator", level=settings.log_level, secrets=settings.secrets)
    share_run_records(publisher, redact)
    sessions = open_store(settings.database_url or sqlite_url(settings.data_dir, "orchestrator.sqlite"))
    outbox = Outbox(sessions, publisher)
    transactions = make_transactions(sessions, outbox)
    keys: Mapping[TokenKind, Secret] = {
        "model": settings.secret("model_token_key"),
        "forge": settings.secret("forge_token_key"),
    }
    grants = Grants(keys, settings.roles())
    tasks = Tasks(transactions, grants=grants)
    costs = ProxyLedger(settings.proxy_url, settings.secret("proxy_read_token"))
    local = Local(settings.policy())
    files = Files(settings.data_dir / "files")
    stories = Stories(transactions, tasks=tasks, costs=costs, local=local, files=files)
    transactions.go_on = stories.go_on
    runs = Runs(transactions, tasks=tasks, local=local)
    events = Events(sessions)
    callers = Callers(settings.callers, instance_key=settings.secret("instance_token_key"))
    api = create_app(runs=runs, views=Views(sessions, tasks=tasks), tasks=tasks, files=files, callers=callers)
    run_until_stopped(
        publisher,
        events,
        Listener(broker, "orchestrator", topology.PROGRESS, "#", events.hear),
        outbox,
        stories,
        Every(SWEEP_SECONDS, stories.sweep),
        Every(LOOK_SECONDS, tasks.look),
        Every(PURGE_SECONDS, events.purge),
        Every(PURGE_SECONDS, files.purge),
        WebServer(
            api,
            host=settings.orchestrator_host,
            port=settings.orchestrator_port,
            room=room_for(callers),
            prover=Prover("orchestrator", callers.secrets),
        ),
        Consumer(
            broker,
            topology.RESULTS,
            tasks.receive,
            publisher=publisher,
            workers=WORKERS,
            trusts=tasks.trusts,
            too_new=tasks.too_new,
        ),
        Consumer(
            broker,
            topology.REQUESTS,
            runs.take,
            publisher=publisher,
            workers=WORKERS,
            heartbeat_file=settings.heartbeat_file,
            trusts=runs.trusts,
            too_new=runs.too_new,
        ),
    )


if __name__ == "__main__":
    main(OrchestratorSettings.load())
