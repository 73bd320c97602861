"""`bench/start COMMIT`: how much longer a task takes to start than in an earlier commit, the two taking turns.

From the person's message to the end of a Claude Code that is scripted: all that a task needs before it works, its slot
with everything on included. Exits 1 where the p50 is more than 60 ms above the other's.
"""

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import against
from bench.hops import percentile
from native.processes import end_in_order_on_sigterm

MORE = 0.060  # seconds
CLAUDE = Path(__file__).parent / "scripted_claude.sh"
SERVE = """
import json, sys
from pathlib import Path
from bench.hops import review
from native.stack import Stack
from sim.not_github.client import example
from native.desk import Desk
stack = Stack(Path(sys.argv[1]), extra={"agents": {"CLAUDE_CLI": str(Path(sys.argv[1]).parent / "claude")}})
try:
    stack.start()
    example(stack.ports.url("not_github"))
    desk = Desk(stack)
    review(desk)
    print("ready", flush=True)
    for _ in sys.stdin:
        found = review(desk)
        print(json.dumps([found["claude.ended"] - found["message.sent"], 0]), flush=True)
finally:
    stack.stop()
"""


def main() -> int:
    """Prints both figures, exits 1 where this tree's start takes longer than it may."""
    parser = argparse.ArgumentParser(prog="bench/start", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("commit", help="the earlier one")
    parser.add_argument("-n", "--runs", type=int, default=40, help="tasks of each (%(default)s)")
    options = parser.parse_args()
    end_in_order_on_sigterm()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, ExitStack() as left:
        Path(folder).chmod(0o755)
        claude = Path(folder, "claude")
        claude.write_bytes(CLAUDE.read_bytes())
        claude.chmod(0o755)
        earlier, now = against.sides(options.commit, Path(folder), left, serve=SERVE)
        against.take_turns([earlier, now], options.runs)
    old, new = ([seconds for seconds, _ in side.seconds] for side in (earlier, now))
    for name, seconds in ((options.commit[:9], old), ("now", new)):
        print(f"{name:10} p50 {statistics.median(seconds) * 1e3:6.0f} ms   p95 {percentile(seconds, 95) * 1e3:6.0f} ms")
    more = statistics.median(new) - statistics.median(old)
    print(f"a start takes {more * 1e3:.0f} ms longer (limit {MORE * 1e3:.0f})")
    return 0 if more <= MORE else 1


if __name__ == "__main__":
    sys.exit(main())
