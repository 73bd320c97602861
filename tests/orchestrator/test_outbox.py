"""The outbox: what a transaction has put in is sent, sooner or later, at least once, and nothing holds up others."""

import time
from collections.abc import Iterator

import pytest

from orchestrator.outbox import MOST_PAUSE_SECONDS, SWEEP_SECONDS, Outbox
from orchestrator.store import OutboxRow
from stack.errors import GiveUp, StackError, TryAgain
from stack.ids import task_id, uuid7
from stack.messages import Message, Note, Notification
from tests.orchestrator.played import World, wait_until
from tests.orchestrator.samples import ADA, CHAT

AT_ONCE = float("inf")


def note(text: str = "a word", **more: object) -> Notification:
    facts = {"run_id": uuid7(), "person": ADA.id, "chat": CHAT, "content": Note(text=text), **more}
    return Notification.model_validate(facts)


def put(world: World, *messages: Message) -> None:
    """A transaction with these messages, whose process dies before they are sent."""
    for message in messages:
        with world.sessions.begin() as session:
            world.outbox.put(session, message)


def put_and_send(world: World, *messages: Message) -> None:
    """A transaction with these messages."""
    with world.transactions.begin("test") as tx:
        for message in messages:
            tx.put(message)


def texts(world: World) -> list[str]:
    return [note.text for note in world.content(Note)]


def row(world: World, message: Message) -> OutboxRow:
    with world.sessions() as session:
        return session.get_one(OutboxRow, str(message.id))


# --- sending ------------------------------------------------------------------------------------------


def test_a_message_is_sent_at_once_and_forgotten(world: World) -> None:
    message = note()
    put_and_send(world, message)
    world.outbox.send_fresh()
    assert world.publisher.published == [message]
    assert world.in_outbox() == set()


def test_a_message_of_a_transaction_that_failed_is_not_sent(world: World) -> None:
    def fail() -> None:
        with world.transactions.begin("test") as tx:
            tx.put(note())
            tx.poke("a run")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    world.outbox.send_fresh()
    world.outbox.sweep(AT_ONCE)
    assert (world.publisher.tries, world.in_outbox(), world.poked) == (0, set(), [])


def test_putting_a_message_twice_is_putting_it_once(world: World) -> None:
    message = note()
    put(world, message, message)
    with world.sessions.begin() as session:
        world.outbox.put(session, message)
        world.outbox.put(session, message)
    world.outbox.sweep(AT_ONCE)
    assert world.publisher.published == [message]


def test_messages_are_sent_in_the_order_in_which_they_were_put(world: World) -> None:
    messages = [note(f"{n}") for n in range(250)]
    put_and_send(world, *messages)
    world.send()
    assert texts(world) == [f"{n}" for n in range(250)]


def test_what_is_put_twice_in_one_transaction_is_sent_once(world: World) -> None:
    message = note()
    put_and_send(world, message, message)
    world.send()
    assert world.publisher.published == [message]


def test_what_is_far_behind_is_sent_once(world: World) -> None:
    """A sweep finds rows that are handed over too: neither sends what the other has sent."""
    messages = [note() for _ in range(250)]
    put_and_send(world, *messages)
    world.outbox.send_fresh()
    world.outbox.sweep(time.time() + SWEEP_SECONDS + 1)
    world.send()
    assert world.publisher.published == messages


def put_again_while_it_is_sent(world: World, message: Message) -> None:
    """Has another transaction put the message once more before the broker confirms its first sending."""

    class Again(dict):  # type: ignore[type-arg]
        def get(self, key: object, default: object = None) -> object:
            world.publisher.faults = {}
            put_and_send(world, message)
            return default

    world.publisher.faults = Again()


@pytest.mark.parametrize("dies", [False, True])
def test_what_is_put_again_while_it_is_sent_is_sent_again(any_world: World, dies: bool) -> None:
    """As a task that was taken and given back before its first sending is written down."""
    world, message = any_world, note()
    put_again_while_it_is_sent(world, message)
    put_and_send(world, message)
    world.outbox.send_fresh()
    assert world.publisher.published == [message]
    if dies:
        world.restart()
        world.outbox.sweep(AT_ONCE)
    world.send()
    assert (world.publisher.published, world.in_outbox()) == ([message, message], set())


def test_a_sweep_leaves_what_is_being_sent_right_now(world: World) -> None:
    message = note()
    put(world, message)
    world.outbox.sweep(time.time())
    assert world.publisher.published == []
    world.outbox.sweep(time.time() + SWEEP_SECONDS + 1)
    assert world.publisher.published == [message]


def test_what_an_earlier_process_left_behind_is_sent_in_the_order_in_which_it_was_put(world: World) -> None:
    """Ids of one run's messages say nothing of their order: an ending must not come before its question."""
    run = uuid7()
    messages = [note(f"{n}", id=task_id(run, f"{n}")) for n in range(250)]
    assert [m.id for m in messages] != sorted(m.id for m in messages)
    put(world, *messages)
    world.restart()
    world.outbox.sweep(AT_ONCE)
    assert texts(world) == [f"{n}" for n in range(250)]
    assert world.in_outbox() == set()


# --- what cannot be sent ------------------------------------------------------------------------------

REFUSED = [TryAgain("the message broker refused a message"), GiveUp("there is no queue bot")]


@pytest.mark.parametrize("fault", REFUSED)
def test_what_could_not_be_sent_is_kept_and_tried_again_later_each_time(any_world: World, fault: StackError) -> None:
    world, message = any_world, note()
    world.publisher.faults[message.id] = fault
    put_and_send(world, message)
    world.outbox.send_fresh()
    pauses = [row(world, message).due - time.time()]
    for _ in range(10):
        world.outbox.sweep(AT_ONCE)
        pauses.append(row(world, message).due - time.time())
    assert pauses == pytest.approx([2, 4, 8, 16, 32, 64, 128, 256, *[MOST_PAUSE_SECONDS] * 3], abs=1)
    del world.publisher.faults[message.id]
    world.outbox.sweep(AT_ONCE)
    assert (world.publisher.published, world.in_outbox()) == ([message], set())


def test_a_clock_that_is_set_back_puts_nothing_off_for_longer(world: World) -> None:
    message = note()
    world.publisher.faults[message.id] = REFUSED[0]
    put_and_send(world, message)
    world.outbox.send_fresh()
    world.publisher.faults.clear()
    world.outbox.sweep(time.time() - 3600)
    assert (world.publisher.published, world.in_outbox()) == ([message], set())


@pytest.mark.parametrize("fault", REFUSED)
def test_rows_that_cannot_be_sent_do_not_block_those_behind_them(world: World, fault: StackError) -> None:
    bad, good = [note() for _ in range(250)], [note(f"{n}") for n in range(5)]
    world.publisher.faults = {message.id: fault for message in bad}
    put(world, *bad, *good)
    world.outbox.sweep(AT_ONCE)
    assert texts(world) == [f"{n}" for n in range(5)]
    assert world.in_outbox() == {str(message.id) for message in bad}
    tries = world.publisher.tries
    world.outbox.sweep(time.time())
    assert world.publisher.tries == tries  # they wait


def test_a_row_that_cannot_be_read_is_kept_and_blocks_nothing(world: World) -> None:
    bad, good = note(), note("good")
    put(world, bad, good)
    world.change(OutboxRow, str(bad.id), message=b'{"version": 99}')
    world.outbox.sweep(AT_ONCE)
    assert texts(world) == ["good"]
    assert (row(world, bad).tries, world.in_outbox()) == (1, {str(bad.id)})


def test_a_row_that_could_not_be_sent_for_weeks_blocks_nothing(world: World) -> None:
    bad, good = note(), note("good")
    world.publisher.faults[bad.id] = REFUSED[1]
    put(world, bad, good)
    world.change(OutboxRow, str(bad.id), tries=5000)
    world.outbox.sweep(AT_ONCE)
    world.outbox.sweep(AT_ONCE)
    assert texts(world) == ["good"]
    assert world.in_outbox() == {str(bad.id)}


def test_what_was_put_off_is_tried_at_once_by_the_next_process(world: World) -> None:
    messages = [note(f"{n}") for n in range(3)]
    put(world, *messages)
    for message in messages:
        world.change(OutboxRow, str(message.id), tries=20, due=time.time() + MOST_PAUSE_SECONDS)
    world.restart()
    world.outbox.start()
    wait_until(lambda: world.in_outbox() == set())
    world.outbox.stop()
    assert texts(world) == ["0", "1", "2"]


# --- the broker is away -------------------------------------------------------------------------------


def test_while_the_broker_is_away_nothing_is_lost_and_the_order_is_kept(world: World) -> None:
    world.publisher.go_away()
    for n in range(120):
        put_and_send(world, note(f"{n}"))
        world.outbox.send_fresh()
        if n % 20 == 0:
            world.outbox.sweep(AT_ONCE)
    assert world.publisher.published == []
    assert len(world.in_outbox()) == 120
    world.publisher.come_back()
    put_and_send(world, note("120"))
    world.outbox.send_fresh()
    world.outbox.sweep(AT_ONCE)
    assert texts(world) == [f"{n}" for n in range(121)]
    assert world.in_outbox() == set()


def test_while_the_broker_is_away_one_message_is_tried_and_none_is_put_off(world: World) -> None:
    messages = [note() for _ in range(300)]
    put(world, *messages)
    world.publisher.go_away()
    before = {row.id: row.due for row in world.rows(OutboxRow)}
    for n in range(1, 4):
        world.outbox.sweep(AT_ONCE)
        assert world.publisher.tries == n
    assert {row.id: row.due for row in world.rows(OutboxRow)} == before
    assert all(row.tries == 0 for row in world.rows(OutboxRow))


def test_a_broker_that_goes_away_in_the_middle_has_what_it_confirmed_and_gets_the_rest(world: World) -> None:
    messages = [note(f"{n}") for n in range(10)]
    put_and_send(world, *messages)

    class Leaving(dict):  # type: ignore[type-arg]
        def get(self, key: object, default: object = None) -> object:
            if key == messages[4].id and world.publisher.ready.is_set():
                world.publisher.go_away()
                return TryAgain("the connection to the message broker was lost")
            return default

    world.publisher.faults = Leaving()
    world.outbox.send_fresh()
    assert texts(world) == [f"{n}" for n in range(4)]
    assert world.in_outbox() == {str(message.id) for message in messages[4:]}
    world.publisher.faults = {}
    world.publisher.come_back()
    world.outbox.sweep(AT_ONCE)
    assert texts(world) == [f"{n}" for n in range(10)]


# --- its thread ---------------------------------------------------------------------------------------


@pytest.fixture
def next_process(world: World) -> Iterator[Outbox]:
    """The outbox of the process that follows."""
    outbox = Outbox(world.sessions, world.publisher)
    yield outbox
    outbox.stop()


def test_what_an_earlier_process_left_behind_is_sent_at_the_start(world: World, next_process: Outbox) -> None:
    messages = [note() for _ in range(3)]
    put(world, *messages)
    next_process.start()
    wait_until(lambda: world.in_outbox() == set())
    assert world.publisher.published == messages


def test_what_is_handed_over_before_the_end_is_sent(world: World) -> None:
    world.outbox.start()
    put_and_send(world, note("last"))
    wait_until(lambda: world.in_outbox() == set())
    world.outbox.stop()
    assert set(texts(world)) == {"last"}


def test_all_that_was_handed_over_is_sent_at_the_end(world: World) -> None:
    messages = [note() for _ in range(250)]
    put_and_send(world, *messages)
    world.outbox.start()
    world.outbox.stop()
    assert (world.publisher.published, world.in_outbox()) == (messages, set())


def test_an_end_while_the_broker_is_away_waits_for_nothing(world: World) -> None:
    messages = [note() for _ in range(250)]
    put_and_send(world, *messages)
    world.publisher.go_away()
    world.outbox.start()
    world.outbox.stop()
    assert world.publisher.tries <= 2
    assert world.in_outbox() == {str(message.id) for message in messages}


def test_its_thread_outlives_a_database_that_is_away(
    world: World, next_process: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    world.sessions.configure(bind=None)
    next_process.start()
    wait_until(lambda: "the outbox could not be emptied" in caplog.text)
    world.sessions.configure(bind=world.engine)
    put(world, note("after it"))
    wait_until(lambda: texts(world) == ["after it"])
