"""The sums are exact: after ten thousand calls from eight threads, and after any sequence of events."""

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import get_args

import pytest

from proxy.ledger.ledger import Ledger
from proxy.ledger.records import AllHeld, Caller, Charge, Outcome, SpendLimitReached
from proxy.usage import Usage
from tests.proxy.ledger.books import LEAST, a_hold, an_end, calls_in, check
from tests.proxy.ledger.conftest import OpenLedger
from tests.proxy.ledger.test_limits import run_all

THREADS, CALLS = 8, 10_000
MIDNIGHT = 1_795_305_600.0  # 2026-11-22 00:00 UTC
OUTCOMES = get_args(Outcome)


@dataclass
class Expected:
    """What one thread settled."""

    cost: int = 0
    tokens: int = 0
    by_outcome: Counter[str] = field(default_factory=Counter)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same in each run is what is wanted


def spend(ledger: Ledger, calls: int, chance: random.Random, expected: Expected) -> None:
    """Makes calls of all kinds around midnight, up to ten at once, and settles some of them twice."""
    open_holds: list[int] = []
    for _ in range(calls):
        caller = Caller(
            run=f"run-{chance.randrange(9)}", task=f"task-{chance.randrange(5)}", attempt=chance.randrange(3),
            person=chance.choice(["1", "2", "3"]), role=chance.choice(["coder", "reviewer"]),
            client=chance.choice(["", "", "a-key"]),
        )  # fmt: skip
        at = MIDNIGHT + chance.uniform(-7200, 7200)
        open_holds.append(ledger.reserve(a_hold(caller=caller, at=at, held=chance.randrange(100_000))))
        chance.shuffle(open_holds)
        while len(open_holds) > chance.randrange(10):
            end_one(ledger, open_holds.pop(), chance, expected)
    for number in open_holds:
        end_one(ledger, number, chance, expected)


def end_one(ledger: Ledger, number: int, chance: random.Random, expected: Expected) -> None:
    outcome = chance.choice(OUTCOMES)
    cost, tokens = chance.randrange(200_000), chance.randrange(50_000)
    end = an_end(
        number, cost, usage=Usage(input=tokens), outcome=outcome, seconds=chance.uniform(0, 400),
        first_seconds=chance.choice([None, 0.5]), fallbacks=chance.randrange(3),
    )  # fmt: skip
    ledger.settle(end)
    if chance.random() < 0.1:
        ledger.settle(end)
    expected.cost += cost
    expected.tokens += tokens
    expected.by_outcome[outcome] += 1


def test_the_sum_of_ten_thousand_calls_from_eight_threads_is_exact(open_as: OpenLedger) -> None:
    ledgers = [open_as("w1"), open_as("w2")]
    expected = [Expected() for _ in range(THREADS)]
    run_all(
        [
            threading.Thread(
                target=spend, args=(ledgers[number % 2], CALLS // THREADS, seeded(number), expected[number])
            )
            for number in range(THREADS)
        ]
    )
    for ledger in ledgers:
        assert ledger.flush(timeout=30)
    calls = calls_in(ledgers[0])
    assert Counter(call["outcome"] for call in calls) == sum((one.by_outcome for one in expected), Counter())
    assert len(calls) == CALLS
    total = sum(one.cost for one in expected)
    assert sum(call["micro_dollars"] for call in calls) == total
    assert sum(call["input_tokens"] for call in calls) == sum(one.tokens for one in expected)
    (hours,) = ledgers[0].rows("SELECT CAST(sum(micro_dollars) AS BIGINT) AS cost FROM hours")
    assert hours["cost"] == total == ledgers[0].account("month/2026-11")[0]
    assert ledgers[0].rows("SELECT id FROM holds") == []
    assert ledgers[0].rows("SELECT account FROM accounts WHERE held <> 0") == []
    check(ledgers[0])


class Model:
    """The rules of the ledger once more, in dictionaries."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.holds: dict[int, tuple[tuple[Charge, ...], int]] = {}
        self.calls: list[tuple[int, str]] = []

    def verdict(self, charges: tuple[Charge, ...]) -> type[Exception] | None:
        """What reserving must raise."""
        limited = [(charge.account, charge.limit) for charge in charges if charge.limit is not None]
        if any(self.spent[account] >= limit for account, limit in limited):
            return SpendLimitReached
        if any(self.spent[account] + self.held[account] >= limit for account, limit in limited):
            return AllHeld
        return None

    def place(self, number: int, charges: tuple[Charge, ...], held: int) -> None:
        self.holds[number] = (charges, held)
        for charge in charges:
            self.held[charge.account] += held

    def end(self, number: int, cost: int, outcome: str) -> None:
        if number not in self.holds:
            return
        charges, held = self.holds.pop(number)
        for charge in charges:
            self.held[charge.account] -= held
            self.spent[charge.account] += cost
        self.calls.append((cost, outcome))

    def accounts(self) -> dict[str, tuple[int, int]]:
        return {name: (self.spent[name], self.held[name]) for name in self.held}


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_events_leaves_what_the_rules_say(open_as: OpenLedger, seed: int) -> None:
    chance = seeded(seed)
    ledgers = {name: open_as(name) for name in ("w1", "w2", "w3")}
    owners: dict[int, str] = {}
    model = Model()
    for _ in range(150):
        name = chance.choice(list(ledgers))
        match chance.choice(["reserve", "reserve", "reserve", "settle", "settle", "settle again", "lost"]):
            case "reserve":
                number = try_to_reserve(ledgers[name], model, chance)
                owners.update({number: name} if number else {})
            case "settle" if model.holds:
                number = chance.choice(list(model.holds))
                settle_both(ledgers[owners[number]], model, number, chance.randrange(3000))
            case "settle again" if owners:
                settle_both(ledgers[name], model, chance.choice(list(owners)), 77)
            case "lost" if chance.random() < 0.2:
                assert ledgers["w1"].settle_lost(name) == lose(model, owners, name)
        assert accounts_in(ledgers["w2"]) == model.accounts()
    assert sorted((call["micro_dollars"], call["outcome"]) for call in calls_in(ledgers["w1"])) == sorted(model.calls)
    assert {row["id"] for row in ledgers["w1"].rows("SELECT id FROM holds")} == set(model.holds)


def try_to_reserve(ledger: Ledger, model: Model, chance: random.Random) -> int | None:
    names = chance.sample(["task/1", "task/2", "run/1", "day/1"], k=chance.randrange(1, 4))
    charges = tuple(Charge(name, chance.choice([None, 0, 500, 5000, 20_000]), name) for name in names)
    held, verdict = chance.randrange(3000), model.verdict(charges)
    hold = a_hold(*charges, held=held)
    if verdict:
        with pytest.raises(verdict):
            ledger.reserve(hold)
        return None
    number = ledger.reserve(hold)
    model.place(number, charges, held)
    return number


def settle_both(ledger: Ledger, model: Model, number: int, cost: int) -> None:
    ledger.settle(an_end(number, cost))
    ledger.flush()
    model.end(number, cost, "ok")


def lose(model: Model, owners: dict[int, str], worker: str) -> int:
    lost = [number for number in model.holds if owners[number] == worker]
    for number in lost:
        model.end(number, LEAST, "lost")
    return len(lost)


def accounts_in(ledger: Ledger) -> dict[str, tuple[int, int]]:
    return {row["account"]: (row["spent"], row["held"]) for row in ledger.rows("SELECT * FROM accounts")}
