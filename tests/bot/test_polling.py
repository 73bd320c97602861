"""The pulse, by what the bot knows that it is well; and what comes for it that it cannot read."""

import json
from typing import Any

import pytest
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import GetMe, GetUpdates, SendMessage

from bot.polling import PULSE_SECONDS, Session
from tests.bot.fakes import ADA, STRANGER, World, written

pytestmark = pytest.mark.anyio


async def test_a_bot_that_asks_for_no_updates_any_more_is_not_well(world: World) -> None:
    world.bot.session.middleware(world.pulse)
    world.now += PULSE_SECONDS
    await world.bot(SendMessage(chat_id=ADA, text="hello"))
    assert not world.pulse.beats()
    await world.bot(GetUpdates())
    assert world.pulse.beats()


@pytest.mark.parametrize("user", [ADA, STRANGER])
async def test_a_bot_that_is_busy_with_many_updates_is_well(world: World, user: int) -> None:
    for _ in range(5):
        world.now += PULSE_SECONDS - 1
        await world.write("/help", user=user)
        assert world.pulse.beats()
    world.now += PULSE_SECONDS
    assert not world.pulse.beats()


async def test_an_update_that_cannot_be_read_takes_no_other_with_it(world: World) -> None:
    odd: dict[str, Any] = written("/help", forward_origin={"type": "of tomorrow"})
    updates = [{"update_id": 1, "message": odd}, {"update_id": 2, "message": written("/help")}]
    answer = json.dumps({"ok": True, "result": updates})
    read = Session().check_response(world.bot, GetUpdates(), 200, answer).result
    assert read is not None
    first, second = read
    assert (first.update_id, first.message) == (1, None)
    assert second.message.text == "/help"
    with pytest.raises(ClientDecodeError):
        Session().check_response(world.bot, GetMe(), 200, answer)
