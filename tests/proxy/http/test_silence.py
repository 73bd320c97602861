"""Providers that are silent for half a minute: the line is kept alive, and every client has its answer in the end.

All of it happens at the same time, once; the tests look at what came of it.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from anthropic import Anthropic

from tests.proxy.http.claude_code import run_claude
from tests.proxy.http.conftest import Upstreams, lane_of
from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import HELLO, SAID, Lane
from tests.proxy.http.wires import AnthropicWire
from tests.proxy.running import RunningProxy, a_task, request, token
from tests.proxy.translation.invariants import check
from tests.proxy.upstream import Exchange, answering, running_upstream, streaming

SILENCE = 31.0  # seconds; Claude Code tells its user that it waits after 20
LONGEST_GAP = 15.0  # so often something must be heard
COMMENT = b": processing\n\n"
LANES = ("pass-through", "translated")
# how a provider is silent, and when
RAW = ("before", "middle", "comments before", "comments in the middle", "slow head")
SDK = ("sdk before", "sdk middle", "sdk whole")
CLAUDE = ("claude before", "claude middle")
# what comes behind a silence after which we have answered already, with pings: to which provider a call goes first
LATE = {"replaced": 503, "refused": 529, "senseless": 200}
LATE_SECONDS = 12.0


@dataclass(frozen=True)
class Heard:
    """What a client got, and the longest time in which it got nothing."""

    body: bytes
    longest_gap: float


Outcome = Heard | str
Outcomes = dict[tuple[str, str], Future[Outcome]]


def silent(lane: Lane, scenario: str) -> Callable[[Exchange], None]:
    """The provider of a scenario."""
    events = lane.wire.events(HELLO, model=lane.given)

    def script(exchange: Exchange) -> None:
        if scenario == "slow head":
            _dribble(exchange, events)
            return
        if scenario == "sdk whole":
            time.sleep(SILENCE)
            lane.answers(HELLO)(exchange)
            return
        said = 3 if "middle" in scenario else 0
        if said or "comments" in scenario:
            exchange.begin()
            exchange.send(b"".join(events[:said]) or COMMENT)
        for _ in range(8):
            time.sleep(SILENCE / 8)
            if "comments" in scenario:
                exchange.send(COMMENT)
        if not said and "comments" not in scenario:
            exchange.begin()
        exchange.send(b"".join(events[said:]))
        exchange.end()

    return script


def _dribble(exchange: Exchange, events: list[bytes]) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nx-slow: 1\r\n":
        exchange.raw(bytes([byte]))
        time.sleep(SILENCE / 29)
    exchange.raw(b"content-type: text/event-stream\r\nconnection: close\r\n\r\n" + b"".join(events))


def heard(lane: Lane, scenario: str) -> Heard:
    return read_slowly(lane.gateway, request(lane.asked, stream=True, system=f"<{scenario}>"))


def read_slowly(gateway: RunningProxy, body: bytes) -> Heard:
    """Reads a stream as it comes."""
    connection = gateway.connect()
    started, gaps, pieces = time.monotonic(), [0.0], []
    connection.request("POST", "/v1/messages", body, {"x-api-key": token(a_task())})
    response = connection.getresponse()
    while True:
        piece = response.read1(65536)
        now = time.monotonic()
        gaps.append(now - started)
        started = now
        if not piece:
            break
        pieces.append(piece)
    connection.close()
    return Heard(b"".join(pieces), max(gaps))


def by_sdk(lane: Lane, scenario: str) -> str:
    with Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0) as client:
        if scenario == "sdk whole":
            message = client.messages.create(
                model=lane.asked, max_tokens=9, system=f"<{scenario}>", messages=[{"role": "user", "content": "hi"}]
            )
            return "".join(block.text for block in message.content if block.type == "text")
        with client.messages.stream(
            model=lane.asked, max_tokens=9, system=f"<{scenario}>", messages=[{"role": "user", "content": "hi"}]
        ) as stream:
            return stream.get_final_text()


def by_claude_code(lane: Lane, scenario: str, folder: Path) -> str:
    folder.mkdir()
    ran = run_claude(
        folder, lane.gateway.url, token(a_task()), f"<{scenario}>", model=lane.asked, CLAUDE_CODE_MAX_RETRIES="0"
    )
    return str(ran.result["result"])


def marked(lane: Lane) -> Callable[[Exchange], None]:
    """A provider that knows its scenario by a mark in the prompt."""
    scripts = {f"<{scenario}>".encode(): silent(lane, scenario) for scenario in (*RAW, *SDK, *CLAUDE)}

    def script(exchange: Exchange) -> None:
        next(script for mark, script in scripts.items() if mark in exchange.received.body)(exchange)

    return script


@pytest.fixture(scope="module")
def second_thoughts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """A gateway whose providers are late, and then cannot; only one of the models has another provider."""
    wire = AnthropicWire()

    def script(exchange: Exchange) -> None:
        time.sleep(LATE_SECONDS)
        name = next(name for name in LATE if exchange.received.target.startswith(f"/{name}/"))
        body = wire.message(HELLO) if name == "senseless" else wire.error("overloaded_error", "no")
        answering(body, LATE[name])(exchange)

    with running_upstream() as late, running_upstream() as good:
        late.script = script
        good.script = streaming(*wire.events(HELLO, model="good"))
        sections = {
            "providers.good": provider(good.url),
            **{f"providers.{name}": provider(f"{late.url}/{name}") for name in LATE},
            "tiers": {"sonnet": "good"},
            "models": {**{name: name for name in LATE}, "replaced": ["replaced", "good/good"]},
        }
        with running_gateway(tmp_path_factory.mktemp("late"), sections) as running:
            yield running


@pytest.fixture(scope="module")
def outcomes(
    gateway: RunningProxy,
    second_thoughts: RunningProxy,
    providers: Upstreams,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Outcomes]:
    folder = tmp_path_factory.mktemp("claude")
    found: Outcomes = {}
    with ThreadPoolExecutor(2 * (len(RAW) + len(SDK) + len(CLAUDE)) + len(LATE)) as threads:
        for name in LATE:
            found[name, "late"] = threads.submit(read_slowly, second_thoughts, request(name, stream=True))
        for name in LANES:
            lane = lane_of(name, gateway, providers)
            lane.upstream.script = marked(lane)
            for scenario in RAW:
                found[name, scenario] = threads.submit(heard, lane, scenario)
            for scenario in SDK:
                found[name, scenario] = threads.submit(by_sdk, lane, scenario)
            for scenario in CLAUDE:
                place = folder / f"{name} {scenario}"
                found[name, scenario] = threads.submit(by_claude_code, lane, scenario, place)
        yield found


@pytest.mark.parametrize("scenario", RAW)
@pytest.mark.parametrize("name", LANES)
def test_something_is_heard_at_least_every_fifteen_seconds(
    name: str, scenario: str, outcomes: Outcomes, gateway: RunningProxy, providers: Upstreams
) -> None:
    """§2.2 idle: pings of ours, before the first event and between two, and where a provider only clears its throat."""
    found = outcomes[name, scenario].result()
    assert isinstance(found, Heard)
    lane = lane_of(name, gateway, providers)
    assert lane.violations(found.body) == []
    assert found.longest_gap < LONGEST_GAP
    # in the first lane the provider's own comments may stand where our pings would
    assert b"event: ping" in found.body or COMMENT in found.body
    expected = lane.wire.events(HELLO, model=lane.given)
    if not lane.translated:
        ours = found.body.replace(b'event: ping\ndata: {"type": "ping"}\n\n', b"").replace(COMMENT, b"")
        assert ours == b"".join(expected)


@pytest.mark.parametrize("scenario", SDK)
@pytest.mark.parametrize("name", LANES)
def test_the_official_client_outlives_silence(name: str, scenario: str, outcomes: Outcomes) -> None:
    assert outcomes[name, scenario].result() == SAID


@pytest.mark.parametrize("scenario", CLAUDE)
@pytest.mark.parametrize("name", LANES)
def test_claude_code_outlives_silence(name: str, scenario: str, outcomes: Outcomes) -> None:
    assert outcomes[name, scenario].result() == SAID


def late(outcomes: Outcomes, name: str) -> bytes:
    """What was heard behind a ping of ours, which must be there."""
    found = outcomes[name, "late"].result()
    assert isinstance(found, Heard)
    assert check(found.body, translated=False) == []
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert found.body.startswith(ping)
    return found.body.removeprefix(ping)


def test_after_a_ping_of_ours_another_provider_can_still_answer(outcomes: Outcomes) -> None:
    told = late(outcomes, "replaced")
    assert told.startswith(b"event: message_start")
    assert told.endswith(b'event: message_stop\ndata: {"type": "message_stop"}   \n\n')


def test_after_a_ping_of_ours_an_error_is_an_event(outcomes: Outcomes) -> None:
    """It has the provider's own words, which Claude Code acts on."""
    told = late(outcomes, "refused")
    assert told == b"event: error\ndata: " + AnthropicWire().error("overloaded_error", "no") + b"\n\n"


def test_after_a_ping_of_ours_an_answer_that_is_no_stream_is_an_error(outcomes: Outcomes) -> None:
    assert late(outcomes, "senseless").startswith(b'event: error\ndata: {"type":"error"')
