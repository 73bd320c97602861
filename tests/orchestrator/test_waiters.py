"""Waiting without polling."""

import threading

from orchestrator.waiters import Waiters


class Looks:
    """Something to look at, which counts how often it was looked at."""

    def __init__(self) -> None:
        self.value: str | None = None
        self.count = 0
        self.looked = threading.Semaphore(0)

    def __call__(self) -> str | None:
        self.count += 1
        self.looked.release()
        return self.value


def wait_in_the_background(waiters: Waiters, look: Looks, found: list[str | None]) -> threading.Thread:
    thread = threading.Thread(target=lambda: found.append(waiters.wait("run", look, 10)))
    thread.start()
    assert look.looked.acquire(timeout=5)
    return thread


def test_what_is_there_is_found_at_once() -> None:
    look = Looks()
    look.value = "there"
    assert Waiters().wait("run", look) == "there"
    assert look.count == 1


def test_a_poke_wakes_who_waits_and_nothing_else_does() -> None:
    waiters, look, found = Waiters(), Looks(), list[str | None]()
    thread = wait_in_the_background(waiters, look, found)
    waiters.poke("another run")
    thread.join(0.3)
    assert (look.count, thread.is_alive()) == (1, True)
    waiters.poke("run")  # for nothing
    assert look.looked.acquire(timeout=5)
    look.value = "there"
    waiters.poke("run")
    thread.join(5)
    assert (found, look.count) == (["there"], 3)


def test_a_poke_wakes_all_who_wait() -> None:
    waiters, found = Waiters(), list[str | None]()
    looks = [Looks() for _ in range(3)]
    threads = [wait_in_the_background(waiters, look, found) for look in looks]
    for look in looks:
        look.value = "there"
    waiters.poke("run")
    for thread in threads:
        thread.join(5)
    assert found == ["there"] * 3


def test_a_change_between_the_look_and_the_wait_is_not_missed() -> None:
    waiters, values = Waiters(), iter([None, "there"])

    def look() -> str | None:
        waiters.poke("run")  # somebody changes it right now
        return next(values)

    assert waiters.wait("run", look) == "there"


def test_time_passes() -> None:
    assert Waiters().wait("run", Looks(), 0.01) is None


def test_who_has_left_is_forgotten() -> None:
    waiters = Waiters()
    waiters.wait("run", Looks(), 0.01)
    assert waiters._events == {}
