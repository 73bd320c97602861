"""A provider that fails again and again is left alone, and tried again later: by a clock of its own, and over HTTP."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.breaker import FAILURES, LONGEST_SECONDS, OPEN_SECONDS, Breakers, State
from proxy.key_pool import REST_SECONDS, KeyPool
from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import HELLO
from tests.proxy.http.wires import AnthropicWire
from tests.proxy.running import READ_TOKEN, RunningProxy, a_task, request, token
from tests.proxy.upstream import Exchange, ScriptedUpstream, answering

WIRE = AnthropicWire()
NAMES = [f"p{number}" for number in range(12)]


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Heard:
    """What was told of changes."""

    changes: list[tuple[str, State, float, str]] = field(default_factory=list)

    def __call__(self, name: str, state: State, until: float, reason: str) -> None:
        self.changes.append((name, state, until, reason))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def breakers(heard: Heard, clock: Clock) -> Breakers:
    return Breakers(heard, clock)


def fail(breakers: Breakers, times: int) -> None:
    for _ in range(times):
        breakers.begins("p")
        breakers.failed("p", "503")


# The breaker itself


def test_it_opens_after_so_many_failures_in_a_row(breakers: Breakers, heard: Heard, clock: Clock) -> None:
    fail(breakers, FAILURES - 1)
    breakers.succeeded("p")
    fail(breakers, FAILURES - 1)
    assert not breakers.is_open("p")
    assert heard.changes == []
    fail(breakers, 1)
    assert breakers.is_open("p")
    assert not breakers.is_open("another")
    assert heard.changes == [("p", "open", clock.now + OPEN_SECONDS, "503")]


def test_after_its_time_one_call_finds_out_for_all(breakers: Breakers, heard: Heard, clock: Clock) -> None:
    fail(breakers, FAILURES)
    clock.now += OPEN_SECONDS - 0.01
    assert breakers.is_open("p")
    clock.now += 0.02
    assert not breakers.is_open("p")
    breakers.begins("p")
    assert breakers.is_open("p")  # for all others, until it is known what came of the one
    breakers.succeeded("p")
    assert not breakers.is_open("p")
    assert [state for _, state, _, _ in heard.changes] == ["open", "half-open", "closed"]


def test_one_failure_of_the_call_that_finds_out_opens_it_again(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, FAILURES)
    clock.now += OPEN_SECONDS + 1
    fail(breakers, 1)
    clock.now += OPEN_SECONDS - 1
    assert breakers.is_open("p")


def test_a_call_that_found_nothing_out_leaves_it_to_the_next(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, FAILURES)
    clock.now += OPEN_SECONDS + 1
    breakers.begins("p")
    breakers.undecided("p")
    assert not breakers.is_open("p")


@pytest.mark.parametrize(("asked", "seconds"), [(7.0, 7.0), (100_000.0, LONGEST_SECONDS)])
def test_a_provider_that_asks_to_be_left_alone_is(
    asked: float, seconds: float, breakers: Breakers, clock: Clock
) -> None:
    breakers.failed("p", "429", leave_alone=asked)
    clock.now += seconds - 0.1
    assert breakers.is_open("p")
    clock.now += 0.2
    assert not breakers.is_open("p")


def test_a_session_keeps_its_key_and_one_that_was_refused_comes_last_until_it_has_rested(clock: Clock) -> None:
    pool = KeyPool(("a", "b", "c"), clock)
    sessions = [f"session-{number}" for number in range(60)]
    orders = [list(pool.in_order(session)) for session in sessions]
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert orders == [list(pool.in_order(session)) for session in sessions]
    assert {order[0] for order in orders} == {"a", "b", "c"}
    pool.refused("b")
    assert {list(pool.in_order(session))[-1] for session in sessions} == {"b"}
    clock.now += REST_SECONDS + 1
    assert orders == [list(pool.in_order(session)) for session in sessions]
    assert list(KeyPool((), clock).in_order("a")) == [""]


# Over HTTP, with one worker, so that there is one breaker for each provider


@pytest.fixture(scope="module")
def gateway(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """For each name a model: its first provider is asked for `first`, the next one for `second`."""
    providers = {f"providers.{name}": provider(f"{upstream.url}/{name}") for name in NAMES}
    spare = {"providers.spare": provider(f"{upstream.url}/spare")}
    keys: dict[str, Any] = {"keys": ["env:KEY_A", "env:KEY_B"], "auth": "x-api-key"}
    pools = {f"providers.pool{n}": provider(f"{upstream.url}/pool{n}", **keys) for n in range(6)}
    models = {name: [f"{name}/first", "spare/second"] for name in NAMES} | {f"pool{n}": f"pool{n}" for n in range(6)}
    sections = {**providers, **spare, **pools, "tiers": {"sonnet": "spare"}, "models": models}
    settings = {"PROXY_WORKERS": "1", "KEY_A": "invented-key-a", "KEY_B": "invented-key-b"}
    with running_gateway(tmp_path_factory.mktemp("breakers"), sections, **settings) as running:
        yield running


@pytest.fixture
def asked(upstream: ScriptedUpstream) -> Callable[[str], int]:
    """How often a provider was asked."""
    upstream.received.clear()
    return lambda name: sum(received.target.startswith(f"/{name}/") for received in upstream.received)


def answers(name: str, status: int, headers: dict[str, str] | None = None) -> Callable[[Exchange], None]:
    """`name` fails, all others answer."""

    def script(exchange: Exchange) -> None:
        if exchange.received.target.startswith(f"/{name}/"):
            answering(WIRE.error("api_error", "no"), status, headers)(exchange)
        else:
            answering(WIRE.message(HELLO))(exchange)

    return script


def gauge(gateway: RunningProxy, name: str) -> str:
    """What the metrics say of a provider's breaker."""
    reply = gateway.call("GET", "/metrics", headers={"authorization": f"Bearer {READ_TOKEN}"})
    lines = [line for line in reply.body.decode().splitlines() if line.startswith("gateway_breaker_open{")]
    return next((line[-1] for line in lines if f'"{name}"' in line), "0")


@pytest.mark.parametrize(("name", "status"), [("p0", 503), ("p1", 401), ("p2", 429)])
def test_a_provider_that_fails_is_passed_over(
    name: str, status: int, gateway: RunningProxy, upstream: ScriptedUpstream, asked: Callable[[str], int]
) -> None:
    upstream.script = answers(name, status)
    for _ in range(FAILURES):
        reply = gateway.message(token(a_task()), request(name))
        assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "spare")
    assert asked(name) == FAILURES
    for _ in range(3):
        assert gateway.message(token(a_task()), request(name)).status == 200
    assert asked(name) == FAILURES
    assert gauge(gateway, name) == "1"


def test_refusals_that_are_the_requests_own_tell_nothing_against_a_provider(
    gateway: RunningProxy, upstream: ScriptedUpstream, asked: Callable[[str], int]
) -> None:
    upstream.script = answers("p3", 400)
    for _ in range(FAILURES + 2):
        assert gateway.message(token(a_task()), request("p3")).status == 400
    assert asked("p3") == FAILURES + 2
    assert gauge(gateway, "p3") == "0"


def test_a_provider_that_asks_for_a_pause_has_it_and_is_asked_again_behind_it(
    gateway: RunningProxy, upstream: ScriptedUpstream, asked: Callable[[str], int]
) -> None:
    upstream.script = answers("p4", 529, {"retry-after": "1"})
    assert [gateway.message(token(a_task()), request("p4")).status for _ in range(3)] == [200] * 3
    assert asked("p4") == 1
    upstream.script = answers("nobody", 500)
    time.sleep(1.1)
    reply = gateway.message(token(a_task()), request("p4"))
    assert reply.headers["x-gateway-provider"] == "p4"
    assert gauge(gateway, "p4") == "0"


def test_where_all_breakers_are_open_the_providers_are_asked_nevertheless(
    gateway: RunningProxy, upstream: ScriptedUpstream, asked: Callable[[str], int]
) -> None:
    upstream.script = answering(WIRE.error("api_error", "no"), 503, {"retry-after": "2"})
    for _ in range(2):
        assert gateway.message(token(a_task()), request("p5")).status == 503
    assert asked("p5") == asked("spare") == 2
    upstream.script = answering(WIRE.message(HELLO))
    assert gateway.message(token(a_task()), request("p5")).status == 200


# Pools of keys


@pytest.mark.parametrize(("pool", "status"), [("pool0", 401), ("pool1", 403), ("pool2", 429)])
def test_the_next_key_is_taken_where_one_is_refused(
    pool: str, status: int, gateway: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.received.clear()

    def script(exchange: Exchange) -> None:
        good = exchange.received.headers["x-api-key"] == "invented-key-b"
        answering(WIRE.message(HELLO) if good else WIRE.error("api_error", "no"), 200 if good else status)(exchange)

    upstream.script = script
    for _ in range(6):
        reply = gateway.message(token(a_task()), request(pool))
        assert (reply.status, reply.headers["x-gateway-provider"]) == (200, pool)
    used = [received.headers["x-api-key"] for received in upstream.received]
    assert used.count("invented-key-a") == 1  # then it rests
    assert used.count("invented-key-b") == 6


def test_a_session_has_the_same_key_all_along_and_others_have_the_other(
    gateway: RunningProxy, upstream: ScriptedUpstream
) -> None:
    """Its prompts are cached for the account of that key alone."""
    upstream.script = answering(WIRE.message(HELLO))
    used = []
    for number in range(16):
        upstream.received.clear()
        for _ in range(2):
            headers = {"x-claude-code-session-id": f"session-{number}"}
            assert gateway.message(token(a_task()), request("pool3"), headers).status == 200
        used.append({received.headers["x-api-key"] for received in upstream.received})
    assert all(len(keys) == 1 for keys in used)
    assert {key for keys in used for key in keys} == {"invented-key-a", "invented-key-b"}


def test_where_all_keys_are_refused_the_provider_is_heard_and_names_no_key(
    gateway: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.received.clear()
    upstream.script = answering(WIRE.error("authentication_error", "invalid x-api-key"), 401)
    reply = gateway.message(token(a_task()), request("pool4"))
    assert reply.error == (401, "authentication_error")
    assert len(upstream.received) == 2
    assert "invented-key" not in gateway.log.read_text()


def test_a_failure_of_the_provider_itself_is_no_failure_of_a_key(
    gateway: RunningProxy, upstream: ScriptedUpstream
) -> None:
    upstream.received.clear()
    upstream.script = answering(WIRE.error("api_error", "no"), 500)
    assert gateway.message(token(a_task()), request("pool5")).status == 500
    assert len(upstream.received) == 1
