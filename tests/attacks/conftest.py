"""The stack under attack: real processes, the real Claude Code, simulators outside."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from native.stack import Stack
from tests.whole.conftest import desk, world
from tests.whole.world import PEOPLE

__all__ = ["desk", "world"]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack where others may come by: pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        running = Stack(Path(folder) / "stack", extra={"bot": {"ALLOWED_USERS": ",".join(map(str, PEOPLE))}})
        try:
            running.start()
            yield running
        finally:
            running.stop()
