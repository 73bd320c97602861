"""What the bot is told: long polls, updates until they are confirmed, kinds that it asked for, edits and replies."""

import asyncio
import time
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError
from aiogram.types import ReplyParameters, Update

from sim.not_telegram.person import Person
from tests.sim.not_telegram import call, control, updates, with_bot


def test_a_long_poll_returns_when_a_message_comes(person: Person) -> None:
    async def poll(bot: Bot) -> tuple[list[Update], float]:
        waiting = asyncio.create_task(bot.get_updates(timeout=20))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        start = time.perf_counter()
        await asyncio.to_thread(person.say, "now")
        return await waiting, time.perf_counter() - start

    updates, seconds = with_bot(person.url, poll)
    assert [update.message.text for update in updates] == ["now"]
    print(f"say and getUpdates: {seconds * 1000:.1f} ms")


def test_a_long_poll_without_news_is_empty(person: Person) -> None:
    assert call(person.url, "getUpdates", timeout=1).json() == {"ok": True, "result": []}


def test_unconfirmed_updates_come_again_until_the_offset_passes_them(person: Person) -> None:
    person.say("one")
    person.say("two")
    before = call(person.url, "getUpdates").json()["result"]
    again = call(person.url, "getUpdates").json()["result"]
    assert before == again
    assert [update["message"]["text"] for update in again] == ["one", "two"]
    rest = call(person.url, "getUpdates", offset=again[0]["update_id"] + 1, limit=1).json()["result"]
    assert rest == again[1:]
    assert call(person.url, "getUpdates", offset=-1).json()["result"] == again[1:]


def test_only_allowed_updates_are_kept(person: Person) -> None:
    call(person.url, "getUpdates", allowed_updates=["callback_query"])
    message = person.say("not for the bot")
    control(person.url, "callbacks", user_id=7, chat_id=person.user_id, message_id=message["message_id"], data="x")
    updates = call(person.url, "getUpdates").json()["result"]
    assert [sorted(update) for update in updates] == [["callback_query", "update_id"]]


def test_a_second_poll_ends_the_first_with_a_conflict(person: Person) -> None:
    async def two(bot: Bot) -> None:
        first = asyncio.create_task(bot.get_updates(timeout=20))
        await asyncio.sleep(0.3)
        assert await bot.get_updates(timeout=0) == []
        with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
            await first

    with_bot(person.url, two)


def kinds(person: Person) -> list[str]:
    return [kind for update in updates(person.url) for kind in update if kind != "update_id"]


def test_an_edit_is_an_update_of_its_own_with_the_new_text(person: Person) -> None:
    written = person.say("first")
    person.edit(written, "second")
    sent, edited = with_bot(person.url, lambda bot: bot.get_updates())
    assert (sent.message.text, sent.message.edit_date) == ("first", None)
    assert edited.edited_message.message_id == written["message_id"]
    assert edited.edited_message.text == "second"
    assert edited.edited_message.edit_date


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], ["message", "edited_message"]),
        (["message"], ["message"]),
        (["edited_message"], ["edited_message"]),
        (["Message", "edited_message", "no_such_kind"], ["message", "edited_message"]),
        (["no_such_kind"], ["message", "edited_message"]),
        (["inline_query"], []),
    ],
)
def test_the_bot_is_told_the_kinds_that_it_asked_for(person: Person, asked: list[str], told: list[str]) -> None:
    call(person.url, "getUpdates", allowed_updates=asked)
    person.edit(person.say("first"), "second")
    assert kinds(person) == told


def test_what_was_asked_for_last_holds_until_something_else_is_asked_for(person: Person) -> None:
    call(person.url, "getUpdates", allowed_updates=["edited_message"])
    call(person.url, "getUpdates")
    person.edit(person.say("first"), "second")
    assert kinds(person) == ["edited_message"]
    call(person.url, "getUpdates", allowed_updates=["message"])
    assert kinds(person) == ["edited_message"], "what is there already stays"
    person.say("third")
    assert kinds(person) == ["edited_message", "message"]


def test_nobody_edits_what_others_wrote(person: Person) -> None:
    sent = with_bot(person.url, lambda bot: bot.send_message(person.user_id, "mine"))
    with pytest.raises(RuntimeError, match="only who wrote a message can edit it"):
        person.edit({"message_id": sent.message_id}, "not mine")
    assert kinds(person) == []


def test_a_reply_shows_the_message_of_the_bot_that_it_answers(person: Person) -> None:
    first = person.say("a question")

    async def answer(bot: Bot) -> Any:
        reply = ReplyParameters(message_id=first["message_id"])
        return await bot.send_message(person.user_id, "which <b>one</b>?", parse_mode="HTML", reply_parameters=reply)

    asked = with_bot(person.url, answer)
    person.say("that one", reply_to=asked.message_id)
    update = with_bot(person.url, lambda bot: bot.get_updates())[-1]
    replied = update.message.reply_to_message
    assert (update.message.text, replied.message_id, replied.html_text) == (
        "that one",
        asked.message_id,
        "which <b>one</b>?",
    )
    assert replied.from_user.is_bot
    assert replied.reply_to_message is None, "Telegram shows no reply inside of a reply"


def test_an_edit_of_a_reply_is_still_a_reply(person: Person) -> None:
    asked = with_bot(person.url, lambda bot: bot.send_message(person.user_id, "which?"))
    person.edit(person.say("that one", reply_to=asked.message_id), "no, the other")
    edited = updates(person.url)[-1]["edited_message"]
    assert edited["reply_to_message"]["message_id"] == asked.message_id


def test_nobody_replies_to_a_message_that_is_not_there(person: Person) -> None:
    with pytest.raises(RuntimeError, match="there is no message 999999"):
        person.say("that one", reply_to=999_999)


def test_the_bot_is_told_of_anything_that_it_did_not_ask_for(person: Person) -> None:
    call(person.url, "getUpdates", allowed_updates=["callback_query"])
    person.tell("message_reaction", user={"id": 7})
    assert updates(person.url)[-1]["message_reaction"] == {"user": {"id": 7}}
