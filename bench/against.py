"""`bench/against COMMIT`: the parts of a review's time around Claude Code, this tree and an earlier one taking turns.

Both stacks run side by side, and only one of them works at a time: what else goes on on the machine meets both alike.
Exits 1 where this tree's p50 or p95, before or after Claude Code, is more than a tenth above the other's.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from bench.hops import percentile
from native.processes import ROOT, end_in_order_on_sigterm

TOLERANCE = 1.10
# Runs in a tree of either version: a stack, then one review for each line that it reads.
SERVE = """
import json, sys
from pathlib import Path
from bench.hops import review
from native.hops import after_claude, before_claude
from native.stack import Stack
from sim.not_github.client import example
try:
    from native.desk import Desk
except ImportError:
    from native.review import Desk
stack = Stack(Path(sys.argv[1]))
try:
    stack.start()
    example(stack.ports.url("not_github"))
    desk = Desk(stack)
    review(desk)
    print("ready", flush=True)
    for _ in sys.stdin:
        found = review(desk)
        print(json.dumps([before_claude(found), after_claude(found)]), flush=True)
finally:
    stack.stop()
"""


class Side:
    """One of the two trees, with its stack."""

    def __init__(self, tree: Path, folder: Path, serve: str) -> None:
        self.seconds: list[tuple[float, float]] = []
        self._process = subprocess.Popen(
            [tree / ".venv/bin/python", "-c", serve, str(folder)],
            cwd=tree,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def review(self) -> None:
        """One review, whose time counts."""
        self._write("\n")
        before, after = json.loads(self.read())
        self.seconds.append((before, after))

    def read(self) -> str:
        """The next line. Raises SystemExit where the stack has ended."""
        line = _pipe(self._process.stdout).readline()
        if not line:
            raise SystemExit("a stack ended by itself")
        return line

    def _write(self, text: str) -> None:
        pipe = _pipe(self._process.stdin)
        pipe.write(text)
        pipe.flush()

    def stop(self) -> None:
        """Ends the stack."""
        with suppress(BrokenPipeError):  # it has ended by itself
            _pipe(self._process.stdin).close()
        self._process.wait(timeout=120)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def main() -> int:
    """Prints a table, exits 1 where this tree is slower."""
    parser = argparse.ArgumentParser(prog="bench/against", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("commit", help="the earlier one")
    parser.add_argument("-n", "--runs", type=int, default=30, help="reviews of each (%(default)s)")
    options = parser.parse_args()
    end_in_order_on_sigterm()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, ExitStack() as left:
        Path(folder).chmod(0o755)
        both = sides(options.commit, Path(folder), left)
        take_turns(both, options.runs)
    return report(options.commit, *(side.seconds for side in both))


def sides(commit: str, folder: Path, left: ExitStack, *, serve: str = SERVE) -> list[Side]:
    """The earlier tree and this one, in `folder`, ready for reviews; they end as `left` is closed."""
    tree = folder / "tree"
    git("worktree", "add", "--quiet", "--detach", str(tree), commit)
    left.callback(git, "worktree", "remove", "--force", str(tree))
    subprocess.run([tree / "scripts/setup"], check=True)  # with the libraries of its time
    both: list[Side] = []
    for where, name in ((tree, "earlier"), (ROOT, "now")):
        both.append(Side(where, folder / name, serve))
        left.callback(both[-1].stop)
    for side in both:
        side.read()
    return both


def take_turns(both: list[Side], runs: int) -> None:
    """So many reviews of each."""
    for _ in range(runs):
        for side in both:
            side.review()


def git(*arguments: str) -> None:
    """Git in this tree."""
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def report(commit: str, earlier: list[tuple[float, float]], now: list[tuple[float, float]]) -> int:
    """Prints both, in milliseconds, and their ratio. Returns the exit status."""
    slower = 0
    print(f"{'ms':20}{commit[:9]:>10}{'now':>10}{'ratio':>8}")
    for part, name in enumerate(("before Claude", "after Claude")):
        old, new = ([seconds[part] for seconds in side] for side in (earlier, now))
        for what, figures in (
            ("p50", (statistics.median(old), statistics.median(new))),
            ("p95", (percentile(old, 95), percentile(new, 95))),
        ):
            ratio = figures[1] / figures[0]
            slower += ratio > TOLERANCE
            print(f"{name} {what:6}{figures[0] * 1e3:10.0f}{figures[1] * 1e3:10.0f}{ratio:8.2f}")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
