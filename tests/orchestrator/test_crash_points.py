"""Whatever dies at whichever point, a run ends once, posts once, and pays for one run of the model more at most.

Every point of every step, one death each; then several deaths in one run, over seeds. SEEDS in the environment sets
how many.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from orchestrator.store import Sessions, open_store, sqlite_url
from tests.orchestrator.played import fast
from tests.orchestrator.simulated import World, with_a_step_of_our_own

SEEDS = int(os.environ.get("SEEDS", "2000"))
DEATHS = 3  # in one run at most; two of the agent end a round
PARTS = 8


def assert_kept(world: World, *, refusals: int = 0) -> None:
    """Nothing lost, nothing twice: what failed is tried again until it is verified, and each end is told once."""
    run = world.run()
    told = str([point for number, point in enumerate(world.fate.passed) if number in world.fate.deaths])
    agents = world.deaths["pr_reviewer"]
    states = [ending.state for ending in world.endings.values()]
    assert states == ["failed"] * (len(states) - 1) + ["verified"], f"{told} {run.headline}"
    assert len(states) <= 1 + refusals + agents // 2, told
    assert run.state == "verified", told
    assert sum(world.effects.values()) == 1, told
    assert len(world.questions) <= 1, told
    assert world.paid <= 1 + agents, told


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    """A store, for one run after the other."""
    made = open_store(sqlite_url(tmp_path, "orchestrator.sqlite"))
    engine: Engine = made.kw["bind"]
    engine.dispose()
    event.listen(engine, "connect", fast)
    yield made
    engine.dispose()


STORIES: dict[str, dict[str, Any]] = {
    "review": {},
    "asked first": {"approval": True},
    "tried again": {"approval": True, "refusals": 1},
    "a step of our own": {"story": with_a_step_of_our_own},
}


@pytest.mark.parametrize("story", STORIES)
def test_a_death_at_any_point_loses_and_repeats_nothing(sessions: Sessions, story: str) -> None:
    kind = STORIES[story]
    refusals = kind.get("refusals", 0)
    calm = World(sessions, **kind)
    calm.run()
    assert len(calm.endings) == 1 + refusals
    points = list(calm.fate.passed)
    assert len(points) > 40
    if "story" not in kind:
        steps = ("fetch", "plan", "conversation", "review", "check", "draft", "post")
        assert {f"orchestrator inside begin {step}" for step in steps} <= set(points)
    for number, point in enumerate(points):
        world = World(sessions, frozenset({number}), **kind)
        assert_kept(world, refusals=refusals)
        assert sum(world.deaths.values()) == 1, point


@pytest.mark.parametrize("part", range(PARTS))
def test_several_deaths_in_one_run_lose_and_repeat_nothing(sessions: Sessions, part: int) -> None:
    for seed in range(part, SEEDS, PARTS):
        chance = random.Random(seed)  # noqa: S311 - not a secret
        refusals = chance.randint(0, 2)
        deaths = frozenset(chance.sample(range(120 + 40 * refusals), chance.randint(1, DEATHS)))
        world = World(sessions, deaths, approval=chance.random() < 0.5, refusals=refusals)
        assert_kept(world, refusals=refusals)
