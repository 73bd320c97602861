"""What the tests of not-telegram share: one that runs for all of them, and somebody new in it for each."""

from collections.abc import Iterator

import pytest

from sim.not_telegram.person import Person
from tests.sim.not_telegram import serving, somebody_new


@pytest.fixture(scope="session")
def not_telegram() -> Iterator[str]:
    """The address of a not-telegram, in memory."""
    with serving() as address:
        yield address


@pytest.fixture
def person(not_telegram: str) -> Person:
    return somebody_new(not_telegram)
