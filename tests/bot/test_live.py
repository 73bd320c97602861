"""The live message of a run."""

from pathlib import Path
from uuid import UUID

import pytest
from aiogram.methods import EditMessageText, SendMessage

from stack.ids import uuid7
from stack.messages import Ending, Progress
from tests.bot.fakes import BOB, World, texts_of

pytestmark = pytest.mark.anyio

DONE = Ending(state="verified", headline="done", seconds=65)


def step(run_id: UUID, text: str, *, passing: bool = False) -> Progress:
    data = {"passing": True} if passing else {}
    return Progress(run_id=run_id, source="test-source", kind="step", text=text, data=data)


async def shown(world: World) -> UUID:
    """A run whose message is there."""
    run_id = world.add_run()
    world.live.show(run_id)
    await world.settle()
    return run_id


async def test_steps_are_ticked_as_the_run_goes_on(world: World) -> None:
    run_id = await shown(world)
    for text in ("fetching", "reading <b>", "reading <b>"):
        world.live.hear(step(run_id, text))
    await world.settle()
    (edit,) = world.outside.edits
    assert "✓ fetching\n… reading &lt;b&gt;\n" in (edit.text or "")
    assert len(world.outside.sent) == 1


async def test_what_is_passing_is_shown_last_and_replaced_by_whatever_comes_next(world: World) -> None:
    run_id = await shown(world)

    async def says(text: str, *, passing: bool = False) -> list[str]:
        world.live.hear(step(run_id, text, passing=passing))
        await world.settle()
        return (world.outside.edits[-1].text or "").split("\n")[1:-1]

    assert await says("place 3 in the queue", passing=True) == ["… place 3 in the queue"]
    assert await says("place 2 in the queue", passing=True) == ["… place 2 in the queue"]
    assert await says("reading") == ["… reading"]
    assert await says("thinking", passing=True) == ["✓ reading", "… thinking"]
    assert await says("reading") == ["… reading"]  # it is still the step under way
    assert await says("silent for 2 min", passing=True) == ["✓ reading", "… silent for 2 min"]
    assert await says("writing the report") == ["✓ reading", "… writing the report"]


async def test_what_is_passing_is_remembered_over_a_restart(tmp_path: Path) -> None:
    before = World(tmp_path)
    run_id = await shown(before)
    before.live.hear(step(run_id, "thinking", passing=True))
    await before.settle()
    await before.close()
    after = World(tmp_path)
    after.live.show(run_id)
    await after.settle()
    assert "… thinking" in (after.outside.edits[-1].text or "")
    await after.close()


async def test_the_source_of_a_step_is_not_shown(world: World) -> None:
    run_id = await shown(world)
    world.live.hear(step(run_id, "reading"))
    await world.settle()
    assert "test-source" not in "".join(texts_of(world.outside.edits))


async def test_many_steps_are_few_edits_and_the_latest_is_shown(tmp_path: Path) -> None:
    world = World(tmp_path, interval=0.05)
    run_id = await shown(world)
    for number in range(50):
        world.live.hear(step(run_id, f"step {number}"))
    await world.settle()
    assert len(world.outside.edits) == 1
    world.live.hear(step(run_id, "first"))
    while len(world.outside.edits) < 2:
        await world.turn()
    for number in range(50):
        world.live.hear(step(run_id, f"again {number}"))
    await world.settle()
    assert len(world.outside.edits) == 3
    assert "… again 49" in (world.outside.edits[-1].text or "")
    await world.close()


async def test_only_steps_of_known_runs_are_shown(world: World) -> None:
    run_id = await shown(world)
    world.live.hear(step(uuid7(), "of another"))
    world.live.hear(Progress(run_id=run_id, source="test", kind="log", text="a log"))
    await world.settle()
    assert world.outside.edits == []


async def test_being_asked_to_wait_holds_up_that_message_alone(world: World) -> None:
    run_id = await shown(world)
    other = world.add_run(chat_id=BOB)
    world.outside.fail(EditMessageText, "busy", seconds=0.2)
    world.live.hear(step(run_id, "slow"))
    while world.outside.faults:
        await world.turn()
    world.live.show(other)
    while len(world.outside.sent) < 2:
        await world.turn()
    assert world.outside.edits == []
    world.live.hear(step(run_id, "slower"))
    await world.settle()
    (edit,) = world.outside.edits
    assert "✓ slow\n… slower" in (edit.text or "")


@pytest.mark.parametrize("how", ["broken", "unmodified"])
async def test_an_edit_that_fails_is_tried_again_unless_nothing_had_changed(world: World, how: str) -> None:
    run_id = await shown(world)
    world.outside.fail(EditMessageText, how)
    world.live.hear(step(run_id, "reading"))
    await world.settle()
    assert len(world.outside.edits) == (1 if how == "broken" else 0)


async def test_the_first_message_is_tried_again(world: World) -> None:
    world.outside.fail(SendMessage, "broken")
    await shown(world)
    assert len(world.outside.sent) == 1


async def test_a_person_who_blocked_the_bot_is_left_alone(world: World) -> None:
    world.outside.fail(SendMessage, "blocked")
    await shown(world)
    assert world.outside.sent == []


async def test_the_ending_is_the_last_edit(world: World) -> None:
    run_id = await shown(world)
    world.live.hear(step(run_id, "reading"))
    await world.live.end(run_id, DONE)
    world.live.hear(step(run_id, "late"))
    await world.live.end(run_id, DONE)
    await world.settle()
    assert texts_of(world.outside.edits)[-1] == "✅ <b>Review of acme/shop#12</b> — verified · 1 min 5 s"
    assert world.outside.edits[-1].reply_markup is None
    assert not any("late" in text for text in texts_of(world.outside.edits))


async def test_after_a_restart_the_same_message_is_edited(tmp_path: Path) -> None:
    before = World(tmp_path)
    run_id = await shown(before)
    before.live.hear(step(run_id, "fetching"))
    await before.settle()
    await before.close()
    after = World(tmp_path)
    after.live.hear(step(run_id, "reading"))
    await after.settle()
    (edit,) = after.outside.edits
    assert edit.message_id == before.outside.edits[0].message_id
    assert "✓ fetching\n… reading" in (edit.text or "")
    assert edit.reply_markup == before.outside.edits[0].reply_markup
    await after.live.end(run_id, DONE)
    await after.close()
    third = World(tmp_path)
    third.live.hear(step(run_id, "late"))
    await third.settle()
    assert third.outside.calls == []
    await third.close()
