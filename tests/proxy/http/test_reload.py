"""gateway.toml while the gateway runs: a change counts within seconds, in every worker; a mistake changes nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.http.gateways import Values, provider, running_gateway, toml
from tests.proxy.http.lanes import HELLO, rows
from tests.proxy.http.wires import AnthropicWire
from tests.proxy.running import RunningProxy, a_task, request, token
from tests.proxy.translation.invariants import check
from tests.proxy.upstream import MESSAGE_COST, Exchange, ScriptedUpstream, answering

SOON = 3.0  # seconds within which a change counts
WIRE = AnthropicWire()
Write = Callable[[str], None]


def sections(upstream: ScriptedUpstream, name: str, **more: Any) -> dict[str, Values]:
    """All calls go to the provider `name`."""
    return {f"providers.{name}": provider(f"{upstream.url}/{name}", **more), "tiers": {"sonnet": name}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reloaded")


@pytest.fixture(scope="module")
def gateway(upstream: ScriptedUpstream, folder: Path) -> Iterator[RunningProxy]:
    with running_gateway(folder, sections(upstream, "first")) as running:
        yield running


@pytest.fixture
def write(folder: Path, upstream: ScriptedUpstream) -> Write:
    upstream.script = answering(WIRE.message(HELLO))

    def written(text: str) -> None:
        (folder / "gateway.toml").write_text(text)

    return written


def served_by(gateway: RunningProxy) -> set[str]:
    """Who serves now: several calls, so that each worker has some."""
    replies = [gateway.message(token(a_task()), request()) for _ in range(10)]
    return {reply.headers.get("x-gateway-provider", str(reply.status)) for reply in replies}


def assert_soon_served_by(gateway: RunningProxy, name: str) -> None:
    deadline = time.monotonic() + SOON
    while (found := served_by(gateway)) != {name} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == {name}


def test_a_change_counts_within_three_seconds_in_every_worker(
    gateway: RunningProxy, upstream: ScriptedUpstream, write: Write
) -> None:
    assert served_by(gateway) == {"first"}
    write(toml(sections(upstream, "second")))
    assert_soon_served_by(gateway, "second")


@pytest.mark.parametrize(
    "mistake",
    [
        "no toml at all [",
        '[providers.x]\nwire = "anthropic"\nbase_url = "http://127.0.0.1"\nkeys = ["invented-key-in-clear"]\n',
    ],
)
def test_a_file_with_a_mistake_is_refused_whole_and_the_old_one_serves(
    mistake: str, gateway: RunningProxy, upstream: ScriptedUpstream, write: Write
) -> None:
    before = gateway.log.read_text().count("stays in place")
    serving = served_by(gateway)
    write(toml(sections(upstream, "other")).replace("[tiers]", mistake + "\n[tiers]"))
    deadline = time.monotonic() + SOON
    while gateway.log.read_text().count("stays in place") < before + 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    log = gateway.log.read_text()
    assert log.count("stays in place") == before + 2  # once in each worker
    assert "gateway.toml:" in log
    assert "invented-key-in-clear" not in log
    assert served_by(gateway) == serving != {"other"}


def test_a_file_that_goes_away_changes_nothing_and_may_come_back(
    gateway: RunningProxy, upstream: ScriptedUpstream, write: Write, folder: Path
) -> None:
    serving = served_by(gateway)
    (folder / "gateway.toml").unlink()
    time.sleep(2.5)
    assert served_by(gateway) == serving != {"back"}
    write(toml(sections(upstream, "back")))
    assert_soon_served_by(gateway, "back")


def test_a_call_under_way_ends_as_it_began(gateway: RunningProxy, upstream: ScriptedUpstream, write: Write) -> None:
    """With its provider, and at the price that was asked when it began."""
    (serving,) = served_by(gateway)
    arrived, changed = threading.Event(), threading.Event()
    events = WIRE.events(HELLO, model="claude-sonnet-5")

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(events[0])
        arrived.set()
        changed.wait(timeout=10)
        exchange.send(b"".join(events[1:]))
        exchange.end()

    upstream.script = script
    claims = a_task()
    connection = gateway.connect()
    connection.request("POST", "/v1/messages", request(stream=True), {"x-api-key": token(claims)})
    assert arrived.wait(timeout=10)
    upstream.script = answering(WIRE.message(HELLO))
    write(toml(sections(upstream, "dearer", price="300/1500")))
    assert_soon_served_by(gateway, "dearer")
    changed.set()
    assert check(connection.getresponse().read(), translated=False, asked="claude-sonnet-5") == []
    connection.close()
    (row,) = rows(gateway, claims.run, 1)
    assert (row["provider"], row["micro_dollars"]) == (serving, MESSAGE_COST)
