"""`bench/waiting`: the orchestrator with 1,000 runs that wait for people, and 1,000 answers at once.

The orchestrator, the broker and the proxy are real; forge, reviewer and bot are played by this process, so that nothing
but the waiting is measured. Before the answers the orchestrator is killed and started again.
"""

import argparse
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.idle import SECONDS, core_percent, family, pss
from native.desk import wait_until
from native.processes import ROOT, end_in_order_on_sigterm, start_all
from native.stack import Stack
from stack import topology
from stack.api import TasksApi
from stack.assignment import Assignment
from stack.broker import Consumer, Publisher
from stack.ids import dashed
from stack.init import make_secrets
from stack.messages import AnyMessage, Chat, Ending, Notification, Question, Request
from stack.people import Person
from stack.work.beforehand import Conversation, FetchConversation, FetchHead, Head
from stack.work.kinds import Answer, Brief, Usage
from stack.work.remarks import Placed, Remark, Verdict
from stack.work.review import (
    Checked,
    CheckFindings,
    Coverage,
    Draft,
    DraftReview,
    FetchPullRequest,
    Finding,
    PostReview,
    PullRequest,
    Receipt,
    Review,
    ReviewChange,
    StartReview,
)
from stack.worker import Do, Worker

FOLDER = ROOT / ".run/bench-waiting"
# The limits: memory (PSS) and share of a core of the orchestrator, seconds for all answers, threads.
MEGABYTES, CORE_PERCENT, ANSWER_SECONDS, THREADS = 130.0, 5.0, 60.0, 64
PERSON = Person(id="telegram:1001")
HEAD = "b" * 40
FINDING = Finding(
    path="a.py", start_line=1, end_line=1, severity="high", confidence=1, title="Wrong", explanation="Because."
)
USAGE = Usage(model="not-a-model", turns=1, seconds=1)


class Played:
    """Forge, reviewer and bot, as far as waiting needs them."""

    def __init__(self, stack: Stack) -> None:
        self.questions: dict[UUID, Question] = {}
        self.endings = Counter[UUID]()
        self.posts = Counter[UUID]()
        self.parts: list[Consumer | Publisher] = []
        self._stack = stack
        forge: Mapping[type[Brief[Any]], Do] = {
            FetchPullRequest: self.fetch,
            FetchConversation: lambda brief, at: Conversation(),
            DraftReview: self.draft,
            FetchHead: lambda brief, at: Head(head_sha=HEAD),
            PostReview: self.post,
        }
        self._works("forge", forge)
        self._works("pr_reviewer", {ReviewChange: self.review, CheckFindings: self.check})
        self.bot = self._publisher("bot")
        self._consumes("bot", topology.BOT, self.notified, self.bot)

    def _publisher(self, user: str) -> Publisher:
        publisher = Publisher(self._stack.secret(user, "BROKER_URL"), user)
        self.parts.append(publisher)
        return publisher

    def _consumes(self, user: str, queue: str, handle: Callable[[AnyMessage], None], publisher: Publisher) -> None:
        url = self._stack.secret(user, "BROKER_URL")
        self.parts.append(Consumer(url, queue, handle, publisher=publisher, workers=4))

    def _works(self, role: str, table: Mapping[type[Brief[Any]], Do]) -> None:
        publisher, user = self._publisher(dashed(role)), dashed(role)
        api = TasksApi(self._stack.ports.url("orchestrator"), self._stack.secret(user, "API_TOKEN"), name=user)
        worker = Worker(role, table, tasks=api, sender=publisher)
        self._consumes(user, topology.work_queue(role), worker.take, publisher)

    def start(self) -> None:
        for part in self.parts:
            part.start()

    def stop(self) -> None:
        for part in reversed(self.parts):
            part.stop()

    def fetch(self, brief: FetchPullRequest, at: Assignment) -> PullRequest:
        return PullRequest(
            repository=brief.repository, number=brief.number, title="A change", body="", author="ada",
            url="https://example.test/12", base="main", base_sha="a" * 40, head_sha=HEAD, merge_base="c" * 40,
            files=1, hunks=1, binary_files=0,
        )  # fmt: skip

    def review(self, brief: ReviewChange, at: Assignment) -> Review:
        covered = Coverage(hunks=1, read=1, binary_files=0)
        return Review(summary="", findings=(FINDING,), coverage=covered, usage=USAGE)

    def check(self, brief: CheckFindings, at: Assignment) -> Checked:
        holds = Verdict(number=1, holds=True, severity=FINDING.severity, reason="It is so.")
        return Checked(verdicts=(holds,), usage=USAGE)

    def draft(self, brief: DraftReview, at: Assignment) -> Draft:
        remark = Remark(path=FINDING.path, line=FINDING.end_line, side=FINDING.side, body=FINDING.explanation)
        placed = Placed(
            number=1, path=FINDING.path, line=FINDING.end_line, side=FINDING.side, severity=FINDING.severity,
            kind=FINDING.kind, title=FINDING.title, anchor="a" * 16, where="line",
        )  # fmt: skip
        return Draft(
            head_sha=HEAD, body="1 problem.", remarks=(remark,), findings=(placed,), digest="d", verdict="1 problem."
        )

    def post(self, brief: PostReview, at: Assignment) -> Receipt:
        self.posts[at.run_id] += 1
        return Receipt(
            review_id=1, url="https://example.test/1", inline_comments=0, findings_in_body=0, already_reported=0,
            comments_refused=0, proven=True,
        )  # fmt: skip

    def notified(self, message: AnyMessage) -> None:
        assert isinstance(message, Notification)
        if isinstance(message.content, Question):
            self.questions[message.run_id] = message.content
        elif isinstance(message.content, Ending):
            self.endings[message.run_id] += 1


def main() -> int:
    """Prints the figures, exits 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench/waiting", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("-n", "--runs", type=int, default=1000, help="runs that wait (%(default)s)")
    runs = parser.parse_args().runs
    end_in_order_on_sigterm()
    shutil.rmtree(FOLDER, ignore_errors=True)
    stack = Stack(FOLDER)
    make_secrets(stack.secrets, broker=f"127.0.0.1:{stack.ports.broker}")
    services = [stack.services["proxy"], stack.services["orchestrator"]]
    with ExitStack() as left:
        left.callback(stack.stop)
        stack.broker.start()
        start_all(services)
        played = Played(stack)
        left.callback(played.stop)
        played.start()
        return measure(stack, played, runs)


def measure(stack: Stack, played: Played, runs: int) -> int:
    """Has `runs` runs wait, looks at the orchestrator, kills it once, answers all. Returns the exit status."""
    orchestrator = stack.services["orchestrator"]
    asked = begin(played, runs)
    print(f"{runs} runs wait after {asked:.1f} s: {runs / asked:.0f} a second")
    megabytes, threads = sum(pss(pid) for pid in family(orchestrator.pid)), count_threads(orchestrator.pid)
    time.sleep(5)
    percent = core_percent(orchestrator)
    begun = time.monotonic()
    orchestrator.crash()
    orchestrator.restart()
    restarted = time.monotonic() - begun
    taken = answer(played)
    print(f"orchestrator: {megabytes:.0f} MB PSS (limit {MEGABYTES:.0f}), {threads} threads (limit {THREADS})")
    print(
        f"  {percent:.1f} % of a core over {SECONDS:.0f} s (limit {CORE_PERCENT}); killed and back in {restarted:.1f} s"
    )
    print(f"{runs} answers taken and ended in {taken:.1f} s (limit {ANSWER_SECONDS:.0f})")
    once = set(played.posts.values()) == set(played.endings.values()) == {1} and len(played.endings) == runs
    print(f"each posted and told once: {'yes' if once else 'NO'}")
    kept = megabytes <= MEGABYTES and percent <= CORE_PERCENT and taken <= ANSWER_SECONDS and threads <= THREADS
    return 0 if once and kept else 1


def begin(played: Played, runs: int) -> float:
    """Asks for the runs, and returns the seconds until all of them wait."""
    begun = time.monotonic()
    for _ in range(runs):
        ask = StartReview(repository="acme/shop", number=12, approval=True)
        played.bot.publish(Request(person=PERSON, chat=Chat(chat_id=1001, message_id=1), ask=ask))
    wait_until(lambda: len(played.questions) == runs, seconds=300)
    return time.monotonic() - begun


def answer(played: Played) -> float:
    """Answers all from a few threads at once, and returns the seconds until all have ended."""
    begun, waiting = time.monotonic(), list(played.questions.items())
    threads = [threading.Thread(target=say, args=(played, waiting[n::4])) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: len(played.endings) == len(waiting), seconds=300)
    taken = time.monotonic() - begun
    time.sleep(2)  # anything that comes twice comes now
    return taken


def say(played: Played, waiting: list[tuple[UUID, Question]]) -> None:
    """Each answer, and each a second time, as a person presses twice."""
    for run_id, question in waiting:
        said = Answer(run_id=run_id, question=question.question, choice="Post", digest=question.digest)
        for _ in range(2):
            played.bot.publish(Request(person=PERSON, ask=said))


def count_threads(pid: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


if __name__ == "__main__":
    sys.exit(main())
