"""Half a minute in which providers are silent in many ways, for many clients, all of them at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anthropic import Anthropic

from tests.proxy.http.claude_code import run_claude
from tests.proxy.http.gateways import provider, running_gateway
from tests.proxy.http.lanes import HELLO, Lane, lane_of, rows, running_lanes
from tests.proxy.http.wires import AnthropicWire
from tests.proxy.running import RunningProxy, a_task, request, token
from tests.proxy.upstream import Exchange, answering, running_upstream, streaming

SILENCE = 31.0  # seconds; Claude Code tells its user that it waits after 20
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


Outcomes = dict[tuple[str, str], Future[Any]]


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


@contextmanager
def late_gateway(folder: Path) -> Iterator[RunningProxy]:
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
        with running_gateway(folder, sections) as running:
            yield running


@dataclass(frozen=True)
class Stopped:
    """What came of two calls that would not have ended, when the gateway was told to stop."""

    streamed: bytes
    whole: tuple[int, bytes]
    seconds: float
    rows: list[dict[str, Any]]


def stopped_in_silence(folder: Path) -> Stopped:
    """A provider that begins a stream, or nothing at all, and falls silent."""
    wire, claims = AnthropicWire(), a_task()
    arrived = threading.Semaphore(0)

    def script(exchange: Exchange) -> None:
        if b'"stream": true' in exchange.received.body:
            exchange.begin()
            exchange.send(b"".join(wire.events(HELLO, model="claude-sonnet-5")[:3]))
        arrived.release()
        exchange.wait_until_left(60)

    with running_upstream() as upstream:
        upstream.script = script
        sections = {"providers.only": provider(upstream.url), "tiers": {"sonnet": "only"}}
        with running_gateway(folder, sections) as gateway:
            calls = [gateway.connect(60), gateway.connect(60)]
            for call, is_stream in zip(calls, (True, False), strict=True):
                call.request("POST", "/v1/messages", request(stream=is_stream), {"x-api-key": token(claims)})
                assert arrived.acquire(timeout=20)
            began = time.monotonic()
            gateway.process.terminate()
            streamed, whole = (call.getresponse() for call in calls)
            found = streamed.read(), (whole.status, whole.read())
            assert gateway.process.wait(timeout=40) == 0
            seconds = time.monotonic() - began
            for call in calls:
                call.close()
            return Stopped(*found, seconds, rows(gateway, claims.run, 2))


@contextmanager
def running_silences(folder: Path) -> Iterator[Outcomes]:
    """Begins all of it at once; each outcome is there when it is over."""
    places = {name: folder / name for name in ("lanes", "late", "stopped", "claude")}
    for place in places.values():
        place.mkdir()
    threads = ThreadPoolExecutor(2 * (len(RAW) + len(SDK) + len(CLAUDE)) + len(LATE) + 1)
    with running_lanes(places["lanes"]) as (gateway, providers), late_gateway(places["late"]) as late, threads:
        found: Outcomes = {("stopped", ""): threads.submit(stopped_in_silence, places["stopped"])}
        for name in LATE:
            found[name, "late"] = threads.submit(read_slowly, late, request(name, stream=True))
        for name in LANES:
            lane = lane_of(name, gateway, providers)
            lane.upstream.script = marked(lane)
            for scenario in RAW:
                found[name, scenario] = threads.submit(heard, lane, scenario)
            for scenario in SDK:
                found[name, scenario] = threads.submit(by_sdk, lane, scenario)
            for scenario in CLAUDE:
                place = places["claude"] / f"{name} {scenario}"
                found[name, scenario] = threads.submit(by_claude_code, lane, scenario, place)
        yield found
