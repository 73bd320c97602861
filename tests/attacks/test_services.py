"""What a service that was taken over could reach of the others, and what another user of the machine could."""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from agents.sandbox.slot import as_user
from native import ports
from native.desk import Desk
from native.rabbitmq import RabbitMQ
from native.stack import ANTHROPIC_KEY, GITHUB_TOKEN, SERVICES, SIMULATORS, TELEGRAM_TOKEN
from native.up import settings_in
from native.users import Users
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


def test_the_brokers_own_protocol_is_spoken_on_loopback_with_a_cookie_that_nobody_guesses(world: World) -> None:
    cookie = world.stack.folder / "rabbitmq/.erlang.cookie"
    assert (len(cookie.read_text()), cookie.stat().st_mode & 0o777) == (43, 0o400)  # 256 bits in base64
    sockets = {os.readlink(link) for link in _descriptors(world.stack.broker.pid) if os.path.islink(link)}
    listening = [
        row.split() for table in ("tcp", "tcp6") for row in Path("/proc/net", table).read_text().splitlines()[1:]
    ]
    addresses = [row[1].split(":")[0] for row in listening if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    assert len(addresses) >= 2
    assert set(addresses) == {"0100007F"}


def _descriptors(session: int) -> list[Path]:
    """The descriptors of a session's processes."""
    pids = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if _session(int(pid)) == session]
    return [path for pid in pids for path in Path(f"/proc/{pid}/fd").iterdir()]


def _session(pid: int) -> int:
    with suppress(ProcessLookupError):
        return os.getsid(pid)
    return 0


def test_no_secret_lies_anywhere_but_with_who_needs_it(world: World, desk: Desk) -> None:
    """Whole, or any half of it: in files, logs and stores, in environments and on command lines."""
    assert desk.run(f"/review {world.pull()}").run.state == "verified"
    stack = world.stack
    kept = {path.read_text().strip() for path in (stack.secrets / "init").iterdir() if path.name != "broker"}
    outside = {GITHUB_TOKEN: "forge", TELEGRAM_TOKEN: "bot", ANTHROPIC_KEY: "proxy"}
    canaries = [
        half for secret in {*kept, *outside} for half in (secret[: len(secret) // 2], secret[len(secret) // 2 :])
    ]
    assert min(map(len, canaries)) > 8
    folders = [path for path in stack.folder.iterdir() if path.name not in ("secrets", *SIMULATORS)]
    files = [Path(parent, name) for folder in folders for parent, _, names in os.walk(folder) for name in names]
    assert len(files) > 50
    assert [path for path in files if path.is_file() and _holds(path.read_bytes(), canaries)] == []
    for name, process in stack.services.items():
        told = [half for secret, whose in outside.items() if whose != name for half in canaries if half in secret]
        said = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert not _holds(said, [*told, *(half for half in canaries if not any(half in secret for secret in outside))])
        assert not _holds(Path(f"/proc/{process.pid}/cmdline").read_bytes(), canaries)


def _holds(text: bytes, canaries: list[str]) -> bool:
    return any(canary.encode() in text for canary in canaries)


def test_a_file_of_settings_is_closed_to_all_but_root() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, ".env")
        file.write_text("GITHUB_TOKEN=not-a-token\nLOG_LEVEL=\n")
        file.chmod(0o644)
        assert as_user(STRANGER, 'cat "$1"', file) == 0
        assert settings_in(file) == {"GITHUB_TOKEN": "not-a-token"}
        assert as_user(STRANGER, 'cat "$1"', file) != 0


def test_what_python_warns_of_keeps_no_service_from_a_user_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "nonsense")
    assert Users(Path("/"), []).complaint == ""


def test_where_nothing_says_which_ports_are_closed_there_are_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "FIRST_OF_ALL", tmp_path / "none")
    assert ports.Ports().proxy


@pytest.mark.parametrize("name", ["rabbitmq.conf", "enabled_plugins", ".erlang.cookie", "server.log"])
def test_what_root_writes_for_the_broker_goes_through_no_link_of_the_brokers_user(tmp_path: Path, name: str) -> None:
    roots = tmp_path / "roots"
    roots.write_text("as it was")
    (tmp_path / "rabbitmq").mkdir()
    (tmp_path / "rabbitmq" / name).symlink_to(roots)
    (tmp_path / "rabbitmq/server.log").unlink(missing_ok=True)
    (tmp_path / "rabbitmq/server.log").symlink_to(roots)  # ends the start at once
    with pytest.raises(OSError, match="symbolic link"):
        RabbitMQ(tmp_path / "rabbitmq", definitions=roots, port=1).start()
    assert (roots.read_text(), roots.stat().st_mode & 0o777) == ("as it was", 0o644)
