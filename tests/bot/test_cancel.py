"""/cancel and its button: which run is meant, and who may stop it."""

import pytest

from bot.commands.cancel import FORM
from bot.named import read_short_id
from stack.errors import GiveUp
from stack.ids import uuid7
from stack.messages import Ending, Note, Question
from stack.work.kinds import Cancel
from tests.bot.fakes import BOB, EVE, World, notification, summary, texts_of

pytestmark = pytest.mark.anyio

REVIEW = "/review acme/shop 12"
MAY_I = Question(question="post", text="Post it?", choices=("Post", "Discard"))


@pytest.mark.parametrize(("written", "read"), [("", ""), ("  ", ""), ("a1b2c3", "a1b2c3"), (" A1B2C3 ", "a1b2c3")])
def test_a_short_id_is_read(written: str, read: str) -> None:
    assert read_short_id(written, FORM) == read


@pytest.mark.parametrize("written", ["a1b2", "a1b2c3d", "zzzzzz", "%", "______", "a1b2c3 d4e5f6", "all"])
def test_a_malformed_short_id_is_refused_with_the_right_form(written: str) -> None:
    with pytest.raises(GiveUp, match="reply /cancel") as refusal:
        read_short_id(written, FORM)
    assert FORM in str(refusal.value)


async def test_cancel_stops_the_newest_running_run(world: World) -> None:
    older, newer, foreign = world.add_run("A"), world.add_run("B"), world.add_run("C", chat_id=BOB)
    await world.write("/cancel")
    await world.live.end(newer, Ending(state="cancelled", headline="h"))
    await world.write("/cancel")
    assert world.broker.asks == [Cancel(run_id=newer), Cancel(run_id=older)]
    assert foreign not in {request.id for request in world.broker.requests}


async def test_cancel_takes_the_short_id_of_a_run_of_ones_own(world: World) -> None:
    run_id, _ = world.add_run(), world.add_run()
    await world.write(f"/cancel {run_id.hex[-6:].upper()}")
    assert world.broker.asks == [Cancel(run_id=run_id)]
    foreign = world.add_run(chat_id=BOB)
    world.orchestrator.rows = [summary(foreign, person=BOB)]
    await world.write(f"/cancel {foreign.hex[-6:]}")
    assert len(world.broker.requests) == 1
    assert "I know no run" in texts_of(world.outside.sent)[-1]


async def test_cancel_finds_a_run_of_ones_own_that_was_not_begun_in_the_chat(world: World) -> None:
    run = summary()
    world.orchestrator.rows = [summary(), run]
    await world.write(f"/cancel {run.id.hex[-6:]}")
    assert world.broker.asks == [Cancel(run_id=run.id)]
    assert texts_of(world.outside.sent) == ["Stopping: Review of acme/shop#12"]
    ended = summary(state="verified")
    world.orchestrator.rows = [ended]
    await world.write(f"/cancel {ended.id.hex[-6:]}")
    assert "has already ended" in texts_of(world.outside.sent)[-1]


async def test_an_admin_stops_the_runs_of_others_wherever_they_were_begun(world: World) -> None:
    in_chat, elsewhere = world.add_run(), summary(person=BOB)
    world.orchestrator.rows = [elsewhere]
    for run_id in (in_chat, elsewhere.id):
        await world.write(f"/cancel {run_id.hex[-6:]}", user=EVE)
    assert world.broker.asks == [Cancel(run_id=in_chat), Cancel(run_id=elsewhere.id)]
    assert {request.person.standing for request in world.broker.requests} == {"admin"}
    await world.write("/cancel", user=EVE)  # none of hers is running
    assert "Nothing that you began here is running" in texts_of(world.outside.sent)[-1]


async def test_cancel_as_a_reply_stops_the_run_of_that_message(world: World) -> None:
    await world.write(REVIEW)
    await world.settle()
    run_id = world.broker.requests[0].id
    await world.delivery.deliver(notification(run_id, MAY_I))
    world.add_run("a newer one")
    shown = world.memory.runs.find(run_id)
    assert shown is not None
    for message_id in (1, shown.message_id, 1001):  # the command, the live message, the question
        await world.write("/cancel", reply_to=message_id)
        assert world.broker.asks[-1] == Cancel(run_id=run_id)
    assert len(world.broker.requests) == 4
    await world.write("/cancel", reply_to=4321)
    assert len(world.broker.requests) == 4
    assert "not about a run" in texts_of(world.outside.sent)[-1]


async def test_cancel_as_a_reply_to_what_a_clocks_run_says_stops_that_run(world: World) -> None:
    run_id = uuid7()
    await world.delivery.deliver(notification(run_id, MAY_I, person="clock", chat=None, title="Nightly"))
    await world.write("/cancel", user=EVE, reply_to=1000)
    assert world.broker.asks == [Cancel(run_id=run_id)]


async def test_cancel_of_a_run_that_has_ended_is_refused(world: World) -> None:
    run_id = world.add_run()
    await world.live.end(run_id, Ending(state="verified", headline="h"))
    await world.write(f"/cancel {run_id.hex[-6:]}")
    assert world.broker.requests == []
    assert "has already ended" in texts_of(world.outside.sent)[0]


async def test_the_cancel_button_stops_the_run_once(world: World) -> None:
    await world.write(REVIEW)
    await world.settle()
    ((_, data),) = world.shown_keys()
    await world.press(data)
    await world.press(data)
    await world.settle()
    assert world.broker.asks[1:] == [Cancel(run_id=world.broker.requests[0].id)]
    assert world.outside.edits[-1].reply_markup is None
    assert "… stopping" in (world.outside.edits[-1].text or "")


async def test_a_cancel_that_came_too_late_is_told_and_no_longer_shown_as_stopping(world: World) -> None:
    run_id = world.add_run()
    await world.write("/cancel")
    await world.delivery.deliver(notification(run_id, Note(text="Too late: the review is posted.")))
    world.live.add_step(run_id, "Looking whether the review is there")
    await world.settle()
    said, told, live = texts_of(world.outside.sent)
    assert said.startswith("Stopping")
    assert told == "Too late: the review is posted."
    assert "… Looking whether" in live
    assert "stopping" not in live
