"""Limits: 30 requests a minute and 500 an hour for each person, and a pause that is told once."""

import pytest

from tests.bot.fakes import ADA, BOB, STRANGER, World, texts_of

pytestmark = pytest.mark.anyio


async def test_the_thirty_first_request_of_a_minute_is_told_to_wait_and_further_ones_are_dropped(world: World) -> None:
    for _ in range(40):
        await world.write("/help")
    answers = texts_of(world.outside.sent)
    assert len(answers) == 31
    assert answers[30] == "More than 30 requests in a minute are too many for me. I listen again in 1 min."
    assert all("What I can do" in text for text in answers[:30])
    world.now = 59.9
    await world.write("/help")
    assert len(world.outside.sent) == 31
    world.now = 60.1
    await world.write("/help")
    assert "What I can do" in texts_of(world.outside.sent)[31]


async def test_presses_count_and_are_dropped_in_silence(world: World) -> None:
    for _ in range(35):
        await world.press("x")
    assert len(world.outside.alerts) == 30
    assert len(world.outside.sent) == 1


async def test_one_person_at_the_limit_holds_up_no_other_and_strangers_are_not_counted(world: World) -> None:
    for _ in range(31):
        await world.write("/help")
        await world.write("hello", user=STRANGER)
    before = len(world.outside.sent)
    await world.write("/help", user=BOB)
    assert [call.chat_id for call in world.outside.sent[before:]] == [BOB]
    assert [call.chat_id for call in world.outside.sent].count(STRANGER) == 1


async def test_five_hundred_in_an_hour_are_the_most_and_the_pause_lasts_until_there_is_room(world: World) -> None:
    for number in range(501):
        world.now = number * 2.5  # never more than 24 in a minute
        await world.write("/help")
    sent = texts_of(world.outside.sent)
    assert sum("What I can do" in text for text in sent) == 500
    assert sent[-1] == "More than 500 requests in an hour are too many for me. I listen again in 39 min 10 s."
    world.now = 3599
    await world.write("/help")
    assert len(world.outside.sent) == len(sent)
    world.now = 3601
    await world.write("/help")
    assert "What I can do" in texts_of(world.outside.sent)[-1]


async def test_a_review_over_the_limit_starts_nothing(world: World) -> None:
    for _ in range(30):
        await world.write("/help")
    await world.write("/review acme/shop 12")
    assert world.broker.requests == []
    assert world.outside.sent[-1].chat_id == ADA
