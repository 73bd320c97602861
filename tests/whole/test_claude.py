"""Claude in the whole stack: a message that takes long, deploys in the middle of one, a word to Claude at work."""

import os
import time

import pytest

from native.desk import Desk
from tests.whole.test_faults import assert_once, only_reviewer
from tests.whole.world import World

pytestmark = pytest.mark.faults


def test_a_claude_that_streams_for_longer_than_the_silence_limit_is_verified_once(world: World, desk: Desk) -> None:
    pull = world.pull()
    world.model("drip", delay_seconds=0.5, pieces=30, count=1)  # three times AGENT_SILENCE_SECONDS
    since = world.ask(f"/review {pull}")
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    assert len(world.finals(since)) == 1


def test_two_deploys_cost_neither_the_run_nor_a_second_conversation(world: World, desk: Desk) -> None:
    pull, reviewer = world.pull(), only_reviewer(world.stack)
    if os.geteuid() != 0:
        pytest.fail("this test needs root: slots have users of their own only then")
    world.model("drip", delay_seconds=0.5, pieces=200)
    since = world.ask(f"/review {pull}")
    for _ in range(2):
        world.until(lambda: world.slot_processes() and world.conversations() > world.conversations_before)
        time.sleep(1)
        reviewer.stop()
        assert not world.slot_processes()
        reviewer.start()
    world.behave()
    reviewer.wait_until_ready()
    reviewed = desk.wait_for_ending(since)
    assert reviewed.run.state == "verified", reviewed.final["text"]
    assert len(world.reviews()) == len(world.finals(since)) == 1
    assert world.conversations() - world.conversations_before == 1


def test_a_reply_to_the_runs_message_reaches_claude_at_work(world: World, desk: Desk) -> None:
    pull = world.pull()
    world.model("drip", delay_seconds=0.5, pieces=12, count=1)
    since = world.ask(f"/review {pull}")
    world.until(lambda: world.conversations() > world.conversations_before)
    message = next(e["message"] for e in desk.person.events(since) if e["who"] == "bot")
    desk.person.say("Mind the tests, please.", reply_to=message["message_id"])
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    assert any(event.text == "Told Claude: Mind the tests, please." for event in reviewed.run.events)
