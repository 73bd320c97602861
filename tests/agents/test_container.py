"""An agent that is to be contained refuses to start where it is not, in words; `.ci/compose` tries it where it is."""

import os
import socket
from contextlib import ExitStack, suppress

import pytest

from agents.sandbox.container import require_boundary
from agents.sandbox.network import ADDRESS, Network
from agents.sandbox.slot import Slot
from stack.errors import GiveUp
from tests.agents.conftest import UID


def test_who_could_undo_the_boundary_is_refused() -> None:
    assert os.geteuid() == 0, "root of this machine is nobody's slot and holds every capability"
    with pytest.raises(GiveUp, match="it holds capabilities"):
        require_boundary([Slot("contained", UID)], ["http://127.0.0.1:9"])


@pytest.mark.parametrize("slots", [[], [Slot("one", UID), Slot("two", UID + 1)], [Slot("not root", None)]])
def test_a_container_has_one_slot_whose_user_is_another(slots: list[Slot]) -> None:
    with pytest.raises(GiveUp, match="AGENT_SLOTS=1"):
        require_boundary(slots, [])


def test_the_relay_in_a_network_that_is_there_is_no_other_program() -> None:
    with ExitStack() as held:
        with suppress(OSError):  # where something of this machine has it
            held.enter_context(socket.create_server(ADDRESS))
        with pytest.raises(GiveUp, match=r"http://127\.0\.0\.1:8003, where a task .* Address already in use"):
            Network("http://127.0.0.1:9", "not-a-key", own=False)
