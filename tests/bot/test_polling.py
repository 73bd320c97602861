"""The pulse: by what the bot knows that it is well."""

import pytest
from aiogram.methods import GetUpdates, SendMessage

from bot.polling import PULSE_SECONDS
from tests.bot.fakes import ADA, STRANGER, World

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
