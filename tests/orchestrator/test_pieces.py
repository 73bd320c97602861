"""Pieces of a report that are kept while it is worked on: once each, in order, for whoever comes next."""

from uuid import UUID

import pytest

from orchestrator.journal import Failed, Steps
from orchestrator.store import PieceRow
from orchestrator.tasks.rows import MOST_PIECE_BYTES, MOST_PIECES
from stack.errors import GiveUp
from stack.ids import task_id, uuid7
from stack.messages import Ending
from stack.pieces import Piece
from stack.work.review import StartReview
from tests.orchestrator.played import World
from tests.orchestrator.samples import CHANGE, final, passing

FIRST: Piece = {"title": "Wrong", "line": 3}
SECOND: Piece = {"title": "Füße \x00 \U0001f3a8", "deep": [{"a": None}]}


def keep(world: World, task: UUID, piece: Piece = FIRST, *, instance: str = "one", attempt: int = 1) -> str:
    return world.tasks.keep(task, instance=instance, attempt=attempt, piece=piece).verdict


def at_work(world: World) -> UUID:
    """A task that is claimed."""
    task = world.add()
    assert world.claim(task).pieces == ()
    return task


def test_pieces_come_with_the_next_claim_as_they_were_and_in_their_order(any_world: World) -> None:
    world = any_world
    task = at_work(world)
    assert (keep(world, task, SECOND), keep(world, task)) == ("go", "go")
    world.result(task, passing())
    world.outwait(task)
    assert world.claim(task, "two").pieces == (SECOND, FIRST)


def test_the_same_piece_twice_stands_once(any_world: World) -> None:
    world = any_world
    task = at_work(world)
    for piece in (FIRST, dict(reversed(FIRST.items())), SECOND, FIRST):
        assert keep(world, task, piece) == "go"
    assert [(row.number, row.content) for row in world.rows(PieceRow)] == [(1, FIRST), (2, SECOND)]


def test_whoever_does_not_hold_the_task_keeps_nothing(world: World) -> None:
    task, waiting = at_work(world), world.add()
    assert keep(world, task, instance="two") == "lost"
    assert keep(world, task, attempt=0) == keep(world, task, attempt=2) == "lost"
    assert keep(world, waiting) == keep(world, uuid7()) == "lost"
    world.result(task)
    assert keep(world, task) == "lost"
    assert world.rows(PieceRow) == []


def test_of_a_cancelled_run_nothing_is_kept(world: World) -> None:
    run = world.start()
    task = task_id(run, "fetch")
    world.claim(task)
    world.cancel(run)
    assert keep(world, task) == "lost"


def test_what_is_too_large_is_refused_in_words(world: World) -> None:
    task = at_work(world)
    frame = len('{"x": ""}')
    assert keep(world, task, {"x": "ü" * ((MOST_PIECE_BYTES - frame) // 2)}) == "go"
    with pytest.raises(GiveUp, match=f"the piece has {MOST_PIECE_BYTES + 1} bytes, {MOST_PIECE_BYTES} are most"):
        keep(world, task, {"x": "x" * (MOST_PIECE_BYTES - frame + 1)})


def test_more_than_there_may_be_is_refused_and_a_repeat_is_not(world: World) -> None:
    task = at_work(world)
    for number in range(MOST_PIECES):
        assert keep(world, task, {"number": number}) == "go"
    with pytest.raises(GiveUp, match=f"there are {MOST_PIECES} pieces"):
        keep(world, task)
    assert keep(world, task, {"number": 0}) == "go"


@pytest.mark.parametrize("piece", [{"x": "\ud800"}, {"x": float("nan")}, {"x": float("inf")}])
def test_what_json_cannot_have_is_refused(world: World, piece: Piece) -> None:
    with pytest.raises(GiveUp, match="cannot be kept"):
        keep(world, at_work(world), piece)


# --- in the story -------------------------------------------------------------------------------------


def with_what_there_is(steps: Steps, ask: StartReview) -> Ending:
    """A story that makes do with the pieces of a step that failed."""
    assert steps.pieces("review") == () or steps.pieces("review") == (FIRST, SECOND)
    assert steps.pieces("never begun") == ()
    try:
        steps.call("review", CHANGE)
    except Failed as failure:
        return Ending(state="unproven", headline=f"{failure}: {steps.pieces('review')}")
    return Ending(state="verified", headline=f"{steps.pieces('review')}")


@pytest.mark.parametrize("fails", [True, False])
def test_a_story_has_the_pieces_of_a_step_that_has_ended(any_world: World, fails: bool) -> None:
    world = any_world
    world.tell(with_what_there_is)
    run = world.start()
    task = task_id(run, "review")
    world.claim(task)
    keep(world, task)
    world.stories.advance(str(run))  # under way: there are none yet
    keep(world, task, SECOND)
    world.result(task, *([final("gone")] if fails else []))
    assert world.run(run).headline == ("gone: " if fails else "") + f"{(FIRST, SECOND)}"
