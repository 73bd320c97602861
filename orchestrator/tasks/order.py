"""Which waiting tasks go next: pure, from what waits and what is under way."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stack.roles import Role

# by stack.messages.Priority; the smaller goes first
RANKS: Mapping[str, int] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
GIVEN_BACK = -1  # whatever it was: it had its turn, and most of it may be done


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits. Ids sort by time."""

    id: str
    person: str
    rank: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A task that was sent, or is claimed."""

    person: str
    claimed: bool


def admitted(role: Role, waiting: Iterable[Waiting], under_way: Iterable[UnderWay]) -> list[Waiting]:
    """The tasks of a role to send now, in order.

    The more urgent goes first; among equals who has least under way; then who asked first. No person has more than
    `per_person` under way, the role no more than `at_once`, and no more than `ahead` wait in the broker's queue, where
    no order is kept.
    """
    under_way = list(under_way)
    room = min(role.at_once - len(under_way), role.ahead - sum(not task.claimed for task in under_way))
    at_work = Counter(task.person for task in under_way)
    found: list[Waiting] = []
    for task in in_order(role, waiting, at_work):
        if len(found) >= room:
            break
        found.append(task)
    return found


def in_order(role: Role, waiting: Iterable[Waiting], at_work: Mapping[str, int]) -> Iterator[Waiting]:
    """What may go, as it would go one after the other while nothing ends."""
    left = sorted(waiting, key=lambda task: (task.rank, task.id))
    busy = Counter(at_work)
    while True:
        allowed = (task for task in left if busy[task.person] < role.per_person)
        best = min(allowed, key=lambda task: (task.rank, busy[task.person], task.id), default=None)
        if best is None:
            return
        left.remove(best)
        busy[best.person] += 1
        yield best


def places(waiting: Iterable[Waiting]) -> dict[str, int]:
    """The place of each waiting task, from 1: by urgency, people taking turns, then by when it was asked for."""
    turns: Counter[tuple[int, str]] = Counter()
    keyed = []
    for task in sorted(waiting, key=lambda task: (task.rank, task.id)):
        keyed.append(((task.rank, turns[task.rank, task.person], task.id), task.id))
        turns[task.rank, task.person] += 1
    return {task_id: place for place, (_, task_id) in enumerate(sorted(keyed), 1)}
