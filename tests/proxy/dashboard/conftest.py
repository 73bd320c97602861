"""An empty ledger, a clock that only sleeping moves, and reports that go by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.ledger.reports import Reports
from tests.proxy.dashboard.sample import SampleLedger


class Clock:
    """Says what time it is; `sleep` makes it later at once."""

    def __init__(self) -> None:
        self.now = 1_800_001_234.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SampleLedger]:
    found = SampleLedger(tmp_path / "ledger.sqlite")
    yield found
    found.close()


@pytest.fixture
def reports(ledger: SampleLedger, clock: Clock) -> Reports:
    return Reports(ledger, clock=clock)
