"""The Bot API over HTTP: /bot<TOKEN>/<method>, and downloads at /file/bot<TOKEN>/<path>."""

import hmac
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, request

from sim.not_telegram.faults import Faults, RateLimit
from sim.not_telegram.methods import COUNTED, METHODS, WAITING
from sim.not_telegram.parameters import Parameters
from sim.not_telegram.refusals import Refusal
from sim.not_telegram.telegram import Telegram

REQUESTS_KEPT = 10_000

DOWNLOAD = "download"  # what a download is called among the methods, in faults and in the list of calls

Answer = tuple[dict[str, Any] | Response, int]


@dataclass
class BotApi:
    telegram: Telegram
    rate_limit: RateLimit | None
    faults: Faults = field(default_factory=Faults)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))

    def answer(self, token: str, method: str) -> Answer:
        """What the bot gets; also written down for `/_sim/requests`."""
        return self._noted(method, lambda: {"ok": True, "result": self._result(token, method)})

    def download(self, token: str, path: str) -> Answer:
        """The file at a path that getFile told, and nothing else; also written down."""
        return self._noted(DOWNLOAD, lambda: self.faults.call(DOWNLOAD, lambda: self._file(token, path)))

    def _noted(self, method: str, act: Callable[[], dict[str, Any] | Response]) -> Answer:
        at = time.time()
        answer: Answer
        try:
            answer = act(), 200
        except Refusal as refusal:
            answer = refusal.answer(), refusal.status
        self.requests.append({"method": method, "at": at, "status": answer[1]})
        return answer

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.telegram.token.encode())

    def _result(self, token: str, method: str) -> Any:
        if not self._knows(token):
            raise Refusal(401, "Unauthorized")
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

    def _file(self, token: str, path: str) -> Response:
        content = self.telegram.store.offered_file(path) if self._knows(token) else None
        if content is None:
            raise Refusal(404, "Not Found")
        return Response(content, mimetype="application/octet-stream")


def blueprint(api: BotApi) -> Blueprint:
    routes = Blueprint("bot_api", __name__)

    @routes.route("/bot<token>/<method>", methods=["GET", "POST"])
    def call(token: str, method: str) -> Answer:
        return api.answer(token, method)

    @routes.get("/file/bot<token>/<path:path>")
    def download(token: str, path: str) -> Answer:
        return api.download(token, path)

    return routes
