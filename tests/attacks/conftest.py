"""The stack under attack: real processes, the real Claude Code, simulators outside."""

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from native.stack import Stack
from tests.whole.conftest import desk, world
from tests.whole.world import PEOPLE

__all__ = ["desk", "world"]

FEW_DESCRIPTORS = 1024
ADMINS = range(PEOPLE[-1] + 1, PEOPLE[-1] + 101)  # each test has one of its own


SETTINGS = {
    "bot": {"ALLOWED_USERS": ",".join(map(str, PEOPLE)), "ADMIN_USERS": ",".join(map(str, ADMINS))},
    "proxy": {"DASHBOARD_PASSWORD": "a-password-of-the-tests"},
}


@contextmanager
def few_descriptors() -> Iterator[None]:
    """While inside, what is started gets what most shells give, whatever these tests have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FEW_DESCRIPTORS, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack where others may come by: pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        running = Stack(Path(folder) / "stack", extra=SETTINGS)
        try:
            with few_descriptors():
                running.start()
            yield running
        finally:
            running.stop()
