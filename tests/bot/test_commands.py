"""Commands: found by being there, shown in the menu and /help, and what the general ones do."""

from pathlib import Path

import pytest
from aiogram.methods import SendMessage

from bot import commands
from bot.__main__ import menu
from bot.commands import Arguments, StartCommand
from stack.ids import uuid7
from stack.messages import Chat
from stack.work import starts
from stack.work.kinds import Start
from stack.work.review import StartReview
from tests.bot.fakes import ADA, BOB, EVE, World, summary, texts_of
from tests.bot.played import SENT_AT

pytestmark = pytest.mark.anyio

FOLDER = Path(commands.__file__).parent
REVIEW = "/review acme/shop 12"
OURS = ["review", "status", "cancel", "help"]  # in the menu, in this order; others may stand between them


def test_every_file_of_the_folder_is_a_command_of_its_name() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert set(commands.found()) == files
    assert {name: command.name for name, command in commands.found().items()} == {name: name for name in files}


def test_every_workflow_can_be_begun_by_a_command() -> None:
    begun = {name for name, command in commands.found().items() if isinstance(command, StartCommand)}
    assert begun == set(starts())


def test_each_example_of_a_command_that_begins_something_can_be_read() -> None:
    for command in commands.found().values():
        if isinstance(command, StartCommand):
            for example in command.examples:
                ask = command.read(Arguments(example.removeprefix(f"/{command.name}"), "https://github.com"))
                assert ask.verb == command.name
                assert ask.title()


async def test_the_menu_keeps_to_telegrams_limits_and_to_what_everybody_may_use(world: World) -> None:
    shown = menu(world.desk)
    names = [one.command for one in shown]
    assert [name for name in names if name in OURS] == OURS
    assert "people" not in names
    for one in shown:
        assert one.command.isascii()
        assert one.command.islower()
        assert 3 <= len(one.description) <= 256
    for command in world.desk.commands.values():
        assert all(example.startswith(f"/{command.name}") for example in command.examples)


@pytest.mark.parametrize("text", ["/start", "/help", "/HELP", "/start deep-link", "/help@some_bot"])
@pytest.mark.parametrize("user", [ADA, EVE])
async def test_start_and_help_teach_each_command_that_this_person_may_use(world: World, text: str, user: int) -> None:
    await world.write(text, user=user)
    (answer,) = texts_of(world.outside.sent)
    for command in world.desk.commands.values():
        for example in command.examples:
            assert (f"<code>{example}</code>" in answer) == (user == EVE or command.right != "manage")


class Draw(StartCommand):
    """A command of a workflow that is still to come: all that it needs is here."""

    summary = "Draw something"
    examples = ("/draw a cat",)
    form = "Write it like this: /draw a cat"
    place = 15

    def read(self, arguments: Arguments) -> Start:
        return StartReview(repository=f"acme/{arguments.text}", number=1)


async def test_a_command_that_is_there_is_led_to_and_its_errors_teach_its_form(world: World) -> None:
    world.desk.commands["draw_it"] = Draw("draw_it")  # type: ignore[index]
    await world.write("/draw-it cat")
    assert world.broker.asks == [StartReview(repository="acme/cat", number=1)]
    await world.write("/draw_it a cat")
    assert world.outside.sent[-1].text == (
        "I cannot read that: String should match pattern &#x27;" + world.outside.sent[-1].text.split("&#x27;")[1]
        + "&#x27; at repository. Write it like this: /draw a cat"
    )  # fmt: skip
    await world.write("/help")
    assert "Draw something: <code>/draw a cat</code>" in world.outside.sent[-1].text


async def test_a_review_asks_the_orchestrator_and_shows_a_message_with_a_cancel_button(world: World) -> None:
    await world.write(f"{REVIEW} ask")
    (request,) = world.broker.requests
    assert request.person.id == f"telegram:{ADA}"
    assert request.chat == Chat(chat_id=ADA, message_id=1)
    assert request.ask == StartReview(repository="acme/shop", number=12, approval=True)
    assert request.id.int >> 80 == SENT_AT * 1000
    await world.settle()
    (sent,) = world.outside.sent
    assert sent.text.startswith("<b>Review of acme/shop#12</b> — queued")
    assert sent.reply_parameters is not None
    assert sent.reply_parameters.message_id == 1
    assert [label for label, _ in world.shown_keys()] == ["Cancel"]


async def test_an_update_delivered_again_after_a_crash_asks_for_the_same_run(tmp_path: Path) -> None:
    ids, messages = set(), 0
    for number in range(2):
        world = World(tmp_path / str(number))  # a crash before anything was written down: the memory is empty
        await world.write(REVIEW, update_id=500)
        await world.settle()
        ids.add(world.broker.requests[0].id)
        await world.close()
    assert len(ids) == 1
    for _ in range(2):
        world = World(tmp_path / "1")  # the memory is there
        await world.write(REVIEW, update_id=500)
        messages += len(world.outside.sent)
        await world.close()
    assert messages == 0


async def test_nobody_without_the_bots_key_can_foretell_the_id_of_a_run(tmp_path: Path) -> None:
    """When it was written and the number of its update are no secret."""
    ids = {uuid7(milliseconds=SENT_AT * 1000, seed="telegram/500")}
    for key in ("not-a-key-of-one", "not-a-key-of-two"):
        world = World(tmp_path / key, id_key=key)
        await world.write(REVIEW, update_id=500)
        ids.add(world.broker.requests[0].id)
        await world.close()
    assert len(ids) == 3


async def test_two_updates_are_two_runs(world: World) -> None:
    await world.write(REVIEW)
    await world.write(REVIEW)
    first, second = world.broker.requests
    assert first.id != second.id


async def test_a_malformed_review_starts_nothing_and_teaches_the_form(world: World) -> None:
    await world.write("/review <b>acme</b>")
    assert world.broker.requests == []
    (text,) = texts_of(world.outside.sent)
    assert "Write it like this: /review acme/shop 12" in text
    assert "b&gt;acme" in text


async def test_a_review_of_an_issues_address_says_how_it_was_read(world: World) -> None:
    await world.write("/review https://github.com/acme/shop/issues/12")
    await world.settle()
    assert world.broker.asks == [StartReview(repository="acme/shop", number=12)]
    assert "so I read it as pull request 12." in texts_of(world.outside.sent)[0]
    assert "queued" in texts_of(world.outside.sent)[1]


async def test_a_review_at_another_host_starts_nothing_and_says_why(world: World) -> None:
    await world.write("/review https://other.host/acme/shop/pull/12")
    assert world.broker.requests == []
    assert "That is an address at other.host, and I work with github.com alone." in texts_of(world.outside.sent)[0]


async def test_a_reply_that_telegram_does_not_take_now_comes_later(world: World) -> None:
    world.outside.fail(SendMessage, "busy", seconds=0.01, times=2)
    await world.write("/help")
    await world.write("/help", user=BOB)  # meets the second fault
    while len(world.outside.sent) < 2:
        await world.turn()
    assert {call.chat_id for call in world.outside.sent} == {ADA, BOB}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", "<code>/review acme/shop 12</code>"),
        ("/é", "I cannot hold a conversation"),
        ("/fly <b>", "I do not know /fly. /help"),
    ],
)
async def test_anything_else_gets_a_friendly_word(world: World, text: str, said: str) -> None:
    await world.write(text)
    assert said in texts_of(world.outside.sent)[0]


# --- edits ----------------------------------------------------------------------------------------------


async def test_an_edited_command_is_not_read_and_that_is_said_once(world: World) -> None:
    await world.write("/reviw acme/shop 12")
    for text in (REVIEW, f"{REVIEW} ask"):
        await world.edit(text)
    assert world.broker.requests == []
    _, said = world.outside.sent
    assert said.text == "I do not read edits: what counts is how the message was first sent. Please write it anew."
    assert said.reply_parameters is not None
    assert said.reply_parameters.message_id == 1


async def test_telegrams_own_change_of_a_message_is_no_edit(world: World) -> None:
    """It tells of an edit too when a preview of a link has come."""
    await world.write("hello")
    await world.edit("hello")
    await world.edit("hello", message_id=4321)  # one that was never read
    assert len(world.outside.sent) == 1


# --- /status --------------------------------------------------------------------------------------------


async def test_status_shows_the_persons_runs(world: World) -> None:
    await world.write("/status")
    assert "no runs yet. Start one: <code>/review acme/shop 12</code>" in texts_of(world.outside.sent)[0]
    world.orchestrator.rows = [
        summary(title="Review of <acme>", cost_usd=0.5),
        summary(state="queued", place=3, seconds=5),
        summary(person=BOB, title="of another"),
    ]
    await world.write("/status")
    assert world.orchestrator.asked == [f"telegram:{ADA}"] * 2
    first, second, third = texts_of(world.outside.sent)[1].split("\n")
    assert first == "<b>Your latest runs</b>"
    assert second.startswith("⏳ Review of &lt;acme&gt; · running · 1 min 5 s · $0.5000 · <code>")
    assert third.startswith("🕓 Review of acme/shop#12 · queued, place 3 in the queue · 5 s · <code>")


async def test_status_all_shows_everybodys_runs_with_their_names(world: World) -> None:
    await world.write("/status all")
    await world.write("/help", user=BOB)
    world.orchestrator.rows = [
        summary(person=BOB),
        summary(person=1234),
        summary().model_copy(update={"person": "cli"}),
    ]
    await world.write("/status ALL")
    empty, _, full = texts_of(world.outside.sent)
    assert empty == "There are no runs yet."
    assert [line.rpartition(" · ")[2] for line in full.split("\n")[1:]] == ["Ann &lt;b&gt;", "telegram:1234", "cli"]
    await world.write("/status everything")
    assert "Write /status for your runs" in texts_of(world.outside.sent)[-1]


async def test_status_without_the_orchestrator_says_so(world: World) -> None:
    world.orchestrator.away = True
    await world.write("/status")
    assert "The orchestrator cannot be reached. Please try again" in texts_of(world.outside.sent)[0]
