"""The outbox: what a transaction has put in is sent, sooner or later, at least once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from native.review import wait_until
from orchestrator.outbox import Outbox
from orchestrator.store import OutboxRow
from stack.errors import GiveUp, TryAgain
from stack.messages import Message, now
from tests.orchestrator.played import World
from tests.stack.samples import ending

BROKER_AWAY = TryAgain("the message broker cannot be reached")


def put(world: World, message: Message) -> Message:
    with world.sessions.begin() as session:
        world.outbox.put(session, message)
    return message


@pytest.fixture
def sweeping(world: World) -> Iterator[Outbox]:
    """An outbox that is started, as with a new process."""
    outbox = Outbox(world.sessions, world.publisher)
    yield outbox
    outbox.stop()


def test_a_message_is_sent_at_once_and_forgotten(world: World) -> None:
    message = put(world, ending())
    world.outbox.send(message)
    assert world.publisher.published == [message]
    assert world.waiting() == []


def test_a_message_of_a_transaction_that_failed_is_not_kept(world: World) -> None:
    with world.sessions.begin() as session:
        world.outbox.put(session, ending())
        session.rollback()
    assert world.waiting() == []


def test_putting_a_message_twice_is_putting_it_once(world: World) -> None:
    message = ending()
    put(world, message)
    put(world, message)
    with world.sessions.begin() as session:
        world.outbox.put(session, message)
        world.outbox.put(session, message)
    assert world.waiting() == [message]


@pytest.mark.parametrize("fault", [BROKER_AWAY, GiveUp("no queue is bound for bot")])
def test_what_could_not_be_sent_is_kept(world: World, fault: TryAgain | GiveUp) -> None:
    message = put(world, ending())
    world.publisher.fault = fault
    world.outbox.send(message)
    assert world.waiting() == [message]


def test_what_an_earlier_process_left_behind_is_sent_at_the_start(world: World, sweeping: Outbox) -> None:
    messages = [put(world, ending()) for _ in range(3)]
    sweeping.start()
    wait_until(lambda: world.waiting() == [], seconds=10)
    assert world.publisher.published == messages


def test_a_sweep_while_the_broker_is_away_keeps_everything_for_the_next(world: World) -> None:
    message = put(world, ending())
    world.publisher.fault = BROKER_AWAY
    world.outbox._send_left(timedelta(0))
    assert world.waiting() == [message]
    world.publisher.fault = None
    world.outbox._send_left(timedelta(0))
    assert (world.publisher.published, world.waiting()) == ([message], [])


def test_a_sweep_leaves_what_is_being_sent_right_now(world: World) -> None:
    message = put(world, ending())
    world.outbox._send_left(timedelta(seconds=60))
    assert world.publisher.published == []
    with world.sessions.begin() as session:
        session.get_one(OutboxRow, str(message.id)).created = now() - timedelta(seconds=61)
    world.outbox._send_left(timedelta(seconds=60))
    assert world.publisher.published == [message]
