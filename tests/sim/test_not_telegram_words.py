"""not-telegram reads markup as Telegram does, and refuses what Telegram refuses, in its words."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramNotFound
from aiogram.types import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    ReactionTypeEmoji,
    ReplyParameters,
)

from sim.not_telegram import entities
from sim.not_telegram.person import Person
from sim.not_telegram.refusals import Refusal
from tests.sim.not_telegram import with_bot


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
