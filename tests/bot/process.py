"""The bot as a process, and an orchestrator that is played: over a real broker, and over HTTP."""

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import Flask, request

from native.rabbitmq import free_port
from stack import topology
from stack.broker import Consumer, Publisher
from stack.ids import task_id
from stack.messages import AnyMessage, Attachment, Ending, Notification, Question, Request
from stack.proof import Prover
from stack.web import WebServer
from tests.bot.conftest import ROOT
from tests.bot.fakes import ID_KEY, TOKEN, summary

SECONDS = 20.0  # how long anything may take on a busy machine
HOST = "127.0.0.1"
API_TOKEN = "not-a-token"
PROVER = Prover("orchestrator", lambda: [API_TOKEN])


class Orchestrator:
    """Takes requests, and says what the test wants. Its API keeps files, and knows of one run.

    Requests of others than `people` are those of a test before, which came late.
    """

    def __init__(self, url: str) -> None:
        self.publisher = Publisher(url, "orchestrator")
        self._consumer = Consumer(url, topology.REQUESTS, self._take, publisher=self.publisher)
        self._requests: list[Request] = []
        self.people: set[str] = set()
        self._came = threading.Condition()
        self.files: dict[str, bytes] = {}
        port = free_port()
        self.address = f"http://{HOST}:{port}"
        self._web = WebServer(self._api(), host=HOST, port=port, room=lambda *_: 64 << 20, prover=PROVER)

    def _api(self) -> Flask:
        app = Flask(__name__)

        @app.post("/files")
        def keep() -> dict[str, Any]:
            return self.add_file(request.args["name"], request.get_data()).model_dump()

        @app.get("/files/<file_id>")
        def file(file_id: str) -> bytes:
            return self.files[file_id]

        @app.get("/runs")
        def runs() -> dict[str, Any]:
            return {"runs": [summary(state="queued", place=2).model_dump(mode="json")]}

        return app

    def add_file(self, name: str, content: bytes) -> Attachment:
        digest = hashlib.sha256(content).hexdigest()
        self.files[digest] = content
        return Attachment(id=digest, name=name, size=len(content))

    def _take(self, message: AnyMessage) -> None:
        assert isinstance(message, Request)
        with self._came:
            self._requests.append(message)
            self._came.notify_all()

    def wait_for(self, kind: type[Any]) -> Request:
        """The last request of this kind, by one of `people`."""

        def last() -> Request | None:
            theirs = (request for request in reversed(self._requests) if request.person.id in self.people)
            return next((request for request in theirs if isinstance(request.ask, kind)), None)

        with self._came:
            assert self._came.wait_for(last, SECONDS), f"no {kind.__name__}"
            found = last()
        assert found is not None
        return found

    def ids(self, kind: type[Any]) -> set[object]:
        """Those of all requests of this kind."""
        return {request.id for request in self._requests if isinstance(request.ask, kind)}

    def notify(self, request: Request, what: str, content: Ending | Question, *, times: int = 1) -> None:
        told = Notification(
            id=task_id(request.id, what),
            run_id=request.id,
            person=request.person.id,
            chat=request.chat,
            title="Review of acme/shop#12",
            content=content,
        )
        for _ in range(times):
            self.publisher.publish(told)

    def start(self) -> None:
        self.publisher.start()
        self._consumer.start()
        self._web.start()

    def stop(self) -> None:
        self._consumer.stop()
        self.publisher.stop()
        self._web.stop()


class BotProcess:
    """`python -m bot`, which can be ended in several ways and started again."""

    def __init__(
        self, folder: Path, broker_url: str, telegram_url: str, *, token: str = TOKEN, **settings: str
    ) -> None:
        self._folder = folder
        self.log = folder / "bot.log"
        self._settings = {
            "PATH": os.environ["PATH"],
            "BROKER_URL": broker_url,
            "TELEGRAM_BOT_TOKEN": token,
            "TELEGRAM_API_URL": telegram_url,
            "ORCHESTRATOR_URL": "http://127.0.0.1:9",
            "API_TOKEN": API_TOKEN,
            "REQUEST_ID_KEY": ID_KEY,
            "DATA_DIR": str(folder),
            "HEARTBEAT_FILE": str(folder / "heartbeat"),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        with self.log.open("a") as log:
            command = [sys.executable, "-m", "bot"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._settings | settings, stderr=log)

    def terminate(self) -> int:
        """Asks it to stop; returns its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self._process is not None
        return self._process.wait(SECONDS)

    def kill_at_rest(self) -> None:
        """Kills it once what it sent is written down; a crash before that is played in test_delivery."""
        query = "SELECT (SELECT count(*) FROM deliveries WHERE state = 'sending') + "
        query += "(SELECT count(*) FROM runs WHERE message_id IS NULL)"
        with closing(sqlite3.connect(self._folder / "bot.sqlite")) as memory:
            while memory.execute(query).fetchone()[0]:
                time.sleep(0.01)
        self.kill()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(SECONDS)
