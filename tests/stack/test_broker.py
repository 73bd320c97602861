"""The broker classes on a real RabbitMQ: what is sent is not lost, whatever happens to either side."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import pika
import pytest

from native.desk import wait_until
from stack import topology
from stack.broker import Consumer, Listener, Publisher, share_run_records
from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.logs import Redactor, about
from stack.messages import VERSION, AnyMessage, Envelope, Progress, Signal, Task, encode
from stack.secret import SecretFile
from stack.service import Part
from tests.stack.rabbit import ADMIN, Rabbit
from tests.stack.samples import RUN, of_version, progress, review_result, review_task

QUEUE = topology.work_queue("pr_reviewer")
DEAD = f"{QUEUE}.dead"
AGENT = "pr-reviewer"
SECONDS = 20


class Handler:
    """Keeps what it was given; raises what it was told to, once each, in order."""

    def __init__(self, *outcomes: Exception) -> None:
        self.received: queue.Queue[AnyMessage] = queue.Queue()
        self._outcomes = deque(outcomes)

    def __call__(self, message: AnyMessage) -> None:
        self.received.put(message)
        if self._outcomes:
            raise self._outcomes.popleft()

    def next(self) -> AnyMessage:
        return self.received.get(timeout=SECONDS)


class Working(Handler):
    """Works on each message until it is told that it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.done = threading.Event()

    def __call__(self, message: AnyMessage) -> None:
        super().__call__(message)
        assert self.done.wait(SECONDS)


class UncertainPublisher(Publisher):
    """A publisher whose first sends are not confirmed in time."""

    def __init__(self, url: str, failures: int) -> None:
        super().__init__(url, "uncertain")
        self.failures = failures

    def send(self, *arguments: object) -> None:
        if self.failures:
            self.failures -= 1
            raise TryAgain("the message broker did not confirm in time")
        super().send(*arguments)  # type: ignore[arg-type]


@contextmanager
def running(*parts: Publisher | Consumer | Listener) -> Iterator[None]:
    with ExitStack() as stack:
        for part in parts:
            stack.callback(part.stop)
            part.start()
            assert part.ready.wait(SECONDS)
        yield


@pytest.fixture
def publisher(rabbit: Rabbit) -> Iterator[Publisher]:
    """The orchestrator's."""
    publisher = Publisher(rabbit.url("orchestrator"), "orchestrator")
    with running(publisher):
        yield publisher


@pytest.fixture
def agents(rabbit: Rabbit) -> Iterator[Publisher]:
    """The agent's own publisher: its consumer delays with it."""
    publisher = Publisher(rabbit.url(AGENT), AGENT)
    with running(publisher):
        yield publisher


@pytest.fixture
def consume(rabbit: Rabbit, agents: Publisher) -> Iterator[Callable[..., Consumer]]:
    """Starts a consumer of the agent's queue."""
    with ExitStack() as stack:

        def start(handle: Callable[[AnyMessage], None], **more: object) -> Consumer:
            settings = {"publisher": agents, **more}
            consumer = Consumer(rabbit.url(AGENT), QUEUE, handle, **settings)  # type: ignore[arg-type]
            stack.enter_context(running(consumer))
            return consumer

        yield start


def in_the_background(part: Part) -> threading.Thread:
    stopping = threading.Thread(target=part.stop)
    stopping.start()
    return stopping


# --- sending ------------------------------------------------------------------------------------------


def test_a_message_is_in_its_queue_when_publish_returns(rabbit: Rabbit, publisher: Publisher) -> None:
    publisher.publish(review_task())
    assert rabbit.depth(QUEUE) == 1


def test_what_many_threads_publish_at_once_all_arrives(rabbit: Rabbit, publisher: Publisher) -> None:
    tasks = [review_task(uuid7()) for _ in range(60)]

    def publish(some: list[Task]) -> None:
        for task in some:
            publisher.publish(task)

    threads = [threading.Thread(target=publish, args=(tasks[n::6],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(rabbit.bodies(QUEUE)) == sorted(map(encode, tasks))


def test_a_message_that_no_queue_is_bound_for_is_given_up(rabbit: Rabbit) -> None:
    admin = Publisher(rabbit.url(ADMIN), ADMIN)
    with running(admin), pytest.raises(GiveUp, match="there is no queue"):
        admin.send("nowhere", b"{}", {}, SECONDS)


def test_a_message_without_the_right_is_given_up_and_the_next_one_is_sent(rabbit: Rabbit, agents: Publisher) -> None:
    with pytest.raises(GiveUp, match="no right to send to"):
        agents.publish(review_task())
    agents.publish(review_result(review_task()))
    assert (rabbit.depth(QUEUE), rabbit.depth(topology.RESULTS)) == (0, 1)


def test_a_password_that_the_broker_has_not_taken_yet_keeps_nobody_out(rabbit: Rabbit, tmp_path: Path) -> None:
    """It stands above the one before: `python -m stack rotate`."""
    now, file = rabbit.url("orchestrator"), tmp_path / "BROKER_URL"
    renewed = now.replace("orchestrator:", "orchestrator:not-yet-", 1)
    assert renewed != now
    file.write_text(f"{renewed}\n{now}")
    publisher = Publisher(SecretFile(file), "orchestrator")
    with running(publisher):
        publisher.publish(review_task())
    assert rabbit.depth(QUEUE) == 1


def test_without_a_broker_publish_asks_to_try_again() -> None:
    lonely = Publisher("amqp://127.0.0.1:1", "lonely")
    lonely.start()
    with pytest.raises(TryAgain, match="cannot be reached"):
        lonely.publish(review_task(), timeout=0.2)
    lonely.mention(progress())  # in silence
    lonely.stop()


# --- handling -----------------------------------------------------------------------------------------


def test_what_cannot_be_read_goes_to_the_dead_letters_and_the_rest_goes_on(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    junk = [b"\xff\x00", b"{}", b'{"type":"task"}', of_version(0, review_task())]
    for body in junk:
        rabbit.put(QUEUE, body)
    task = review_task()
    publisher.publish(task)
    handler = Handler()
    consume(handler)
    assert handler.next() == task
    wait_until(lambda: rabbit.depth(DEAD) == len(junk), seconds=SECONDS)
    assert sorted(rabbit.bodies(DEAD)) == sorted(junk)
    assert handler.received.empty()


def test_give_up_sends_a_message_to_the_dead_letters_at_once(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    task, handler = review_task(), Handler(GiveUp("no"))
    publisher.publish(task)
    consume(handler)
    wait_until(lambda: rabbit.depth(DEAD) == 1, seconds=SECONDS)
    assert rabbit.bodies(DEAD) == [encode(task)]
    assert handler.received.qsize() == 1


def test_try_again_brings_a_message_back_after_a_delay_as_often_as_it_takes(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    task, times = review_task(), topology.DELIVERY_LIMIT + 2
    handler = Handler(*[TryAgain("leased")] * times)
    publisher.publish(task)
    consumer = consume(handler)
    assert [handler.next() for _ in range(times + 1)] == [task] * (times + 1)
    consumer.stop()
    assert [rabbit.depth(q) for q in (QUEUE, f"{QUEUE}.delay", DEAD)] == [0, 0, 0]


def test_an_error_nobody_foresaw_is_tried_three_times(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    task, handler = review_task(), Handler(*[ValueError("a bug")] * 5)
    publisher.publish(task)
    consume(handler)
    wait_until(lambda: rabbit.depth(DEAD) == 1, seconds=SECONDS)
    assert rabbit.bodies(DEAD) == [encode(task)]
    assert handler.received.qsize() == 3


def test_a_broker_that_takes_no_copy_right_now_does_not_kill_a_message(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    uncertain = UncertainPublisher(rabbit.url(AGENT), failures=2)
    task, handler = review_task(), Handler(TryAgain("leased"))
    publisher.publish(task)
    with running(uncertain):
        consume(handler, publisher=uncertain)
        assert [handler.next(), handler.next()] == [task, task]
        assert uncertain.failures == 0
    assert rabbit.depth(DEAD) == 0


def test_a_consumer_works_on_as_many_messages_as_it_has_workers(
    publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    together = threading.Barrier(2)

    def handle(_message: AnyMessage) -> None:
        together.wait(SECONDS)
        met.put(True)

    met: queue.Queue[bool] = queue.Queue()
    publisher.publish(review_task(uuid7()))
    publisher.publish(review_task(uuid7()))
    consume(handle, workers=2)
    assert [met.get(timeout=SECONDS) for _ in range(2)] == [True, True]


def test_stop_waits_for_the_work_under_way_and_acknowledges_it(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    first, second = review_task(uuid7()), review_task(uuid7())
    publisher.publish(first)
    publisher.publish(second)
    handler = Working()
    consumer = consume(handler)
    assert handler.next() == first
    stopping = in_the_background(consumer)
    stopping.join(0.5)
    assert stopping.is_alive()
    handler.done.set()
    stopping.join(SECONDS)
    assert not stopping.is_alive()
    assert rabbit.bodies(QUEUE) == [encode(second)]
    assert handler.received.empty()


# --- whom to believe, and what comes from later --------------------------------------------------------


def test_what_is_not_for_its_sender_to_send_is_put_aside(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    handler, asked = Handler(), []

    def trusts(message: AnyMessage, sender: str) -> bool:
        asked.append((message.id, sender))
        return sender == "orchestrator"

    with rabbit.channel() as channel:
        body = encode(review_task(uuid7()))
        channel.basic_publish(topology.exchange_of(QUEUE), "", body, pika.BasicProperties(user_id=ADMIN))
    rabbit.put(QUEUE, encode(review_task(uuid7())))  # of nobody
    task = review_task(uuid7())
    publisher.publish(task)
    consume(handler, trusts=trusts)
    assert handler.next() == task
    wait_until(lambda: rabbit.depth(DEAD) == 2, seconds=SECONDS)
    assert [sender for _, sender in asked] == [ADMIN, "", "orchestrator"]
    assert handler.received.empty()


def test_what_comes_back_after_a_delay_is_of_its_first_sender(
    publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    task, handler, asked = review_task(), Handler(TryAgain("leased"), ValueError("a bug")), []

    def trusts(_message: AnyMessage, sender: str) -> bool:
        asked.append(sender)
        return sender == "orchestrator"

    publisher.publish(task)
    consume(handler, trusts=trusts)
    assert [handler.next() for _ in range(3)] == [task] * 3
    assert asked == ["orchestrator"] * 3


def test_what_another_says_of_attempts_and_of_its_sender_has_no_weight(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    task, asked, handler = review_task(), queue.Queue[str](), Handler()

    def trusts(_message: AnyMessage, sender: str) -> bool:
        asked.put(sender)
        return True

    publisher.send(QUEUE, encode(task), {"x-attempt": "many", "x-sender": "cli"}, SECONDS)
    consume(handler, trusts=trusts)
    assert handler.next() == task
    assert asked.get(timeout=SECONDS) == "orchestrator"
    assert rabbit.depth(DEAD) == 0


@pytest.mark.parametrize("version", [VERSION, VERSION + 1])
def test_a_message_of_somebody_newer_is_told_of_with_its_sender_and_put_aside(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer], version: int
) -> None:
    task, handler = review_task(), Handler()
    told: queue.Queue[tuple[Envelope, str]] = queue.Queue()
    newer = of_version(version, task).replace(b'"do":"review_change"', b'"do":"dance"')
    publisher.send(QUEUE, newer, {}, SECONDS)
    consume(handler, too_new=lambda envelope, sender: told.put((envelope, sender)))
    envelope, sender = told.get(timeout=SECONDS)
    assert (envelope.type, envelope.id, envelope.run_id, sender) == ("task", task.id, task.run_id, "orchestrator")
    wait_until(lambda: rabbit.depth(DEAD) == 1, seconds=SECONDS)
    assert rabbit.bodies(DEAD) == [newer]
    assert handler.received.empty()


@pytest.mark.parametrize("version", range(1, VERSION))
def test_what_lay_in_a_queue_since_before_an_update_is_put_aside_in_silence(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer], version: int
) -> None:
    told: queue.Queue[Envelope] = queue.Queue()
    older = of_version(version, review_task()).replace(b'"do":"review_change"', b'"do":"x"')
    publisher.send(QUEUE, older, {}, SECONDS)
    consume(Handler(), too_new=lambda envelope, _sender: told.put(envelope))
    wait_until(lambda: rabbit.depth(DEAD) == 1, seconds=SECONDS)
    assert told.empty()


def test_who_cannot_be_told_of_a_newer_version_yet_is_told_later(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    told: queue.Queue[str] = queue.Queue()
    faults = deque([TryAgain("the orchestrator is away")])

    def too_new(_envelope: Envelope, sender: str) -> None:
        told.put(sender)
        if faults:
            raise faults.pop()

    publisher.send(QUEUE, of_version(VERSION + 1, review_task()), {}, SECONDS)
    consume(Handler(), too_new=too_new)
    assert [told.get(timeout=SECONDS), told.get(timeout=SECONDS)] == ["orchestrator"] * 2
    wait_until(lambda: rabbit.depth(DEAD) == 1, seconds=SECONDS)


@pytest.mark.parametrize(
    ("body", "named"), [(encode(review_task()), f"task {review_task().id}"), (b"\xff junk", "what is no message")]
)
def test_the_log_names_what_was_put_aside(
    rabbit: Rabbit, consume: Callable[..., Consumer], caplog: pytest.LogCaptureFixture, body: bytes, named: str
) -> None:
    rabbit.put(QUEUE, body)
    consume(Handler(GiveUp("it is of no use")))
    wait_until(lambda: rabbit.depth(DEAD) == 1, seconds=SECONDS)
    assert f"{QUEUE}: dead-lettered {named}: " in caplog.text


# --- what breaks --------------------------------------------------------------------------------------


def test_a_channel_that_the_broker_closes_is_noticed_and_replaced(
    publisher: Publisher, consume: Callable[..., Consumer]
) -> None:
    handler = Handler()
    consumer = consume(handler)
    wait_until(consumer.well, seconds=SECONDS)
    consumer.soon(lambda: consumer._channel.basic_ack(999))  # 406: there is no such delivery
    task = review_task()
    publisher.publish(task)
    assert handler.next() == task


def test_a_consumer_that_the_broker_cancels_registers_anew(
    rabbit: Rabbit, publisher: Publisher, consume: Callable[..., Consumer], tmp_path: Path
) -> None:
    handler, heartbeat = Handler(), tmp_path / "heartbeat"
    consumer = consume(handler, heartbeat_file=heartbeat)
    wait_until(heartbeat.exists, seconds=SECONDS)
    rabbit.delete(QUEUE)
    try:
        wait_until(lambda: not consumer.well(), seconds=SECONDS)
        heartbeat.unlink()
    finally:
        rabbit.declare(QUEUE)
    task = review_task()
    publisher.publish(task)
    assert handler.next() == task
    wait_until(heartbeat.exists, seconds=SECONDS)


def test_a_broker_that_restarts_in_the_middle_of_work_loses_nothing(
    rabbit: Rabbit, publisher: Publisher, agents: Publisher, consume: Callable[..., Consumer], tmp_path: Path
) -> None:
    task, later, heartbeat = review_task(uuid7()), review_task(uuid7()), tmp_path / "heartbeat"
    handler, heard = Working(), Handler()
    listener = Listener(rabbit.url("bot"), "bot", topology.PROGRESS, "#", heard)
    with running(listener):
        consumer = consume(handler, heartbeat_file=heartbeat)
        publisher.publish(task)
        assert handler.next() == task
        rabbit.node.stop()
        wait_until(lambda: not consumer.ready.is_set(), seconds=SECONDS)
        heartbeat.unlink()
        with pytest.raises(TryAgain):
            publisher.publish(later, timeout=0.2)
        assert not heartbeat.exists()
        rabbit.node.start()
        publisher.publish(later, timeout=SECONDS)
        assert consumer.ready.wait(SECONDS)
        handler.done.set()  # the old delivery's tag is stale by now
        assert {handler.next().id, handler.next().id} == {task.id, later.id}
        wait_until(heartbeat.exists, seconds=SECONDS)
        assert listener.ready.wait(SECONDS)
        assert agents.ready.wait(SECONDS)
        agents.mention(progress())
        heard.next()
        consumer.stop()
    assert [rabbit.depth(q) for q in (QUEUE, DEAD)] == [0, 0]


# --- what may be lost ---------------------------------------------------------------------------------


def test_a_listener_hears_all_that_is_said_while_it_listens_in_order(rabbit: Rabbit, agents: Publisher) -> None:
    heard = Handler(ValueError("a listener's own fault"))
    with running(Listener(rabbit.url("bot"), "bot", topology.PROGRESS, "#", heard)):
        for n in range(200):
            agents.mention(progress(str(n)))
        assert [said(heard) for _ in range(200)] == [str(n) for n in range(200)]


def said(heard: Handler) -> str:
    message = heard.next()
    assert isinstance(message, Progress)
    return message.text


def test_a_listener_hears_what_it_asked_for_alone_and_survives_junk(rabbit: Rabbit, agents: Publisher) -> None:
    run, other = uuid7(), uuid7()
    heard = Handler()
    with running(Listener(rabbit.url("bot"), "bot", topology.PROGRESS, f"step.{run}", heard)):
        agents.mention(progress("not for us", other))
        with rabbit.channel() as channel:
            channel.basic_publish(topology.PROGRESS, f"step.{run}", b"junk")
        agents.mention(progress("for us", run))
        assert said(heard) == "for us"
        assert heard.received.empty()


def test_what_is_heard_is_of_whom_the_broker_knows_and_not_of_whom_it_names(rabbit: Rabbit, agents: Publisher) -> None:
    heard = Handler()
    with running(Listener(rabbit.url("bot"), "bot", topology.PROGRESS, "#", heard)):
        agents.mention(progress().model_copy(update={"source": "orchestrator"}))
        assert source(heard) == AGENT
        with rabbit.channel() as channel:  # whoever does not say who they are is nobody
            channel.basic_publish(topology.PROGRESS, f"step.{RUN}", encode(progress()))
        assert source(heard) == "unknown"


def source(heard: Handler) -> str:
    message = heard.next()
    assert isinstance(message, Progress)
    return message.source


def test_a_signal_reaches_every_process_of_a_role(rabbit: Rabbit, publisher: Publisher) -> None:
    one, two = Handler(), Handler()
    listeners = [Listener(rabbit.url(AGENT), AGENT, topology.SIGNALS, "task.*", heard) for heard in (one, two)]
    with running(*listeners):
        signal = Signal(task_id=review_task().id)
        publisher.mention(signal)
        assert [one.next(), two.next()] == [signal, signal]


def test_log_records_of_a_run_travel_as_progress(rabbit: Rabbit, agents: Publisher) -> None:
    heard, run, root = Handler(), uuid7(), logging.getLogger()
    before = list(root.handlers)
    with running(Listener(rabbit.url("bot"), "bot", topology.PROGRESS, f"log.{run}", heard)):
        share_run_records(agents, Redactor(["not-a-secret"]))
        try:
            with about(run):
                logging.getLogger("some.service").warning("it was not-a-secret")
        finally:
            root.handlers = before
        assert record_of(heard) == (run, "it was [hidden]", {"level": "warning"})


def record_of(heard: Handler) -> tuple[UUID, str, dict[str, object]]:
    message = heard.next()
    assert isinstance(message, Progress)
    return message.run_id, message.text, message.data


def test_a_message_that_is_delivered_twice_keeps_its_id(publisher: Publisher, consume: Callable[..., Consumer]) -> None:
    task, handler = review_task(), Handler()
    publisher.publish(task)
    publisher.publish(task)
    consume(handler)
    twice = [handler.next(), handler.next()]
    assert all(isinstance(message, Task) and message.id == task.id for message in twice)
