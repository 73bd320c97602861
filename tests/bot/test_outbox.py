"""The outbox: what a person asked for is stored, published until it is confirmed, and never called not started."""

from pathlib import Path

import pytest

from bot.memory import Memory
from bot.texts import ACCEPTED
from stack.ids import uuid7
from stack.messages import Request
from stack.people import Person
from stack.work.kinds import Cancel
from stack.work.review import StartReview
from tests.bot.fakes import ADA, World, texts_of

pytestmark = pytest.mark.anyio

REVIEW = "/review acme/shop 12"
SHOP_12 = StartReview(repository="acme/shop", number=12)


def request(number: int) -> Request:
    ask = StartReview(repository="acme/shop", number=number)
    return Request(person=Person(id=f"telegram:{ADA}"), ask=ask)


async def test_without_the_broker_a_review_is_accepted_and_starts_once_it_is_back(world: World) -> None:
    world.broker.away = True
    await world.write(REVIEW, update_id=500)
    await world.settle()
    (text,) = texts_of(world.outside.sent)
    assert text.split("\n")[:2] == [
        "<b>Review of acme/shop#12</b>",
        "Accepted; it starts as soon as the message broker is back.",
    ]
    world.broker.away = False
    while not world.broker.requests:
        await world.turn()
    await world.settle()
    assert world.broker.asks == [SHOP_12]
    assert (world.outside.edits[-1].text or "").startswith("<b>Review of acme/shop#12</b> — queued")
    assert world.memory.outbox.all() == []


async def test_a_confirmation_that_comes_too_late_is_not_called_nothing(world: World) -> None:
    """The broker has the request, and the run runs: it is one run, and the person can stop it."""
    world.broker.slow = True
    await world.write(REVIEW)
    await world.settle()
    assert "Nothing" not in "".join(texts_of(world.outside.sent))
    assert ACCEPTED.format(what="starts") in texts_of(world.outside.sent)[0]
    world.broker.slow = False
    while world.memory.outbox.all():
        await world.turn()
    assert len({request.id for request in world.broker.requests}) == 1
    assert len(world.broker.requests) > 1
    await world.write("/cancel")
    assert world.broker.asks[-1] == Cancel(run_id=world.broker.requests[0].id)


async def test_what_was_accepted_is_published_after_a_restart_in_its_order(tmp_path: Path) -> None:
    before = World(tmp_path)
    before.broker.away = True
    await before.write(REVIEW)
    await before.write("/cancel")
    await before.settle()
    accepted = "Accepted; it is stopped as soon as the message broker is back: Review of acme/shop#12"
    assert accepted in texts_of(before.outside.sent)
    await before.close()
    after = World(tmp_path)
    while len(after.broker.requests) < 2:
        await after.turn()
    assert after.broker.asks == [SHOP_12, Cancel(run_id=after.broker.requests[0].id)]
    await after.close()


async def test_a_missing_queue_or_right_is_waited_for_too(world: World) -> None:
    world.broker.refusing = "there is no queue orchestrator.requests"
    await world.write(REVIEW)
    await world.settle()
    assert ACCEPTED.format(what="starts") in texts_of(world.outside.sent)[0]
    world.broker.refusing = ""
    while not world.broker.requests:
        await world.turn()


async def test_many_requests_go_out_in_the_order_in_which_they_were_made(world: World) -> None:
    world.broker.away = True
    made = [request(number) for number in range(1, 101)]
    for one in made:
        world.memory.outbox.add(one)
        assert not await world.outbox.send(one)
    world.broker.away = False
    while len(world.broker.requests) < len(made):
        await world.turn()
    assert world.broker.requests == made


async def test_an_update_delivered_again_while_its_request_waits_is_the_same_request(tmp_path: Path) -> None:
    ids = set()
    for _ in range(2):
        world = World(tmp_path)
        world.broker.away = True
        await world.write(REVIEW, update_id=500)
        world.memory._db.execute("DELETE FROM updates")  # the process died before it was handled to its end
        ids |= {one.id for one in world.memory.outbox.all()}
        await world.close()
    assert len(ids) == 1


def test_what_another_version_wrote_stays_and_holds_up_nothing(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "bot.sqlite")
    memory._db.execute("INSERT INTO outbox VALUES (?, ?, 1)", (str(uuid7()), '{"type":"request","version":1}'))
    memory.outbox.add(request(1))
    assert [one.ask.verb for one in memory.outbox.all()] == ["review"]
    assert memory._db.execute("SELECT count(*) FROM outbox").fetchone()[0] == 2
    memory.close()
