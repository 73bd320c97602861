"""A worker that is killed, and a gateway that is told to stop: no call is lost to the ledger, no money stays held."""

import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from native.rabbitmq import free_port
from tests.proxy.http.lanes import HELLO, rows
from tests.proxy.http.wires import AnthropicWire, OpenAiWire, Wire
from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, RunningProxy, a_task, request, running_proxy, token
from tests.proxy.translation.invariants import check
from tests.proxy.upstream import MESSAGE_COST, Exchange, ScriptedUpstream, answering, streaming

CALLS = 20
WIRES: dict[str, Wire] = {"claude-opus-5": AnthropicWire(), "claude-sonnet-5": OpenAiWire()}


@pytest.fixture
def settings(upstream: ScriptedUpstream) -> dict[str, str]:
    """Both lanes, at one provider that speaks both wires."""
    return {
        "SONNET_PROVIDER": "custom-openai", "SONNET_PROVIDER_BASE_URL": upstream.url, "SONNET_PRICE": "3/15",
        "OPUS_PROVIDER": "anthropic", "OPUS_PROVIDER_BASE_URL": upstream.url, "OPUS_PRICE": "3/15",
        "OPUS_PROVIDER_API_KEY": PROVIDER_KEY,
    }  # fmt: skip


def children(pid: int) -> list[int]:
    """The processes that a process started and that live, the oldest first."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, check=False, timeout=10).stdout
    return sorted(map(int, listed.split()))


def model_of(exchange: Exchange) -> str:
    return "claude-sonnet-5" if exchange.received.target.endswith("/chat/completions") else "claude-opus-5"


def begun(proxy: RunningProxy, body: bytes, key: str) -> http.client.HTTPConnection:
    """A call that was sent; its answer is still to be read."""
    connection = proxy.connect()
    connection.request("POST", "/v1/messages", body, {"x-api-key": key})
    return connection


def accounts(folder: Path) -> list[tuple[str, int, int]]:
    with closing(sqlite3.connect(folder / "data" / "gateway.sqlite")) as ledger:
        return ledger.execute("SELECT account, spent, held FROM accounts").fetchall()


def wait_for_workers(folder: Path) -> None:
    """Waits until both have loaded, which the ledger knows."""
    deadline = time.monotonic() + 20
    while True:
        with closing(sqlite3.connect(folder / "data" / "gateway.sqlite")) as ledger:
            if ledger.execute("SELECT count(*) FROM workers").fetchone() == (2,):
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_workers_calls_are_settled_and_their_budget_is_free(
    upstream: ScriptedUpstream, settings: dict[str, str], tmp_path: Path
) -> None:
    arrived, release = threading.Semaphore(0), threading.Event()

    def script(exchange: Exchange) -> None:
        arrived.release()
        release.wait(timeout=20)
        answering(WIRES[model_of(exchange)].message(HELLO))(exchange)

    upstream.script = script
    budget = 0.01
    with running_proxy(tmp_path, **settings) as proxy:
        wait_for_workers(tmp_path)
        tasks = [a_task(budget_usd=budget) for _ in range(CALLS)]
        bodies = [request(list(WIRES)[number % 2], max_tokens=100_000) for number in range(CALLS)]
        calls = [begun(proxy, body, token(task)) for task, body in zip(tasks, bodies, strict=True)]
        for _ in calls:
            assert arrived.acquire(timeout=10)
        workers = children(proxy.process.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)

        # the master notices, and settles what the worker left
        time.sleep(1)
        found = [row for task in tasks for row in rows_now(proxy, task.run)]
        lost = [row for row in found if row["outcome"] == "lost"]
        assert len(found) == len(lost) > 0  # those of the other worker are still under way
        assert all(row["micro_dollars"] > 0 for row in lost)
        gone = {row["run"] for row in lost}
        ends = [(task, call) for task, call in zip(tasks, calls, strict=True) if task.run not in gone]
        assert 0 < len(ends) < CALLS

        release.set()
        upstream.script = lambda exchange: answering(WIRES[model_of(exchange)].message(HELLO))(exchange)
        for task, call in ends:  # the other worker's callers have their answers
            assert call.getresponse().status == 200
            assert rows(proxy, task.run, 1)[0]["outcome"] == "ok"
        for task, call in zip(tasks, calls, strict=True):
            if task.run in gone:
                with pytest.raises((http.client.HTTPException, OSError)):
                    call.getresponse()
                began = time.monotonic()  # the budget would have been held by the lost call alone
                assert proxy.message(token(task), bodies[0]).status == 200
                assert time.monotonic() - began < 5
            call.close()
    assert all(held == 0 for _, _, held in accounts(tmp_path))


def rows_now(proxy: RunningProxy, run: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(proxy.log.parent / "data" / "gateway.sqlite")) as ledger:
        ledger.row_factory = sqlite3.Row
        return [dict(row) for row in ledger.execute("SELECT * FROM calls WHERE run = ?", (run,))]


def test_streams_end_after_sigterm_and_all_is_settled(
    upstream: ScriptedUpstream, settings: dict[str, str], tmp_path: Path
) -> None:
    stopping, arrived = threading.Event(), threading.Semaphore(0)

    def script(exchange: Exchange) -> None:
        events = WIRES[model_of(exchange)].events(HELLO, model="claude-opus-5")
        if b'"stream": true' not in exchange.received.body and b'"stream":true' not in exchange.received.body:
            arrived.release()
            stopping.wait(timeout=20)
            answering(WIRES[model_of(exchange)].message(HELLO))(exchange)
            return
        exchange.begin()
        exchange.send(b"".join(events[:3]))
        arrived.release()
        stopping.wait(timeout=20)
        for event in events[3:]:
            time.sleep(0.05)
            exchange.send(event)
        exchange.end()

    upstream.script = script
    calls = []
    with running_proxy(tmp_path, **settings) as proxy:
        for model in WIRES:
            for streamed in (True, True, False):
                task = a_task()
                body = request(model, stream=streamed)
                calls.append((model, streamed, task, begun(proxy, body, token(task))))
        for _ in calls:
            assert arrived.acquire(timeout=10)
        proxy.process.terminate()
        time.sleep(1.2)  # workers look once a second
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            proxy.call("GET", "/healthz")
        stopping.set()
        for model, streamed, _, call in calls:
            response = call.getresponse()
            body = response.read()
            assert response.status == 200
            if streamed:
                assert check(body, translated=model == "claude-sonnet-5", asked=model) == []
            call.close()
        assert proxy.process.wait(timeout=15) == 0
    for _, _, task, _ in calls:
        (row,) = rows(proxy, task.run, 1)
        assert (row["outcome"], row["micro_dollars"]) == ("ok", MESSAGE_COST)
    assert all(held == 0 for _, _, held in accounts(tmp_path))


def test_what_was_answered_last_is_settled_although_it_stops_at_once(
    upstream: ScriptedUpstream, settings: dict[str, str], tmp_path: Path
) -> None:
    upstream.script = streaming(*WIRES["claude-opus-5"].events(HELLO, model="claude-opus-5"))
    claims = a_task()
    with running_proxy(tmp_path, **settings) as proxy:
        for _ in range(20):
            assert proxy.message(token(claims), request("claude-opus-5", stream=True)).status == 200
        proxy.process.terminate()
        assert proxy.process.wait(timeout=15) == 0
    assert len(rows(proxy, claims.run, 20)) == 20


@pytest.mark.parametrize("seconds", [0.0, 0.15])
def test_it_stops_at_once_where_it_is_told_to_while_it_starts(
    seconds: float, settings: dict[str, str], tmp_path: Path
) -> None:
    """A worker that has not loaded yet must not lose the signal: the stop would wait for it in vain."""
    log = tmp_path / "proxy.log"
    environment = {
        "PATH": os.environ["PATH"], "PROXY_PORT": str(free_port()), "DATA_DIR": str(tmp_path / "data"),
        "MODEL_TOKEN_KEY": TOKEN_KEY, "PROXY_READ_TOKEN": READ_TOKEN, **settings,
    }  # fmt: skip
    with (
        log.open("wb") as output,
        subprocess.Popen([sys.executable, "-m", "proxy"], env=environment, stdout=output, stderr=output) as process,
    ):
        deadline = time.monotonic() + 20
        while log.read_text().count("Booting worker") < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(seconds)
        process.terminate()
        try:
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
    assert "Traceback" not in log.read_text()
