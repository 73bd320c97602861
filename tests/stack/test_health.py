"""`python -m stack.health`, as Compose asks it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from native.processes import ROOT
from native.rabbitmq import free_port


def health(**environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "stack.health"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


class Answer(BaseHTTPRequestHandler):
    """Answers 200 at /well and 503 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """In silence."""


@pytest.fixture
def web() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_fresh_heartbeat_is_well(tmp_path: Path) -> None:
    (tmp_path / "beat").touch()
    assert health(HEARTBEAT_FILE=str(tmp_path / "beat")) == (0, "well")


def test_a_stale_heartbeat_is_not(tmp_path: Path) -> None:
    (tmp_path / "beat").touch()
    old = time.time() - 100
    os.utime(tmp_path / "beat", (old, old))
    status, words = health(HEARTBEAT_FILE=str(tmp_path / "beat"))
    assert status == 1
    assert words.startswith("last heartbeat 10")


def test_no_heartbeat_yet_is_not(tmp_path: Path) -> None:
    assert health(HEARTBEAT_FILE=str(tmp_path / "beat")) == (1, "no heartbeat yet")


def test_nothing_to_look_at_is_an_error() -> None:
    assert health() == (1, "neither HEARTBEAT_FILE nor HEALTH_URL is set")


def test_an_address_must_answer_200(web: str) -> None:
    assert health(HEALTH_URL=f"{web}/well") == (0, "well")
    status, words = health(HEALTH_URL=f"{web}/ill")
    assert (status, "503" in words) == (1, True)


def test_both_must_be_well(web: str, tmp_path: Path) -> None:
    (tmp_path / "beat").touch()
    silent = f"http://127.0.0.1:{free_port()}/"
    assert health(HEARTBEAT_FILE=str(tmp_path / "beat"), HEALTH_URL=f"{web}/well")[0] == 0
    assert health(HEARTBEAT_FILE=str(tmp_path / "beat"), HEALTH_URL=silent)[0] == 1
    assert health(HEARTBEAT_FILE=str(tmp_path / "none"), HEALTH_URL=f"{web}/well")[0] == 1


def test_asking_imports_nothing_but_the_standard_library() -> None:
    code = "import sys, stack.health; print(*sorted({m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["stack"] or done.stdout.split() == ["__main__", "stack"]
