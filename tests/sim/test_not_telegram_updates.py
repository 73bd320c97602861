"""What the bot is told: long polls, updates until they are confirmed, kinds that it asked for."""

import asyncio
import time

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError
from aiogram.types import Update

from sim.not_telegram.person import Person
from tests.sim.not_telegram import call, control, with_bot


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
