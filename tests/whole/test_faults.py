"""Faults: whatever dies, and whenever, a run ends with one review, one final message, and two runs of Claude at most.

The seed of what is random is printed with a failure; SEED in the environment sets it.
"""

import os
import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from native.desk import Desk, Ended
from native.processes import Process
from native.stack import Stack
from tests.agents.fake_claude import put_fake_claude
from tests.whole.world import World

SEED = int(os.environ.get("SEED", "2026"))
REVIEWERS = ("pr-reviewer-1", "pr-reviewer-2")

pytestmark = pytest.mark.faults


def assert_once(world: World, reviewed: Ended, *, attempts: int = 2) -> None:
    """One review on the pull request, the run verified, Claude run at most `attempts` times."""
    assert len(world.reviews()) == 1
    assert reviewed.run.state == "verified", reviewed.final["text"]
    assert world.review_attempts(reviewed) <= attempts
    assert 1 <= world.conversations() - world.conversations_before <= attempts


def only_reviewer(stack: Stack) -> Process:
    """Leaves one reviewer at work, so that a test knows which one has the task."""
    stack.services[REVIEWERS[1]].stop()
    return stack.services[REVIEWERS[0]]


def crash_and_restart(process: Process) -> None:
    """Kills a process; it comes back half a second later, as Compose would bring it back."""
    process.crash()

    def back() -> None:
        time.sleep(0.5)
        process.start()

    threading.Thread(target=back).start()


@pytest.mark.parametrize("hop", ["review.claimed", "claude.started", "claude.ended"])
def test_a_reviewer_that_is_killed_costs_one_more_run_of_claude_at_most(world: World, desk: Desk, hop: str) -> None:
    pull, reviewer = world.pull(), only_reviewer(world.stack)
    pause = random.Random(f"{SEED}{hop}").uniform(0, 0.02)  # noqa: S311 - not a secret

    def strike() -> None:
        time.sleep(pause)
        crash_and_restart(reviewer)

    with world.on(hop, strike) as struck:
        since = world.ask(f"/review {pull}")
        reviewed = desk.wait_for_ending(since)
    assert struck.is_set()
    assert_once(world, reviewed)
    assert len(world.finals(since)) == 1


def test_claude_dies_with_its_runner(world: World, desk: Desk) -> None:
    pull, reviewer = world.pull(), only_reviewer(world.stack)
    if os.geteuid() != 0:
        pytest.fail("this test needs root: slots have users of their own only then")
    world.model("hang")
    since = world.ask(f"/review {pull}")
    world.until(lambda: world.slot_processes())
    reviewer.crash()
    world.until(lambda: not world.slot_processes(), seconds=3)
    world.behave()
    reviewer.restart()
    assert_once(world, desk.wait_for_ending(since))


# The transactions of a review; the number of those that there are several of.
STEPS = ("take review", "begin fetch", "claim", "result", "begin review", "result/2", "begin post", "finish")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_an_orchestrator_that_is_killed_at_a_step_loses_and_repeats_nothing(
    world: World, desk: Desk, step: str, when: str
) -> None:
    pull = world.pull()
    orchestrator = world.stack.services["orchestrator"]
    if "tests.whole.crashing_orchestrator" not in orchestrator.arguments:
        orchestrator.stop()
        orchestrator.arguments = ["tests.whole.crashing_orchestrator"]
    switch = world.stack.folder / "orchestrator/crash-switch"
    orchestrator.environment = {**orchestrator.environment, "CRASH_SWITCH": str(switch)}
    if not orchestrator.alive():
        orchestrator.restart()
    switch.write_text(f"{when} {step}")
    since = world.ask(f"/review {pull}")
    world.until(lambda: not orchestrator.alive())
    assert not switch.exists()
    orchestrator.restart()
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    time.sleep(0.5)
    assert len(world.finals(since)) == 1


def test_a_bot_that_dies_before_the_last_message_sends_it_once_when_it_is_back(world: World, desk: Desk) -> None:
    pull, bot = world.pull(), world.stack.services["bot"]
    with world.on("claude.ended", bot.crash):
        since = world.ask(f"/review {pull}")
        world.until(lambda: _state(world, pull) == "verified")
    bot.restart()
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    time.sleep(1)
    assert len(world.finals(since)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_bot_that_dies_while_it_sends_the_last_message_sends_at_most_one_more(
    world: World, desk: Desk, when: str
) -> None:
    pull, bot = world.pull(), world.stack.services["bot"]

    def slow_down() -> None:
        world.telegram_fault(method="sendMessage", count=1, when=when, delay_seconds=3)

    with world.on("post.done", slow_down):
        since = world.ask(f"/review {pull}")
        world.until(lambda: _state(world, pull) == "verified")
        time.sleep(0.5)  # the bot is waiting for Telegram's answer
        bot.crash()
    time.sleep(3.5)  # what Telegram had accepted appears
    bot.restart()
    reviewed = desk.wait_for_ending(since)
    time.sleep(1)
    assert_once(world, reviewed, attempts=1)
    assert 1 <= len(world.finals(since)) <= 2


def test_a_forge_that_dies_after_posting_posts_no_second_review(world: World, desk: Desk) -> None:
    pull, forge = world.pull(), world.stack.services["forge"]
    world.github_fault(method="POST", path_regex="/reviews$", when="after", delay_seconds=4, count=1)
    since = world.ask(f"/review {pull}")
    world.until(lambda: world.reviews())
    forge.crash()
    forge.restart()
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    assert len(world.finals(since)) == 1


def test_a_review_that_github_refuses_for_a_while_is_posted_later_and_paid_once(world: World, desk: Desk) -> None:
    pull, refusal = world.pull(), "You have exceeded a secondary rate limit. Please wait a few minutes."
    fault = {"status": 403, "headers": {"retry-after": "8"}, "body": f'{{"message": "{refusal}"}}', "count": 2}
    world.github_fault(method="POST", path_regex="/reviews$", **fault)
    since = world.ask(f"/review {pull}")
    world.until(lambda: "going on in 8 s" in desk.person.transcript())
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    assert reviewed.received - reviewed.sent > 16
    assert len(world.finals(since)) == 1


def test_a_forge_that_is_away_when_the_reviewer_fetches_is_waited_for(world: World, desk: Desk) -> None:
    pull, forge = world.pull(), world.stack.services["forge"]
    with world.on("review.claimed", lambda: crash_and_restart(forge)):
        since = world.ask(f"/review {pull}")
        reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    assert len(world.finals(since)) == 1


def test_a_proxy_that_is_killed_in_the_middle_is_waited_for(world: World, desk: Desk) -> None:
    pull, proxy = world.pull(), world.stack.services["proxy"]
    world.model("slow", delay_seconds=1)  # with Claude's wait before a third try: less than AGENT_SILENCE_SECONDS
    with world.on("claude.started", lambda: crash_and_restart(proxy)):
        since = world.ask(f"/review {pull}")
        reviewed = desk.wait_for_ending(since)
    assert reviewed.run.state == "verified", reviewed.final["text"]
    assert world.review_attempts(reviewed) == 1
    assert len(world.reviews()) == len(world.finals(since)) == 1


@pytest.mark.parametrize("kill", [False, True], ids=["restarted", "killed"])
def test_a_broker_that_goes_away_in_the_middle_loses_and_repeats_nothing(world: World, desk: Desk, kill: bool) -> None:
    pull = world.pull()
    world.model("slow", delay_seconds=2)
    since = world.ask(f"/review {pull}")
    world.until(lambda: world.slot_processes() or os.geteuid() != 0)
    world.stack.broker.stop(kill=kill)
    world.stack.broker.start()
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    assert len(world.finals(since)) == 1


def test_a_task_that_is_delivered_twice_to_two_reviewers_is_done_once(world: World, desk: Desk) -> None:
    pull = world.pull()
    world.model("slow", delay_seconds=1)
    since = world.ask(f"/review {pull}")
    body = world.until(lambda: _task_body(world, pull))
    for _ in range(2):
        world.send_as_orchestrator("agent.pr-reviewer", body)
    reviewed = desk.wait_for_ending(since)
    assert_once(world, reviewed, attempts=1)
    time.sleep(6)  # the copies come back from the delay queue
    assert len(world.reviews()) == 1
    assert len(world.finals(since)) == 1


def test_a_message_that_cannot_be_read_is_put_aside_and_the_rest_goes_on(world: World, desk: Desk) -> None:
    for junk in (b"\xff\x00 not JSON", b"{}", b'{"type":"task","version":99}'):
        world.send_as_orchestrator("agent.pr-reviewer", junk)
    assert_once(world, desk.run(f"/review {world.pull()}"), attempts=1)


# --- Claude Code itself --------------------------------------------------------------------------------


def test_a_claude_that_hangs_is_ended_and_the_person_is_told(world: World, desk: Desk) -> None:
    world.model("hang")
    reviewed = desk.run(f"/review {world.pull()}")
    assert reviewed.run.state == "failed"
    assert "said nothing" in reviewed.final["text"]
    assert world.reviews() == []
    assert not world.slot_processes()


def test_a_claude_that_claims_what_it_did_not_do_is_unproven(world: World, desk: Desk) -> None:
    # too large for the brief, so it would have to be read
    lines = b"".join(b"value_%d = %d\n" % (n, n) for n in range(6000))
    world.model("claim_reading_nothing_found")
    reviewed = desk.run(f"/review {world.pull({'app.py': lines})}")
    assert reviewed.run.state == "unproven"
    assert "0 of 1 hunks were read" in reviewed.final["text"]
    assert "no problems" not in world.reviews()[0]["body"].lower()


def test_a_claude_that_claims_to_have_posted_leaves_one_review_of_ours(world: World, desk: Desk) -> None:
    world.model("claim")
    reviewed = desk.run(f"/review {world.pull()}")
    assert_once(world, reviewed, attempts=1)
    assert "claude-stack" in world.reviews()[0]["body"]


@pytest.mark.parametrize(
    ("scenario", "words"),
    [("text_only", "without a report"), ("invalid_report", "right form"), ("refusal", "failed")],
)
def test_a_claude_without_a_report_fails_in_words(world: World, desk: Desk, scenario: str, words: str) -> None:
    world.model(scenario)
    reviewed = desk.run(f"/review {world.pull()}")
    assert reviewed.run.state == "failed"
    assert words in reviewed.final["text"]
    assert world.reviews() == []


@pytest.mark.parametrize(("status", "words"), [(401, "401"), (400, "400")])
def test_a_model_that_refuses_fails_at_once_and_in_words(world: World, desk: Desk, status: int, words: str) -> None:
    world.model("error", status=status)
    reviewed = desk.run(f"/review {world.pull()}")
    assert reviewed.run.state == "failed"
    assert words in reviewed.final["text"]


@pytest.fixture
def fake_claude(world: World) -> Iterator[Callable[[str], None]]:
    """Has the first reviewer, alone, run a stand-in for the CLI in the given mode."""
    reviewer = only_reviewer(world.stack)
    folder = Path("/var/tmp") / world.name
    folder.mkdir(mode=0o755)
    environment = reviewer.environment

    def use(mode: str) -> None:
        claude = put_fake_claude(folder / "claude", mode)
        reviewer.stop()
        reviewer.environment = {**environment, "CLAUDE_CLI": str(claude)}
        reviewer.restart()

    yield use
    reviewer.stop()
    reviewer.environment = environment
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("mode", "state", "words"),
    [
        ("exit", "failed", "something is wrong with me"),
        ("junk", "failed", "without a result"),
        ("silent_exit", "failed", "without a result"),
        ("lingers", "verified", "no problems found"),
    ],
)
def test_a_cli_that_misbehaves_ends_in_the_right_state(
    world: World, desk: Desk, fake_claude: Callable[[str], None], mode: str, state: str, words: str
) -> None:
    fake_claude(mode)
    reviewed = desk.run(f"/review {world.pull()}")
    assert reviewed.run.state == state, reviewed.final["text"]
    assert words in reviewed.final["text"]
    assert not world.slot_processes()


def _state(world: World, pull: str) -> str:
    row = _query(world, "select state from runs where title like ?", f"%{pull.split()[0]}#%")
    return str(row[0]) if row else ""


def _task_body(world: World, pull: str) -> bytes | None:
    like = f"%{pull.split()[0]}#%"
    row = _query(
        world,
        "select message from tasks join runs on runs.id = run_id "
        "where role = 'pr_reviewer' and attempt > 0 and title like ?",
        like,
    )
    return bytes(row[0]) if row else None


def _query(world: World, query: str, *arguments: str) -> sqlite3.Row | None:
    connection = world.orchestrator_database()
    try:
        row: sqlite3.Row | None = connection.execute(query, arguments).fetchone()
        return row
    finally:
        connection.close()
