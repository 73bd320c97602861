"""What code of a task is after in a container (tests/attacks/compose), tried in a slot with namespaces of its own."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.claude.options import WRAPPER
from agents.sandbox.network import Network
from agents.sandbox.slot import Slot
from native.stack import Stack
from tests.attacks import compose
from tests.attacks.views import PYTHON

SCRIPT = Path(compose.__file__).parent / "as_slot.py"
ELSEWHERE = {"nowhere": "192.0.2.1", "credentials": "169.254.169.254"}  # documentation's, and where clouds have theirs
# What is found, with the reason that it may. What is not here must find nothing.
TABLE: dict[str, set[str]] = {
    # The relay to the proxy, on a loopback that nobody else has.
    "tcp": {"own:8003"},
    "tcp_by_other_ways": {"own:8003 mapped", "own:8003 mptcp"},
    # Said to its own loopback, where nobody hears it.
    "names": {"asked 127.0.0.11"},
    # Folders of a size, gone with the task.
    "fills": {"/dev/shm 256 MB", "/run 256 MB", "/tmp 256 MB", "/var/tmp 256 MB"},
}
# About what a container has, and about a loopback that is shared. What of the stack can be read or written is tried by
# test_tree.py.
OF_CONTAINERS = {
    "answers_for_the_name_server", "changes_the_filter", "reads", "shown_of_others", "udp", "writes"
}  # fmt: skip
ATTACKS = re.findall(r"^def ([a-z]\w+)\(_?at: dict", SCRIPT.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def found(stack: Stack) -> Iterator[dict[str, list[str]]]:
    """What each attack finds, in a slot of the stack's."""
    key = stack.secret("pr-reviewer", "PROXY_PROOF_KEY")
    slot = Slot("attacker", stack.users.slots(0) + 1, Network(stack.ports.url("proxy"), key))
    ours = [getattr(stack.ports, name) for name in vars(stack.ports)]
    hosts = {"own": {"address": "127.0.0.1", "ports": [8003, *ours]}}
    hosts |= {name: {"address": address, "ports": [80, 443]} for name, address in ELSEWHERE.items()}
    at = {"hosts": hosts, "names": ["localhost.example", "github.com"], "without": sorted(OF_CONTAINERS)}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        script = folder / "attack.py"
        script.write_text(SCRIPT.read_text())
        environment = {"PATH": os.defpath, **slot.environment(Path(PYTHON), started=folder / "started", folder=folder)}
        done = subprocess.run(
            [WRAPPER, script, json.dumps(at)], env=environment, cwd="/", capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name not in OF_CONTAINERS])
def test_a_task_finds_what_is_listed_and_nothing_else(found: dict[str, list[str]], attack: str) -> None:
    assert set(found[attack]) == TABLE.get(attack, set())
