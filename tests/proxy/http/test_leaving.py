"""Callers that leave: the provider's work ends at once, and what it did is in the ledger."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from anthropic import AsyncAnthropic

from tests.proxy.http.lanes import HELLO, Lane, rows
from tests.proxy.http.wires import text
from tests.proxy.running import RunningProxy, a_task, token
from tests.proxy.upstream import Exchange

SOON = 2.0  # seconds within which the provider must see that nobody listens any more


class Watched:
    """A provider that sends some events, then says nothing, and notes when the gateway hangs up."""

    def __init__(self, lane: Lane, events: int) -> None:
        self.arrived, self.left = threading.Event(), threading.Event()
        self._lane = lane
        self._events = lane.wire.events(text(*["word "] * 40), model=lane.given)[:events]
        lane.upstream.script = self._script

    def _script(self, exchange: Exchange) -> None:
        if self._events:
            exchange.begin()
            exchange.send(b"".join(self._events))
        self.arrived.set()
        if exchange.wait_until_left():
            self.left.set()


def sent(gateway: RunningProxy, body: bytes, key: str) -> socket.socket:
    """A connection on which a call was sent; nothing is read from it yet."""
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def reset(connection: socket.socket) -> None:
    """Ends a connection as a process that was killed does, or a network that broke."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("leave", [socket.socket.close, reset])
@pytest.mark.parametrize(("events", "stream"), [(0, True), (0, False), (12, True)])
def test_whoever_leaves_ends_the_providers_work(
    events: int, stream: bool, leave: Callable[[socket.socket], None], lane: Lane
) -> None:
    """§2.2 disconnect: also before the first token, and where the answer comes whole."""
    watched = Watched(lane, events)
    claims, body = a_task(), lane.body(stream=stream, max_tokens=1000)
    connection = sent(lane.gateway, body, token(claims))
    assert watched.arrived.wait(timeout=10)
    if events:
        assert b"200 OK" in connection.recv(65536)
    leave(connection)
    assert watched.left.wait(timeout=SOON)
    (row,) = rows(lane.gateway, claims.run, 1)
    assert (row["status"], row["outcome"]) == (499, "aborted")
    assert row["micro_dollars"] > 0
    assert row["input_tokens"] > 0
    if events:
        assert 5 <= row["output_tokens"] <= 12
        assert row["first_seconds"] is not None
    assert lane.gateway.usage(claims.run)["calls"] == 1


@pytest.mark.parametrize("stream", [True, False])
def test_an_asynchronous_client_that_is_cancelled_ends_the_providers_work(stream: bool, lane: Lane) -> None:
    watched = Watched(lane, 0)
    claims = a_task()

    async def call() -> None:
        async with AsyncAnthropic(base_url=lane.gateway.url, api_key=token(claims), max_retries=0) as client:
            asked = client.messages.create(
                model=lane.asked, max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=stream
            )
            await asyncio.wait_for(asked, timeout=0.5)

    with pytest.raises(TimeoutError):
        asyncio.run(call())
    assert watched.left.wait(timeout=SOON)
    assert [row["outcome"] for row in rows(lane.gateway, claims.run, 1)] == ["aborted"]


def test_whoever_leaves_while_words_come_ends_the_providers_work(lane: Lane) -> None:
    ended = threading.Event()
    first, *rest = lane.wire.events(text(*["word" * 100] * 3), model=lane.given)

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(first + rest[0] + rest[1])
        exchange.send_until_left(rest[2])
        ended.set()

    lane.upstream.script = script
    claims = a_task()
    connection = sent(lane.gateway, lane.body(stream=True), token(claims))
    while not connection.recv(65536).count(b"word" * 100):
        pass
    reset(connection)
    assert ended.wait(timeout=SOON)
    (row,) = rows(lane.gateway, claims.run, 1)
    assert row["outcome"] == "aborted"
    assert row["output_tokens"] > 1


def test_whoever_leaves_while_it_waits_for_money_is_not_served_any_more(lane: Lane) -> None:
    """§2.2 disconnect: the budget is held by another call; the second one waits, leaves, and reaches no provider."""
    watched = Watched(lane, 0)
    claims = a_task(budget_usd=0.01)
    body = lane.body(max_tokens=100_000)
    first = sent(lane.gateway, body, token(claims))
    assert watched.arrived.wait(timeout=10)
    second = sent(lane.gateway, body, token(claims))
    time.sleep(0.3)
    second.close()
    time.sleep(0.3)
    first.close()
    assert watched.left.wait(timeout=SOON)
    assert [row["outcome"] for row in rows(lane.gateway, claims.run, 1)] == ["aborted"]
    assert len(lane.upstream.received) == 1


def test_a_connection_that_was_given_up_is_not_used_for_another_call(lane: Lane) -> None:
    """What still comes on it would be taken for the next answer."""
    late = threading.Event()

    def script(exchange: Exchange) -> None:
        late.set()
        exchange.wait_until_left()

    lane.upstream.script = script
    connection = sent(lane.gateway, lane.body(), token(a_task()))
    assert late.wait(timeout=10)
    connection.close()
    lane.upstream.script = lane.answers(HELLO)
    for _ in range(8):
        assert lane.call().status == 200


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("behind", [b"\r\n", b"GET / HTTP/1.1\r\n"])
def test_whoever_sent_something_behind_its_call_can_leave_as_well(behind: bytes, stream: bool, lane: Lane) -> None:
    """Old clients end a body with a line of their own; a pipelined request may stand there too."""
    watched = Watched(lane, 0)
    claims = a_task()
    connection = sent(lane.gateway, lane.body(stream=stream), token(claims))
    assert watched.arrived.wait(timeout=10)
    connection.sendall(behind)
    time.sleep(0.1)
    connection.close()
    assert watched.left.wait(timeout=SOON)
    assert [row["outcome"] for row in rows(lane.gateway, claims.run, 1)] == ["aborted"]
