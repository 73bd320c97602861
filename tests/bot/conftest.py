"""Fixtures of the bot's tests: a bot in a played world, and not-telegram for a real one."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bot.fakes import TOKEN, World
from tests.stack.rabbit import Rabbit

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.close()


@pytest.fixture(scope="session")
def not_telegram() -> Iterator[str]:
    """The address of a simulator that knows our token."""
    command = [sys.executable, "-m", "sim.not_telegram", "--port", "0", "--token", TOKEN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline().strip()
        yield ready.rpartition(" ")[2]
        process.terminate()


@pytest.fixture(scope="module")
def broker(running_rabbit: Rabbit) -> Rabbit:
    """The broker, with all of its queues empty when a module begins."""
    running_rabbit.purge()
    return running_rabbit
