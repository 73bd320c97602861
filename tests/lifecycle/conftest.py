"""Fixtures of the lives of reviews."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.store import sqlite_url
from sim.not_github import client
from stack.ids import uuid7
from tests.forge.conftest import World as Forge
from tests.forge.conftest import contract, not_github
from tests.lifecycle.life import Life
from tests.orchestrator.played import World as Orchestrator
from tests.sim.not_github import pushed_pull
from tests.sim.openapi import Contract

__all__ = ["contract", "not_github"]

SHOP = b"".join(b"line %d\n" % n for n in range(1, 40))
CHANGED = SHOP.replace(b"line 3\n", b"changed = True\nadded = eval(changed)\n")

NewLife = Callable[..., Life]


@pytest.fixture
def new_life(not_github: str, tmp_path: Path, contract: Contract) -> Iterator[NewLife]:
    """Makes the life of a pull request: `before` and `after` are its files, `commits` further ones on the branch."""
    made: list[Life] = []

    def make(before: dict[str, bytes] | None = None, after: dict[str, bytes | None] | None = None) -> Life:
        name = f"life-{uuid7()}"
        folder = tmp_path / name
        folder.mkdir()
        pushed_pull(not_github, name, folder / "tree", before or {"shop.py": SHOP}, after or {"shop.py": CHANGED})
        orchestrator = Orchestrator(sqlite_url(folder, "orchestrator.sqlite"), folder)
        made.append(Life(Forge(not_github, folder / "forge", contract), orchestrator, folder / "tree", name))
        return made[-1]

    yield make
    client.call("DELETE", f"{not_github}/_sim/faults")
    for life in made:
        life.orchestrator.close()


@pytest.fixture
def life(new_life: NewLife) -> Life:
    """A pull request that changes lines 3 and 4 of shop.py."""
    return new_life()
