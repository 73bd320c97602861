"""Commands and buttons."""

from pathlib import Path
from uuid import uuid4

import pytest
from aiogram.methods import EditMessageText, SendMessage

from bot import texts
from bot.commands import COMMANDS, REVIEW_FORM
from stack.messages import Answer, Cancel, Chat, Ending, Question, StartReview
from tests.bot.fakes import ADA, BOB, SENT_AT, World, notification, texts_of

pytestmark = pytest.mark.anyio

REVIEW = "/review acme/shop 12"
MAY_I = Question(question="post", text="Post it?", choices=("Post", "Discard"))


async def test_a_review_asks_the_orchestrator_and_shows_a_message_with_a_cancel_button(world: World) -> None:
    await world.write(f"{REVIEW} ask")
    (request,) = world.broker.requests
    assert request.person == f"telegram:{ADA}"
    assert request.chat == Chat(chat_id=ADA, message_id=1)
    assert request.ask == StartReview(repository="acme/shop", number=12, approval=True)
    assert request.id.int >> 80 == SENT_AT * 1000
    await world.settle()
    (sent,) = world.outside.sent
    assert sent.text.startswith("<b>Review of acme/shop#12</b> — queued")
    assert sent.reply_parameters is not None
    assert sent.reply_parameters.message_id == 1
    assert [label for label, _ in world.shown_keys()] == ["Cancel"]


async def test_an_update_delivered_again_after_a_crash_asks_for_the_same_run(tmp_path: Path) -> None:
    ids, messages = set(), 0
    for number in range(2):
        world = World(tmp_path / str(number))  # a crash before anything was written down: the memory is empty
        await world.write(REVIEW, update_id=500)
        await world.settle()
        ids.add(world.broker.requests[0].id)
        await world.close()
    assert len(ids) == 1
    for _ in range(2):
        world = World(tmp_path / "1")  # the memory is there
        await world.write(REVIEW, update_id=500)
        messages += len(world.outside.sent)
        await world.close()
    assert messages == 0


async def test_two_updates_are_two_runs(world: World) -> None:
    await world.write(REVIEW)
    await world.write(REVIEW)
    first, second = world.broker.requests
    assert first.id != second.id


async def test_a_malformed_review_starts_nothing_and_teaches_the_form(world: World) -> None:
    await world.write("/review <b>acme</b>")
    assert world.broker.requests == []
    (text,) = texts_of(world.outside.sent)
    assert REVIEW_FORM in text
    assert "&lt;b&gt;acme" in text


async def test_without_the_broker_the_person_hears_that_nothing_was_started(world: World) -> None:
    world.broker.away = True
    await world.write(REVIEW, update_id=500)
    (text,) = texts_of(world.outside.sent)
    assert text.startswith("Nothing was started")
    assert "try again" in text
    world.broker.away = False
    await world.write(REVIEW, update_id=500)  # it was dealt with
    assert world.broker.requests == []
    await world.write("/cancel")
    assert "Nothing of yours is running" in texts_of(world.outside.sent)[-1]


async def test_a_reply_that_telegram_does_not_take_now_comes_later(world: World) -> None:
    world.outside.fail(SendMessage, "busy", seconds=0.01, times=2)
    await world.write("/help")
    await world.write("/help", user=BOB)  # meets the second fault
    while len(world.outside.sent) < 2:
        await world.turn()
    assert {call.chat_id for call in world.outside.sent} == {ADA, BOB}


@pytest.mark.parametrize("text", ["/start", "/help", "/HELP", "/start deep-link"])
async def test_start_and_help_teach_each_command(world: World, text: str) -> None:
    await world.write(text)
    (answer,) = texts_of(world.outside.sent)
    assert all(command.example in answer for command in COMMANDS)


@pytest.mark.parametrize(("text", "said"), [("hello", "/review acme/shop 12"), ("/fly <b>", "I do not know /fly")])
async def test_anything_else_gets_a_friendly_word(world: World, text: str, said: str) -> None:
    await world.write(text)
    assert said in texts_of(world.outside.sent)[0]


async def test_every_command_of_the_menu_has_a_handler(world: World) -> None:
    assert set(world.handlers.by_command()) == {command.name for command in COMMANDS}


async def test_status_shows_the_persons_runs(world: World) -> None:
    row = {"id": str(uuid4()), "title": "Review of <acme>", "state": "running", "seconds": 65, "cost_usd": 0.5}
    world.orchestrator.rows = [row]
    await world.write("/status")
    assert world.orchestrator.asked == [f"telegram:{ADA}"]
    (text,) = texts_of(world.outside.sent)
    assert "⏳ Review of &lt;acme&gt; · running · 1 min 5 s · $0.5000" in text
    world.orchestrator.rows = []
    await world.write("/status")
    assert "no runs yet" in texts_of(world.outside.sent)[1]


async def test_status_without_the_orchestrator_says_so(world: World) -> None:
    world.orchestrator.away = True
    await world.write("/status")
    assert "The orchestrator cannot be reached. Please try again" in texts_of(world.outside.sent)[0]


# --- cancel -------------------------------------------------------------------------------------------


async def test_cancel_stops_the_newest_running_run(world: World) -> None:
    older, newer, foreign = world.add_run("A"), world.add_run("B"), world.add_run("C", chat_id=BOB)
    await world.write("/cancel")
    await world.live.end(newer, Ending(state="cancelled", headline="h"))
    await world.write("/cancel")
    assert [request.ask for request in world.broker.requests] == [Cancel(run_id=newer), Cancel(run_id=older)]
    assert foreign not in {request.id for request in world.broker.requests}


async def test_cancel_takes_the_short_id_of_a_run_of_ones_own(world: World) -> None:
    run_id, _ = world.add_run(), world.add_run()
    await world.write(f"/cancel {run_id.hex[-6:].upper()}")
    assert world.broker.requests[0].ask == Cancel(run_id=run_id)
    foreign = world.add_run(chat_id=BOB)
    await world.write(f"/cancel {foreign.hex[-6:]}")
    assert len(world.broker.requests) == 1
    assert "I know no run" in texts_of(world.outside.sent)[-1]


async def test_cancel_as_a_reply_stops_the_run_of_that_message(world: World) -> None:
    await world.write(REVIEW)
    await world.settle()
    run_id = world.broker.requests[0].id
    await world.delivery.deliver(notification(run_id, MAY_I))
    world.add_run("a newer one")
    shown = world.memory.run(run_id)
    assert shown is not None
    for message_id in (1, shown.message_id, 1001):  # the command, the progress message, the question
        await world.write("/cancel", reply_to=message_id)
        assert world.broker.requests[-1].ask == Cancel(run_id=run_id)
    assert len(world.broker.requests) == 4
    await world.write("/cancel", reply_to=4321)
    assert len(world.broker.requests) == 4


async def test_cancel_of_a_run_that_has_ended_is_refused(world: World) -> None:
    run_id = world.add_run()
    await world.live.end(run_id, Ending(state="verified", headline="h"))
    await world.write(f"/cancel {run_id.hex[-6:]}")
    assert world.broker.requests == []
    assert "has already ended" in texts_of(world.outside.sent)[0]


async def test_the_cancel_button_stops_the_run_once(world: World) -> None:
    await world.write(REVIEW)
    await world.settle()
    ((_, data),) = world.shown_keys()
    await world.press(data)
    await world.press(data)
    await world.settle()
    assert [request.ask for request in world.broker.requests[1:]] == [Cancel(run_id=world.broker.requests[0].id)]
    assert world.outside.edits[-1].reply_markup is None
    assert "stopping" in (world.outside.edits[-1].text or "")


# --- questions ----------------------------------------------------------------------------------------


async def asked(world: World) -> dict[str, str]:
    """The callback data of each choice of a question that was just sent."""
    await world.delivery.deliver(notification(world.add_run(), MAY_I))
    keys = dict(world.shown_keys())
    assert list(keys) == ["Post", "Discard"]
    assert all(len(data.encode()) <= 64 for data in keys.values())
    return keys


async def test_a_choice_is_answered_once_and_shown(world: World) -> None:
    keys = await asked(world)
    for label in ("Post", "Post", "Discard"):
        await world.press(keys[label])
    (request,) = world.broker.requests
    assert isinstance(request.ask, Answer)
    assert (request.ask.question, request.ask.choice) == ("post", "Post")
    assert request.person == f"telegram:{ADA}"
    (edit,) = world.outside.edits
    assert edit.text == "Post it?\n\nAnn &lt;b&gt; chose <b>Post</b>"
    assert edit.reply_markup is None
    assert len(world.outside.alerts) == 2


async def test_two_presses_around_a_crash_are_one_answer(tmp_path: Path) -> None:
    world = World(tmp_path)
    keys = await asked(world)
    button = world.memory.button(keys["Post"])
    assert button is not None
    await world.press(keys["Post"])
    await world.close()
    again = World(tmp_path / "other")  # the memory as it was before the press
    again.memory.add_buttons([button])
    await again.press(keys["Post"])
    assert again.broker.requests[0].id == world.broker.requests[0].id
    await again.close()


@pytest.mark.parametrize("data", ["", "post", "x" * 64, "' OR 1=1 --", "%"])
async def test_a_forged_button_has_no_effect(world: World, data: str) -> None:
    await asked(world)
    await world.press(data)
    assert world.broker.requests == []
    assert world.outside.alerts == ["I do not know this button."]


async def test_another_persons_button_has_no_effect(world: World) -> None:
    keys = await asked(world)
    await world.press(keys["Post"], user=BOB)
    await world.press(keys["Post"], user=ADA, chat=BOB)
    assert world.broker.requests == []
    assert world.outside.alerts == ["This button is not yours."] * 2


async def test_an_expired_button_has_no_effect(world: World) -> None:
    keys = await asked(world)
    world.memory._db.execute("UPDATE buttons SET at = at - 7 * 86400 - 1")
    await world.press(keys["Post"])
    assert world.broker.requests == []
    assert world.outside.alerts == ["This button has expired."]


async def test_the_buttons_of_a_run_that_has_ended_have_no_effect(world: World) -> None:
    keys = await asked(world)
    button = world.memory.button(keys["Post"])
    assert button is not None
    await world.delivery.deliver(notification(button.run_id, Ending(state="cancelled", headline="h")))
    await world.press(keys["Post"])
    assert world.broker.requests == []


async def test_a_press_while_the_broker_is_away_can_be_repeated(world: World) -> None:
    keys = await asked(world)
    world.broker.away = True
    await world.press(keys["Post"])
    assert "try again" in world.outside.alerts[0]
    world.broker.away = False
    await world.press(keys["Post"])
    assert len(world.broker.requests) == 1


async def test_an_answer_counts_even_where_its_question_cannot_be_edited(world: World) -> None:
    keys = await asked(world)
    world.outside.fail(EditMessageText, "broken")
    await world.press(keys["Post"])
    await world.press(keys["Post"])
    assert len(world.broker.requests) == 1


async def test_a_press_that_fails_for_a_reason_nobody_foresaw_is_apologised_for(world: World) -> None:
    ((_, data),) = world.buttons.make(world.add_run(), ADA, "post", ("a choice that is longer than any answer may be",))
    await world.press(data)
    assert world.outside.alerts == [texts.BROKEN]
