"""Many streams at once, each event 20 ms after the one before: who keeps the pace, and what it takes."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.gateway_bench import installing
from bench.gateway_bench.client import request
from bench.gateway_bench.contenders import Contender
from bench.gateway_bench.field import Entry, Field, Plan, say
from bench.gateway_bench.figures import Paced, percentile
from bench.gateway_bench.footprint import megabytes
from native.processes import ROOT

SIZE = 50_000
COUNTS = (200, 500)
MAIN_COUNT = 200
SECONDS = 120
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """One time that all streams ran: 99th percentiles in seconds; `pss` in MB, 0 where it was not looked at."""

    gap: float
    first: float
    lost: int
    wrong: str
    pss: float


def measure(field: Field, plan: Plan, folder: Path) -> None:
    """Fills in `paced`. The first round warms up and looks at memory, which would disturb the times of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    for count in COUNTS:
        runs: dict[str, list[Run]] = {entry.found.name: [] for entry in field.running()}
        for number in range(1 + (plan.rounds + 1) // 2 if count == MAIN_COUNT else 2):
            say(f"{count} paced streams, round {number + 1}")
            for entry in field.shuffled():
                runs[entry.found.name].append(run(entry.contender, count, folder, look_at_memory=number == 0))
        direct = median(one.gap for one in runs[field.entries[0].found.name][1:])
        for entry in field.running():
            note(entry, count, runs[entry.found.name], direct)


def note(entry: Entry, count: int, runs: list[Run], direct: float) -> None:
    """Puts down the medians; what was lost or wrong counts from all rounds."""
    gap = median(one.gap for one in runs[1:])
    first = median(one.first for one in runs[1:])
    lost, pss = sum(one.lost for one in runs), max(one.pss for one in runs)
    entry.found.paced[count] = Paced(gap, gap - direct, first, lost, pss)
    if wrong := next((one.wrong for one in runs if one.wrong), ""):
        entry.found.wrong[place(count)] = wrong


def run(contender: Contender, count: int, folder: Path, *, look_at_memory: bool) -> Run:
    """One round of `count` streams, each with a credential of its own as far as there are any."""
    files = []
    for number, credential in enumerate(contender.credentials()):
        files.append(folder / f"{number}.http")
        files[-1].write_bytes(request(contender.address("paced"), credential, "paced", SIZE))
    python = str(installing.python_with_uvloop())
    command = [python, "-m", "bench.gateway_bench.streams", str(contender.port), str(count), *map(str, files)]
    output = folder / "streams.json"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file)
    try:
        pss = watch(process, contender.pid if look_at_memory else None)
    finally:
        process.kill()
        process.wait()
    return judged(output.read_bytes(), count, pss)


def watch(process: "subprocess.Popen[bytes]", pid: int | None) -> float:
    """Waits until it ends; the most memory that `pid` and its descendants had meanwhile."""
    most, deadline = 0.0, time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        if pid:
            most = max(most, megabytes(pid))
    return most


def judged(output: bytes, count: int, pss: float) -> Run:
    """What the client found."""
    if not output:
        return Run(0, 0, count, "the client of the streams ended without a result", pss)
    found = json.loads(output)
    wrong = "; ".join(found["wrong"])
    if found["lost"]:
        wrong = f"{found['lost']} events lost: {wrong}"
    return Run(percentile(found["gaps"], 99), percentile(found["firsts"], 99), found["lost"], wrong, pss)


def place(count: int) -> str:
    """What it is called in the table."""
    return f"{count} streams"
