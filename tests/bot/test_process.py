"""The bot as a process, between not-telegram and a real broker; the orchestrator is played."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sim.not_telegram.person import Person
from stack import topology
from stack.ids import uuid7
from stack.messages import Ending, Progress, Question, encode
from stack.work.kinds import Answer, Steer
from stack.work.review import StartReview
from tests.bot.fakes import TOKEN, notification
from tests.bot.process import SECONDS, BotProcess, Orchestrator
from tests.stack.rabbit import Rabbit

REVIEW = "/review acme/shop 12 ask"
DONE = Ending(state="verified", headline="acme/shop#12 reviewed: <none>", seconds=65)
MAY_I = Question(question="post", text="Post it?", choices=("Post", "Discard"))
WHICH = Question(question="list", text="Which?", choices=("None",), free=True)
NOWHERE = "amqp://bot:x@127.0.0.1:9/%2F"


@pytest.fixture(scope="module")
def running_orchestrator(broker: Rabbit) -> Iterator[Orchestrator]:
    made = Orchestrator(broker.url("orchestrator"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ada(not_telegram: str, request: pytest.FixtureRequest) -> Person:
    return Person(not_telegram, 1_000 + sum(map(ord, request.node.name)))


@pytest.fixture
def eve(not_telegram: str, ada: Person) -> Person:
    """An admin."""
    return Person(not_telegram, ada.user_id + 1_000_000, "Eve")


@pytest.fixture
def orchestrator(running_orchestrator: Orchestrator, ada: Person, eve: Person) -> Orchestrator:
    running_orchestrator.people = {f"telegram:{person.user_id}" for person in (ada, eve)}
    return running_orchestrator


@pytest.fixture
def bot(
    tmp_path: Path, broker: Rabbit, orchestrator: Orchestrator, not_telegram: str, ada: Person, eve: Person
) -> Iterator[BotProcess]:
    made = BotProcess(
        tmp_path, broker.url("bot"), not_telegram, ORCHESTRATOR_URL=orchestrator.address,
        ALLOWED_USERS=str(ada.user_id), ADMIN_USERS=str(eve.user_id),
    )  # fmt: skip
    made.start()
    yield made
    made.kill()


def has(*parts: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: all(part in message.get("text", "") for part in parts)


def count(person: Person, text: str) -> int:
    """How many messages the bot sent with this text in them; edits do not count."""
    sent = [event["message"] for event in person.events() if event["kind"] == "sent" and event["who"] == "bot"]
    return sum(text in message.get("text", "") for message in sent)


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


def test_without_telegram_it_still_stops_when_told(tmp_path: Path, broker: Rabbit) -> None:
    bot = BotProcess(tmp_path, broker.url("bot"), "http://127.0.0.1:9", ALLOWED_USERS="1")
    bot.start()
    deadline = time.monotonic() + SECONDS
    while "Telegram is away" not in bot.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert bot.terminate() == 0


def test_a_token_that_telegram_does_not_know_ends_the_process(
    tmp_path: Path, broker: Rabbit, not_telegram: str
) -> None:
    bot = BotProcess(tmp_path, broker.url("bot"), not_telegram, token="999999:not-a-token-either")
    bot.start()
    assert bot.wait() == 1
    assert "does not know this TELEGRAM_BOT_TOKEN" in bot.log.read_text()


def test_what_was_asked_for_without_the_broker_runs_once_it_is_back(
    bot: BotProcess, orchestrator: Orchestrator, ada: Person
) -> None:
    bot.kill()
    bot.start(BROKER_URL=NOWHERE)
    ada.say("/review acme/shop 77")
    ada.wait_for(has("Accepted; it starts as soon as the message broker is back"), SECONDS)
    bot.kill_at_rest()
    bot.start()
    request = orchestrator.wait_for(StartReview)
    assert request.ask == StartReview(repository="acme/shop", number=77)
    ada.wait_for(has("Review of acme/shop#77", "queued"), SECONDS)
    orchestrator.notify(request, "ending", DONE)
    ada.wait_for(has("Review of acme/shop#77 — verified"), SECONDS)
    assert bot.terminate() == 0
    assert count(ada, "Review of acme/shop#77") == 1


def test_files_go_both_ways(bot: BotProcess, orchestrator: Orchestrator, ada: Person) -> None:
    sheet = bytes(range(256)) * 5000
    ada.say("/review acme/shop 55")
    request = orchestrator.wait_for(StartReview)
    assert request.ask == StartReview(repository="acme/shop", number=55)
    orchestrator.notify(request, "ask", WHICH)
    asked = ada.wait_for(has("Which?"), SECONDS)
    ada.send_document("todo list.csv", sheet, reply_to=asked["message_id"])
    answer = orchestrator.wait_for(Answer)
    (file,) = answer.files
    assert (file.name, orchestrator.files[file.id]) == ("todo list.csv", sheet)
    report = orchestrator.add_file("findings.md", "# Größe\n".encode() * 1000)
    large = report.model_copy(update={"name": "all.tar", "size": 60 << 20})
    for _ in range(2):
        orchestrator.notify(request, "ending", DONE.model_copy(update={"files": (report, large)}), times=2)
    ada.wait_for(has("all.tar has 60 MB, and Telegram takes less than 50 MB"), SECONDS)
    (document,) = [message for message in ada.messages() if message["who"] == "bot" and "document" in message]
    assert document["document"]["file_name"] == "findings.md"
    assert ada.read_document(document) == orchestrator.files[report.id]
    assert count(ada, "reviewed: <none>") == 1


def test_a_message_of_a_newer_version_is_told_and_put_aside(
    bot: BotProcess, orchestrator: Orchestrator, ada: Person, eve: Person, broker: Rabbit
) -> None:
    ada.say("/help")
    eve.say("/help")
    ada.wait_for(has("What I can do"), SECONDS)
    body = json.loads(encode(notification(uuid7(), DONE, chat_id=ada.user_id)))
    for newer in (body | {"version": 4, "mood": "good"}, body | {"version": 4, "id": str(uuid7()), "person": "clock"}):
        orchestrator.publisher.send(topology.BOT, json.dumps(newer).encode(), {}, SECONDS)
    for person in (ada, eve):
        person.wait_for(has("came from a newer version of this stack"), SECONDS)
    put_aside = 0
    while put_aside < 2:  # with what tests before left to nobody
        put_aside += sum(b'"version": 4' in body for body in broker.bodies(topology.dead_of(topology.BOT)))
        time.sleep(0.05)
    assert (count(ada, "newer version"), count(eve, "newer version")) == (1, 1)


def test_an_edited_command_is_answered_with_a_line(bot: BotProcess, ada: Person) -> None:
    wrong = ada.say("/reviw acme/shop 12")
    ada.wait_for(has("I do not know /reviw"), SECONDS)
    ada.edit(wrong, REVIEW)
    said = ada.wait_for(has("I do not read edits"), SECONDS)
    assert said["reply_to_message"]["message_id"] == wrong["message_id"]
    ada.edit(wrong, REVIEW + " ")
    ada.say("/help")
    ada.wait_for(has("What I can do"), SECONDS)
    assert count(ada, "I do not read edits") == 1
    assert count(ada, "queued") == 0


def test_an_address_alone_becomes_a_review_with_one_tap(
    bot: BotProcess, orchestrator: Orchestrator, ada: Person
) -> None:
    shared = ada.say("https://github.com/acme/shop/pull/4711")
    offer = ada.wait_for(has("Review of acme/shop#4711: shall I?"), SECONDS)
    ada.press(offer, "Review")
    request = orchestrator.wait_for(StartReview)
    assert request.ask == StartReview(repository="acme/shop", number=4711)
    live = ada.wait_for(has("Review of acme/shop#4711", "queued"), SECONDS)
    assert live["message_id"] == offer["message_id"]
    ada.say("mind the tests", reply_to=live["message_id"])
    assert orchestrator.wait_for(Steer).ask == Steer(run_id=request.id, text="mind the tests")
    orchestrator.notify(request, "ending", DONE)
    final = ada.wait_for(has("reviewed: <none>"), SECONDS)
    assert final["reply_to_message"]["message_id"] == shared["message_id"]


def test_an_admin_adds_somebody_who_sees_what_waits(
    bot: BotProcess, ada: Person, eve: Person, not_telegram: str
) -> None:
    bob = Person(not_telegram, ada.user_id + 2_000_000, "Bob")
    bob.say("hello")
    bob.wait_for(has(str(bob.user_id)), SECONDS)
    eve.say(f"/people add {bob.user_id} viewer")
    eve.wait_for(has(f"{bob.user_id} is now a viewer"), SECONDS)
    bob.wait_for(has("You may use this bot now, as a viewer"), SECONDS)
    bob.say("/status")
    bob.wait_for(has("queued, place 2 in the queue"), SECONDS)
    bob.say(REVIEW)
    bob.wait_for(has("You may look"), SECONDS)
    ada.say("/people")
    ada.wait_for(has("Only an admin may do that"), SECONDS)
