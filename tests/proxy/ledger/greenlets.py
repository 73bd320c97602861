"""A process that spends from greenlets, as a worker does: `python -m tests.proxy.ledger.greenlets URL`.

It ends well if the books agree, and if nothing that it waited for stopped the other greenlets.
"""

import sys
import time

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402 - after the patching

from proxy.ledger.ledger import Ledger, open_database  # noqa: E402
from proxy.ledger.records import AllHeld, Charge  # noqa: E402
from tests.proxy.ledger.books import HELD, a_hold, an_end, calls_in  # noqa: E402

GREENLETS, CALLS_EACH = 60, 5
TIGHT = Charge("task/shared", 10**9, "this task's budget")


def spend(ledger: Ledger) -> None:
    for _ in range(CALLS_EACH):
        number = ledger.reserve(a_hold(TIGHT))
        gevent.sleep(0.001)
        ledger.settle(an_end(number))


def test_many_greenlets(ledger: Ledger) -> None:
    pool = gevent.get_hub().threadpool
    spending = [gevent.spawn(spend, ledger) for _ in range(GREENLETS)]
    for _ in range(10):  # beside the loop, in native threads
        pool.apply(ledger.checkpoint)
        pool.apply(ledger.rows, ("SELECT count(*) AS calls FROM calls",))
    gevent.joinall(spending, raise_error=True)
    assert ledger.flush(timeout=10)
    assert len(calls_in(ledger)) == GREENLETS * CALLS_EACH
    assert ledger.account("task/shared") == (GREENLETS * CALLS_EACH * HELD, 0)


def test_a_killed_greenlet_leaves_a_ledger_that_works(ledger: Ledger) -> None:
    for delay in range(20):
        one = gevent.spawn(ledger.reserve, a_hold(Charge("task/killed", None, "this task's budget")))
        gevent.sleep(delay * 0.0002)
        one.kill()
        if isinstance(one.value, int):
            ledger.settle(an_end(one.value))
    with gevent.Timeout(10):
        while ledger.rows("SELECT id FROM holds"):
            gevent.sleep(0.05)
    assert ledger.account("task/killed")[1] == 0


def test_waiting_for_postgres_lets_others_run(ledger: Ledger) -> None:
    waiting = gevent.spawn(ledger.rows, "SELECT pg_sleep(0.5)")
    ticks, began = 0, time.monotonic()
    while not waiting.ready():
        gevent.sleep(0.01)
        ticks += 1
    assert time.monotonic() - began >= 0.5
    assert ticks > 20, ticks


def test_who_waits_for_money_lets_others_settle(ledger: Ledger) -> None:
    small = Charge("task/small", 2 * HELD, "this task's budget")

    def patient() -> None:
        while True:
            try:
                number = ledger.reserve(a_hold(small))
            except AllHeld:
                gevent.sleep(0.005)
            else:
                gevent.sleep(0.01)
                ledger.settle(an_end(number, 1))
                return

    gevent.joinall([gevent.spawn(patient) for _ in range(20)], raise_error=True, timeout=30)
    assert ledger.flush(timeout=10)
    assert ledger.account("task/small") == (20, 0)


def main(url: str) -> None:
    ledger = Ledger(open_database(url), "greenlets", beat_seconds=0.1)
    test_many_greenlets(ledger)
    test_a_killed_greenlet_leaves_a_ledger_that_works(ledger)
    test_who_waits_for_money_lets_others_settle(ledger)
    if url.startswith("postgresql:"):
        test_waiting_for_postgres_lets_others_run(ledger)
    ledger.close()


if __name__ == "__main__":
    main(sys.argv[1])
