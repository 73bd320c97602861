"""Who may spend: holds before calls, against the limits of their accounts."""

import threading
import time
from collections.abc import Callable

import pytest

from proxy.ledger.ledger import Ledger
from proxy.ledger.records import AllHeld, Charge, SpendLimitReached
from tests.proxy.ledger.books import HELD, a_hold, an_end, calls_in
from tests.proxy.ledger.conftest import OpenLedger
from tests.proxy.ledger.processes import output, spender


def task(limit: int | None) -> Charge:
    return Charge("task/1", limit, "this task's budget")


def day(limit: int | None) -> Charge:
    return Charge("day/2026-11-21", limit, "the gateway's limit for today")


def everything(ledger: Ledger) -> list[object]:
    """All that a refusal could have changed."""
    tables = ("accounts", "holds", "calls", "hours")
    return [ledger.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables]  # noqa: S608 - names from above


def test_a_hold_counts_at_once_and_for_every_worker(open_as: OpenLedger) -> None:
    one, other = open_as("w1"), open_as("w2")
    one.reserve(a_hold(task(None), day(None), held=300))
    other.reserve(a_hold(day(None), held=50))
    assert (other.account("task/1"), other.account("day/2026-11-21")) == ((0, 300), (0, 350))


def test_a_limit_that_is_spent_refuses_and_says_which(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold(task(500), day(900))), 500))
    ledger.flush()
    with pytest.raises(SpendLimitReached) as refused:
        ledger.reserve(a_hold(day(900), task(500)))
    assert (refused.value.charge.account, refused.value.spent) == ("task/1", 500)
    assert str(refused.value) == "this task's budget is used up"


def test_a_limit_that_is_held_asks_to_wait(ledger: Ledger) -> None:
    first = ledger.reserve(a_hold(task(1000), held=1000))
    with pytest.raises(AllHeld) as refused:
        ledger.reserve(a_hold(task(1000), held=10))
    assert (refused.value.spent, refused.value.held) == (0, 1000)
    ledger.settle(an_end(first, 999))
    ledger.flush()
    ledger.reserve(a_hold(task(1000), held=10))


def test_the_last_micro_dollar_still_pays_for_a_call(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold(task(1000))), 999))
    ledger.flush()
    ledger.settle(an_end(ledger.reserve(a_hold(task(1000), held=70_000)), 70_000))
    ledger.flush()
    assert ledger.account("task/1") == (70_999, 0)


def test_a_limit_that_is_spent_for_good_is_told_before_one_that_is_only_held(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold(day(None))), 100))
    ledger.reserve(a_hold(task(None)))
    ledger.flush()
    with pytest.raises(SpendLimitReached) as refused:
        ledger.reserve(a_hold(task(10), day(100)))
    assert refused.value.charge.account == "day/2026-11-21"


def test_a_refusal_leaves_no_trace(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold(task(None), day(None))), 5))
    ledger.reserve(a_hold(task(None), day(None)))
    ledger.flush()
    before = everything(ledger)
    with pytest.raises(SpendLimitReached):
        ledger.reserve(a_hold(task(5), day(None), Charge("run/new", None, "this run's limit")))
    with pytest.raises(AllHeld):
        ledger.reserve(a_hold(task(6), day(None), Charge("run/new", None, "this run's limit")))
    assert everything(ledger) == before


def test_a_budget_of_nothing_refuses_the_first_call(ledger: Ledger) -> None:
    with pytest.raises(SpendLimitReached):
        ledger.reserve(a_hold(task(0)))


def test_a_limit_set_later_counts_what_was_spent_before(ledger: Ledger) -> None:
    ledger.settle(an_end(ledger.reserve(a_hold(task(None))), 700))
    ledger.flush()
    with pytest.raises(SpendLimitReached):
        ledger.reserve(a_hold(task(700)))


def test_an_account_named_twice_is_charged_once(ledger: Ledger) -> None:
    number = ledger.reserve(a_hold(task(5000), task(None), held=300))
    assert ledger.account("task/1") == (0, 300)
    ledger.settle(an_end(number, 40))
    ledger.flush()
    assert ledger.account("task/1") == (40, 0)


@pytest.mark.parametrize(("limit", "held"), [(10 * HELD, HELD), (1, HELD)])
def test_a_hundred_parallel_calls_overshoot_a_small_budget_by_one_call_at_most(
    open_as: OpenLedger, limit: int, held: int
) -> None:
    ledgers = [open_as(f"w{number}") for number in range(4)]
    cost = held - 1
    together = threading.Barrier(100)
    refusals = list[str]()

    def call(ledger: Ledger) -> None:
        together.wait()
        try:
            number = patiently(lambda: ledger.reserve(a_hold(task(limit), held=held)))
        except SpendLimitReached as refused:
            refusals.append(refused.charge.account)
        else:
            time.sleep(0.002)
            ledger.settle(an_end(number, cost))

    run_all([threading.Thread(target=call, args=(ledgers[number % 4],)) for number in range(100)])
    for ledger in ledgers:
        ledger.flush()
    spent, still_held = ledgers[0].account("task/1")
    assert limit <= spent < limit + cost
    assert still_held == 0
    assert len(calls_in(ledgers[0])) == 100 - len(refusals) == spent // cost


def test_processes_together_overshoot_by_one_call_at_most(ledger: Ledger, ledger_url: str) -> None:
    limit = 150 * HELD - 1
    spenders = [spender(ledger_url, f"p{number}", calls=60, limit=limit) for number in range(4)]
    made = [len(output(process).split()) for process in spenders]
    assert ledger.account("task/shared") == (150 * HELD, 0)
    assert len(calls_in(ledger)) == sum(made) == 150


def patiently(reserve: Callable[[], int]) -> int:
    """Asks again for as long as other calls hold the rest."""
    while True:
        try:
            return reserve()
        except AllHeld:
            time.sleep(0.002)


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
