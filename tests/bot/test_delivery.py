"""Notifications: each is one message, whatever happens around it."""

from pathlib import Path

import pytest
from aiogram.methods import EditMessageText, SendMessage

from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.messages import Ending, Envelope, Note, Question, Request
from stack.people import Person
from stack.work.kinds import Cancel
from tests.bot.fakes import ADA, BOB, EVE, World, notification, texts_of
from tests.bot.played import Died

pytestmark = pytest.mark.anyio

DONE = Ending(state="verified", headline="acme/shop#12 reviewed: 2 findings", seconds=65)
CHOICES = Question(question="post", text="Post it?", choices=("Post", "Discard"))


async def test_an_ending_is_one_new_message_and_closes_the_progress(world: World) -> None:
    run_id = world.add_run()
    world.live.show(run_id)
    await world.settle()
    message = notification(run_id, DONE)
    for _ in range(3):
        await world.delivery.deliver(message)
    _progress, final = world.outside.sent
    assert "✅ <b>verified</b>" in final.text
    assert final.reply_parameters is not None
    assert final.reply_parameters.message_id == 1
    (edit,) = world.outside.edits
    assert edit.reply_markup is None


async def test_an_ending_of_a_run_that_the_bot_forgot_is_told_all_the_same(world: World) -> None:
    await world.delivery.deliver(notification(uuid7(), DONE))
    assert len(world.outside.sent) == 1


async def test_repeats_after_a_restart_send_nothing(tmp_path: Path) -> None:
    message = notification(uuid7(), DONE)
    sent = 0
    for _ in range(3):
        world = World(tmp_path)
        await world.delivery.deliver(message)
        sent += len(world.outside.sent)
        await world.close()
    assert sent == 1


async def test_a_crash_between_sending_and_writing_it_down_sends_at_most_twice(tmp_path: Path) -> None:
    message = notification(uuid7(), DONE)
    world = World(tmp_path)
    world.outside.fail(SendMessage, "died")
    with pytest.raises(Died):
        await world.delivery.deliver(message)
    await world.close()
    sent = len(world.outside.sent)
    for _ in range(3):
        world = World(tmp_path)
        await world.delivery.deliver(message)
        sent += len(world.outside.sent)
        await world.close()
    assert sent == 2


async def test_a_crash_before_the_progress_is_closed_leaves_it_to_the_repeat(tmp_path: Path) -> None:
    world = World(tmp_path)
    run_id = world.add_run()
    world.live.show(run_id)
    await world.settle()
    world.outside.fail(EditMessageText, "broken")
    message = notification(run_id, DONE)
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    assert len(world.outside.sent) == 2
    await world.close()
    world = World(tmp_path)
    await world.delivery.deliver(message)
    assert world.outside.sent == []
    assert len(world.outside.edits) == 1
    await world.close()


@pytest.mark.parametrize("how", ["broken", "busy"])
async def test_a_passing_fault_is_raised_for_the_broker_to_bring_it_again(world: World, how: str) -> None:
    message = notification(uuid7(), DONE)
    world.outside.fail(SendMessage, how, seconds=0.001)
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    while not world.outside.sent:
        try:
            await world.delivery.deliver(message)
        except TryAgain:
            await world.turn()
    assert len(world.outside.sent) == 1


async def test_a_chat_that_must_wait_is_not_asked_again_and_holds_up_no_other(world: World) -> None:
    world.outside.fail(SendMessage, "busy", seconds=60)
    for _ in range(2):
        with pytest.raises(TryAgain):
            await world.delivery.deliver(notification(uuid7(), DONE))
    await world.delivery.deliver(notification(uuid7(), DONE, chat_id=BOB))
    assert [call.chat_id for call in world.outside.sent] == [BOB]


async def test_somebody_who_blocked_the_bot_is_not_tried_for_ever(world: World) -> None:
    message = notification(uuid7(), Note(text="Too late."))
    world.outside.fail(SendMessage, "blocked")
    await world.delivery.deliver(message)
    await world.delivery.deliver(message)
    assert world.outside.sent == []


@pytest.mark.parametrize("content", [CHOICES, DONE])
async def test_what_somebody_who_blocked_the_bot_must_see_goes_to_the_admins_once(
    world: World, content: Question | Ending
) -> None:
    world.people.table.give(BOB, "admin", made_by=EVE)
    message = notification(uuid7(), content, title="Review of acme/shop#12")
    world.outside.fail(SendMessage, "blocked")
    world.outside.fail(SendMessage, "broken")  # to the first of the admins
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    for _ in range(2):
        await world.delivery.deliver(message)
    assert sorted(call.chat_id for call in world.outside.sent) == [BOB, EVE]
    for call in world.outside.sent:
        assert call.text.startswith("<b>Review of acme/shop#12</b> · asked for by telegram:1001")
        assert call.reply_parameters is None
    assert bool(world.shown_keys()) == (content is CHOICES)


async def test_a_person_whom_telegram_does_not_reach_just_now_is_told_and_no_admin(world: World) -> None:
    message = notification(uuid7(), CHOICES)
    world.outside.fail(SendMessage, "broken")
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    await world.delivery.deliver(message)
    assert [call.chat_id for call in world.outside.sent] == [ADA]


async def test_an_admin_who_blocked_the_bot_is_told_nothing_and_holds_up_no_other(world: World) -> None:
    world.people.table.give(BOB, "admin", made_by=EVE)
    world.outside.fail(SendMessage, "blocked")
    await world.delivery.deliver(notification(uuid7(), DONE, person="clock", chat=None))
    assert len(world.outside.sent) == 1
    world.outside.calls.clear()
    world.outside.fail(SendMessage, "blocked", times=2)
    await world.delivery.deliver(notification(uuid7(), DONE, chat_id=EVE))
    assert world.outside.calls == []


async def test_markup_that_telegram_cannot_read_goes_out_as_plain_text(world: World) -> None:
    world.outside.fail(SendMessage, "unreadable")
    await world.delivery.deliver(notification(uuid7(), Ending(state="failed", headline="a < b", seconds=1)))
    (sent,) = world.outside.sent
    assert sent.parse_mode is None
    assert sent.text == "❌ failed · a < b\n1 s"


async def test_a_question_sent_again_has_the_same_buttons(world: World) -> None:
    run_id = uuid7()
    await world.delivery.deliver(notification(run_id, CHOICES))
    first = world.shown_keys()
    await world.delivery.deliver(notification(run_id, CHOICES))
    assert world.shown_keys() == first


async def test_a_note_is_a_plain_reply(world: World) -> None:
    await world.delivery.deliver(notification(uuid7(), Note(text="Too <late> & over.")))
    assert texts_of(world.outside.sent) == ["Too &lt;late&gt; &amp; over."]


async def test_what_the_memory_does_not_take_now_comes_again(world: World) -> None:
    world.memory._db.execute("ALTER TABLE deliveries RENAME TO away")
    newer = Envelope(version=4, type="notification", id=uuid7(), person=f"telegram:{ADA}")
    with pytest.raises(TryAgain, match="the bot's memory does not answer"):
        await world.delivery.deliver(notification(uuid7(), DONE))
    with pytest.raises(TryAgain, match="the bot's memory does not answer"):
        await world.delivery.tell_newer(newer)
    world.memory._db.execute("ALTER TABLE away RENAME TO deliveries")
    await world.delivery.tell_newer(newer)
    assert len(world.outside.sent) == 1


async def test_what_is_no_notification_is_given_up(world: World) -> None:
    with pytest.raises(GiveUp):
        await world.delivery.deliver(Request(person=Person(id=f"telegram:{ADA}"), ask=Cancel(run_id=uuid7())))


# --- of a newer version -----------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [f"telegram:{BOB}", {"id": f"telegram:{BOB}", "standing": "requester"}])
async def test_who_a_message_of_a_newer_version_was_for_is_told_once(tmp_path: Path, person: object) -> None:
    envelope = Envelope(version=4, type="notification", id=uuid7(), run_id=uuid7(), person=person)
    sent = []
    for _ in range(2):
        world = World(tmp_path)
        await world.delivery.tell_newer(envelope)
        sent += world.outside.sent
        await world.close()
    assert [call.chat_id for call in sent] == [BOB]
    assert "came from a newer version of this stack, and I cannot read it: update the bot" in sent[0].text


@pytest.mark.parametrize("person", [None, "clock", 7, ["x"], {"id": None}, {"name": "x"}])
async def test_where_a_newer_message_names_nobody_the_admins_are_told(world: World, person: object) -> None:
    await world.delivery.tell_newer(Envelope(version=4, type="summons", id=uuid7(), person=person))
    assert [call.chat_id for call in world.outside.sent] == [EVE]


async def test_the_word_of_a_newer_message_comes_again_where_telegram_is_away(world: World) -> None:
    envelope = Envelope(version=4, type="notification", id=uuid7(), person=f"telegram:{ADA}")
    world.outside.fail(SendMessage, "broken")
    with pytest.raises(TryAgain):
        await world.delivery.tell_newer(envelope)
    await world.delivery.tell_newer(envelope)
    assert len(world.outside.sent) == 1
