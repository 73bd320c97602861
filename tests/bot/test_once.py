"""An update whose process ends while its request is on its way: it was handled, and delivered again it asks nothing."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from stack.messages import Ending, Progress, Question
from stack.work.kinds import Answer, Cancel, Retry, Steer
from stack.work.review import Dismiss, StartReview
from tests.bot.fakes import World, notification, texts_of

pytestmark = pytest.mark.anyio

NAME_IT = Question(question="name", text="What shall it be called?", choices=("As before",), free=True)
UPDATE = 500


async def cut_off(world: World, handling: Coroutine[Any, Any, None]) -> None:
    """The process is stopped while the broker has not confirmed the request yet, as aiogram does it."""
    publishing, confirm = threading.Event(), threading.Event()

    def publish() -> None:
        publishing.set()
        confirm.wait()

    world.broker.before = publish
    task = asyncio.create_task(handling)
    while not publishing.is_set():
        await world.turn()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    confirm.set()
    await world.close()


async def restart(folder: Path) -> World:
    """The process after, once it has published what the one before left."""
    world = World(folder)
    while world.memory.outbox.all():
        await world.turn()
    return world


async def test_a_cancel_that_is_delivered_again_stops_no_second_run(tmp_path: Path) -> None:
    before = World(tmp_path)
    before.add_run("older")
    newest = before.add_run("newest")
    await cut_off(before, before.write("/cancel", update_id=UPDATE))
    after = await restart(tmp_path)
    await after.live.end(newest, Ending(state="cancelled", headline="h"))
    await after.write("/cancel", update_id=UPDATE)
    assert after.broker.asks == [Cancel(run_id=newest)]
    await after.close()


async def test_an_answer_that_is_delivered_again_answers_no_second_question(tmp_path: Path) -> None:
    before = World(tmp_path)
    run_id = before.add_run()
    await before.delivery.deliver(notification(run_id, NAME_IT))
    await cut_off(before, before.write("Shop", update_id=UPDATE))
    after = await restart(tmp_path)
    await after.delivery.deliver(notification(after.add_run(), NAME_IT))
    await after.write("Shop", update_id=UPDATE)
    assert after.broker.asks == [Answer(run_id=run_id, question="name", choice="Shop")]
    await after.write("Till")  # the first question is settled, so the other one is meant
    assert [ask.choice for ask in after.broker.asks if isinstance(ask, Answer)] == ["Shop", "Till"]
    await after.close()


async def test_a_word_to_a_run_that_is_delivered_again_is_passed_on_once(tmp_path: Path) -> None:
    before = World(tmp_path)
    run_id = before.add_run()
    await cut_off(before, before.write("faster", update_id=UPDATE, reply_to=1))
    after = await restart(tmp_path)
    await after.write("faster", update_id=UPDATE, reply_to=1)
    assert after.broker.asks == [Steer(run_id=run_id, text="faster")]
    await after.close()


async def test_a_retry_that_is_delivered_again_tries_no_second_run(tmp_path: Path) -> None:
    before = World(tmp_path)
    older, newest = before.add_run("older"), before.add_run("newest")
    for run_id in (older, newest):
        await before.live.end(run_id, Ending(state="failed", headline="h"))
    await cut_off(before, before.write("/retry", update_id=UPDATE))
    after = await restart(tmp_path)
    again = Progress(run_id=newest, source="orchestrator", kind="step", text="Trying again", data={"again": True})
    after.live.hear(again)
    await after.write("/retry", update_id=UPDATE)
    assert after.broker.asks == [Retry(run_id=newest)]
    await after.close()


async def test_of_several_dismissals_none_is_lost_and_none_asked_twice(tmp_path: Path) -> None:
    before = World(tmp_path)
    run_id = before.add_run()
    said = f"/dismiss {run_id.hex[-6:]} 1, 3"
    await cut_off(before, before.write(said, update_id=UPDATE))
    after = await restart(tmp_path)
    await after.write(said, update_id=UPDATE)
    assert after.broker.asks == [Dismiss(run_id=run_id, number=number) for number in (1, 3)]
    await after.close()


@pytest.mark.parametrize("offered", [False, True])
async def test_a_review_that_is_delivered_again_is_begun_once_and_shown(tmp_path: Path, offered: bool) -> None:
    before = World(tmp_path)
    if offered:
        await before.write("https://github.com/acme/shop/pull/12")
        data = before.shown_keys()[0][1]
        await cut_off(before, before.press(data, update_id=UPDATE))
    else:
        await cut_off(before, before.write("/review acme/shop 12", update_id=UPDATE))
    after = await restart(tmp_path)
    after.live.start()
    if offered:
        await after.press(data, update_id=UPDATE)
    else:
        await after.write("/review acme/shop 12", update_id=UPDATE)
    await after.settle()
    assert after.broker.asks == [StartReview(repository="acme/shop", number=12)]
    shown = texts_of(after.outside.edits if offered else after.outside.sent)
    assert shown[-1].startswith("<b>Review of acme/shop#12</b> — queued")
    assert len(after.outside.sent) == (0 if offered else 1)
    await after.close()


async def test_a_press_that_is_delivered_again_is_one_answer_and_no_other_button_counts(tmp_path: Path) -> None:
    before = World(tmp_path)
    run_id = before.add_run()
    question = Question(question="post", text="Post it?", choices=("Post", "Discard"))
    await before.delivery.deliver(notification(run_id, question))
    post, discard = (data for _, data in before.shown_keys())
    await cut_off(before, before.press(post, update_id=UPDATE))
    after = await restart(tmp_path)
    await after.press(post, update_id=UPDATE)
    await after.press(discard)
    assert after.broker.asks == [Answer(run_id=run_id, question="post", choice="Post")]
    assert after.outside.alerts == ["This was answered before, or has ended."]
    await after.close()


async def test_only_runs_of_which_nothing_is_shown_yet_are_shown_at_a_start(world: World) -> None:
    ended, at_work = world.add_run("ended"), world.add_run("at work")
    world.live.add_step(at_work, "reading")
    await world.live.end(ended, Ending(state="verified", headline="h"))
    await world.settle()
    world.add_run("queued")
    world.outside.calls.clear()
    world.live.start()
    await world.settle()
    assert [text.split("\n")[0] for text in texts_of(world.outside.sent)] == ["<b>queued</b> — queued"]
    assert world.outside.edits == []
