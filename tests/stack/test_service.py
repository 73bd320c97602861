"""A service starts its parts in order, and ends them in reverse when it is told to."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from stack.service import run_until_stopped


class Part:
    """Keeps when it was started and stopped."""

    def __init__(self, name: str, told: list[str]) -> None:
        self._name, self._told = name, told

    def start(self) -> None:
        self._told.append(f"start {self._name}")

    def stop(self) -> None:
        self._told.append(f"stop {self._name}")


class Ends(Part):
    """The last part: with its start, the service is told to end."""

    def __init__(self, number: signal.Signals, told: list[str]) -> None:
        super().__init__("last", told)
        self._number = number

    def start(self) -> None:
        super().start()
        threading.Timer(0.05, os.kill, [os.getpid(), self._number]).start()


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_parts_start_in_order_and_stop_in_reverse(number: signal.Signals) -> None:
    told: list[str] = []
    run_until_stopped(Part("first", told), Ends(number, told))
    assert told == ["start first", "start last", "stop last", "stop first"]


class Fails(Part):
    """A part whose thread comes to grief."""

    def start(self) -> None:
        super().start()
        threading.Thread(target=lambda: int("nothing"), name="the part").start()


def test_a_part_whose_thread_fails_ends_the_service(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    with pytest.raises(SystemExit) as ended:
        run_until_stopped(Part("first", told), Fails("second", told))
    assert ended.value.code == 1
    assert told == ["start first", "start second", "stop second", "stop first"]
    assert "the part has failed, so the service ends" in caplog.text
