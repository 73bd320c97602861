"""`python -m stack dead` on a real broker: nothing is lost by looking, and what is sent again arrives as it was."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pika
import pytest

from native.desk import wait_until
from stack import topology
from stack.broker import Consumer, Publisher
from stack.dead import DeadLetters
from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.messages import AnyMessage, Message, encode
from tests.stack.rabbit import Rabbit
from tests.stack.samples import RUN, ending, forge_task, of_version, review_result, review_task

ROOT = Path(__file__).parents[2]
SECONDS = 20
JUNK = b"\xff\x00 no message"

Put = Callable[..., None]


@pytest.fixture
def put_aside(rabbit: Rabbit) -> Iterator[Put]:
    """Has a message put aside by the service whose queue it is sent to."""
    with ExitStack() as stack:

        def put(message: Message | bytes, *, queue: str = "", sender: str = "orchestrator") -> None:
            queue = queue or (topology.queue_of(message) if isinstance(message, Message) else "bot")
            before = rabbit.depth(topology.dead_of(queue))
            user = next(name for name, (consumed, _, _) in topology.USERS.items() if queue in consumed)
            first, own = Publisher(rabbit.url(sender), sender), Publisher(rabbit.url(user), user)
            for part in (first, own):
                stack.callback(part.stop)
                part.start()
            first.send(queue, message if isinstance(message, bytes) else encode(message), {}, SECONDS)
            consumer = Consumer(rabbit.url(user), queue, refuse, publisher=own)
            consumer.start()
            wait_until(lambda: rabbit.depth(topology.dead_of(queue)) > before, seconds=SECONDS)
            consumer.stop()

        yield put


def refuse(_message: AnyMessage) -> None:
    raise GiveUp("it is of no use")


def run(rabbit: Rabbit, *arguments: str, answer: str = "") -> tuple[int, str, str]:
    """The command as the operator runs it: its exit status, and what it says."""
    environment = {"PATH": os.environ["PATH"], "BROKER_URL": rabbit.url("cli")}
    done = subprocess.run(
        [sys.executable, "-m", "stack", "dead", *arguments],
        cwd=ROOT, env=environment, input=answer, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def listed(rabbit: Rabbit, *arguments: str) -> list[dict[str, Any]]:
    status, said, wrong = run(rabbit, "--json", *arguments)
    assert (status, wrong) == (0, "")
    letters: list[dict[str, Any]] = json.loads(said)
    return letters


# --- looking ------------------------------------------------------------------------------------------


def test_where_nothing_was_put_aside_it_says_so(rabbit: Rabbit) -> None:
    assert run(rabbit) == (0, "0 dead letters\n", "")
    assert listed(rabbit) == []


def test_a_dead_letter_is_listed_with_what_is_known_of_it(rabbit: Rabbit, put_aside: Put) -> None:
    task = forge_task()
    put_aside(task)
    (letter,) = listed(rabbit)
    died = datetime.fromisoformat(letter.pop("died"))
    assert abs(datetime.now(UTC) - died) < timedelta(minutes=5)
    assert letter == {
        "id": str(task.id), "type": "task", "run": str(RUN), "queue": "forge", "sender": "orchestrator",
        "reason": "rejected", "size": len(encode(task)), "body": encode(task).decode(),
        "why": "forge gave it up, or failed on it again and again: its log names it by this id",
    }  # fmt: skip
    _, said, _ = run(rabbit)
    for word in (str(task.id), "task of run", str(RUN), "forge", f"{died:%Y-%m-%d}", "bytes", "1 dead letter\n"):
        assert word in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (JUNK, "it cannot be read: not a message"),
        (of_version(4, ending()), "a notification of version 4; this service reads up to 3"),
        (of_version(0, ending()), "Input should be 3 at notification.version"),
    ],
)
def test_of_what_cannot_be_read_it_is_known_why(rabbit: Rabbit, put_aside: Put, body: bytes, words: str) -> None:
    put_aside(body)
    (letter,) = listed(rabbit)
    assert words in letter["why"]
    assert letter["queue"] == "bot"
    assert letter["id"].startswith("junk-" if body == JUNK else str(letter["id"]))


def test_what_ends_its_service_each_time_is_told_apart(rabbit: Rabbit) -> None:
    rabbit.put("forge", encode(forge_task()))
    for _ in range(topology.DELIVERY_LIMIT + 1):
        with rabbit.channel("forge") as channel:
            wait_until(lambda c=channel: c.basic_get("forge")[0], seconds=SECONDS)  # type: ignore[misc]
    wait_until(lambda: rabbit.depth("forge.dead") == 1, seconds=SECONDS)
    (letter,) = listed(rabbit)
    assert letter["reason"] == "delivery_limit"
    assert letter["why"].startswith("forge ended, or lost the broker, each time")


def test_to_look_takes_nothing_away_however_often(rabbit: Rabbit, put_aside: Put) -> None:
    """RabbitMQ 4 throws away what was given back 20 times, where no limit is set."""
    tasks = [forge_task(uuid7()) for _ in range(3)]
    for task in tasks:
        put_aside(task)
    for _ in range(25):
        with DeadLetters(rabbit.url("cli")) as dead:
            assert [letter.id for letter in dead.look()] == [str(task.id) for task in tasks]
    assert rabbit.bodies("forge.dead") == [encode(task) for task in tasks]


def test_one_queue_is_listed_alone(rabbit: Rabbit, put_aside: Put) -> None:
    put_aside(forge_task())
    put_aside(ending())
    assert [letter["queue"] for letter in listed(rabbit)] == ["bot", "forge"]
    assert [letter["queue"] for letter in listed(rabbit, "--queue", "forge")] == ["forge"]
    status, _, wrong = run(rabbit, "--queue", "nowhere")
    assert status == 2
    assert "agent.pr-reviewer" in wrong


# --- sending again ------------------------------------------------------------------------------------


def test_what_is_sent_again_is_where_it_was_as_it_was(rabbit: Rabbit, put_aside: Put) -> None:
    first, second = forge_task(uuid7()), forge_task(uuid7())
    put_aside(first)
    put_aside(second)
    status, said, _ = run(rabbit, "--send", str(second.id))
    assert (status, said) == (0, f"sent again: {second.id} to forge\n1 dead letter sent again\n")
    assert received(rabbit, "forge") == [(encode(second), "orchestrator", {})]
    assert rabbit.bodies("forge.dead") == [encode(first)]


def received(rabbit: Rabbit, queue: str) -> list[tuple[bytes, str | None, dict[str, Any]]]:
    """What waits in a queue: its body, its sender, and its headers but for the broker's own."""
    with rabbit.channel() as channel:
        found = []
        while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
            headers = {name: value for name, value in (got[1].headers or {}).items() if name != "x-delivery-count"}
            found.append((got[2], got[1].user_id, headers))
        return found


def test_all_can_be_sent_again_or_all_of_a_queue(rabbit: Rabbit, put_aside: Put) -> None:
    some = [forge_task(uuid7()), forge_task(uuid7()), ending(), review_task()]
    for message in some:
        put_aside(message)
    assert run(rabbit, "--send", "all", "--queue", "forge")[0] == 0
    assert (rabbit.depth("forge"), rabbit.depth("bot"), rabbit.depth("bot.dead")) == (2, 0, 1)
    assert run(rabbit, "--send", "all")[0] == 0
    assert (rabbit.depth("forge"), rabbit.depth("bot"), rabbit.depth("agent.pr-reviewer")) == (2, 1, 1)
    assert listed(rabbit) == []


def test_what_its_sender_may_not_send_is_still_not_believed(rabbit: Rabbit, put_aside: Put) -> None:
    """A forged result was put aside for its sender: to send all again must not make it the operator's word."""
    put_aside(review_result(forge_task()), sender="pr-reviewer")
    assert run(rabbit, "--send", "all")[0] == 0
    ((_, sender, _),) = received(rabbit, topology.RESULTS)
    assert sender == "pr-reviewer"


def test_what_had_waited_before_it_was_put_aside_is_still_of_its_first_sender(rabbit: Rabbit) -> None:
    result = review_result(forge_task())
    waited = pika.BasicProperties(user_id="orchestrator", headers={"x-attempt": 2, "x-sender": "pr-reviewer"})
    with rabbit.channel("orchestrator") as channel:
        channel.confirm_delivery()
        channel.basic_publish(f"to.{topology.RESULTS}.delay", "", encode(result), waited, mandatory=True)
    wait_until(lambda: rabbit.depth(topology.RESULTS) == 1, seconds=SECONDS)
    with rabbit.channel("orchestrator") as channel:
        method, _, _ = channel.basic_get(topology.RESULTS)
        channel.basic_reject(method.delivery_tag, requeue=False)
    wait_until(lambda: rabbit.depth(f"{topology.RESULTS}.dead") == 1, seconds=SECONDS)
    (letter,) = listed(rabbit)
    assert (letter["sender"], letter["reason"]) == ("pr-reviewer", "rejected")
    assert run(rabbit, "--send", letter["id"])[0] == 0
    assert received(rabbit, topology.RESULTS) == [(encode(result), "pr-reviewer", {})]


def test_what_is_not_there_is_named_and_nothing_is_sent(rabbit: Rabbit, put_aside: Put) -> None:
    task = forge_task()
    put_aside(task)
    other = str(uuid7())
    assert run(rabbit, "--send", str(task.id), other) == (1, "", f"dead: there is no dead letter {other}\n")
    assert (rabbit.depth("forge"), rabbit.depth("forge.dead")) == (0, 1)


def test_a_broker_that_does_not_take_it_has_not_lost_it(rabbit: Rabbit, put_aside: Put) -> None:
    task = forge_task()
    put_aside(task)
    rabbit.delete("forge")
    try:
        with DeadLetters(rabbit.url("cli")) as dead, pytest.raises(TryAgain, match="did not take"):
            dead.send(dead.look(["forge"])[0])
    finally:
        rabbit.declare("forge")
    assert rabbit.bodies("forge.dead") == [encode(task)]


def test_who_dies_between_sending_and_taking_away_repeats_and_does_not_lose(rabbit: Rabbit, put_aside: Put) -> None:
    class Dying(DeadLetters):
        def drop(self, _letter: object) -> None:
            raise KeyboardInterrupt

    task = forge_task()
    put_aside(task)
    with pytest.raises(KeyboardInterrupt), Dying(rabbit.url("cli")) as dead:
        dead.send(dead.look(["forge"])[0])
    assert rabbit.bodies("forge") == rabbit.bodies("forge.dead") == [encode(task)]


# --- throwing away ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "answer", "status", "left"),
    [([], "yes\n", 0, 0), (["--yes"], "", 0, 0), ([], "no\n", 1, 1), ([], "y\n", 1, 1), ([], "", 1, 1)],
)
def test_only_what_somebody_agreed_to_is_thrown_away(
    rabbit: Rabbit, put_aside: Put, arguments: list[str], answer: str, status: int, left: int
) -> None:
    task = forge_task()
    put_aside(task)
    put_aside(JUNK)
    found, said, wrong = run(rabbit, "--drop", str(task.id), *arguments, answer=answer)
    assert (found, rabbit.depth("forge.dead"), rabbit.depth("bot.dead")) == (status, left, 1)
    assert rabbit.depth("forge") == 0
    assert ("for good?" in said) == (arguments == [])
    assert ("nobody is there to ask" in wrong) == (not arguments and not answer)


def test_junk_can_be_thrown_away_by_the_name_it_is_listed_with(rabbit: Rabbit, put_aside: Put) -> None:
    put_aside(JUNK)
    put_aside(JUNK + b"!")
    first, second = (letter["id"] for letter in listed(rabbit))
    assert run(rabbit, "--drop", first, "--yes")[0] == 0
    assert [letter["id"] for letter in listed(rabbit)] == [second]


# --- who may ------------------------------------------------------------------------------------------


def test_who_is_not_the_operator_is_told_what_the_broker_says(rabbit: Rabbit) -> None:
    with DeadLetters(rabbit.url("bot")) as dead, pytest.raises(GiveUp, match="refuses: ACCESS_REFUSED"):
        dead.look()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("amqp://cli:not-a-password@127.0.0.1:1/%2F", "the message broker at 127.0.0.1:1 cannot be reached"),
        ("nonsense", "BROKER_URL is not like amqp://"),
    ],
)
def test_a_broker_that_is_not_there_is_told_in_words_and_without_the_password(url: str, words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "BROKER_URL": url}
    done = subprocess.run(
        [sys.executable, "-m", "stack", "dead"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "not-a-password" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_password_is_told_in_words(rabbit: Rabbit) -> None:
    url = f"amqp://cli:not-the-password@{rabbit.node.address}/%2F"
    with pytest.raises(TryAgain, match="ACCESS_REFUSED"), DeadLetters(url):
        pass
