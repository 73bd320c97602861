"""The web application: the Bot API, the control of the simulator, and the page to chat on."""

import logging
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from sim.not_telegram import bot_api, control
from sim.not_telegram.bot_api import BotApi
from sim.not_telegram.faults import RateLimit
from sim.not_telegram.refusals import Refusal
from sim.not_telegram.store import Store
from sim.not_telegram.telegram import Telegram

LARGEST_REQUEST = 50 << 20  # bytes: Telegram takes 50 MB with all that is around the file, and answers 413 to more
PAGE_MAY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

log = logging.getLogger(__name__)


def create_app(*, store: Store, token: str, rate_limit: bool) -> Flask:
    app = Flask(__name__, static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    api = BotApi(Telegram(store=store, token=token), RateLimit() if rate_limit else None)
    app.register_blueprint(bot_api.blueprint(api))
    app.register_blueprint(control.blueprint(api))
    app.add_url_rule("/", view_func=lambda: app.send_static_file("index.html"), endpoint="page")
    app.register_error_handler(Refusal, lambda refusal: (refusal.answer(), refusal.status))
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_protected)
    return app


def _unexpected(error: Exception) -> tuple[dict[str, Any], int]:
    """Telegram's kind of error; the log names no address, as those hold the bot's token."""
    if isinstance(error, HTTPException):
        refusal = Refusal(error.code or 500, error.name)
    else:
        log.error("a request failed", exc_info=error)
        refusal = Refusal(500, "Internal Server Error")
    return refusal.answer(), refusal.status


def _protected(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = PAGE_MAY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
