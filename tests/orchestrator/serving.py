"""A world's internal API, called as its callers do: in this process, or over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from native.rabbitmq import free_port
from orchestrator.api import create_app, room_for
from orchestrator.callers import VERBS, Callers
from stack.api import RunDetail, RunSummary
from stack.ids import task_id
from stack.proof import Prover
from stack.web import WebServer
from tests.orchestrator.played import World
from tests.orchestrator.samples import final

INSTANCE_KEY = "not-an-instance-key"
TOKENS = {caller: f"not-a-token-of-{caller}" for caller in (*VERBS, "scheduler")}
GOOD = {caller: (token,) for caller, token in TOKENS.items()}
START = {"ask": {"verb": "review", "repository": "acme/shop", "number": 12}}


class Api:
    """The API of a world with a run that waits for an answer, and one whose first task was sent."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.callers = Callers(lambda: GOOD, instance_key=INSTANCE_KEY)
        parts = {"runs": world.runs, "views": world.views, "tasks": world.tasks, "files": world.files}
        self.app: Flask = create_app(callers=self.callers, **parts)  # type: ignore[arg-type]
        self.http = self.app.test_client()
        self.waiting = world.start_waiting()
        self.run = world.start()
        self.task = task_id(self.run, "fetch")
        self.file = world.files.keep("a.txt", b"text").id

    def token(self, caller: str) -> str:
        """A caller's token; `an instance of forge` has the one that it got as it registered."""
        role = caller.removeprefix("an instance of ")
        return TOKENS[caller] if role == caller else self.callers.register(self.callers.of(TOKENS[role]), "one")

    def call(self, method: str, path: str, caller: str = "cli", **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token(caller)}", **more.pop("headers", {})}
        return self.http.open(path, method=method, headers=headers, **more)

    @cached_property
    def failed(self) -> UUID:
        """A run that failed at its first step."""
        run = self.world.start()
        self.world.bring(run, "fetch", final())
        return run

    def start(self, body: object = START, **headers: str) -> TestResponse:
        return self.call("POST", "/runs", json=body, headers=headers)

    def detail(self, run_id: UUID) -> RunDetail:
        return RunDetail.model_validate_json(self.call("GET", f"/runs/{run_id}").data)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Its address, over HTTP."""
        port = free_port()
        prover = Prover("orchestrator", self.callers.secrets)
        server = WebServer(self.app, host="127.0.0.1", port=port, room=room_for(self.callers), prover=prover)
        server.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.stop()


def summary(answer: TestResponse) -> RunSummary:
    """The run in an answer, as its client reads it."""
    assert answer.status_code in (200, 202), answer.text
    return RunSummary.model_validate_json(answer.data)
