"""What a slot finds as it walks the machine: of the stack nothing but what is listed here."""

import re

import pytest

from agents.sandbox.slot import as_user
from native.desk import Desk
from native.stack import reachable
from tests.whole.world import World

# What of the stack a slot may read, while it has no task: each with its reason.
READABLE: tuple[str, ...] = ()


@pytest.fixture
def slot(world: World, desk: Desk) -> int:
    """The user id of a slot that has done a task."""
    assert desk.run(f"/review {world.pull()}").run.state == "verified"
    assert as_user(world.stack.first_uid, 'test -x "$1"', world.stack.folder) == 0
    return world.stack.first_uid


def found(world: World, slot: int, test: str) -> list[str]:
    """The files of the stack for which `test` of find(1) holds, as a slot sees them."""
    said = world.folder / "said"
    for folder in {world.stack.folder, reachable(world.stack.folder)}:
        with said.open("ab") as out:
            as_user(slot, f'find "$1" ! -type d {test}', folder, out=out)
    return said.read_text().splitlines()


def test_a_slot_reads_nothing_of_the_stack_but_what_is_listed(world: World, slot: int) -> None:
    assert [path for path in found(world, slot, "-readable") if not any(re.search(p, path) for p in READABLE)] == []


def test_a_slot_writes_nothing_of_the_stack(world: World, slot: int) -> None:
    assert found(world, slot, "-writable") == []
