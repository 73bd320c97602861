"""`bench/neighbour`: how much slower a task's work is beside a bomb in another slot, which is ended as in production.

Work of one processor for some seconds, alone and beside each bomb in turn, each in a slot of its own, with control
groups where they can be had. Only as root. Exits 1 where a median beside a bomb that is ended is more than a fifth
above that alone; how the kernel shares the processors with one that only reckons is shown beside it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from agents.claude.options import WRAPPER
from agents.sandbox.limits import Limits
from agents.sandbox.slot import Slot, make_slots
from agents.sandbox.watch import LOOK_SECONDS, Watch
from native.processes import end_in_order_on_sigterm
from stack.uids import block_of

SLOWER = 1.20
PYTHON = "/usr/bin/python3"  # one that a slot's user can start
# As in tests/agents/fake_claude.sh; the last has no end but that of the work beside it. Bounded where nobody ends them.
BOMBS = {
    "fork": """
for _ in range(2000):
    try:
        if not os.fork(): time.sleep(20); os._exit(0)
    except OSError: time.sleep(0.05)
time.sleep(20)
""",
    "memory": "held = [b'x' * (16 << 20) for _ in range(64)]; time.sleep(20)",
    "disk": """
for n in range(64):
    with open(os.environ['HOME'] + f'/{n}', 'wb') as file: file.write(os.urandom(16 << 20))
time.sleep(20)
""",
    "processor": """
for _ in range(15):
    if not os.fork(): break
end = time.monotonic() + 20
while time.monotonic() < end: pass
""",
}
LIMITED = [BOMBS[name] for name in ("fork", "memory", "disk")]
WORK = "sum(n * n % 7 for n in range({steps}))"
ROOM = Limits(memory_mb=300, processes=200, disk_mb=200)


def main() -> int:
    """Prints the medians and their ratios, exits 1 where one is too high."""
    parser = argparse.ArgumentParser(prog="bench/neighbour", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("-n", "--rounds", type=int, default=5, help="of each (%(default)s)")
    parser.add_argument("--steps", type=int, default=50_000_000, help="of the work (%(default)s)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("slots of their own are had as root alone")
    end_in_order_on_sigterm()
    seconds: dict[str, list[float]] = {name: [] for name in ("", *BOMBS)}
    bombed, neighbour = make_slots(
        f"neighbour-{os.getpid()}",
        count=2,
        first_uid=block_of(f"neighbour-{os.getpid()}"),
        proxy_url="http://127.0.0.1:9",
        proof_key="not-a-key",
        limits=ROOM,
    )
    for _ in range(options.rounds):
        for name in seconds:
            seconds[name].append(_worked(neighbour, WORK.format(steps=options.steps), bombed, BOMBS.get(name, "")))
    return _report(seconds)


def _worked(neighbour: Slot, work: str, bombed: Slot, bomb: str) -> float:
    """Seconds from the start of the work to its end, beside a bomb where there is one."""
    with _folder() as own, _folder() as others, ThreadPoolExecutor() as beside:
        bombed = bombed.renewed()
        begun = beside.submit(_ended, bombed, others, bomb) if bomb else None
        start = time.monotonic()
        with _started(neighbour, own, work) as working:
            working.wait()
        took = time.monotonic() - start
        bombed.end_processes()
        over = begun.result() if begun else False
        if working.returncode or over != (bomb in LIMITED):
            raise SystemExit(f"the work ended with {working.returncode}; the bomb was ended for a limit: {over}")
    return took


def _ended(slot: Slot, folder: Path, bomb: str) -> bool:
    """Starts a bomb, and ends it as an agent does (agents/claude/session.py). Whether it ran into a limit."""
    watch = Watch(slot, [folder / "home"])
    with _started(slot, folder, bomb) as begun:
        while not (complaint := watch.complaint()) and begun.poll() is None:
            time.sleep(LOOK_SECONDS)
        slot.end_processes()
    return bool(complaint)


def _started(slot: Slot, folder: Path, code: str) -> "subprocess.Popen[bytes]":
    given = slot.environment(Path(PYTHON), started=folder / "started", folder=folder)
    return subprocess.Popen(
        [WRAPPER, "-c", f"import os, time\n{code}"],
        env={"PATH": os.defpath, "HOME": str(folder / "home"), **given},
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def _folder() -> Iterator[Path]:
    """A task's folder, with a home that any of the slot's users may write in."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        home = Path(name, "home")
        home.mkdir()
        home.chmod(0o777)
        yield Path(name)


def _report(seconds: dict[str, list[float]]) -> int:
    alone = statistics.median(seconds[""])
    slower = 0
    for name, each in seconds.items():
        median = statistics.median(each)
        slower += median / alone > SLOWER and BOMBS.get(name) in LIMITED
        what = f"beside a bomb of {name}" if name else "alone"
        print(f"{what:26}{median:7.2f} s{median / alone:7.2f}   ({', '.join(f'{one:.2f}' for one in each)})")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
