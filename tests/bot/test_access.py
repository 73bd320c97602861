"""Who may talk to the bot: each kind of update, by somebody who is known and by a stranger."""

from itertools import product
from typing import Any

import pytest

from tests.bot.fakes import ADA, EVE, GROUP, STRANGER, World, pressed, texts_of, written

pytestmark = pytest.mark.anyio

ANONYMOUS = {"id": GROUP, "type": "supergroup"}
HELP = "/help"


def _updates(user: int) -> dict[str, dict[str, Any]]:
    """Each kind of update that could carry a command."""
    query = {"id": "1", "from": {"id": user, "is_bot": False, "first_name": "A"}, "query": HELP, "offset": ""}
    return {
        "message": {"message": written(HELP, user=user)},
        "edited message": {"edited_message": written(HELP, user=user, edit_date=1)},
        "message in a group": {"message": written(HELP, user=user, chat=GROUP)},
        "message of an anonymous administrator": {
            "message": written(HELP, user=user, chat=GROUP, sender_chat=ANONYMOUS)
        },
        "private message with a sender chat": {"message": written(HELP, user=user, sender_chat=ANONYMOUS)},
        "edited message in a group": {"edited_message": written(HELP, user=user, chat=GROUP, edit_date=1)},
        "channel post": {"channel_post": {**written(HELP, user=user), "chat": {"id": -9, "type": "channel"}}},
        "business message": {"business_message": written(HELP, user=user)},
        "inline query": {"inline_query": query},
        "button press in a group": {"callback_query": pressed("x", user=user, chat=GROUP)},
        "button press without its message": {
            "callback_query": {k: v for k, v in pressed("x", user=user).items() if k != "message"}
        },
    }


@pytest.mark.parametrize(("kind", "user"), list(product(_updates(ADA), (ADA, EVE, STRANGER))))
async def test_only_a_private_message_of_somebody_known_is_obeyed(world: World, kind: str, user: int) -> None:
    await world.feed(**_updates(user)[kind])
    obeyed = [text for text in texts_of(world.outside.sent) if "What I can do" in text]
    assert bool(obeyed) == (kind == "message" and user != STRANGER)
    if kind != "message":
        assert world.outside.sent == []
    if kind.startswith("button"):
        assert world.outside.alerts == ["This button is not for you."]


async def test_a_review_by_a_stranger_starts_nothing(world: World) -> None:
    await world.write("/review acme/shop 12", user=STRANGER)
    assert world.broker.requests == []


async def test_a_stranger_is_told_their_id_once(world: World) -> None:
    for _ in range(5):
        await world.write("hello?", user=STRANGER)
    await world.write("hello?", user=STRANGER + 1)
    first, second = world.outside.sent
    assert f"<code>{STRANGER}</code>" in first.text
    assert f"<code>{STRANGER + 1}</code>" in second.text


async def test_a_strangers_press_of_a_real_button_has_no_effect(world: World) -> None:
    ((_, data),) = world.buttons.to_cancel(world.add_run(), ADA)
    await world.press(data, user=STRANGER)
    assert world.broker.requests == []
    assert world.outside.alerts == ["This button is not for you."]


async def test_an_update_that_was_handled_is_not_handled_again(world: World) -> None:
    for _ in range(2):
        await world.write("/help", update_id=500)
    assert len(world.outside.sent) == 1
