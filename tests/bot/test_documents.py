"""Files both ways: once each, within Telegram's limits, and in words where that cannot be."""

import asyncio
import threading
from pathlib import Path

import pytest
from aiogram.methods import GetFile, SendDocument, SendMessage

from bot.commands.review import Review
from bot.documents import _tidy
from bot.telegram import LARGEST_SENT
from stack.errors import TryAgain
from stack.ids import uuid7
from stack.messages import Attachment, Ending, Note, Question
from stack.work.kinds import Answer
from tests.bot.fakes import ADA, EVE, World, notification, texts_of
from tests.bot.played import Died

pytestmark = pytest.mark.anyio

REVIEW = "/review acme/shop 12"
SHEET = "/sheet acme/shop 12"


class Sheet(Review):
    """A command of a workflow that is still to come, and that reads files."""

    takes_file = True


@pytest.fixture
def world(world: World) -> World:
    world.desk.commands["sheet"] = Sheet("sheet")  # type: ignore[index]
    return world


def done(*files: Attachment) -> Ending:
    return Ending(state="verified", headline="done", seconds=1, files=files)


def names(world: World) -> list[str | None]:
    return [call.document.filename for call in world.outside.documents]  # type: ignore[union-attr]


async def test_the_files_of_an_ending_follow_its_message_once(world: World) -> None:
    files = [world.orchestrator.add_file(name, name.encode()) for name in ("a.csv", "b.md")]
    message = notification(world.add_run(), done(*files))
    for _ in range(3):
        await world.delivery.deliver(message)
    assert len(world.outside.sent) == 1
    assert names(world) == ["a.csv", "b.md"]
    for call in world.outside.documents:
        assert call.chat_id == ADA
        assert call.reply_parameters is not None
        assert call.reply_parameters.message_id == 1000  # the message


async def test_the_files_of_a_question_come_to_each_who_is_asked(world: World) -> None:
    await world.write("/people add 1002 admin", user=EVE)
    file = world.orchestrator.add_file("plan.md", b"# Plan")
    question = Question(question="approve", text="Do it?", choices=("Yes", "No"), files=(file,))
    await world.delivery.deliver(notification(uuid7(), question, person="clock", chat=None, title="Nightly"))
    assert sorted(call.chat_id for call in world.outside.documents) == [1002, EVE]


@pytest.mark.parametrize("how", ["away", "broken", "busy"])
async def test_a_fault_between_message_and_file_repeats_neither(tmp_path: Path, how: str) -> None:
    world = World(tmp_path)
    files = [world.orchestrator.add_file(name, name.encode()) for name in ("a.csv", "b.md")]
    message = notification(world.add_run(), done(*files))
    world.orchestrator.away = how == "away"
    if how != "away":
        world.outside.fail(SendDocument, how, seconds=0.001)
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    assert (len(world.outside.sent), names(world)) == (1, [])
    await world.close()
    again = World(tmp_path)
    again.orchestrator.files = world.orchestrator.files
    for _ in range(2):
        await again.delivery.deliver(message)
    assert again.outside.sent == []
    assert names(again) == ["a.csv", "b.md"]
    await again.close()


async def test_a_crash_while_a_file_is_sent_repeats_that_file_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    files = [world.orchestrator.add_file(name, name.encode()) for name in ("a.csv", "b.md", "c.md")]
    message = notification(world.add_run(), done(*files))
    await world.delivery.deliver(message.model_copy(update={"content": done(files[0])}))
    world.outside.fail(SendDocument, "died")
    with pytest.raises(Died):
        await world.delivery.deliver(message)
    await world.close()
    again = World(tmp_path)
    again.orchestrator.files = world.orchestrator.files
    await again.delivery.deliver(message)
    assert names(world) == ["a.csv", "b.md"]  # it did arrive, and nobody knows
    assert names(again) == ["b.md", "c.md"]
    assert again.outside.sent == []
    await again.close()


async def test_while_a_file_is_on_its_way_messages_go_out_and_other_files_wait(world: World) -> None:
    slow, quick = world.orchestrator.add_file("slow.csv", b"x"), world.orchestrator.add_file("quick.csv", b"y")
    let_go = threading.Event()
    world.orchestrator.before_file = let_go.wait
    first = asyncio.create_task(world.delivery.deliver(notification(world.add_run(), done(slow))))
    while not world.outside.sent:
        await world.turn()
    second = notification(world.add_run(), done(quick))
    with pytest.raises(TryAgain, match="another file is on its way"):
        await world.delivery.deliver(second)
    await world.delivery.deliver(notification(uuid7(), Note(text="meanwhile")))
    assert len(world.outside.sent) == 3
    let_go.set()
    await first
    await world.delivery.deliver(second)
    assert names(world) == ["slow.csv", "quick.csv"]
    assert len(world.outside.sent) == 3


async def test_a_file_that_telegram_does_not_take_is_a_word(world: World) -> None:
    huge = Attachment(id="0" * 64, name="<all>.tar", size=LARGEST_SENT + 1)
    gone = Attachment(id="1" * 64, name="gone.md", size=1)
    refused = world.orchestrator.add_file("refused.md", b"x")
    world.outside.fail(SendDocument, "large")
    message = notification(world.add_run(), done(huge, gone, refused))
    for _ in range(2):
        await world.delivery.deliver(message)
    assert texts_of(world.outside.sent)[1:] == [
        "<code>&lt;all&gt;.tar</code> has 50 MB, and Telegram takes less than 50 MB from a bot: I cannot send it.",
        "I could not send <code>gone.md</code>: there is no such file.",
        "I could not send <code>refused.md</code>: Telegram refuses: it is too large.",
    ]
    assert world.outside.documents == []


async def test_a_file_is_not_tried_for_ever(world: World) -> None:
    file = world.orchestrator.add_file("a.csv", b"x")
    message = notification(world.add_run(), done(file))
    world.outside.fail(SendDocument, "broken", times=2)
    with pytest.raises(TryAgain):
        await world.delivery.deliver(message)
    world.memory._db.execute("UPDATE deliveries SET at = at - 3601 WHERE part = 1")
    await world.delivery.deliver(message)
    assert "I could not send <code>a.csv</code>" in texts_of(world.outside.sent)[-1]


async def test_who_has_blocked_the_bot_gets_no_files_either(world: World) -> None:
    file = world.orchestrator.add_file("a.csv", b"x")
    world.outside.fail(SendMessage, "blocked", times=2)  # and the admin too
    await world.delivery.deliver(notification(uuid7(), done(file)))
    assert world.outside.calls == []
    world.outside.fail(SendDocument, "blocked")
    await world.delivery.deliver(notification(uuid7(), done(file)))
    assert world.outside.documents == []
    world.outside.fail(SendMessage, "blocked")
    await world.delivery.deliver(notification(uuid7(), done(file)))
    assert [call.chat_id for call in world.outside.documents] == [EVE]


# --- from people ----------------------------------------------------------------------------------------


async def test_a_document_goes_with_the_command_in_its_caption(world: World) -> None:
    await world.attach(SHEET, content=b"a,b\n1,2\n")
    (request,) = world.broker.requests
    assert request.files == tuple(world.orchestrator.kept)
    assert [(file.name, file.size) for file in request.files] == [("todo.csv", 8)]
    assert world.orchestrator.files[request.files[0].id] == b"a,b\n1,2\n"


async def test_a_document_goes_with_the_free_answer_that_it_replies(world: World) -> None:
    question = Question(question="list", text="Which?", choices=("None",), free=True)
    for caption in ("these", ""):
        await world.delivery.deliver(notification(world.add_run(), question))
        await world.attach(caption, reply_to=1000 + len(world.outside.sent) - 1)
    answers = [(request.ask, request.files) for request in world.broker.requests]
    assert [ask.choice for ask, _ in answers if isinstance(ask, Answer)] == ["these", "todo.csv"]
    assert all(len(files) == 1 for _, files in answers)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("", "What shall I do with “todo.csv”? I read a file with /sheet in its caption, or as a reply to a question"),
        ("look at this", "What shall I do with “todo.csv”?"),
        ("https://github.com/acme/shop/pull/12", "What shall I do with “todo.csv”?"),
        ("/status", "/status takes no file. I read a file with /sheet in its caption, or as a reply to a question"),
        (REVIEW, "/review takes no file. I read a file with /sheet in its caption, or as a reply to a question"),
        ("/sheet acme", "I cannot read “acme” as a pull request"),
    ],
)
async def test_a_document_that_nothing_is_said_of_is_not_fetched(world: World, caption: str, words: str) -> None:
    await world.attach(caption)
    assert words in texts_of(world.outside.sent)[0]
    assert world.orchestrator.kept == []
    assert not [call for call in world.outside.calls if isinstance(call, GetFile)]


async def test_where_no_command_takes_a_file_none_is_spoken_of(world: World) -> None:
    del world.desk.commands["sheet"]  # type: ignore[attr-defined]
    await world.attach(REVIEW)
    how = "I read a file as a reply to a question that takes an answer of your own."
    assert texts_of(world.outside.sent) == [f"/review takes no file. {how}"]


async def test_a_document_that_is_too_large_is_told_with_both_sizes_and_starts_nothing(world: World) -> None:
    await world.attach(SHEET, file_size=73 << 20)
    assert "“todo.csv” has 73 MB, and Telegram lets me read files of up to 20 MB" in texts_of(world.outside.sent)[0]
    await world.attach(SHEET, content=b"x" * ((20 << 20) + 1), file_size=5)  # it has more than Telegram says
    assert "larger than Telegram says" in texts_of(world.outside.sent)[1]
    assert world.broker.requests == []


async def test_a_document_that_cannot_be_fetched_or_kept_starts_nothing_and_can_be_sent_again(world: World) -> None:
    world.orchestrator.away = True
    await world.attach(SHEET)
    world.orchestrator.away = False
    world.outside.fail(GetFile, "broken")
    await world.attach(SHEET)
    await world.attach(SHEET, file_id="not-there")
    assert world.broker.requests == []
    assert all("Please try again in a moment" in text for text in texts_of(world.outside.sent))
    assert "TOKEN" not in "".join(texts_of(world.outside.sent))


async def test_of_an_album_one_file_is_read_and_the_others_are_told_once(world: World) -> None:
    await world.attach(SHEET, album="7")
    for _ in range(3):
        await world.attach(album="7")
    assert len(world.broker.requests) == 1
    await world.settle()
    assert sum("Of several files that are sent together" in text for text in texts_of(world.outside.sent)) == 1


async def test_a_picture_is_asked_for_as_a_file(world: World) -> None:
    photo = [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]
    await world.feed_message(photo=photo, caption=REVIEW)
    assert "send a picture or a recording as a file" in texts_of(world.outside.sent)[0]
    assert world.broker.requests == []


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.txt", "x.txt"),
        ("\u202etxt.exe\x00", "txt.exe"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".md", "x" * 97 + ".md"),
    ],
)
def test_a_name_has_no_folders_and_nothing_unseen(name: str, tidy: str) -> None:
    assert _tidy(name) == tidy
