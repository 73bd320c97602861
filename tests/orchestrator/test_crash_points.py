"""Whatever dies at whichever point, a run ends once, posts once, and pays for one run of the model more at most.

Every point of every step, one death each; then several deaths in one run, over seeds. SEEDS in the environment sets
how many.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store import Sessions, open_store, sqlite_url
from tests.orchestrator.simulated import World

SEEDS = int(os.environ.get("SEEDS", "2000"))
DEATHS = 3  # in one run at most; two of the agent end the run, which is promised too
PARTS = 8


def assert_kept(world: World) -> None:
    """Nothing lost, nothing twice."""
    run = world.run()
    told = str([point for number, point in enumerate(world.fate.passed) if number in world.fate.deaths])
    assert len(world.endings) == 1, told
    assert sum(world.effects.values()) <= 1, told
    assert len(world.questions) <= 1, told
    agents = world.deaths["pr_reviewer"]
    assert world.paid <= 1 + agents, told
    if agents < 2 and world.deaths["forge"] < 4:
        assert run.state == "verified", f"{told} {run.headline}"
        assert sum(world.effects.values()) == 1, told
    else:
        assert run.state in ("verified", "failed"), told


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    """A store, for one run after the other."""
    made = open_store(sqlite_url(tmp_path, "orchestrator.sqlite"))
    yield made
    made.kw["bind"].dispose()


@pytest.mark.parametrize("approval", [False, True], ids=["review", "asked first"])
def test_a_death_at_any_point_loses_and_repeats_nothing(sessions: Sessions, approval: bool) -> None:
    calm = World(sessions, approval=approval)
    calm.run()
    points = list(calm.fate.passed)
    assert len(points) > 40
    for number, point in enumerate(points):
        world = World(sessions, frozenset({number}), approval=approval)
        assert_kept(world)
        assert sum(world.deaths.values()) == 1, point


@pytest.mark.parametrize("part", range(PARTS))
def test_several_deaths_in_one_run_lose_and_repeat_nothing(sessions: Sessions, part: int) -> None:
    for seed in range(part, SEEDS, PARTS):
        chance = random.Random(seed)  # noqa: S311 - not a secret
        deaths = frozenset(chance.sample(range(110), chance.randint(1, DEATHS)))
        assert_kept(World(sessions, deaths, approval=chance.random() < 0.5))
