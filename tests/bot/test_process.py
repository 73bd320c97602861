"""The bot as a process, between not-telegram and a real broker; the orchestrator is played."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests

from sim.not_telegram.person import Person
from stack import topology
from stack.broker import Consumer, Publisher
from stack.ids import task_id
from stack.messages import Answer, AnyMessage, Ending, Notification, Progress, Question, Request, StartReview
from tests.bot.conftest import ROOT
from tests.bot.fakes import TOKEN

SECONDS = 20.0  # how long anything may take on a busy machine
REVIEW = "/review acme/shop 12 ask"
DONE = Ending(state="verified", headline="acme/shop#12 reviewed: <none>", seconds=65)
MAY_I = Question(question="post", text="Post it?", choices=("Post", "Discard"))


class Broker(Protocol):
    """A running RabbitMQ with our definitions."""

    def url(self, user: str) -> str: ...


class Orchestrator:
    """Takes requests, and says what the test wants."""

    def __init__(self, url: str) -> None:
        self.publisher = Publisher(url, "orchestrator")
        self._consumer = Consumer(url, topology.REQUESTS, self._take, publisher=self.publisher)
        self._requests: list[Request] = []
        self._came = threading.Condition()

    def _take(self, message: AnyMessage) -> None:
        assert isinstance(message, Request)
        with self._came:
            self._requests.append(message)
            self._came.notify_all()

    def wait_for(self, kind: type[Any]) -> Request:
        """The last request of this kind."""

        def last() -> Request | None:
            return next((request for request in reversed(self._requests) if isinstance(request.ask, kind)), None)

        with self._came:
            assert self._came.wait_for(last, SECONDS), f"no {kind.__name__}"
            found = last()
        assert found is not None
        return found

    def notify(self, request: Request, what: str, content: Ending | Question, *, times: int = 1) -> None:
        assert request.chat is not None
        name = task_id(request.id, what)
        for _ in range(times):
            self.publisher.publish(Notification(id=name, run_id=request.id, chat=request.chat, content=content))

    def start(self) -> None:
        self.publisher.start()
        self._consumer.start()

    def stop(self) -> None:
        self._consumer.stop()
        self.publisher.stop()


class BotProcess:
    """`python -m bot`, which can be ended in several ways and started again."""

    def __init__(
        self, folder: Path, broker_url: str, telegram_url: str, users: tuple[int, ...], token: str = TOKEN
    ) -> None:
        self._folder = folder
        self.log = folder / "bot.log"
        self._settings = {
            "PATH": os.environ["PATH"],
            "BROKER_URL": broker_url,
            "TELEGRAM_BOT_TOKEN": token,
            "TELEGRAM_API_URL": telegram_url,
            "ALLOWED_USERS": ",".join(map(str, users)),
            "ORCHESTRATOR_URL": "http://127.0.0.1:9",
            "API_TOKEN": "not-a-token",
            "DATA_DIR": str(folder),
            "HEARTBEAT_FILE": str(folder / "heartbeat"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            command = [sys.executable, "-m", "bot"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._settings, stderr=log)

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
        query = "SELECT (SELECT count(*) FROM notifications WHERE state = 'sending') + "
        query += "(SELECT count(*) FROM runs WHERE message_id IS NULL)"
        with closing(sqlite3.connect(self._folder / "bot.sqlite")) as memory:
            while memory.execute(query).fetchone()[0]:
                time.sleep(0.01)
        self.kill()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(SECONDS)


@pytest.fixture(scope="module")
def orchestrator(broker: Broker) -> Iterator[Orchestrator]:
    made = Orchestrator(broker.url("orchestrator"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ada(not_telegram: str, request: pytest.FixtureRequest) -> Person:
    return Person(not_telegram, 1_000 + sum(map(ord, request.node.name)))


@pytest.fixture
def bot(tmp_path: Path, broker: Broker, not_telegram: str, ada: Person) -> Iterator[BotProcess]:
    made = BotProcess(tmp_path, broker.url("bot"), not_telegram, (ada.user_id,))
    made.start()
    yield made
    made.kill()


def has(*parts: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: all(part in message.get("text", "") for part in parts)


def count(person: Person, text: str) -> int:
    """How many messages the bot sent with this text in them; edits do not count."""
    sent = [event["message"] for event in person.events() if event["kind"] == "sent" and event["who"] == "bot"]
    return sum(text in message["text"] for message in sent)


def test_a_review_from_command_to_final_message(bot: BotProcess, orchestrator: Orchestrator, ada: Person) -> None:
    command = ada.say(REVIEW)
    request = orchestrator.wait_for(StartReview)
    ada.wait_for(has("Review of acme/shop#12", "queued"), SECONDS)
    step = Progress(run_id=request.id, source="test", kind="step", text="reading <b>")
    orchestrator.publisher.mention(step)
    ada.wait_for(has("… reading <b>"), SECONDS)
    orchestrator.notify(request, "ask", MAY_I, times=2)
    question = ada.wait_for(has("Post it?"), SECONDS)
    ada.press(question, "Post")
    answer = orchestrator.wait_for(Answer).ask
    assert isinstance(answer, Answer)
    assert answer.choice == "Post"
    ada.wait_for(has("Post it?", "Ada chose Post"), SECONDS)
    orchestrator.notify(request, "ending", DONE, times=3)
    final = ada.wait_for(has("reviewed: <none>"), SECONDS)
    assert final["reply_to_message"]["message_id"] == command["message_id"]
    progress = ada.wait_for(has("Review of acme/shop#12 — verified"), SECONDS)
    assert "reply_markup" not in progress
    assert bot.terminate() == 0
    assert (count(ada, "Post it?"), count(ada, "reviewed: <none>"), count(ada, "queued")) == (1, 1, 1)
    assert TOKEN not in bot.log.read_text()


def test_killed_between_all_steps_it_loses_and_repeats_nothing(
    bot: BotProcess, orchestrator: Orchestrator, ada: Person
) -> None:
    bot.kill()
    ada.say(REVIEW)
    bot.start()
    ada.wait_for(has("queued"), SECONDS)
    bot.kill_at_rest()
    request = orchestrator.wait_for(StartReview)
    orchestrator.notify(request, "ask", MAY_I)
    bot.start()
    question = ada.wait_for(has("Post it?"), SECONDS)
    bot.kill_at_rest()
    ada.press(question, "Discard")
    bot.start()
    ada.wait_for(has("chose Discard"), SECONDS)
    bot.kill_at_rest()
    orchestrator.notify(request, "ending", DONE)
    bot.start()
    ada.wait_for(has("— verified"), SECONDS)
    assert bot.terminate() == 0
    assert [count(ada, text) for text in ("queued", "Post it?", "reviewed: <none>")] == [1, 1, 1]
    assert orchestrator.wait_for(StartReview).id == request.id


@pytest.mark.parametrize("fault", [{"status": 429, "retry_after": 1}, {"status": 502, "description": "Bad Gateway"}])
def test_a_final_message_outlives_a_fault_of_telegram(
    bot: BotProcess, orchestrator: Orchestrator, ada: Person, not_telegram: str, fault: dict[str, Any]
) -> None:
    ada.say(REVIEW)
    ada.wait_for(has("queued"), SECONDS)
    request = orchestrator.wait_for(StartReview)
    answer = requests.post(f"{not_telegram}/_sim/faults", json={"method": "sendMessage", **fault}, timeout=SECONDS)
    assert answer.ok
    orchestrator.notify(request, "ending", DONE)
    ada.wait_for(has("— verified"), SECONDS)
    assert count(ada, "reviewed: <none>") == 1


def test_without_telegram_it_still_stops_when_told(tmp_path: Path, broker: Broker) -> None:
    bot = BotProcess(tmp_path, broker.url("bot"), "http://127.0.0.1:9", (1,))
    bot.start()
    deadline = time.monotonic() + SECONDS
    while "Telegram is away" not in bot.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert bot.terminate() == 0


def test_a_token_that_telegram_does_not_know_ends_the_process(
    tmp_path: Path, broker: Broker, not_telegram: str
) -> None:
    bot = BotProcess(tmp_path, broker.url("bot"), not_telegram, (1,), token="999999:not-a-token-either")
    bot.start()
    assert bot.wait() == 1
    assert "does not know this TELEGRAM_BOT_TOKEN" in bot.log.read_text()
