"""Silence is measured by this process's own clock, from when it first saw the last sign of life."""

from orchestrator.tasks import Watch


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def watched(watch: Watch, clock: Clock, seconds: int, key: str = "a", mark: object = 1) -> float:
    """The age of a mark that is looked at every second for so long."""
    age = watch.age(key, mark)
    for _ in range(seconds):
        clock.now += 1
        age = watch.age(key, mark)
    return age


def test_a_mark_is_as_old_as_it_has_been_seen() -> None:
    clock = Clock()
    watch = Watch(clock)
    assert watch.age("a", 1) == 0
    assert watched(watch, clock, 20) == 20


def test_a_sign_of_life_makes_it_new() -> None:
    clock = Clock()
    watch = Watch(clock)
    watched(watch, clock, 20)
    assert watch.age("a", 2) == 0
    assert watched(watch, clock, 3, mark=2) == 3


def test_each_key_has_an_age_of_its_own() -> None:
    clock = Clock()
    watch = Watch(clock)
    watched(watch, clock, 5, "a")
    assert watch.age("b", 1) == 0
    assert watched(watch, clock, 2, "b") == 2
    assert watch.age("a", 1) == 7


def test_what_is_not_kept_is_new_again() -> None:
    clock = Clock()
    watch = Watch(clock)
    watched(watch, clock, 5, "a")
    watched(watch, clock, 1, "b")
    watch.keep({"b"})
    assert (watch.age("a", 1), watch.age("b", 1)) == (0, 1)
