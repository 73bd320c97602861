"""`bench/hops`: what the stack adds around Claude Code, hop by hop, over reviews of many pull requests.

Mirror and cache are warm and the agent is past its first task: one review before the counted ones sees to that.
"""

import argparse
import shutil
import statistics
import sys
import time

from native.desk import Desk
from native.hops import after_claude, before_claude, points, seconds_per_hop
from native.processes import ROOT, end_in_order_on_sigterm
from native.stack import Stack
from sim.not_github.client import call, example

FOLDER = ROOT / ".run/bench"
# The limits, in seconds: the median from the person's message to the start of Claude Code, and the 95th percentile
# from its end to the final message, posting and receipt included.
BEFORE_P50 = 0.250
AFTER_P95 = 0.500


def main() -> int:
    """Runs the reviews, prints a table, exits 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench/hops", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--runs", type=int, default=20, help="reviews that count (%(default)s)")
    runs = parser.parse_args().runs
    end_in_order_on_sigterm()
    shutil.rmtree(FOLDER, ignore_errors=True)
    stack = Stack(FOLDER)
    try:
        stack.start()
        example(stack.ports.url("not_github"))
        desk = Desk(stack)
        review(desk)
        found = [review(desk) for _ in range(runs)]
    finally:
        stack.stop()
    return report(found)


def review(desk: Desk) -> dict[str, float]:
    """One review of a new pull request; the points in time that it reached."""
    url = desk.stack.ports.url("not_github")
    shop = call("GET", f"{url}/repos/acme/shop/pulls/12")
    wanted = {"base": shop["base"]["ref"], "head": shop["head"]["ref"], "title": "Once more"}
    number = call("POST", f"{url}/_sim/repos/acme/shop/pulls", wanted)["number"]
    ended = desk.run(f"/review acme/shop {number}")
    time.sleep(0.5)  # the bot's last edit is not the next review's burden
    return points(ended.run, sent=ended.sent, received=ended.received)


def report(found: list[dict[str, float]]) -> int:
    """Prints the hops and the two figures that have a limit."""
    hops = [seconds_per_hop(one) for one in found]
    print(f"{'hop, ms':22}{'p50':>8}{'p95':>8}{'max':>8}")
    for name in hops[0]:
        line(name, [hop[name] for hop in hops if name in hop])
    before = [before_claude(one) for one in found if "claude.started" in one]
    after = [after_claude(one) for one in found if "claude.ended" in one]
    print()
    line("before Claude", before)
    line("after Claude", after)
    p50, p95 = statistics.median(before), percentile(after, 95)
    print(f"\nbefore Claude p50 {p50 * 1e3:.0f} ms (limit {BEFORE_P50 * 1e3:.0f})")
    print(f"after Claude p95 {p95 * 1e3:.0f} ms (limit {AFTER_P95 * 1e3:.0f})")
    return 0 if p50 <= BEFORE_P50 and p95 <= AFTER_P95 and len(before) == len(after) == len(found) else 1


def line(name: str, seconds: list[float]) -> None:
    """A row of the table, in milliseconds."""
    figures = (statistics.median(seconds), percentile(seconds, 95), max(seconds))
    print(f"{name:22}" + "".join(f"{value * 1e3:8.0f}" for value in figures))


def percentile(values: list[float], percent: int) -> float:
    """The smallest value that `percent` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1]


if __name__ == "__main__":
    sys.exit(main())
