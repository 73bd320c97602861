"""`bench/idle`: memory of each idle process, and the orchestrator's CPU with 100 runs waiting on people."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from native.desk import Desk, wait_until
from native.processes import ROOT, Process, end_in_order_on_sigterm
from native.stack import PERSON, Stack
from sim.not_github.client import example
from stack.broker import Publisher
from stack.ids import dashed
from stack.messages import Chat, Request
from stack.people import Person
from stack.roles import AGENTS
from stack.work.review import StartReview

FOLDER = ROOT / ".run/bench"
RUNS = 100
SECONDS = 30.0
# The limits: the share of one core that the orchestrator may use, and the memory (PSS, MB) of an idle agent.
CORE_PERCENT = 4.0
AGENT_MB = 45.0
TICKS = 100  # clock ticks a second in /proc/PID/stat on Linux


def main() -> int:
    """Prints the figures, exits 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench/idle", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("--times", type=int, metavar="N", help=f"has {RUNS} runs wait N times anew, and no more")
    times = parser.parse_args().times
    end_in_order_on_sigterm()
    if times:
        return repeat(times)
    shutil.rmtree(FOLDER, ignore_errors=True)
    stack = Stack(FOLDER, agents={"pr_reviewer": 2})
    try:
        stack.start()
        time.sleep(3)
        agent = print_memory(stack)
        wait_for_people(stack)
        percent = core_percent(stack.services["orchestrator"])
    finally:
        stack.stop()
    print(f"\nidle agent: {agent:.0f} MB (limit {AGENT_MB:.0f})")
    print(
        f"orchestrator with {RUNS} runs waiting: {percent:.1f} % of a core over {SECONDS:.0f} s (limit {CORE_PERCENT})"
    )
    return 0 if agent <= AGENT_MB and percent < CORE_PERCENT else 1


def repeat(times: int) -> int:
    """Has the runs wait, `times` times on a new stack. Where some do not, its store and logs are kept, and it ends."""
    for number in range(1, times + 1):
        shutil.rmtree(FOLDER, ignore_errors=True)
        stack, begun = Stack(FOLDER, agents={"pr_reviewer": 2}), time.monotonic()
        try:
            stack.start()
            wait_for_people(stack)
        except TimeoutError:
            for run in Desk(stack).api.runs(limit=RUNS):
                if run.state != "waiting":
                    print(Desk(stack).api.run(run.id).model_dump_json(indent=1))
            print(f"{number}: not all runs wait; store and logs are in {FOLDER}")
            return 1
        finally:
            stack.stop()
        print(f"{number}: {RUNS} runs wait after {time.monotonic() - begun:.0f} s", flush=True)
    return 0


def print_memory(stack: Stack) -> float:
    """Prints each service's memory (PSS, with its child processes), and returns the largest of the agents', in MB."""
    largest = 0.0
    for name, process in stack.services.items():
        megabytes = sum(pss(pid) for pid in family(process.pid))
        print(f"{name:16}{megabytes:7.0f} MB")
        if name.startswith(tuple(map(dashed, AGENTS))):
            largest = max(largest, megabytes)
    return largest


def wait_for_people(stack: Stack) -> None:
    """Starts RUNS reviews that ask before they post, and returns when all of them wait."""
    example(stack.ports.url("not_github"))
    desk = Desk(stack)
    desk.person.say("/start")
    publisher = Publisher(stack.secret("bot", "BROKER_URL"), "bot")
    publisher.start()
    person, chat = Person(id=f"telegram:{PERSON}"), Chat(chat_id=PERSON, message_id=1)
    for number in range(RUNS):
        ask = StartReview(repository="acme/shop", number=12, approval=True)
        publisher.publish(Request(person=person, chat=chat, ask=ask))
        if number % 10 == 9:
            wait_until(lambda n=number: waiting(desk) > n, seconds=120)  # type: ignore[misc]
    publisher.stop()
    time.sleep(5)


def waiting(desk: Desk) -> int:
    """How many runs wait."""
    return sum(run.state == "waiting" for run in desk.api.runs(person=f"telegram:{PERSON}", limit=100))


def core_percent(process: Process) -> float:
    """The share of one core that a process uses while nothing happens."""
    before = cpu_seconds(process.pid)
    time.sleep(SECONDS)
    return (cpu_seconds(process.pid) - before) / SECONDS * 100


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def pss(pid: int) -> float:
    """Proportional set size in MB: its own memory, and its share of what it has in common with others."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kilobytes = next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    sys.exit(main())
