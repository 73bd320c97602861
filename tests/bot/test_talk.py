"""Texts that are no commands: a word to a running run, an address to begin with, and talk."""

from pathlib import Path

import pytest

from bot.texts import ACCEPTED
from stack.messages import Chat, Ending
from stack.work.kinds import Cancel, Steer
from stack.work.review import StartReview
from tests.bot.fakes import ADA, BOB, World, texts_of

pytestmark = pytest.mark.anyio

REVIEW = "/review acme/shop 12"
ADDRESS = "https://github.com/acme/shop/pull/12"


async def test_a_reply_to_the_live_message_is_passed_on_to_whoever_works(world: World) -> None:
    await world.write(REVIEW)
    await world.settle()
    run_id = world.broker.requests[0].id
    for reply_to in (1000, 1):  # the live message, the command
        await world.write("Look at the tests <first>", reply_to=reply_to)
    assert world.broker.asks[1:] == [Steer(run_id=run_id, text="Look at the tests <first>")] * 2
    assert world.broker.requests[1].id != world.broker.requests[2].id
    assert texts_of(world.outside.sent)[1:] == ["Passed on to whoever works for Review of acme/shop#12."] * 2


async def test_a_word_to_a_run_that_has_ended_is_refused(world: World) -> None:
    await world.write(REVIEW)
    await world.settle()
    await world.live.end(world.broker.requests[0].id, Ending(state="verified", headline="h"))
    await world.write("faster", reply_to=1000)
    assert len(world.broker.requests) == 1
    assert "has already ended, so nobody would read that" in texts_of(world.outside.sent)[-1]


async def test_a_word_to_a_run_is_not_cut_and_outlives_the_broker(world: World) -> None:
    run_id = world.add_run()
    await world.write("x" * 4001, reply_to=1)
    assert "too long" in texts_of(world.outside.sent)[-1]
    world.broker.away = True
    await world.write("faster", reply_to=1)
    assert ACCEPTED.format(what="is passed on") in texts_of(world.outside.sent)[-1]
    world.broker.away = False
    while not world.broker.requests:
        await world.turn()
    assert world.broker.asks == [Steer(run_id=run_id, text="faster")]


async def test_a_reply_in_another_chat_is_about_nothing_there(world: World) -> None:
    world.add_run()
    await world.write("faster", user=BOB, reply_to=1)
    assert world.broker.requests == []


# --- offers ---------------------------------------------------------------------------------------------


async def test_an_address_alone_is_offered_and_its_message_becomes_the_live_one(world: World) -> None:
    await world.write(ADDRESS)
    assert world.broker.requests == []
    (offer,) = world.outside.sent
    assert offer.text == "Review of acme/shop#12: shall I?"
    keys = dict(world.shown_keys())
    assert list(keys) == ["Review", "Review, ask before posting"]
    await world.press(keys["Review, ask before posting"])
    (request,) = world.broker.requests
    assert request.ask == StartReview(repository="acme/shop", number=12, approval=True)
    await world.settle()
    (edit,) = world.outside.edits
    assert (edit.message_id, (edit.text or "").split("\n")[0]) == (77, "<b>Review of acme/shop#12</b> — queued")
    assert [label for label, _ in world.shown_keys()] == ["Cancel"]
    assert len(world.outside.sent) == 1
    for data in keys.values():
        await world.press(data)
    assert len(world.broker.requests) == 1
    assert world.outside.alerts == ["This was answered before, or has ended."] * 2


async def test_what_was_offered_replies_to_the_message_with_the_address(world: World) -> None:
    await world.write(ADDRESS)
    await world.press(world.shown_keys()[0][1], reply_to=55)
    assert world.broker.requests[0].chat == Chat(chat_id=ADA, message_id=55)


async def test_an_offer_pressed_again_after_a_crash_is_the_same_run(tmp_path: Path) -> None:
    before = World(tmp_path)
    await before.write(ADDRESS)
    data = before.shown_keys()[0][1]
    button = before.memory.buttons.find(data)
    assert button is not None
    await before.press(data)
    await before.close()
    after = World(tmp_path / "other")
    after.memory.buttons.add([button])
    await after.press(data)
    assert [r.id for r in after.broker.requests] == [r.id for r in before.broker.requests]
    await after.close()


async def test_an_issues_address_alone_is_offered_with_a_word_on_how_it_is_read(world: World) -> None:
    await world.write("https://github.com/acme/shop/issues/12")
    assert texts_of(world.outside.sent)[0].endswith("I read it as pull request 12.\nReview of acme/shop#12: shall I?")


async def test_a_run_that_was_offered_can_be_cancelled_like_any_other(world: World) -> None:
    await world.write(ADDRESS)
    await world.press(world.shown_keys()[0][1])
    await world.write("/cancel")
    assert world.broker.asks[1:] == [Cancel(run_id=world.broker.requests[0].id)]


async def test_an_address_of_another_host_is_refused_in_words(world: World) -> None:
    await world.write("https://other.host/acme/shop/pull/12")
    assert "I work with github.com alone" in texts_of(world.outside.sent)[0]
    assert world.shown_keys() == []


async def test_another_persons_offer_has_no_effect(world: World) -> None:
    await world.write(ADDRESS)
    await world.press(world.shown_keys()[0][1], user=BOB)
    assert world.broker.requests == []
