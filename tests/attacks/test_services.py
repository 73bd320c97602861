"""What a service that was taken over could reach of the others, and what another user of the machine could."""

import errno
import os
from pathlib import Path

import pytest

from agents.sandbox.slot import as_user
from native.stack import SERVICES
from tests.attacks.views import PYTHON, reached
from tests.whole.world import World

STRANGER = 18_999
NET_BIND_SERVICE = f"{1 << 10:016x}"
TAKE = """
import socket, sys
try: socket.create_server(("127.0.0.1", int(sys.argv[1])))
except OSError as error: sys.exit(error.errno)
"""


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_each_service_is_a_user_of_its_own_with_one_right(world: World) -> None:
    processes = {**world.stack.simulators, **{name: world.stack.services[name] for name in SERVICES}}
    seen = {name: status(process.pid) for name, process in processes.items()}
    users = {name: one["Uid"].split() for name, one in seen.items()}
    assert all(len(set(ids)) == 1 for ids in users.values())
    assert len({ids[0] for ids in users.values()} | {"0"}) == len(users) + 1
    for one in seen.values():
        assert (one["Groups"], one["NoNewPrivs"], one["CapEff"], one["CapBnd"]) == (
            "",
            "1",
            f"{1 << 10:016x}",
            one["CapEff"],
        )


@pytest.mark.parametrize("name", ["rabbitmq", *SERVICES])
def test_a_service_reads_and_writes_nothing_that_is_anothers(world: World, name: str) -> None:
    folder, uid = world.stack.folder, world.stack.users.of(name)
    own = (f"{folder}/{name}", f"{world.stack.secrets}/{name}")
    found = {*reached(uid, folder, os.R_OK), *reached(uid, folder, os.W_OK)}
    assert found > set(own)
    assert [path for path in found if not f"{path}/".startswith(tuple(f"{o}/" for o in own))] == []


@pytest.mark.parametrize("part", ["broker", "orchestrator", "forge", "proxy"])
def test_no_other_user_takes_the_port_of_a_service(world: World, part: str) -> None:
    said = as_user(STRANGER, f'{PYTHON} -c "$1" "$2"', TAKE, str(getattr(world.stack.ports, part)))
    assert said == errno.EACCES  # and not EADDRINUSE, which ends with the service
