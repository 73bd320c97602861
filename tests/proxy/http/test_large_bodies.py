"""Bodies of 32 MB, which go through, and larger ones, which do not: whoever sends one reads why."""

import socket
import time

import anthropic
import pytest
from anthropic import Anthropic

from tests.proxy.http.lanes import Lane
from tests.proxy.http.raw import answers, call, chunked, exchange, received, sized
from tests.proxy.running import a_task, token

MOST = 32 * 1024 * 1024


def padded(lane: Lane, size: int) -> bytes:
    empty = lane.body(metadata={"x": ""})
    return lane.body(metadata={"x": "x" * (size - len(empty))})


def test_a_body_of_32_megabytes_goes_through_and_one_byte_more_does_not(lane: Lane) -> None:
    key = token(a_task(budget_usd=1000))
    for body, status in ((padded(lane, MOST), 200), (padded(lane, MOST + 1), 413)):
        assert lane.gateway.message(key, body).status == status
        found = exchange(lane.gateway, call(chunked(body), "transfer-encoding: chunked", "connection: close", key=key))
        assert [answer.status for answer in found] == [status]
        if status == 413:
            assert found[0].error == (413, "request_too_large")
    assert len(lane.upstream.received) == 2


@pytest.mark.parametrize("more", ["connection: close", "connection: keep-alive"])
@pytest.mark.parametrize("size", [MOST + 1, 48_000_000])
def test_whoever_sends_too_much_reads_why(size: int, more: str, lane: Lane) -> None:
    """Not only that its connection broke, after which clients would send all of it again."""
    found = exchange(lane.gateway, sized(padded(lane, size), more, key=token(a_task())))
    assert [answer.error for answer in found] == [(413, "request_too_large")]


def test_the_official_client_is_told_that_it_sends_too_much(lane: Lane) -> None:
    with (
        Anthropic(base_url=lane.gateway.url, api_key=token(a_task()), max_retries=0, timeout=20) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        client.messages.create(model=lane.asked, max_tokens=9, messages=[{"role": "user", "content": "x" * 40_000_000}])
    assert caught.value.status_code == 413


def test_a_body_that_is_only_announced_as_too_large_is_not_waited_for(lane: Lane) -> None:
    key = token(a_task())
    began = time.monotonic()
    for length in ("10000000000", "33554433", "9" * 19):
        for expecting in ((), ("expect: 100-continue",)):
            found = exchange(lane.gateway, call(b"", f"content-length: {length}", *expecting, key=key))
            assert [answer.error[0] for answer in found] in ([413], [400])
    assert time.monotonic() - began < 5


def test_whoever_asks_before_it_sends_is_told_to_go_on(lane: Lane) -> None:
    body = lane.body()
    with socket.create_connection(("127.0.0.1", lane.gateway.port), timeout=10) as connection:
        head = call(
            b"", "expect: 100-continue", f"content-length: {len(body)}", "connection: close", key=token(a_task())
        )
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert [answer.status for answer in answers(received(connection))] == [200]
    assert "expect" not in lane.upstream.received[0].headers
