"""The process itself: how it stops, and when it does not start."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, a_task, request, running_proxy, token
from tests.proxy.upstream import Exchange, ScriptedUpstream, message_events

NEEDED = {"MODEL_TOKEN_KEY": TOKEN_KEY, "PROXY_READ_TOKEN": READ_TOKEN}


def test_a_stream_under_way_comes_to_its_end_after_sigterm(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    events = message_events("Hello", " world")
    stopping = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(events[0])
        assert stopping.wait(timeout=10)
        exchange.send(b"".join(events[1:]))
        exchange.end()

    upstream.script = script
    settings = {"SONNET_PROVIDER_BASE_URL": upstream.url, "SONNET_PROVIDER_API_KEY": PROVIDER_KEY}
    with running_proxy(tmp_path, **settings) as proxy:
        connection = proxy.connect()
        connection.request("POST", "/v1/messages", request(stream=True), {"x-api-key": token(a_task())})
        response = connection.getresponse()
        assert response.read(len(events[0])) == events[0]
        proxy.process.terminate()
        stopping.set()
        assert response.read() == b"".join(events[1:])
        connection.close()
        assert proxy.process.wait(timeout=40) == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "MODEL_TOKEN_KEY"),
        ({**NEEDED}, "DATA_DIR"),
        ({**NEEDED, "DATA_DIR": "data", "OPUS_PROVIDER": "unheard-of"}, "OPUS_PROVIDER"),
        ({**NEEDED, "DATA_DIR": "data", "HAIKU_PRICE": "cheap"}, "HAIKU_PRICE"),
        ({**NEEDED, "DATA_DIR": "data", "OPUS_PROVIDER": "custom"}, "OPUS_PROVIDER_BASE_URL"),
        ({**NEEDED, "DATA_DIR": "data", "ORCHESTRATOR_URL": "http://orchestrator:8001"}, "API_TOKEN"),
        ({**NEEDED, "DATA_DIR": "data", "ORCHESTRATOR_URL": "orchestrator"}, "ORCHESTRATOR_URL"),
    ],
)
def test_it_does_not_start_with_settings_that_cannot_be_used(settings: dict[str, str], named: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "proxy"], env={"PATH": os.environ["PATH"], **settings}, capture_output=True, timeout=30
    )
    assert ended.returncode == 1
    assert named in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr
