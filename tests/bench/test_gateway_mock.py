"""The mock upstream of `bench/gateway`, its streams, and its servers."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bench.gateway_bench import answers
from bench.gateway_bench.answers import Kind
from bench.gateway_bench.checks import check_answer, check_arrival
from bench.gateway_bench.client import Address, Connection, request, unpacked
from bench.gateway_bench.footprint import cpu_seconds, megabytes
from bench.gateway_bench.mock import Connection as Upstream
from bench.gateway_bench.mock import chunk
from bench.gateway_bench.running import Command, NotStarted, Server
from bench.gateway_bench.streams import judge as judge_streams
from bench.gateway_bench.streams import play
from native.rabbitmq import free_port

KINDS: tuple[Kind, ...] = ("streamed", "paced", "whole")
KEY = "invented-provider-key"
SEEN = b"GET /seen HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """The port of a mock upstream in a thread."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: Upstream(loop), "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    asyncio.run_coroutine_threadsafe(ended(server), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def ended(server: asyncio.Server) -> None:
    """Closes it, and leaves the loop the time to notice that its callers have left."""
    server.close()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_mock_answers_each_kind_and_shows_what_came(upstream: int, kind: Kind) -> None:
    sent = request(Address(upstream, "/paced" if kind == "paced" else ""), KEY, kind, 50_000)
    with closing(Connection(upstream)) as connection:
        for _ in range(2):
            check_answer(connection.ask(sent).raw, kind, transparent=True)
        check_arrival(unpacked(connection.ask(SEEN).raw)[1], sent, transparent=True, key=KEY)


def test_the_mock_takes_a_chunked_request(upstream: int) -> None:
    pieces = chunk(b'{"stream":') + chunk(b" true}") + b"0\r\n\r\n"
    with closing(Connection(upstream)) as connection:
        raw = connection.ask(b"POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces).raw
    check_answer(raw, "streamed", transparent=True)


def test_streams_at_once_are_timed_and_none_is_lost(upstream: int) -> None:
    sent = request(Address(upstream, "/paced"), KEY, "paced", 1_000)
    found: dict[str, Any] = judge_streams(asyncio.run(play(upstream, 3, [sent])))
    assert (found["lost"], found["wrong"]) == (0, [])
    assert len(found["gaps"]) == 3 * (answers.EVENTS_PACED - 1)
    # however busy the machine is, nothing comes much before its time
    assert sum(found["gaps"]) / len(found["gaps"]) > 0.9 * answers.GAP_SECONDS
    assert len(found["firsts"]) == 3


# Servers


def test_a_server_is_stopped_with_all_that_it_has_started(tmp_path: Path) -> None:
    port = free_port()
    program = (
        "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True)\n"
        "from http.server import HTTPServer, SimpleHTTPRequestHandler as Handler\n"
        "HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()"
    )
    server = Server(Command([sys.executable, "-c", program, str(port)], port, "/", tmp_path), tmp_path / "log")
    assert server.wait_until_ready() > 0
    child = int((tmp_path / "log").read_text().split()[0])
    assert cpu_seconds(server.pid) >= 0
    assert megabytes(server.pid) > megabytes(child)
    server.stop()
    server.stop()
    deadline = time.monotonic() + 5
    while (alive := is_alive(child)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive


def is_alive(pid: int) -> bool:
    """Whether a process runs, and is not merely waited for."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    command = Command([sys.executable, "-c", "raise SystemExit('no such thing')"], free_port(), "/", tmp_path)
    server = Server(command, tmp_path / "log")
    with pytest.raises(NotStarted, match="no such thing"):
        server.wait_until_ready()
    server.stop()
