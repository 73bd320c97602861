"""Which waiting tasks go next: limits hold, urgency is strict, people take turns, among equals the first is first."""

from collections import Counter
from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tasks.order import RANKS, UnderWay, Waiting, admitted, in_order, places
from stack.messages import Priority
from stack.roles import ROLES, Role

PEOPLE = ("ada", "bob", "cy")
ROOMY = replace(ROLES["pr_reviewer"], at_once=100, per_person=100, ahead=100)

ranks = st.sampled_from(sorted(RANKS.values()))
people = st.sampled_from(PEOPLE)
roles = st.builds(
    lambda at_once, per_person, ahead: replace(ROOMY, at_once=at_once, per_person=per_person, ahead=ahead),
    *[st.integers(1, 6)] * 3,
)
waits = st.lists(st.tuples(people, ranks), max_size=20).map(
    lambda drawn: [Waiting(f"{n:02}", person, rank) for n, (person, rank) in enumerate(drawn)]
)
under_ways = st.lists(st.builds(UnderWay, people, st.booleans()), max_size=8)


@given(roles, waits, under_ways)
def test_no_limit_is_ever_passed(role: Role, waiting: list[Waiting], under_way: list[UnderWay]) -> None:
    found = admitted(role, waiting, under_way)
    assert len(found) == len(set(found))
    assert set(found) <= set(waiting)
    if found:
        assert len(found) + len(under_way) <= role.at_once
        assert len(found) + sum(not task.claimed for task in under_way) <= role.ahead
    at_work = Counter(task.person for task in under_way)
    new = Counter(task.person for task in found)
    assert all(at_work[person] + new[person] <= role.per_person for person in new)


@given(roles, waits, under_ways)
def test_no_room_is_left_unused(role: Role, waiting: list[Waiting], under_way: list[UnderWay]) -> None:
    """Whoever still waits has a limit of their own in the way, or the role's."""
    found = admitted(role, waiting, under_way)
    unsent = sum(not task.claimed for task in under_way)
    full = len(found) + len(under_way) >= role.at_once or len(found) + unsent >= role.ahead
    busy = Counter([task.person for task in under_way] + [task.person for task in found])
    assert full or all(busy[task.person] >= role.per_person for task in set(waiting) - set(found))


@given(roles, waits, under_ways)
def test_the_more_urgent_goes_first_unless_its_person_has_enough(
    role: Role, waiting: list[Waiting], under_way: list[UnderWay]
) -> None:
    found = admitted(role, waiting, under_way)
    busy = Counter([task.person for task in under_way] + [task.person for task in found])
    for left in set(waiting) - set(found):
        if busy[left.person] < role.per_person:
            assert all(sent.rank <= left.rank for sent in found)
    assert [task.rank for task in found] == sorted(task.rank for task in found)


@given(roles, waits, under_ways)
def test_of_one_person_the_first_that_was_asked_for_goes_first(
    role: Role, waiting: list[Waiting], under_way: list[UnderWay]
) -> None:
    found = admitted(role, waiting, under_way)
    for person in PEOPLE:
        for rank in RANKS.values():
            of_person = [task.id for task in waiting if (task.person, task.rank) == (person, rank)]
            sent = [task.id for task in found if (task.person, task.rank) == (person, rank)]
            assert sent == of_person[: len(sent)]


@given(waits, under_ways)
def test_whoever_has_least_under_way_goes_first_among_equals(waiting: list[Waiting], under_way: list[UnderWay]) -> None:
    busy = Counter(task.person for task in under_way)
    left = list(waiting)
    for sent in in_order(ROOMY, waiting, busy):
        same = [task for task in left if task.rank == sent.rank]
        assert busy[sent.person] == min(busy[task.person] for task in same)
        left.remove(sent)
        busy[sent.person] += 1


@given(roles, waits, under_ways, st.randoms(use_true_random=False))
def test_how_the_store_hands_them_out_does_not_matter(
    role: Role, waiting: list[Waiting], under_way: list[UnderWay], chance: object
) -> None:
    shuffled = list(waiting)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert admitted(role, shuffled, under_way) == admitted(role, waiting, under_way)
    assert places(shuffled) == places(waiting)


@given(waits)
def test_every_waiting_task_has_a_place_of_its_own_from_1(waiting: list[Waiting]) -> None:
    found = places(waiting)
    assert sorted(found.values()) == list(range(1, len(waiting) + 1))
    assert found.keys() == {task.id for task in waiting}


@given(waits)
def test_with_nothing_under_way_places_are_the_order_in_which_equals_go(waiting: list[Waiting]) -> None:
    equals = [replace(task, rank=2) for task in waiting]
    order = [task.id for task in in_order(ROOMY, equals, {})]
    assert {key: place for place, key in enumerate(order, 1)} == places(equals)


def test_urgent_goes_before_high_before_normal_before_low() -> None:
    waiting = [Waiting(name, "ada", RANKS[name]) for name in ("low", "normal", "high", "urgent")]
    assert [task.id for task in admitted(ROOMY, waiting, [])] == ["urgent", "high", "normal", "low"]
    assert tuple(RANKS) == get_args(Priority)


def test_people_take_turns() -> None:
    waiting = [Waiting(f"{n}", person, 2) for n, person in enumerate(["ada"] * 3 + ["bob"] * 2)]
    assert [task.id for task in admitted(ROOMY, waiting, [])] == ["0", "3", "1", "4", "2"]
    assert places(waiting) == {"0": 1, "3": 2, "1": 3, "4": 4, "2": 5}


def test_what_waits_in_the_brokers_queue_is_limited_for_there_it_has_no_order() -> None:
    role = replace(ROOMY, ahead=2)
    waiting = [Waiting(f"{n}", "ada", 2) for n in range(5)]
    assert len(admitted(role, waiting, [])) == 2
    assert len(admitted(role, waiting, [UnderWay("ada", False)])) == 1
    assert len(admitted(role, waiting, [UnderWay("ada", True)] * 9)) == 2
    assert admitted(role, waiting, [UnderWay("ada", False)] * 3) == []
