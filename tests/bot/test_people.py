"""People: a standing from the settings or from an admin, what each may do, and how it travels."""

from pathlib import Path

import pytest
from aiogram.methods import SendMessage

from stack.errors import GiveUp, TryAgain
from stack.ids import uuid7
from stack.messages import Ending, Note, Question
from stack.people import Person
from stack.work.kinds import Answer
from tests.bot.fakes import ADA, BOB, EVE, STRANGER, World, notification, texts_of

pytestmark = pytest.mark.anyio

MAY_I = Question(question="post", text="Post it?", choices=("Post", "Discard"))


async def said(world: World, text: str, user: int = EVE) -> str:
    """The last that the bot says to `user` when they write `text`."""
    await world.write(text, user=user)
    return [sent.text for sent in world.outside.sent if sent.chat_id == user][-1]


@pytest.mark.parametrize(("user", "standing"), [(ADA, "requester"), (EVE, "admin")])
async def test_the_standing_of_the_settings_travels_with_each_request(world: World, user: int, standing: str) -> None:
    await world.write("/review acme/shop 12", user=user)
    assert world.broker.requests[0].person.model_dump() == {"id": f"telegram:{user}", "standing": standing}


async def test_an_admin_gives_a_standing_that_outlives_a_restart(tmp_path: Path) -> None:
    before = World(tmp_path)
    assert "is now an approver" in await said(before, f"/people add {STRANGER} approver")
    assert f"<code>{STRANGER}</code>" in await said(before, "/people")
    assert [s.text for s in before.outside.sent if s.chat_id == STRANGER] == [
        "You may use this bot now, as an approver. /help shows what works."
    ]
    await before.close()
    after = World(tmp_path)
    await after.write("/review acme/shop 12", user=STRANGER)
    assert after.broker.requests[0].person == Person(id=f"telegram:{STRANGER}", standing="approver")
    await said(after, f"/people add {STRANGER} viewer")
    await said(after, f"/people add {STRANGER} viewer")
    assert len([s for s in after.outside.sent if "You may use this bot now" in s.text]) == 0  # they were told
    assert "may no longer use this bot" in await said(after, f"/people remove {STRANGER}")
    assert "This bot is private" in await said(after, "/status", user=STRANGER)
    await after.close()


async def test_without_a_standing_a_person_is_added_as_a_requester(world: World) -> None:
    assert "is now a requester" in await said(world, f"/people add {STRANGER}")


@pytest.mark.parametrize("text", ["/people", f"/people add {STRANGER} admin", f"/people remove {BOB}", "/people x"])
async def test_only_an_admin_may_see_or_change_people(world: World, text: str) -> None:
    assert "Only an admin may do that. You are a requester here" in await said(world, text, user=ADA)
    assert world.memory.people.standings() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/people add", "I cannot read that"),
        ("/people add @ada approver", "is not a Telegram number"),
        ("/people add 0", "is not a Telegram number"),
        ("/people add ١٢", "is not a Telegram number"),
        (f"/people add {STRANGER} boss", "is none of admin, approver, requester, viewer"),
        (f"/people add {STRANGER} admin now", "I cannot read that"),
        (f"/people remove {STRANGER}", "I know nobody"),
        (f"/people add {EVE} viewer", "ADMIN_USERS says so"),
        (f"/people remove {EVE}", "ADMIN_USERS says so"),
        (f"/people remove {ADA}", "stays a requester, because ALLOWED_USERS says so"),
    ],
)
async def test_what_cannot_be_done_is_told_with_the_setting_or_the_form(world: World, text: str, words: str) -> None:
    assert words in await said(world, text)
    assert world.memory.people.standings() == {}


async def test_somebody_of_the_settings_can_be_raised_and_lowered_in_chat(world: World) -> None:
    await said(world, f"/people add {ADA} approver")
    assert world.people.find(ADA) == Person(id=f"telegram:{ADA}", standing="approver")
    await said(world, f"/people add {ADA} viewer")
    assert "You may look" in await said(world, "/review acme/shop 12", user=ADA)
    await said(world, f"/people remove {ADA}")
    assert world.people.find(ADA) == Person(id=f"telegram:{ADA}", standing="requester")


async def test_the_list_says_who_is_what_and_by_which_setting_with_names_as_text(world: World) -> None:
    await said(world, "/help", user=ADA)
    await said(world, f"/people add {STRANGER} viewer")
    lines = (await said(world, "/people")).split("\n")
    assert lines[1:5] == [
        f"admin · Ann &lt;b&gt; (<code>{EVE}</code>) · ADMIN_USERS",
        f"requester · Ann &lt;b&gt; (<code>{ADA}</code>) · ALLOWED_USERS",
        f"requester · <code>{BOB}</code> · ALLOWED_USERS",
        f"viewer · <code>{STRANGER}</code>",
    ]


async def test_a_viewer_may_look_but_not_begin_stop_answer_or_steer(world: World) -> None:
    run_id = world.add_run(chat_id=STRANGER)
    await said(world, f"/people add {STRANGER} viewer")
    await world.delivery.deliver(notification(run_id, MAY_I, chat_id=STRANGER))
    asked = world.outside.sent[-1]
    await world.press(world.shown_keys()[0][1], user=STRANGER)
    assert "You may look" in world.outside.alerts[0]
    for text, reply_to in (
        ("/review acme/shop 12", None),
        ("https://github.com/acme/shop/pull/12", None),
        ("/cancel", None),
        ("Post", 1000 + world.outside.sent.index(asked)),
        ("faster", 1),
    ):
        await world.write(text, user=STRANGER, reply_to=reply_to)
        assert "You may look (/status, /help), but not begin" in world.outside.sent[-1].text, text
    assert "/review" not in await said(world, "/help", user=STRANGER)
    assert "no runs yet" in await said(world, "/status", user=STRANGER)
    assert world.broker.requests == []


# --- whom a notification goes to ------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["cli", "clock", "telegram:6666", "telegram:x", "telegram:1001 "])
async def test_what_nobody_here_asked_for_goes_to_all_admins_under_its_title(world: World, person: str) -> None:
    await said(world, f"/people add {BOB} admin")
    before = len(world.outside.sent)
    done = Ending(state="verified", headline="reviewed", seconds=1)
    message = notification(uuid7(), done, person=person, chat=None, title="Review of <acme>/shop#12")
    for _ in range(2):
        await world.delivery.deliver(message)
    sent = world.outside.sent[before:]
    assert {call.chat_id for call in sent} == {BOB, EVE}
    assert len(sent) == 2
    assert sent[0].text.startswith(f"<b>Review of &lt;acme&gt;/shop#12</b> · asked for by {person.strip()}\n✅ ")


async def test_a_person_is_told_in_private_whatever_chat_the_message_names(world: World) -> None:
    note = notification(uuid7(), Note(text="Too late."), title="Review of acme/shop#12")
    await world.delivery.deliver(note.model_copy(update={"chat": None}))
    await world.delivery.deliver(
        notification(uuid7(), Note(text="Too late."), title="T", chat={"chat_id": BOB, "message_id": 5})
    )
    first, second = world.outside.sent
    assert (first.chat_id, second.chat_id) == (ADA, ADA)
    assert (first.reply_parameters, second.reply_parameters) == (None, None)
    assert first.text == "<b>Review of acme/shop#12</b>\nToo late."


async def test_buttons_belong_to_the_person_to_whom_they_were_sent(world: World) -> None:
    await said(world, f"/people add {BOB} admin")
    await world.delivery.deliver(notification(uuid7(), MAY_I, person="clock", chat=None, title="T"))
    keys = {
        call.chat_id: call.reply_markup.inline_keyboard[0][0].callback_data  # type: ignore[union-attr]
        for call in world.outside.sent[-2:]
    }
    assert set(keys) == {BOB, EVE}
    await world.press(keys[EVE] or "", user=BOB)
    assert world.outside.alerts == ["This button is not yours."]
    await world.press(keys[BOB] or "", user=BOB)
    await world.press(keys[EVE] or "", user=EVE)
    assert [request.person.id for request in world.broker.requests] == [f"telegram:{BOB}", f"telegram:{EVE}"]
    assert all(isinstance(ask, Answer) for ask in world.broker.asks)  # which of both counts is the orchestrator's


async def test_without_any_admin_it_is_kept_as_a_dead_letter(tmp_path: Path) -> None:
    world = World(tmp_path, admins=frozenset())
    with pytest.raises(GiveUp, match="there is no admin to tell"):
        await world.delivery.deliver(notification(uuid7(), Note(text="x"), person="clock", chat=None))
    assert world.outside.sent == []
    await world.close()


async def test_one_admin_who_cannot_be_told_now_holds_up_no_other(world: World) -> None:
    await said(world, f"/people add {BOB} admin")
    before = len(world.outside.sent)
    message = notification(uuid7(), Note(text="x"), person="clock", chat=None)
    world.outside.fail(SendMessage, "broken")
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    assert len(world.outside.sent) == before + 1
    await world.delivery.deliver(message)
    assert sorted(call.chat_id for call in world.outside.sent[before:]) == [BOB, EVE]
    assert len(texts_of(world.outside.sent)) == before + 2
