"""Documents that a person sends in not-telegram, and what the bot downloads."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
import requests
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BufferedInputFile, Message
from aiohttp import ClientResponseError

from sim.not_telegram.person import Person
from tests.sim.not_telegram import TOKEN, call, control, serving, updates, user_ids, with_bot

MEGABYTE = 1 << 20


def got(person: Person) -> Message:
    """The latest message that the bot was told of."""
    message: Message = with_bot(person.url, lambda bot: bot.get_updates())[-1].message
    return message


def downloaded(person: Person, file_id: str) -> bytes:
    async def use(bot: Bot) -> bytes:
        content = await bot.download(file_id)
        assert isinstance(content, BytesIO)
        return content.read()

    content: bytes = with_bot(person.url, use)
    return content


def path_of(person: Person, file_id: str) -> str:
    return str(call(person.url, "getFile", file_id=file_id).json()["result"]["file_path"])


def test_a_document_of_a_person_is_downloaded_by_the_bot(person: Person) -> None:
    asked = with_bot(person.url, lambda bot: bot.send_message(person.user_id, "send me the log"))
    person.send_document("build.json", b"{}", "the log of /build", reply_to=asked.message_id)
    message = got(person)
    document = message.document
    assert document
    assert (document.file_name, document.mime_type, document.file_size) == ("build.json", "application/json", 2)
    assert (message.text, message.caption) == (None, "the log of /build")
    assert [entity.type for entity in message.caption_entities or []] == ["bot_command"]
    assert message.reply_to_message
    assert message.reply_to_message.text == "send me the log"
    assert downloaded(person, document.file_id) == b"{}"


def test_a_person_claims_any_name_and_type(person: Person) -> None:
    person.send_document('../"evil"\n.md', b"x", mime_type="image/png")
    document = got(person).document
    assert document
    assert (document.file_name, document.mime_type) == ('../"evil"\n.md', "image/png")
    person.send_document("", b"x", mime_type="")
    assert sorted(updates(person.url)[-1]["message"]["document"]) == ["file_id", "file_size", "file_unique_id"]
    assert "<document, 1 bytes>" in person.transcript()


def test_a_person_changes_a_caption(person: Person) -> None:
    message = person.send_document("notes.txt", b"notes", "draft")
    person.edit(message, "done")
    edited = updates(person.url)[-1]["edited_message"]
    assert (edited["caption"], edited["document"]) == ("done", message["document"])
    assert "caption" not in person.edit(message, "")


def test_a_bot_that_asked_for_no_messages_is_told_of_no_document(person: Person) -> None:
    call(person.url, "getUpdates", allowed_updates=["callback_query"])
    person.send_document("notes.txt", b"notes")
    assert updates(person.url) == []


@pytest.mark.parametrize(
    ("content", "caption", "reason"), [(b"", "", "non-empty"), (b"x", "x" * 1025, "caption is too long")]
)
def test_what_an_app_would_not_send_is_refused(person: Person, content: bytes, caption: str, reason: str) -> None:
    with pytest.raises(RuntimeError, match=reason):
        person.send_document("notes.txt", content, caption)
    assert len(person.messages()) == 1


@pytest.mark.parametrize("form", [{}, {"message": "no json"}, {"message": "[]"}, {"message": '{"user_id": 1}'}])
def test_a_document_that_makes_no_sense_is_refused(not_telegram: str, form: dict[str, str]) -> None:
    files = {"document": ("document", b"x")}
    reply = requests.post(f"{not_telegram}/_sim/documents", data=form, files=files, timeout=5)
    assert reply.status_code == 400
    assert reply.json()["description"]


def test_who_blocked_the_bot_sends_it_nothing(person: Person) -> None:
    control(person.url, "blocks", chat_id=person.user_id, blocked=True)
    with pytest.raises(RuntimeError, match="blocked the bot"):
        person.send_document("notes.txt", b"notes")


# Downloads


def test_a_bot_downloads_20_megabytes_and_not_a_byte_more(person: Person) -> None:
    most = person.send_document("most.bin", bytes(20 * MEGABYTE))["document"]
    assert len(downloaded(person, most["file_id"])) == 20 * MEGABYTE
    more = person.send_document("more.bin", bytes(20 * MEGABYTE + 1))
    with pytest.raises(TelegramBadRequest, match="Bad Request: file is too big"):
        downloaded(person, more["document"]["file_id"])
    assert len(person.read_document(more)) == 20 * MEGABYTE + 1


@pytest.mark.parametrize(("file_id", "reason"), [("", "file_id not specified"), ("BQACAgIAAxk", "invalid file_id")])
def test_a_file_that_is_none_is_refused(person: Person, file_id: str, reason: str) -> None:
    reply = call(person.url, "getFile", file_id=file_id)
    assert (reply.status_code, reply.json()["description"]) == (400, f"Bad Request: {reason}")


def test_a_path_is_told_by_get_file_alone_and_needs_the_token(person: Person) -> None:
    first, second = (person.send_document("a.log", content)["document"]["file_id"] for content in (b"a", b"b"))
    told = path_of(person, first)
    number = int(told.removeprefix("documents/file_").removesuffix(".log"))
    untold = f"documents/file_{number + 1}.log"

    def fetched(path: str, token: str = TOKEN) -> requests.Response:
        return requests.get(f"{person.url}/file/bot{token}/{path}", timeout=5)

    assert fetched(told).content == b"a"
    nothing = {"ok": False, "error_code": 404, "description": "Not Found"}
    for reply in (fetched(told, "123456:another"), fetched(f"documents/file_{number}.txt"), fetched(untold)):
        assert (reply.status_code, reply.json()) == (404, nothing)
    assert path_of(person, second) == untold
    assert fetched(untold).content == b"b"


def test_a_path_stays_the_same_and_the_file_is_described(person: Person) -> None:
    document = person.send_document("no ending", b"12")["document"]
    first, again = (call(person.url, "getFile", file_id=document["file_id"]).json()["result"] for _ in range(2))
    assert first == again
    assert first["file_path"].startswith("documents/file_")
    assert "." not in first["file_path"]
    assert {key: first[key] for key in ("file_id", "file_unique_id", "file_size")} == {
        key: document[key] for key in ("file_id", "file_unique_id", "file_size")
    }


def test_a_fault_strikes_a_download(person: Person) -> None:
    document = person.send_document("notes.txt", b"notes")["document"]
    control(person.url, "faults", method="download", status=502)
    with pytest.raises(ClientResponseError, match="502"):
        downloaded(person, document["file_id"])
    assert downloaded(person, document["file_id"]) == b"notes"
    calls = requests.get(f"{person.url}/_sim/requests", timeout=5).json()
    assert [(one["method"], one["status"]) for one in calls[-4:]] == [
        ("getFile", 200),
        ("download", 502),
        ("getFile", 200),
        ("download", 200),
    ]


# What stays


def test_documents_survive_a_restart(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path)) as url:
        ada = Person(url, 1)
        theirs = ada.send_document("notes.txt", b"notes")["document"]
        path = call(url, "getFile", file_id=theirs["file_id"]).json()["result"]["file_path"]
        file = BufferedInputFile(b"the report", filename="report.md")
        ours = with_bot(url, lambda bot: bot.send_document(1, file)).document
    with serving("--data", str(tmp_path)) as url:
        ada = Person(url, 1)
        assert updates(url)[-1]["message"]["document"] == theirs
        assert requests.get(f"{url}/file/bot{TOKEN}/{path}", timeout=5).content == b"notes"
        assert downloaded(ada, theirs["file_id"]) == b"notes"
        assert downloaded(ada, ours.file_id) == b"the report"
        assert ada.read_document(ada.messages()[-1]) == b"the report"
        new = ada.send_document("notes.txt", b"other notes")["document"]
        assert downloaded(ada, new["file_id"]) == b"other notes"


def test_a_terminal_can_send_a_document(not_telegram: str, tmp_path: Path) -> None:
    user = next(user_ids)
    (tmp_path / "notes.txt").write_text("notes")
    command = [sys.executable, "-m", "sim.not_telegram.person", not_telegram, "--user", str(user)]
    send = [*command, "send", str(tmp_path / "notes.txt"), "--caption", "mine"]
    subprocess.run(send, check=True, capture_output=True)
    ada = Person(not_telegram, user)
    assert ada.messages()[0]["caption"] == "mine"
    assert ada.read_document(ada.messages()[0]) == b"notes"
    missing = subprocess.run([*command, "send", str(tmp_path / "no.txt")], capture_output=True, text=True)
    assert (missing.returncode, "no.txt" in missing.stderr) == (1, True)
