"""The page to chat on, in a real browser: documents both ways, replies, edits and keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup

from sim.not_telegram.person import Person
from tests.proxy.dashboard.browser import Page, chromium
from tests.sim.not_telegram import updates, with_bot

KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Stop", callback_data="stop:1")]])
CHOOSE_FILE = """(() => {
    const chosen = new DataTransfer();
    chosen.items.add(new File(["notes"], "notes.txt", { type: "text/plain" }));
    document.getElementById("file").files = chosen.files;
    document.getElementById("file").dispatchEvent(new Event("change"));
})()"""
FETCH = "fetch(document.querySelector('.document').href).then((reply) => reply.text())"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(browser: Page, person: Person) -> Iterator[Page]:
    """The person's chat; a test after which the browser has complained of anything fails."""
    browser.complaints.clear()
    browser.open(f"{person.url}/?user={person.user_id}&name=Ada", 360, 780)
    browser.wait("document.querySelector('.message')?.innerText.includes('hello')")
    yield browser
    browser.run("0")  # what it has to say of the last steps comes before the answer
    assert browser.complaints == []
    browser.leave()


def press(page: Page, text: str) -> None:
    """Presses the last button that says so."""
    page.run(f"[...document.querySelectorAll('button')].findLast((one) => one.textContent === '{text}').click()")


def test_a_document_of_the_bot_is_a_link_that_downloads_it(page: Page, person: Person) -> None:
    async def use(bot: Bot) -> Any:
        file = BufferedInputFile(b"the report", filename="<b>.md")
        return await bot.send_document(person.user_id, file, caption="<b>all</b> of it", parse_mode="HTML")

    with_bot(person.url, use)
    page.wait("document.querySelector('.document')")
    assert page.run("document.querySelector('.document b').textContent") == "b.md"
    assert page.run("document.querySelector('.text b').textContent") == "all"
    assert page.run(FETCH) == "the report"


def test_a_file_is_sent_with_what_was_written_as_its_caption(page: Page, person: Person) -> None:
    press(page, "reply")
    page.run("document.getElementById('text').value = 'as you asked'")
    page.run(CHOOSE_FILE)
    page.wait("document.querySelector('.document')")
    page.wait("document.getElementById('text').value === '' && document.getElementById('context').hidden")
    message = updates(person.url)[-1]["message"]
    assert (message["document"]["file_name"], message["document"]["mime_type"]) == ("notes.txt", "text/plain")
    assert (message["caption"], message["reply_to_message"]["text"]) == ("as you asked", "hello")
    assert page.run(FETCH) == "notes"


def test_a_caption_is_edited(page: Page, person: Person) -> None:
    person.send_document("notes.txt", b"notes", "draft")
    page.wait("document.querySelector('.document')")
    press(page, "edit")
    assert page.run("document.getElementById('text').value") == "draft"
    page.type(" two")
    page.wait("document.body.innerText.includes('draft two')")
    assert updates(person.url)[-1]["edited_message"]["caption"] == "draft two"


def test_a_key_is_tapped_and_a_command_is_said(page: Page, person: Person) -> None:
    with_bot(person.url, lambda bot: bot.send_message(person.user_id, "say /help", reply_markup=KEYBOARD))
    page.wait("document.querySelector('.keyboard button')")
    press(page, "Stop")
    page.wait("document.querySelector('.keyboard .waiting')")
    press(page, "/help")
    page.wait("document.querySelectorAll('.message').length === 3")
    tapped, said = updates(person.url)
    assert (tapped["callback_query"]["data"], said["message"]["text"]) == ("stop:1", "/help")
