"""The Bot API over HTTP: /bot<TOKEN>/<method>."""

import hmac
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, request

from sim.not_telegram.faults import Faults, RateLimit
from sim.not_telegram.methods import COUNTED, METHODS, WAITING
from sim.not_telegram.parameters import Parameters
from sim.not_telegram.refusals import Refusal
from sim.not_telegram.telegram import Telegram

REQUESTS_KEPT = 10_000

Answer = tuple[dict[str, Any], int]


@dataclass
class BotApi:
    telegram: Telegram
    rate_limit: RateLimit | None
    faults: Faults = field(default_factory=Faults)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))

    def answer(self, token: str, method: str) -> Answer:
        """What the bot gets; also written down for `/_sim/requests`."""
        at = time.time()
        try:
            self._check_token(token)
            body, status = {"ok": True, "result": self._result(method)}, 200
        except Refusal as refusal:
            body, status = refusal.answer(), refusal.status
        self.requests.append({"method": method, "at": at, "status": status})
        return body, status

    def _check_token(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self.telegram.token.encode()):
            raise Refusal(401, "Unauthorized")

    def _result(self, method: str) -> Any:
        if method not in METHODS:
            raise Refusal(404, "Not Found: method not found")
        parameters = Parameters.of(request)
        if self.rate_limit and method in COUNTED:
            self.rate_limit.count(parameters.text("chat_id"))
        return self.faults.call(method, lambda: self._effect(method, parameters))

    def _effect(self, method: str, parameters: Parameters) -> Any:
        if method in WAITING:
            return METHODS[method](self.telegram, parameters)
        with self.telegram.store.change():
            return METHODS[method](self.telegram, parameters)


def blueprint(api: BotApi) -> Blueprint:
    routes = Blueprint("bot_api", __name__)

    @routes.route("/bot<token>/<method>", methods=["GET", "POST"])
    def call(token: str, method: str) -> Answer:
        return api.answer(token, method)

    return routes
