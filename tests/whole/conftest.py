"""One stack for all tests here: real processes, a real broker, the real Claude Code, simulators outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from native.desk import Desk
from native.review import GitHub
from native.stack import Stack
from tests.whole.world import PEOPLE, World

SILENCE_SECONDS = "5"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, with two reviewers. A service that a test has ended is started again by the test."""
    folder = tmp_path_factory.mktemp("stack")
    settings = {
        "agents": {"AGENT_SILENCE_SECONDS": SILENCE_SECONDS},
        "bot": {"ALLOWED_USERS": ",".join(map(str, PEOPLE))},
    }
    running = Stack(folder, agents={"pr_reviewer": 2}, extra=settings)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def world(stack: Stack, tmp_path: Path) -> Iterator[World]:
    """The outside world of one test; afterwards it behaves again, and everything runs."""
    world = World(stack, tmp_path)
    yield world
    world.behave()
    for process in (*stack.simulators.values(), *stack.services.values()):
        if not process.alive():
            process.restart()


@pytest.fixture
def desk(world: World) -> Desk:
    """A person of this test's own, at the chat."""
    return world.desk


@pytest.fixture
def github(stack: Stack) -> GitHub:
    """not-github, as anybody would read it."""
    return GitHub(stack.ports.url("not_github"))


def pytest_exception_interact(node: Any, call: Any, report: Any) -> None:
    """With a failure, the ends of the services' logs."""
    running = getattr(node, "funcargs", {}).get("stack")
    if running is not None:
        for log in sorted((running.folder / "logs").glob("*.log")):
            lines = [line for line in log.read_text(errors="replace").splitlines() if '"info"' not in line]
            report.sections.append((log.name, "\n".join(lines[-15:])))
