"""A process that spends: `python -m tests.proxy.ledger.spender URL WORKER CALLS LIMIT`, LIMIT in micro-dollars.

It makes CALLS calls, some of them at once, each of which costs what it held; it waits where others hold the rest, and
ends where the limit is reached. It writes a line for each call when it begins. LIMIT 0: there is none.
"""

import sys
import time

from proxy.ledger.ledger import Ledger, open_ledger
from proxy.ledger.records import AllHeld, Charge, SpendLimitReached
from tests.proxy.ledger.books import a_hold, an_end

AT_ONCE = 5


def main(url: str, worker: str, calls: int, limit: int) -> None:
    ledger = open_ledger(url, worker)
    paying = (Charge("task/shared", limit, "this task's budget"),) if limit else ()
    under_way: list[int] = []
    for _ in range(calls):
        try:
            under_way.append(reserved(ledger, paying, under_way))
        except SpendLimitReached:
            break
        print(under_way[-1], flush=True)
        if len(under_way) > AT_ONCE:
            ledger.settle(an_end(under_way.pop(0)))
    end_all(ledger, under_way)
    ledger.close()


def reserved(ledger: Ledger, paying: tuple[Charge, ...], under_way: list[int]) -> int:
    """The number of a new hold, once there is money for it."""
    while True:
        try:
            return ledger.reserve(a_hold(*paying))
        except AllHeld:
            end_all(ledger, under_way)
            time.sleep(0.001)


def end_all(ledger: Ledger, under_way: list[int]) -> None:
    while under_way:
        ledger.settle(an_end(under_way.pop()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
