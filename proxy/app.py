"""The proxy as a Flask application; it is handed its adapters."""

from collections.abc import Mapping

from flask import Flask

from proxy import errors, reports
from proxy.calls import Calls
from proxy.ledger import Ledger
from proxy.settings import TierName
from proxy.upstream import Upstream

MAX_BODY_BYTES = 32 * 1024 * 1024  # Anthropic's limit


def create_app(*, upstreams: Mapping[TierName, Upstream], ledger: Ledger, token_key: str, read_token: str) -> Flask:
    """The application. It needs gunicorn's gevent worker, whose socket tells when a caller hangs up."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_blueprint(Calls(upstreams=upstreams, ledger=ledger, token_key=token_key).blueprint())
    app.register_blueprint(reports.blueprint(ledger=ledger, read_token=read_token))
    errors.register(app)
    return app
