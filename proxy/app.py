"""The gateway as a Flask application, with what answers model calls beside it. It is handed its adapters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from proxy import dashboard, errors, status
from proxy.calls import Calls
from proxy.dashboard.view import SetUpView
from proxy.dispatch import Providers
from proxy.door import Door
from proxy.gateway import Gateway
from proxy.incoming import MAX_BODY_BYTES
from proxy.ledger.ledger import Ledger
from proxy.ledger.reports import Reports
from proxy.messages import Messages
from proxy.metrics import Metrics
from stack.proof import Prover
from stack.secret import Secret
from stack.tokens import Claims


@dataclass(frozen=True, slots=True)
class Adapters:
    """What the application is made of. `off_loop` runs what takes long, so that calls need not wait for it; `check`
    raises Refused where a task has ended."""

    gateway: Callable[[], Gateway]
    set_up: Callable[[], SetUpView]
    ledger: Ledger
    reports: Reports
    providers: Providers
    off_loop: Callable[[Callable[[], Any]], Any]
    check: Callable[[Claims], None]


@dataclass(slots=True)
class Life:
    """Of a worker. `ending`: it was told to stop; what would go on for long ends by itself."""

    ending: bool = False


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens it: the key of tasks' tokens, the token of who reads usage and metrics, the dashboard's password; and
    what it proves to its callers that it is the proxy with."""

    token_key: Secret
    read_token: Secret
    dashboard_password: str
    prover: Prover = field(default_factory=lambda: Prover("proxy", tuple))


def create_app(adapters: Adapters, secrets: Secrets) -> Flask:
    """The application; `proxy.worker` serves it, and answers POST /v1/messages with its extension `messages`."""
    life, metrics = Life(), Metrics(adapters.reports)
    door = Door(secrets.token_key, adapters.ledger, adapters.check)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    calls = Calls(gateway=adapters.gateway, door=door, ledger=adapters.ledger, providers=adapters.providers)
    app.register_blueprint(calls.blueprint())
    app.register_blueprint(
        status.blueprint(
            adapters.ledger,
            lambda: metrics.text(adapters.set_up().providers),
            secrets.read_token,
            off_loop=adapters.off_loop,
        )
    )
    app.register_blueprint(
        dashboard.blueprint(
            adapters.reports, adapters.set_up, secrets.dashboard_password,
            cookie_key=secrets.read_token, off_loop=adapters.off_loop, stopping=lambda: life.ending,
        )
    )  # fmt: skip
    errors.register(app)
    app.extensions["messages"] = Messages(
        gateway=adapters.gateway, door=door, ledger=adapters.ledger, providers=adapters.providers
    )
    app.extensions["life"] = life
    app.extensions["prover"] = secrets.prover
    return app
