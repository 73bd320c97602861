"""not-telegram, driven by the real aiogram client on one side and by a scripted person on the other."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from aiogram import Bot, Dispatcher, F
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    ReactionTypeEmoji,
    Update,
)

from sim.not_telegram.person import Person
from tests.sim.not_telegram import TOKEN, call, connected, control, serving, user_ids, with_bot

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop:1")]])


@asynccontextmanager
async def polling(url: str, dispatcher: Dispatcher) -> AsyncIterator[None]:
    async with connected(url) as bot:
        task = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
        try:
            yield
        finally:
            await dispatcher.stop_polling()
            await task


def echo() -> Dispatcher:
    """Answers a message with a button, shows its edits, and on a tap edits its own message."""
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def answer(message: Message) -> None:
        await message.reply(f"heard: <b>{message.html_text}</b>", parse_mode="HTML", reply_markup=KEYBOARD)

    @dispatcher.edited_message()
    async def answer_edit(message: Message) -> None:
        await message.answer(f"now: {message.text}")

    @dispatcher.callback_query(F.data == "stop:1")
    async def stop(query: CallbackQuery) -> None:
        await query.answer("stopping")
        assert isinstance(query.message, Message)
        await query.message.edit_text("stopped")

    return dispatcher


def test_a_dispatcher_hears_answers_and_edits(person: Person) -> None:
    async def chat() -> None:
        async with polling(person.url, echo()):
            written = await asyncio.to_thread(person.say, "good & <bold>")
            heard = await asyncio.to_thread(person.wait_for, lambda m: m["text"] == "heard: good & <bold>", 5)
            assert heard["reply_to_message"]["message_id"] == written["message_id"]
            await asyncio.to_thread(person.press, heard, "Stop")
            await asyncio.to_thread(person.wait_for, lambda m: m["text"] == "stopped" and m["edits"] == 1, 5)
            await asyncio.to_thread(person.edit, written, "better")
            await asyncio.to_thread(person.wait_for, lambda m: m["text"] == "now: better", 5)

    asyncio.run(chat())
    kinds = [event["kind"] for event in person.events()]
    assert kinds == ["sent", "sent", "sent", "tapped", "answered", "edited", "edited", "sent"]
    assert "[Stop]" in person.transcript()


def test_how_long_a_message_takes_to_the_bot_and_back(person: Person) -> None:
    async def chat() -> list[float]:
        async with polling(person.url, echo()):
            return [await asyncio.to_thread(round_trip, person, number) for number in range(10)]

    trips = asyncio.run(chat())
    print(f"person to person's screen through aiogram: median {sorted(trips)[5] * 1000:.1f} ms")


def round_trip(person: Person, number: int) -> float:
    start = time.perf_counter()
    person.say(f"trip {number}")
    person.wait_for(lambda message: message["text"] == f"heard: trip {number}", 5)
    return time.perf_counter() - start


def test_a_forged_tap_reaches_the_bot_as_it_would(person: Person) -> None:
    control(person.url, "callbacks", user_id=666, chat_id=person.user_id, message_id=999_999, data="forged")

    async def poll(bot: Bot) -> list[Update]:
        return await bot.get_updates()

    (update,) = with_bot(person.url, poll)
    assert (update.callback_query.from_user.id, update.callback_query.data) == (666, "forged")
    assert update.callback_query.message.date == 0


def test_a_person_presses_only_buttons_that_are_there(person: Person) -> None:
    message = person.say("no buttons here")
    with pytest.raises(LookupError, match="no button 'Stop'"):
        person.press(message, "Stop")


def test_a_wrong_token_is_unauthorized(person: Person) -> None:
    async def ask() -> None:
        async with connected(person.url, token="123456:another") as bot:
            with pytest.raises(TelegramUnauthorizedError):
                await bot.get_me()

    asyncio.run(ask())


def test_who_blocked_the_bot_gets_nothing(person: Person) -> None:
    control(person.url, "blocks", chat_id=person.user_id, blocked=True)
    with pytest.raises(TelegramForbiddenError, match="blocked by the user"):
        with_bot(person.url, lambda bot: bot.send_message(person.user_id, "x"))
    control(person.url, "blocks", chat_id=person.user_id, blocked=False)
    with_bot(person.url, lambda bot: bot.send_message(person.user_id, "welcome back"))


def test_an_edit_without_a_keyboard_takes_it_away(person: Person) -> None:
    async def use(bot: Bot) -> None:
        sent = await bot.send_message(person.user_id, "text", reply_markup=KEYBOARD)
        assert sent.reply_markup
        assert sent.reply_markup.model_dump() == KEYBOARD.model_dump()
        edited = await sent.edit_text("text")
        assert isinstance(edited, Message)
        assert edited.reply_markup is None
        assert edited.edit_date

    with_bot(person.url, use)
    assert person.messages()[-1]["edits"] == 1


def test_reactions_deletions_actions_and_commands(person: Person) -> None:
    async def use(bot: Bot) -> None:
        sent = await bot.send_message(person.user_id, "short-lived")
        await sent.react([ReactionTypeEmoji(emoji="👀")])
        await bot.send_chat_action(person.user_id, "typing")
        await sent.delete()
        commands = [BotCommand(command="review", description="Review a pull request")]
        await bot.set_my_commands(commands)
        assert [command.model_dump() for command in await bot.get_my_commands()] == [commands[0].model_dump()]

    with_bot(person.url, use)
    assert [event["kind"] for event in person.events()] == ["sent", "sent", "reacted", "action", "deleted"]
    assert [message["text"] for message in person.messages()] == ["hello"]
    assert requests.get(f"{person.url}/_sim/bot", timeout=5).json()["commands"][0]["command"] == "review"


@pytest.mark.parametrize(("when", "arrived"), [("before", False), ("after", True)])
def test_a_fault_strikes_before_or_after_the_effect(person: Person, when: str, arrived: bool) -> None:
    control(person.url, "faults", method="sendMessage", status=502, when=when)

    async def use(bot: Bot) -> None:
        with pytest.raises(TelegramServerError):
            await bot.send_message(person.user_id, "once")

    with_bot(person.url, use)
    assert ("once" in [message["text"] for message in person.messages()]) is arrived
    with_bot(person.url, lambda bot: bot.send_message(person.user_id, "well again"))


def test_a_fault_can_ask_to_wait(person: Person) -> None:
    control(person.url, "faults", method="*", status=429, retry_after=7, count=2)

    async def use(bot: Bot) -> None:
        for _ in range(2):
            with pytest.raises(TelegramRetryAfter) as refused:
                await bot.send_message(person.user_id, "x")
            assert refused.value.retry_after == 7
        await bot.send_message(person.user_id, "x")

    with_bot(person.url, use)


def test_a_fault_can_delay_an_answer(person: Person) -> None:
    control(person.url, "faults", method="sendMessage", delay_seconds=0.5, when="after")

    async def use(bot: Bot) -> None:
        sending = asyncio.create_task(bot.send_message(person.user_id, "slow"))
        await asyncio.to_thread(person.wait_for, lambda message: message["text"] == "slow", 5)
        assert not sending.done()
        await sending

    with_bot(person.url, use)


@pytest.mark.parametrize("body", [{"method": "getMe"}, {"method": "getMe", "status": 200}, {"status": 500, "x": 1}])
def test_a_fault_that_makes_no_sense_is_refused(not_telegram: str, body: dict[str, Any]) -> None:
    assert requests.post(f"{not_telegram}/_sim/faults", json=body, timeout=5).status_code == 400


@pytest.mark.parametrize("body", [{}, {"user_id": "1", "text": "x"}, {"user_id": 1}, {"user_id": 1, "text": " "}])
def test_a_message_that_makes_no_sense_is_refused(not_telegram: str, body: dict[str, Any]) -> None:
    reply = requests.post(f"{not_telegram}/_sim/messages", json=body, timeout=5)
    assert reply.status_code == 400
    assert reply.json()["description"]


def test_calls_are_listed_without_the_token(person: Person) -> None:
    call(person.url, "sendMessage", chat_id=person.user_id, text="")
    calls = requests.get(f"{person.url}/_sim/requests", timeout=5)
    assert calls.json()[-1].items() >= {"method": "sendMessage", "status": 400}.items()
    assert "not-a-token" not in calls.text


def test_parameters_come_as_query_form_or_json(person: Person) -> None:
    address = f"{person.url}/bot{TOKEN}/sendMessage"
    parameters = {"chat_id": str(person.user_id), "text": "x"}
    assert requests.get(address, params=parameters, timeout=5).ok
    assert requests.post(address, data=parameters, timeout=5).ok
    assert requests.post(address, json=parameters, timeout=5).ok


def test_waiting_in_vain_shows_the_transcript(person: Person) -> None:
    with pytest.raises(TimeoutError, match="hello"):
        person.wait_for(lambda message: False, 0.1)


def test_following_ends_when_the_watcher_says_so(person: Person) -> None:
    person.say("second")
    seen: list[str] = []

    def watch(event: dict[str, Any]) -> bool:
        seen.append(event["message"]["text"])
        return len(seen) < 2

    person.follow(watch)
    assert seen == ["hello", "second"]


def test_the_page_is_served_and_may_run_no_foreign_script(not_telegram: str) -> None:
    reply = requests.get(not_telegram, timeout=5)
    assert "nothing leaves this machine" in reply.text
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for name in ("page.js", "message.js", "page.css"):
        assert requests.get(f"{not_telegram}/static/{name}", timeout=5).ok


def test_a_terminal_can_say_something(not_telegram: str) -> None:
    user = next(user_ids)
    command = [sys.executable, "-m", "sim.not_telegram.person", not_telegram, "--user", str(user)]
    subprocess.run([*command, "say", "from a terminal"], check=True, capture_output=True)
    assert Person(not_telegram, user).messages()[0]["text"] == "from a terminal"


def test_chats_and_unconfirmed_updates_survive_a_restart(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path)) as url:
        Person(url, 1).say("still there?")
        before = call(url, "getUpdates").json()
    with serving("--data", str(tmp_path)) as url:
        assert call(url, "getUpdates").json() == before
        assert Person(url, 1).say("again")["message_id"] == 2
        assert [message["text"] for message in Person(url, 1).messages()] == ["still there?", "again"]


def test_the_rate_limit_allows_a_burst_and_then_asks_to_wait() -> None:
    async def flood(bot: Bot) -> None:
        for _ in range(5):
            await bot.send_message(1, "x")
        with pytest.raises(TelegramRetryAfter) as refused:
            await asyncio.gather(*(bot.send_message(1, "x") for _ in range(15)))
        assert refused.value.retry_after == 1

    with serving("--rate-limit") as url:
        Person(url, 1).say("go")
        with_bot(url, flood)


def test_a_stop_ends_open_polls() -> None:
    with ThreadPoolExecutor(1) as pool, suppress(requests.ConnectionError):
        with serving() as url:
            poll = pool.submit(requests.get, f"{url}/bot{TOKEN}/getUpdates?timeout=50", timeout=30)
            time.sleep(0.3)
        poll.result()
