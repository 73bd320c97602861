"""/retry and its button: which run is meant, what the person sees, and that it is asked for once."""

from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from aiogram.methods import SendMessage

from stack.errors import TryAgain
from stack.ids import uuid7
from stack.messages import Ending, Progress
from stack.work.kinds import Cancel, Retry
from tests.bot.fakes import ADA, BOB, EVE, World, notification, summary, texts_of

pytestmark = pytest.mark.anyio

FAILED = Ending(state="failed", headline="GitHub says no", seconds=5, can_retry=True)
TITLE = "Review of acme/shop#12"


async def failed(world: World, title: str = TITLE, chat_id: int = ADA) -> UUID:
    """A run of the chat that has ended, whose end was told."""
    run_id = world.add_run(title, chat_id)
    world.live.show(run_id)
    await world.settle()
    await world.delivery.deliver(notification(run_id, FAILED, chat_id=chat_id))
    return run_id


def goes_on(run_id: UUID, *, source: str = "orchestrator") -> Progress:
    return Progress(run_id=run_id, source=source, kind="step", text="Trying again", data={"again": True})


# --- the command ------------------------------------------------------------------------------------------


async def test_retry_is_for_the_newest_run_of_the_chat_that_has_ended(world: World) -> None:
    await failed(world, "older")
    run_id = await failed(world, "newer")
    await failed(world, "of another", BOB)
    world.add_run("still running")
    await world.write("/retry")
    assert world.broker.asks == [Retry(run_id=run_id)]
    assert texts_of(world.outside.sent)[-1] == "Trying again: newer"


async def test_retry_takes_the_letters_of_a_run(world: World) -> None:
    run_id, elsewhere = await failed(world), summary(state="failed")
    await failed(world)
    world.orchestrator.rows = [elsewhere]
    for one in (run_id, elsewhere.id):
        await world.write(f"/retry {one.hex[-6:]}")
    assert world.broker.asks == [Retry(run_id=run_id), Retry(run_id=elsewhere.id)]


async def test_retry_as_a_reply_is_for_the_run_of_that_message(world: World) -> None:
    run_id = await failed(world)
    told = 1001  # how it ended
    await failed(world, "newer")
    await world.write("/retry", reply_to=told)
    assert world.broker.asks == [Retry(run_id=run_id)]
    await world.write("/retry", reply_to=4321)
    assert "not about a run" in texts_of(world.outside.sent)[-1]


async def test_an_admin_has_the_runs_of_others_tried_again_and_nobody_else_does(world: World) -> None:
    run_id = await failed(world)
    await world.write(f"/retry {run_id.hex[-6:]}", user=BOB)
    assert world.broker.asks == []
    await world.write(f"/retry {run_id.hex[-6:]}", user=EVE)
    assert world.broker.asks == [Retry(run_id=run_id)]


@pytest.mark.parametrize(("text", "words"), [("/retry", "Nothing that you began"), ("/retry it", "I cannot read")])
async def test_without_a_run_it_says_how_it_is_written(world: World, text: str, words: str) -> None:
    world.add_run("still running")
    await world.write(text)
    assert world.broker.asks == []
    (said,) = texts_of(world.outside.sent)
    assert words in said
    assert "reply /retry" in said


async def test_without_the_broker_it_is_accepted(world: World) -> None:
    await failed(world)
    world.broker.away = True
    await world.write("/retry")
    assert "is tried again as soon as the message broker is back" in texts_of(world.outside.sent)[-1]


# --- the button -------------------------------------------------------------------------------------------


async def test_under_an_end_that_can_be_tried_again_there_is_a_button(world: World) -> None:
    run_id = await failed(world)
    ((label, data),) = world.shown_keys()
    assert label == "Try again"
    await world.press(data)
    assert world.broker.asks == [Retry(run_id=run_id)]
    assert world.outside.alerts == []
    pressed = world.outside.edits[-1]
    assert (pressed.message_id, pressed.text, pressed.reply_markup) == (77, "Post it?", None)


async def test_under_another_end_there_is_none(world: World) -> None:
    run_id = world.add_run()
    await world.delivery.deliver(notification(run_id, Ending(state="failed", headline="no")))
    assert world.shown_keys() == []


async def test_two_presses_ask_once_and_a_repeat_has_the_same_id(world: World) -> None:
    await failed(world)
    ((_, data),) = world.shown_keys()
    world.broker.slow = True  # it takes the request and does not confirm
    await world.press(data)
    world.broker.slow = False
    await world.press(data)
    while len(world.broker.requests) < 2:
        await world.turn()
    assert len({request.id for request in world.broker.requests}) == 1
    assert "answered before" in world.outside.alerts[-1]


async def test_an_end_that_is_delivered_again_has_the_same_button(tmp_path: Path) -> None:
    told, keys = notification(uuid7(), FAILED), []
    for tries in range(2):
        world = World(tmp_path)
        world.outside.fail(SendMessage, "broken", times=1 - tries)
        with suppress(TryAgain):
            await world.delivery.deliver(told)
        keys += world.memory.buttons.of(told.run_id, ADA, "retry", str(told.id))
        await world.close()
    assert len({key.id for key in keys}) == 1


async def test_who_may_only_look_does_not_try_again(world: World) -> None:
    await failed(world, chat_id=BOB)
    ((_, data),) = world.shown_keys()
    world.memory.people.give(BOB, "viewer", made_by=EVE)
    await world.press(data, user=BOB)
    assert world.broker.asks == []
    assert "not begin" in world.outside.alerts[-1]


async def test_once_it_goes_on_the_button_counts_no_more(world: World) -> None:
    run_id = await failed(world)
    ((_, data),) = world.shown_keys()
    world.live.hear(goes_on(run_id))
    await world.press(data)
    assert world.broker.asks == []
    assert "has ended" in world.outside.alerts[-1]


async def test_each_end_has_a_button_of_its_own(world: World) -> None:
    run_id = await failed(world)
    ((_, first),) = world.shown_keys()
    await world.press(first)
    world.live.hear(goes_on(run_id))
    await world.settle()
    await world.delivery.deliver(notification(run_id, FAILED))
    ((label, second),) = world.shown_keys()
    assert (label, first != second) == ("Try again", True)
    await world.press(second)
    assert world.broker.asks == [Retry(run_id=run_id)] * 2
    assert len({request.id for request in world.broker.requests}) == 2


# --- the live message -------------------------------------------------------------------------------------


async def test_the_live_message_shows_the_run_again_and_it_can_be_cancelled(world: World) -> None:
    run_id = world.add_run()
    world.live.show(run_id)
    await world.settle()
    world.live.add_step(run_id, "posting")
    await world.settle()
    ((_, old),) = world.shown_keys()
    await world.delivery.deliver(notification(run_id, FAILED))
    world.live.hear(goes_on(run_id))
    await world.settle()
    last = world.outside.edits[-1]
    assert "… Trying again" in (last.text or "")
    assert "posting" not in (last.text or "")
    ((label, data),) = world.shown_keys()
    assert (label, data != old) == ("Cancel", True)
    await world.press(data)
    assert world.broker.asks == [Cancel(run_id=run_id)]
    await world.delivery.deliver(notification(run_id, Ending(state="verified", headline="done")))
    assert "verified" in (world.outside.edits[-1].text or "")


async def test_a_run_that_goes_on_outlives_a_restart_of_the_bot(tmp_path: Path) -> None:
    world = World(tmp_path)
    run_id = await failed(world)
    world.live.hear(goes_on(run_id))
    await world.close()
    world = World(tmp_path)
    world.live.add_step(run_id, "reading")
    await world.settle()
    assert "… reading" in (world.outside.edits[-1].text or "")
    await world.write("/cancel")
    assert world.broker.asks == [Cancel(run_id=run_id)]
    await world.close()


async def test_nobody_but_the_orchestrator_says_that_a_run_goes_on(world: World) -> None:
    run_id = await failed(world)
    edits = len(world.outside.edits)
    world.live.hear(goes_on(run_id, source="pr-reviewer"))
    await world.settle()
    assert len(world.outside.edits) == edits
    shown = world.memory.runs.find(run_id)
    assert shown is not None
    assert shown.ended


async def test_that_a_run_goes_on_which_is_not_known_or_has_not_ended_changes_nothing(world: World) -> None:
    run_id = world.add_run()
    world.live.add_step(run_id, "reading")
    await world.settle()
    for one in (run_id, uuid7()):
        world.live.hear(goes_on(one))
    await world.settle()
    assert "✓ reading\n… Trying again" in (world.outside.edits[-1].text or "")
