"""not-telegram, driven by the real aiogram client on one side and by a scripted person on the other."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    ReactionTypeEmoji,
    ReplyParameters,
    Update,
)

from sim.not_telegram import entities
from sim.not_telegram.person import Person
from sim.not_telegram.refusals import Refusal

TOKEN = "123456:not-a-token"
KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop:1")]])
READY = "not-telegram is ready at "
user_ids = count(1001)


@contextmanager
def serving(*options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "sim.not_telegram", "--port", "0", "--token", TOKEN, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip().removeprefix(READY)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def person(url: str) -> Person:
    """Somebody new, in a chat that has begun, with nothing left over from other tests."""
    ada = Person(url, next(user_ids))
    requests.delete(f"{url}/_sim/faults", timeout=5)
    ada.say("hello")
    call(url, "getUpdates", allowed_updates=[])
    call(url, "deleteWebhook", drop_pending_updates=True)
    return ada


def call(url: str, method: str, token: str = TOKEN, **parameters: Any) -> requests.Response:
    return requests.post(f"{url}/bot{token}/{method}", json=parameters, timeout=10)


def control(url: str, what: str, **body: Any) -> Any:
    reply = requests.post(f"{url}/_sim/{what}", json=body, timeout=10)
    reply.raise_for_status()
    return reply.json()


@asynccontextmanager
async def connected(url: str, token: str = TOKEN) -> AsyncIterator[Bot]:
    async with Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url))) as bot:
        yield bot


def with_bot(url: str, use: Callable[[Bot], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with connected(url) as bot:
            return await use(bot)

    return asyncio.run(run())


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


def test_commands_links_and_mentions_are_found_in_plain_text(person: Person) -> None:
    message = person.say("😀 /review@some_bot see https://example.org/a. and @ada_l")
    found = [(entity["type"], entity["offset"], entity["length"]) for entity in message["entities"]]
    assert found == [("bot_command", 3, 16), ("url", 24, 21), ("mention", 51, 6)]


def test_html_becomes_text_and_entities(person: Person) -> None:
    markup = (
        '\n <b>bold <i>😀</i></b> &lt;tag&gt; &amp;&quot; <a href="https://example.org/?a=1&amp;b=2">link</a>\n'
        '<pre><code class="language-python">x &lt; 1</code></pre><blockquote expandable>q</blockquote> '
    )
    message = with_bot(person.url, lambda bot: bot.send_message(person.user_id, markup, parse_mode="HTML"))
    assert message.text == 'bold 😀 <tag> &" link\nx < 1q'
    assert [(one.type, one.extract_from(message.text)) for one in message.entities] == [
        ("bold", "bold 😀"),
        ("italic", "😀"),
        ("text_link", "link"),
        ("pre", "x < 1"),
        ("expandable_blockquote", "q"),
    ]
    assert message.entities[2].url == "https://example.org/?a=1&b=2"
    assert message.entities[3].language == "python"


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        ("ä <p>x</p>", 'Unsupported start tag "p" at byte offset 3'),
        ("a < b", "Unclosed start tag at byte offset 2"),
        ("<b>x", "Can't find end tag corresponding to start tag b"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
    ],
)
def test_html_that_telegram_would_not_read_is_refused(markup: str, reason: str) -> None:
    with pytest.raises(Refusal) as refusal:
        entities.parse_html(markup)
    assert refusal.value.description == f"Bad Request: can't parse entities: {reason}"


def test_markup_of_other_kinds_is_text() -> None:
    read = entities.parse_html("&nbsp; &amp &#128512; 5 > 4 *x*")
    assert (read.text, read.entities) == ("&nbsp; & 😀 5 > 4 *x*", [])


def test_a_link_that_is_none_is_dropped_and_its_text_stays() -> None:
    read = entities.parse_html('<a href="javascript:alert(1)">x</a> <a>example.org</a>')
    assert read.text == "x example.org"
    assert [entity["url"] for entity in read.entities] == ["http://example.org"]


Step = Callable[[Bot, int, Message], Awaitable[Any]]

REFUSED: list[tuple[str, type[TelegramAPIError], str, Step]] = [
    ("empty text", TelegramBadRequest, "message text is empty", lambda bot, chat, _: bot.send_message(chat, " \n")),
    ("empty html", TelegramBadRequest, "text is empty", lambda bot, chat, _: html(bot, chat, "<b></b>")),
    ("bad html", TelegramBadRequest, "can't parse entities", lambda bot, chat, _: html(bot, chat, "<b>")),
    ("too long", TelegramBadRequest, "message is too long", lambda bot, chat, _: bot.send_message(chat, "😀" * 2049)),
    ("long edit", TelegramBadRequest, "MESSAGE_TOO_LONG", lambda bot, chat, sent: sent.edit_text("x" * 4097)),
    ("same text", TelegramBadRequest, "is not modified", lambda bot, chat, sent: sent.edit_text("text")),
    ("same keys", TelegramBadRequest, "is not modified", lambda bot, chat, sent: sent.edit_reply_markup()),
    (
        "no such message",
        TelegramBadRequest,
        "message to edit not found",
        lambda bot, chat, _: bot.edit_message_text("x", chat_id=chat, message_id=999_999),
    ),
    (
        "a person's message",
        TelegramBadRequest,
        "message can't be edited",
        lambda bot, chat, sent: bot.edit_message_text("x", chat_id=chat, message_id=sent.message_id - 1),
    ),
    ("no such chat", TelegramBadRequest, "chat not found", lambda bot, *_: bot.send_message(-1, "x")),
    (
        "deleted twice",
        TelegramBadRequest,
        "to delete not found",
        lambda bot, chat, _: bot.delete_message(chat, 999_999),
    ),
    (
        "reply to nothing",
        TelegramBadRequest,
        "message to be replied not found",
        lambda bot, chat, _: bot.send_message(chat, "x", reply_parameters=ReplyParameters(message_id=999_999)),
    ),
    (
        "long data",
        TelegramBadRequest,
        "BUTTON_DATA_INVALID",
        lambda bot, chat, _: bot.send_message(chat, "x", reply_markup=keyboard("ä" * 33)),
    ),
    ("old tap", TelegramBadRequest, "query is too old", lambda bot, *_: bot.answer_callback_query("1")),
    (
        "command with a hyphen",
        TelegramBadRequest,
        "BOT_COMMAND_INVALID",
        lambda bot, *_: bot.set_my_commands([BotCommand(command="create-pr", description="x")]),
    ),
    (
        "reaction that is none",
        TelegramBadRequest,
        "REACTION_INVALID",
        lambda bot, chat, sent: sent.react([ReactionTypeEmoji(emoji="✅")]),
    ),
    ("unknown method", TelegramNotFound, "method not found", lambda bot, *_: bot.get_my_star_balance()),
]


def html(bot: Bot, chat: int, text: str) -> Awaitable[Message]:
    return bot.send_message(chat, text, parse_mode="HTML")


def keyboard(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="x", callback_data=data)]])


@pytest.mark.parametrize(("error", "words", "step"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_telegram_refuses_is_refused_in_its_words(
    person: Person, error: type[TelegramAPIError], words: str, step: Step
) -> None:
    async def use(bot: Bot) -> None:
        sent = await bot.send_message(person.user_id, "text")
        with pytest.raises(error, match=words):
            await step(bot, person.user_id, sent)

    with_bot(person.url, use)


def test_the_longest_message_goes_through(person: Person) -> None:
    markup = "<b>" + "😀" * 2048 + "</b>"
    message = with_bot(person.url, lambda bot: html(bot, person.user_id, markup))
    assert message.entities[0].length == 4096


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


def test_a_document_can_be_downloaded(person: Person) -> None:
    async def use(bot: Bot) -> Message:
        file = BufferedInputFile(b"the report", filename="report.md")
        return await bot.send_document(person.user_id, file, caption="<b>all</b> of it", parse_mode="HTML")

    message = with_bot(person.url, use)
    assert (message.document.file_name, message.document.file_size, message.caption) == ("report.md", 10, "all of it")
    reply = requests.get(f"{person.url}/_sim/files/{message.document.file_id}", timeout=5)
    assert reply.content == b"the report"
    assert reply.headers["Content-Disposition"] == "attachment; filename=report.md"


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
def test_a_fault_that_makes_no_sense_is_refused(url: str, body: dict[str, Any]) -> None:
    assert requests.post(f"{url}/_sim/faults", json=body, timeout=5).status_code == 400


@pytest.mark.parametrize("body", [{}, {"user_id": "1", "text": "x"}, {"user_id": 1}, {"user_id": 1, "text": " "}])
def test_a_message_that_makes_no_sense_is_refused(url: str, body: dict[str, Any]) -> None:
    reply = requests.post(f"{url}/_sim/messages", json=body, timeout=5)
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


def test_the_page_is_served_and_may_run_no_foreign_script(url: str) -> None:
    reply = requests.get(url, timeout=5)
    assert "nothing leaves this machine" in reply.text
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for name in ("page.js", "page.css"):
        assert requests.get(f"{url}/static/{name}", timeout=5).ok


def test_a_terminal_can_say_something(url: str) -> None:
    user = next(user_ids)
    command = [sys.executable, "-m", "sim.not_telegram.person", url, "--user", str(user), "say", "from a terminal"]
    subprocess.run(command, check=True, capture_output=True)
    assert Person(url, user).messages()[0]["text"] == "from a terminal"


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
