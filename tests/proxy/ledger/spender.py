"""A process that spends: `python -m tests.proxy.ledger.spender URL WORKER CALLS LIMIT`, LIMIT in micro-dollars.

It makes CALLS calls one after another, each of which costs what it held; it waits where others hold the rest, and ends
where the limit is reached. A line is written for each call before it is settled. LIMIT 0: there is none.
"""

import sys
import time

from proxy.ledger.ledger import open_ledger
from proxy.ledger.records import AllHeld, Charge, SpendLimitReached
from tests.proxy.ledger.books import a_hold, an_end


def main(url: str, worker: str, calls: int, limit: int) -> None:
    ledger = open_ledger(url, worker)
    paying = (Charge("task/shared", limit, "this task's budget"),) if limit else ()
    made = 0
    while made < calls:
        try:
            number = ledger.reserve(a_hold(*paying))
        except AllHeld:
            time.sleep(0.001)
            continue
        except SpendLimitReached:
            break
        made += 1
        print(number, flush=True)
        ledger.settle(an_end(number))
    ledger.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
