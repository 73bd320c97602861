"""Documents that the bot sends in not-telegram, through aiogram's client, and what the person gets."""

from typing import Any

import pytest
import requests
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramEntityTooLarge
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, Message, ReplyParameters

from sim.not_telegram import documents
from sim.not_telegram.person import Person
from tests.sim.not_telegram import TOKEN, call, with_bot

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop:1")]])
MEGABYTE = 1 << 20


def sent(person: Person, content: bytes = b"the report", name: str = "report.md", **more: Any) -> Message:
    """What the bot sends, as aiogram sees it."""

    async def use(bot: Bot) -> Message:
        return await bot.send_document(person.user_id, BufferedInputFile(content, filename=name), **more)

    message: Message = with_bot(person.url, use)
    return message


def test_a_document_of_the_bot_is_read_by_the_person(person: Person) -> None:
    hello = ReplyParameters(message_id=person.messages()[0]["message_id"])
    message = sent(person, caption="<b>all</b> of it", parse_mode="HTML", reply_parameters=hello, reply_markup=KEYBOARD)
    document = message.document
    assert document
    assert (document.file_name, document.file_size, message.html_text) == ("report.md", 10, "<b>all</b> of it")
    shown = person.wait_for(lambda one: "document" in one, 5)
    assert person.read_document(shown) == b"the report"
    assert shown["reply_to_message"]["text"] == "hello"
    first, *rest = person.transcript().split("\n")[-3:]
    assert first.endswith("     bot  <report.md, 10 bytes>")
    assert [line.strip() for line in rest] == ["all of it", "[Stop]"]


def test_a_link_downloads_a_document(person: Person) -> None:
    document = sent(person).document
    assert document
    reply = requests.get(f"{person.url}/_sim/files/{document.file_id}", timeout=5)
    assert reply.content == b"the report"
    assert reply.headers["Content-Disposition"] == "attachment; filename=report.md"
    assert requests.get(f"{person.url}/_sim/files/another", timeout=5).status_code == 404


def test_a_message_without_a_document_has_nothing_to_read(person: Person) -> None:
    with pytest.raises(LookupError, match="no document"):
        person.read_document(person.messages()[0])


def test_ids_are_as_long_as_telegrams(person: Person) -> None:
    document = sent(person).document
    assert document
    assert len(document.file_id) > 64, "it does not go into a button's data"
    assert document.file_unique_id not in (document.file_id, "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.md", "report.md"),
        ("отчёт 1.md", "отчёт 1.md"),
        ("100%25.txt", "100%.txt"),
        ("../../etc/passwd", "passwd"),
        ('a"b?.tar.gz', "a b .tar.gz"),
        (".gitignore", "gitignore"),
        ("fire 🔥.txt", "fire.txt"),
        ("x" * 100 + ".markdown-of-ours-too", "x" * 64 + ".markdown-of-ours"),
        ("..", "file"),
    ],
)
def test_the_name_of_an_upload_is_cleaned(given: str, kept: str) -> None:
    assert documents.cleaned(given) == kept


@pytest.mark.parametrize(("given", "kept"), [("отчёт (1).pdf", "отчёт (1).pdf"), ('a "b".txt', "a  b.txt")])
def test_aiogram_uploads_under_any_name(person: Person, given: str, kept: str) -> None:
    document = sent(person, name=given).document
    assert document
    assert document.file_name == kept


def test_the_type_of_an_upload_comes_from_its_name(person: Person) -> None:
    files = {"document": ("page.html", b"<p>", "image/png")}
    address = f"{person.url}/bot{TOKEN}/sendDocument"
    reply = requests.post(address, data={"chat_id": person.user_id}, files=files, timeout=5)
    assert reply.json()["result"]["document"]["mime_type"] == "text/html"


def test_a_document_is_sent_again_by_its_id(person: Person) -> None:
    first = sent(person, caption="first").document
    assert first

    async def again(bot: Bot) -> Message:
        return await bot.send_document(person.user_id, first.file_id)

    message = with_bot(person.url, again)
    assert message.document == first
    assert message.caption is None
    assert person.read_document(person.messages()[-1]) == b"the report"


def test_what_a_person_sent_is_sent_back_by_its_id(person: Person) -> None:
    theirs = person.send_document("notes.txt", b"notes")["document"]
    with_bot(person.url, lambda bot: bot.send_document(person.user_id, theirs["file_id"]))
    assert person.messages()[-1]["document"] == theirs


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "there is no document in the request"),
        ({"document": "attach://nothing"}, "there is no document in the request"),
        ({"document": "BQACAgIAAxk"}, "wrong remote file identifier specified: can't unserialize it"),
        ({"document": "https://example.org/report.pdf"}, "failed to get HTTP URL content"),
    ],
)
def test_a_document_that_is_none_is_refused(person: Person, parameters: dict[str, str], reason: str) -> None:
    reply = call(person.url, "sendDocument", chat_id=person.user_id, **parameters)
    assert (reply.status_code, reply.json()["description"]) == (400, f"Bad Request: {reason}")


def test_an_empty_document_is_refused(person: Person) -> None:
    with pytest.raises(TelegramBadRequest, match="file must be non-empty"):
        sent(person, b"")


def test_a_caption_has_1024_units_after_its_markup_is_read(person: Person) -> None:
    assert sent(person, caption="<b>" + "😀" * 512 + "</b>", parse_mode="HTML").caption == "😀" * 512
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        sent(person, caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="can't parse entities"):
        sent(person, caption="<b>", parse_mode="HTML")
    assert len(person.messages()) == 2


def test_an_upload_of_50_megabytes_does_not_fit_and_a_smaller_one_does(person: Person) -> None:
    with pytest.raises(TelegramEntityTooLarge, match="Request Entity Too Large"):
        sent(person, bytes(50 * MEGABYTE))  # nothing is left for the rest of the request
    assert len(person.messages()) == 1
    assert requests.get(f"{person.url}/_sim/requests", timeout=5).json()[-1]["status"] == 413
    document = sent(person, bytes(50 * MEGABYTE - 4096)).document
    assert document
    assert document.file_size == 50 * MEGABYTE - 4096


def test_a_caption_and_a_keyboard_can_be_changed(person: Person) -> None:
    async def use(bot: Bot) -> None:
        file = BufferedInputFile(b"x", filename="x.txt")
        message = await bot.send_document(person.user_id, file, caption="draft", reply_markup=KEYBOARD)
        changed = await message.edit_caption(caption="<i>done</i>", parse_mode="HTML", reply_markup=KEYBOARD)
        assert isinstance(changed, Message)
        assert (changed.html_text, changed.document) == ("<i>done</i>", message.document)
        bare = await message.edit_reply_markup()
        assert isinstance(bare, Message)
        assert (bare.html_text, bare.reply_markup) == ("<i>done</i>", None)
        with pytest.raises(TelegramBadRequest, match="message is not modified"):
            await message.edit_caption(caption="<i>done</i>", parse_mode="HTML")
        with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
            await message.edit_text("x")
        text = await bot.send_message(person.user_id, "text")
        with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
            await text.edit_caption(caption="x")

    with_bot(person.url, use)
