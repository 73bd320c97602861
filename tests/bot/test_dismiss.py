"""/dismiss: which run, which findings, and why."""

from uuid import UUID

import pytest

from bot.commands.dismiss import FORM, Meant, read
from stack.errors import GiveUp
from stack.messages import Ending
from stack.work.review import Dismiss
from tests.bot.fakes import ADA, BOB, EVE, World, notification, texts_of

pytestmark = pytest.mark.anyio

DONE = Ending(state="verified", headline="done")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2", Meant("", (2,), "")),
        (" 2  it is\nmeant so ", Meant("", (2,), "it is meant so")),
        ("1,3", Meant("", (1, 3), "")),
        ("1, 3 , 5 as agreed", Meant("", (1, 3, 5), "as agreed")),
        ("1 3 5", Meant("", (1, 3, 5), "")),
        ("1 3, 5", Meant("", (1, 3, 5), "")),
        ("3,3,1", Meant("", (3, 1), "")),
        ("2 3 tries are enough", Meant("", (2,), "3 tries are enough")),
        ("a1b2c3 2", Meant("a1b2c3", (2,), "")),
        ("A1B2C3 2, 4 so", Meant("a1b2c3", (2, 4), "so")),
        ("123456 2", Meant("123456", (2,), "")),
        ("2 #7 <b>", Meant("", (2,), "#7 <b>")),
    ],
)
def test_run_numbers_and_reason_are_read(text: str, meant: Meant) -> None:
    assert read(text) == meant


@pytest.mark.parametrize("text", ["", "it", "a1b2c3", "a1b2c3 it", "0", "1,0", "-1", "1.5", "1234", ",2", "two", "٣"])
def test_what_names_no_finding_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(GiveUp) as refusal:
        read(text)
    assert FORM in str(refusal.value)


def test_very_many_at_once_and_a_very_long_reason_are_refused() -> None:
    assert len(read(",".join(map(str, range(1, 21)))).numbers) == 20
    with pytest.raises(GiveUp, match="20 at once"):
        read(",".join(map(str, range(1, 22))))
    assert read("1 " + "x" * 1000).reason == "x" * 1000
    with pytest.raises(GiveUp, match="too long"):
        read("1 " + "x" * 1001)


async def ended(world: World, chat_id: int = ADA) -> UUID:
    run_id = world.add_run(chat_id=chat_id)
    await world.delivery.deliver(notification(run_id, DONE, chat_id=chat_id))
    return run_id


async def test_as_a_reply_to_how_it_ended_it_is_for_that_run(world: World) -> None:
    run_id = await ended(world)
    await ended(world)
    await world.write("/dismiss 2 it is meant so", reply_to=1000)
    assert world.broker.asks == [Dismiss(run_id=run_id, number=2, reason="it is meant so")]
    assert len(world.outside.sent) == 2  # the orchestrator says what it was


async def test_several_numbers_are_an_ask_each_with_ids_of_their_own(world: World) -> None:
    run_id = await ended(world)
    await world.write(f"/dismiss {run_id.hex[-6:]} 1, 3 as agreed", update_id=700)
    assert world.broker.asks == [Dismiss(run_id=run_id, number=n, reason="as agreed") for n in (1, 3)]
    assert len({request.id for request in world.broker.requests}) == 2


async def test_the_same_message_asks_for_the_same(world: World) -> None:
    run_id = await ended(world)
    ids = []
    for _ in range(2):
        await world.write(f"/dismiss {run_id.hex[-6:]} 1, 3", update_id=701)
        world.memory.updates._db.execute("DELETE FROM updates")  # it died before that was written down
        ids.append([request.id for request in world.broker.requests[-2:]])
    assert ids[0] == ids[1]


@pytest.mark.parametrize("reply_to", [None, 4321])
async def test_without_a_run_it_says_how_it_is_written(world: World, reply_to: int | None) -> None:
    await ended(world)
    await world.write("/dismiss 2", reply_to=reply_to)
    assert world.broker.asks == []
    assert "six letters" in texts_of(world.outside.sent)[-1]


async def test_an_admin_dismisses_for_others_and_nobody_else_does(world: World) -> None:
    run_id = await ended(world)
    await world.write(f"/dismiss {run_id.hex[-6:]} 1", user=BOB)
    assert world.broker.asks == []
    await world.write(f"/dismiss {run_id.hex[-6:]} 1", user=EVE)
    assert world.broker.asks == [Dismiss(run_id=run_id, number=1)]


async def test_without_the_broker_it_is_accepted(world: World) -> None:
    await ended(world)
    world.broker.away = True
    await world.write("/dismiss 1,2", reply_to=1000)
    assert "is dismissed as soon as the message broker is back" in texts_of(world.outside.sent)[-1]
