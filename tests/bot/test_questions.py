"""Questions: answered by a button or by a text, once, with the digest of what was shown and until a deadline."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiogram.methods import EditMessageText

from bot import texts
from stack.ids import uuid7
from stack.messages import Ending, Question
from stack.values import now
from stack.work.kinds import Answer, Cancel
from tests.bot.fakes import ADA, BOB, World, notification, texts_of

pytestmark = pytest.mark.anyio

MAY_I = Question(question="post", text="Post it?", choices=("Post", "Discard"), digest="d1")
NAME_IT = Question(question="name", text="What shall it be called?", choices=("As before",), free=True, digest="d2")
QUESTION = 1000  # the first message that the bot sends


async def ask(world: World, question: Question = MAY_I, run_id: UUID | None = None) -> dict[str, str]:
    """The callback data of each choice of a question that was just sent."""
    await world.delivery.deliver(notification(run_id or world.add_run(), question))
    keys = dict(world.shown_keys())
    assert tuple(keys) == question.choices
    assert all(len(data.encode()) <= 64 for data in keys.values())
    return keys


async def test_a_choice_is_answered_once_and_shown(world: World) -> None:
    keys = await ask(world)
    for label in ("Post", "Post", "Discard"):
        await world.press(keys[label])
    (request,) = world.broker.requests
    assert isinstance(request.ask, Answer)
    assert (request.ask.question, request.ask.choice, request.ask.digest) == ("post", "Post", "d1")
    assert request.person.id == f"telegram:{ADA}"
    (edit,) = world.outside.edits
    assert edit.text == "Post it?\n\nAnn &lt;b&gt; chose <b>Post</b>"
    assert edit.reply_markup is None
    assert len(world.outside.alerts) == 2


async def test_two_presses_around_a_crash_are_one_answer(tmp_path: Path) -> None:
    world = World(tmp_path)
    keys = await ask(world)
    button = world.memory.buttons.find(keys["Post"])
    assert button is not None
    await world.press(keys["Post"])
    await world.close()
    again = World(tmp_path / "other")  # the memory as it was before the press
    again.memory.buttons.add([button])
    await again.press(keys["Post"])
    assert again.broker.requests[0].id == world.broker.requests[0].id
    await again.close()


@pytest.mark.parametrize("data", ["", "post", "x" * 64, "' OR 1=1 --", "%"])
async def test_a_forged_button_has_no_effect(world: World, data: str) -> None:
    await ask(world)
    await world.press(data)
    assert world.broker.requests == []
    assert world.outside.alerts == ["I do not know this button."]


async def test_another_persons_button_has_no_effect(world: World) -> None:
    keys = await ask(world)
    await world.press(keys["Post"], user=BOB)
    await world.press(keys["Post"], user=ADA, chat=BOB)
    assert world.broker.requests == []
    assert world.outside.alerts == ["This button is not yours."] * 2


async def test_an_expired_button_has_no_effect(world: World) -> None:
    keys = await ask(world)
    world.memory._db.execute("UPDATE buttons SET at = at - 7 * 86400 - 1")
    await world.press(keys["Post"])
    assert world.broker.requests == []
    assert world.outside.alerts == ["This button has expired."]


async def test_the_deadline_is_the_questions_own_and_is_told_in_words(world: World) -> None:
    until = now() + timedelta(days=20, hours=3, seconds=30)
    keys = await ask(world, MAY_I.model_copy(update={"until": until}))
    shown = texts_of(world.outside.sent)[0].split("\n")[-1]
    assert shown == f"<i>You have 20 days 3 h to answer, until {until:%a} {until.day} {until:%b %H:%M} UTC.</i>"
    world.memory._db.execute("UPDATE buttons SET at = at - 8 * 86400")
    await world.press(keys["Post"])
    assert len(world.broker.requests) == 1


async def test_after_its_deadline_a_question_takes_neither_press_nor_text(world: World) -> None:
    keys = await ask(world, NAME_IT.model_copy(update={"until": now() - timedelta(seconds=1)}))
    await world.press(keys["As before"])
    await world.write("Shop", reply_to=QUESTION)
    await world.write("Shop")
    assert world.broker.requests == []
    assert world.outside.alerts == ["Too late: the time to answer is over."]
    assert "its time is over" in texts_of(world.outside.sent)[1]
    assert "cannot hold a conversation" in texts_of(world.outside.sent)[2]


async def test_the_buttons_of_a_run_that_has_ended_have_no_effect(world: World) -> None:
    keys = await ask(world)
    button = world.memory.buttons.find(keys["Post"])
    assert button is not None
    await world.delivery.deliver(notification(button.run_id, Ending(state="cancelled", headline="h")))
    await world.press(keys["Post"])
    await world.write("Post", reply_to=QUESTION)
    assert world.broker.requests == []


async def test_a_question_asked_again_with_something_else_shown_has_buttons_of_its_own(world: World) -> None:
    run_id = world.add_run()
    before = await ask(world, run_id=run_id)
    after = await ask(world, MAY_I.model_copy(update={"digest": "d9"}), run_id=run_id)
    assert not set(before.values()) & set(after.values())
    await world.press(after["Post"])
    assert [ask.digest for ask in world.broker.asks if isinstance(ask, Answer)] == ["d9"]


async def test_a_press_while_the_broker_is_away_counts_once_it_is_back(world: World) -> None:
    keys = await ask(world)
    world.broker.away = True
    await world.press(keys["Post"])
    assert world.outside.alerts == ["Accepted; it counts as soon as the message broker is back: Post"]
    world.broker.away = False
    while not world.broker.requests:
        await world.turn()
    await world.press(keys["Post"])
    await world.turn()
    assert len(world.broker.requests) == 1


async def test_an_answer_counts_even_where_its_question_cannot_be_edited(world: World) -> None:
    keys = await ask(world)
    world.outside.fail(EditMessageText, "broken")
    await world.press(keys["Post"])
    await world.press(keys["Post"])
    assert len(world.broker.requests) == 1


async def test_a_press_that_fails_for_a_reason_nobody_foresaw_is_apologised_for(world: World) -> None:
    question = MAY_I.model_copy(update={"question": "a name that is longer than any question of ours may have"})
    ((_, data), _) = world.buttons.for_question(world.add_run(), ADA, question)
    await world.press(data)
    assert world.outside.alerts == [texts.BROKEN]


# --- answers in a person's own words ----------------------------------------------------------------------


@pytest.mark.parametrize("reply_to", [QUESTION, None])
async def test_a_text_answers_a_question_that_takes_one(world: World, reply_to: int | None) -> None:
    await ask(world, NAME_IT)
    assert "Reply to this message with your answer." in texts_of(world.outside.sent)[0]
    await world.write("Shop <2>", reply_to=reply_to)
    (answer,) = world.broker.asks
    assert isinstance(answer, Answer)
    assert (answer.question, answer.choice, answer.digest) == ("name", "Shop <2>", "d2")
    assert texts_of(world.outside.sent)[1] == "Taken as your answer: <b>Shop &lt;2&gt;</b>"
    (edit,) = world.outside.edits
    assert (edit.text or "").endswith("\n\nAnn &lt;b&gt; answered: <b>Shop &lt;2&gt;</b>")
    assert edit.reply_markup is None
    await world.write("Another", reply_to=QUESTION)
    await world.write("Another")
    assert len(world.broker.requests) == 1


async def test_a_text_that_is_one_of_the_choices_is_that_choice(world: World) -> None:
    await ask(world)
    await world.write(" post", reply_to=QUESTION)
    assert [ask.choice for ask in world.broker.asks if isinstance(ask, Answer)] == ["Post"]


async def test_a_question_that_takes_no_text_says_so_and_waits_on(world: World) -> None:
    keys = await ask(world)
    await world.write("maybe", reply_to=QUESTION)
    await world.write("maybe")
    assert "That question has 2 answers: Post, Discard." in texts_of(world.outside.sent)[1]
    assert "cannot hold a conversation" in texts_of(world.outside.sent)[2]
    await world.press(keys["Discard"])
    assert len(world.broker.requests) == 1


async def test_where_several_questions_take_a_text_the_person_says_which_is_meant(world: World) -> None:
    first, second = world.add_run(), world.add_run()
    await ask(world, NAME_IT, first)
    await ask(world, NAME_IT, second)
    await world.write("Shop")
    assert world.broker.requests == []
    assert "2 questions wait for an answer of yours" in texts_of(world.outside.sent)[-1]
    await world.write("Shop", reply_to=QUESTION)
    await world.write("Till")
    assert [(ask.run_id, ask.choice) for ask in world.broker.asks if isinstance(ask, Answer)] == [
        (first, "Shop"), (second, "Till"),
    ]  # fmt: skip


async def test_a_command_is_a_command_while_a_question_is_open(world: World) -> None:
    run_id = world.add_run()
    await ask(world, NAME_IT, run_id)
    await world.write("/cancel", reply_to=QUESTION)
    assert world.broker.asks == [Cancel(run_id=run_id)]


async def test_another_persons_text_is_no_answer(world: World) -> None:
    await ask(world, NAME_IT)
    await world.write("Shop", user=BOB)
    await world.write("Shop", user=BOB, reply_to=QUESTION)
    assert world.broker.requests == []


async def test_an_answer_is_not_cut(world: World) -> None:
    await ask(world, NAME_IT)
    await world.write("é" * 4001, reply_to=QUESTION)
    assert "an answer has up to 4000 characters" in texts_of(world.outside.sent)[-1]
    await world.write("é" * 4000, reply_to=QUESTION)
    assert [ask.choice for ask in world.broker.asks if isinstance(ask, Answer)] == ["é" * 4000]


async def test_an_open_question_is_remembered_over_a_restart(tmp_path: Path) -> None:
    before = World(tmp_path)
    await ask(before, NAME_IT)
    await before.close()
    after = World(tmp_path)
    await after.write("Shop")
    assert len(after.broker.requests) == 1
    await after.close()


async def test_an_answer_in_words_while_the_broker_is_away_is_accepted(world: World) -> None:
    await ask(world, NAME_IT)
    world.broker.away = True
    await world.write("Shop")
    assert texts_of(world.outside.sent)[1] == "Accepted; it counts as soon as the message broker is back: Shop"


async def test_a_question_without_a_run_of_this_chat_is_answered_too(world: World) -> None:
    keys = await ask(world, run_id=uuid7())
    await world.press(keys["Post"])
    assert len(world.broker.requests) == 1
