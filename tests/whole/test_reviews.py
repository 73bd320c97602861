"""A review as a person lives it: from the command to the posted review; asked first, stopped, looked up."""

import time
from pathlib import Path
from typing import Any

import pytest

from native.desk import Desk
from native.processes import ROOT
from sim.not_github.client import import_pull
from sim.not_telegram.person import buttons
from tests.sim.not_github import commit, git
from tests.whole.world import BAD_LINE, World

PULLS = ROOT.parent / "shared/pulls"
NAMES = [f"{name}-{n}" for name in ("dramatiq", "httpx", "huey", "llm", "pika", "starlette") for n in (1, 2)]
# Of the twelve, those in which the simulator's rules find nothing on a line.
WITHOUT_COMMENTS = {"huey-1", "llm-1"}


def test_a_review_is_posted_proven_and_told_once(world: World, desk: Desk) -> None:
    since = world.ask(f"/review {world.pull()}")
    reviewed = desk.wait_for_ending(since)
    assert reviewed.run.state == "verified"
    (review,) = world.reviews()
    assert review["state"] == "COMMENTED"
    assert {c["line"] for c in review["comments"]} == {3}
    text = reviewed.final["text"]
    assert "The one hunk was read" in text
    assert "claude-" in text
    assert "$" in text
    bot = [e for e in desk.person.events(since) if e["who"] == "bot" and e["kind"] == "sent"]
    assert len(bot) == 2, "one message of progress, one at the end"


def test_a_rule_that_is_put_in_is_found_and_one_that_is_taken_out_is_not(world: World, desk: Desk) -> None:
    desk.run(f"/review {world.pull({'a.py': BAD_LINE, 'b.py': b'import os' + bytes([10])})}")
    (review,) = world.reviews()
    assert {c["path"] for c in review["comments"]} == {"a.py"}


def test_a_second_review_does_not_repeat_what_was_said(world: World, desk: Desk) -> None:
    pull = world.pull()
    desk.run(f"/review {pull}")
    again = desk.run(f"/review {pull}")
    (first,) = world.reviews()
    assert first["comments"]
    assert "nothing new since the last review" in again.final["text"]
    calls = world.conversations()
    anew = desk.run(f"/review {pull} fresh")
    assert anew.run.state == "verified", anew.final["text"]
    assert world.conversations() > calls
    assert len(world.reviews()) == 1


def test_a_run_can_be_stopped_while_claude_is_at_work(world: World, desk: Desk) -> None:
    world.model("hang")
    since = world.ask(f"/review {world.pull()}")
    world.until(world.slot_processes)
    begun = time.monotonic()
    desk.person.say("/cancel")
    reviewed = desk.wait_for_ending(since)
    assert reviewed.run.state == "cancelled"
    assert time.monotonic() - begun < 10  # the promise; the figure is far below
    world.until(lambda: not world.slot_processes(), seconds=10)
    assert world.reviews() == []


@pytest.mark.parametrize(("choice", "state", "posted"), [("Post", "verified", 1), ("Discard", "cancelled", 0)])
def test_with_ask_a_person_decides_before_anything_is_posted(
    world: World, desk: Desk, choice: str, state: str, posted: int
) -> None:
    since = world.ask(f"/review {world.pull()} ask")

    def question() -> Any:
        return next((e for e in desk.person.events(since) if "Post it?" in e.get("message", {}).get("text", "")), None)

    asked = world.until(question)["message"]
    assert {b["text"] for b in buttons(asked)} == {"Post", "Discard"}
    assert world.reviews() == []
    desk.person.press(asked, choice)
    assert desk.wait_for_ending(since).run.state == state
    assert len(world.reviews()) == posted


def test_an_orchestrator_that_is_killed_while_a_person_thinks_still_takes_the_answer(world: World, desk: Desk) -> None:
    since = world.ask(f"/review {world.pull()} ask")
    asked = desk.person.wait_for(lambda m: "Post it?" in m.get("text", "") and world.name in m["text"], 30)
    orchestrator = world.stack.services["orchestrator"]
    orchestrator.crash()
    orchestrator.restart()
    desk.person.press(asked, "Post")
    assert desk.wait_for_ending(since).run.state == "verified"
    assert len(world.reviews()) == 1


@pytest.mark.parametrize(
    "text",
    ["/review", "/review acme/shop", "/review acme/shop twelve", "/review ../x 1", "/review a/b -1", "/nonsense"],
)
def test_what_is_malformed_is_refused_and_the_right_form_shown(world: World, desk: Desk, text: str) -> None:
    since = world.ask(text)

    def answer() -> Any:
        return next((e for e in desk.person.events(since) if e["who"] == "bot" and e["kind"] == "sent"), None)

    said = world.until(answer)["message"]["text"]
    assert "/review acme/shop 12" in said or "/help" in said


@pytest.mark.parametrize("name", NAMES)
def test_a_real_change_is_reviewed_and_no_comment_refused(world: World, desk: Desk, name: str) -> None:
    """Three reviews of one head and one of a new head."""
    assert PULLS.is_dir(), f"the twelve real changes are missing: {PULLS}"
    pull = import_pull(world.stack.ports.url("not_github"), PULLS / name)
    repository, number = pull["base"]["repo"]["full_name"], pull["number"]
    asked = f"/review {repository} {number}"
    reviewed = [desk.run(command) for command in (asked, asked, f"{asked} fresh")]
    _push_another_commit(world, repository, pull["head"]["ref"], world.folder / name)
    reviewed.append(desk.run(asked))
    assert [one.run.state for one in reviewed] == ["verified"] * 4
    receipt = next(task.outcome for task in reviewed[0].run.tasks if task.step == "post" and task.outcome)
    assert receipt["comments_refused"] == 0
    assert bool(receipt["inline_comments"]) == (name not in WITHOUT_COMMENTS)
    comments = world.comments(repository, number)
    said = [(c["path"], c["original_line"], c["side"], c["body"].split("<!--")[0]) for c in comments]
    assert len(set(said)) == len(said), "said twice"


def _push_another_commit(world: World, repository: str, branch: str, tree: Path) -> None:
    remote = world.remote_of(repository)
    git("clone", "--quiet", "--depth=1", f"--branch={branch}", remote, str(tree), folder=world.folder)
    commit(tree, {"a-new-file.txt": b"new\n"}, "another commit")
    git("push", "--quiet", remote, f"HEAD:{branch}", folder=tree)
