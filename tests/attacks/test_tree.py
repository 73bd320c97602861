"""What a slot finds as it walks the machine: of the stack nothing but what is listed here."""

import os
import re

import pytest

from agents.sandbox.slot import as_user
from native.desk import Desk
from native.stack import reachable
from tests.attacks.views import reached
from tests.whole.world import World

# What of the stack a slot may read, while it has no task: each with its reason.
READABLE: tuple[str, ...] = ()


@pytest.fixture
def slot(world: World, desk: Desk) -> int:
    """The user id of a slot that has done a task."""
    assert desk.run(f"/review {world.pull()}").run.state == "verified"
    uid = world.stack.users.slots(0)
    assert as_user(uid, 'test -x "$1"', world.stack.folder) == 0
    return uid


def found(world: World, slot: int, mode: int) -> list[str]:
    """What a slot may read or write of the stack."""
    folders = {world.stack.folder, reachable(world.stack.folder)}
    return [path for folder in folders for path in reached(slot, folder, mode)]


def test_a_slot_reads_nothing_of_the_stack_but_what_is_listed(world: World, slot: int) -> None:
    unlisted = [path for path in found(world, slot, os.R_OK) if not any(re.search(p, path) for p in READABLE)]
    assert unlisted == []


def test_a_slot_writes_nothing_of_the_stack(world: World, slot: int) -> None:
    assert found(world, slot, os.W_OK) == []
