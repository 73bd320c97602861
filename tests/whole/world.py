"""What a test of the whole stack does to the outside world, and reads from it."""

import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from native.desk import Desk, Ended, is_final, wait_until
from native.review import GitHub
from native.stack import GITHUB_TOKEN, PERSON, Stack
from native.users import IDS_OF_SERVICES
from sim.not_github import client
from stack.broker import Listener, Publisher
from stack.messages import AnyMessage, Progress
from stack.topology import PROGRESS
from stack.uids import BLOCK
from tests.sim.not_github import commit, git

BAD_LINE = b"password = eval(input())\n"
# Claude Code sends the prompt with a message of its own; each further turn adds to these.
FIRST = 2
_numbers = itertools.count()
# A test has a person of its own, whose commands the bot counts by themselves.
PEOPLE = range(PERSON, PERSON + 500)


class World:
    """A test's own repository, person and faults on a shared stack."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        number = next(_numbers)
        self.name = f"repo-{os.getpid()}-{number}"
        self.desk = Desk(stack, PEOPLE[number])
        self.github = GitHub(stack.ports.url("not_github"))
        self.conversations_before = self.conversations()

    # --- pull requests ------------------------------------------------------------------------------

    def pull(
        self,
        after: dict[str, bytes | None] | None = None,
        before: dict[str, bytes] | None = None,
        *,
        branch: str = "change",
        prepare: Callable[[Path], object] | None = None,
    ) -> str:
        """Makes a pull request, and returns it as `acme/name 1`. `prepare` may change the work tree in between."""
        url, tree = self.stack.ports.url("not_github"), self.folder / "tree"
        client.call("POST", f"{url}/_sim/repos/acme/{self.name}")
        tree.mkdir()
        git("init", "--quiet", "--initial-branch=main", folder=tree)
        commit(tree, dict(before or {"app.py": b"import os\n"}), "before")
        git("switch", "--quiet", "--create", branch, folder=tree)
        if prepare:
            prepare(tree)
        files: dict[str, bytes | None] = {"app.py": b"import os\n\n" + BAD_LINE} if after is None else after
        if files:
            commit(tree, files, "after")
        git("push", "--quiet", self.remote, "main", f"refs/heads/{branch}", folder=tree)
        wanted = {"base": "main", "head": branch, "title": "A change", "body": "Why."}
        client.call("POST", f"{url}/_sim/repos/acme/{self.name}/pulls", wanted)
        return f"acme/{self.name} 1"

    @property
    def remote(self) -> str:
        """Where git pushes this test's repository to."""
        return self.remote_of(f"acme/{self.name}")

    def remote_of(self, repository: str) -> str:
        """Where git pushes a repository to."""
        url = f"{self.stack.ports.url('not_github')}/{repository}.git"
        return url.replace("://", f"://x-access-token:{GITHUB_TOKEN}@")

    def reviews(self) -> list[dict[str, Any]]:
        """The reviews that stand on this test's pull request."""
        return self.github.reviews(f"acme/{self.name}", 1)

    def comments(self, repository: str, number: int) -> list[dict[str, Any]]:
        """The comments on lines of a pull request."""
        return [comment for review in self.github.reviews(repository, number) for comment in review["comments"]]

    # --- faults -------------------------------------------------------------------------------------

    def model(self, kind: str, **more: Any) -> None:
        """How not-anthropic behaves from now on."""
        self._control("not_anthropic", "POST", "scenario", {"kind": kind, **more})

    def telegram_fault(self, **fault: Any) -> None:
        """What happens to the next calls of the bot."""
        self._control("not_telegram", "POST", "faults", fault)

    def github_fault(self, **fault: Any) -> None:
        """What happens to the next calls of the forge."""
        self._control("not_github", "POST", "faults", fault)

    def conversations(self) -> int:
        """How many conversations a reviewer has begun: requests to its tier that hold the first messages alone."""
        calls = client.call("GET", f"{self.stack.ports.url('not_anthropic')}/_sim/requests")["requests"]
        first = (c for c in calls if c["path"].startswith("/v1/messages") and c["messages"] == FIRST)
        return sum("sonnet" in str(call["model"]) for call in first)

    def behave(self) -> None:
        """Ends all faults, where the simulator lives."""
        for name, what in (("not_anthropic", "scenario"), ("not_telegram", "faults"), ("not_github", "faults")):
            if self.stack.simulators[name].alive():
                self._control(name, "DELETE", what)

    def _control(self, name: str, method: str, what: str, body: dict[str, Any] | None = None) -> None:
        client.call(method, f"{self.stack.ports.url(name)}/_sim/{what}", body)

    # --- what happened ------------------------------------------------------------------------------

    def ask(self, command: str) -> int:
        """Writes `command`; returns the chat's last event before it."""
        return self.desk.write(command)

    def finals(self, since: int) -> list[str]:
        """The final messages after an event of the chat, each by its text."""
        return [e["message"]["text"] for e in self.desk.person.events(since) if is_final(e)]

    @contextmanager
    def on(self, hop: str, act: Callable[[], object]) -> Iterator[threading.Event]:
        """While inside: the moment that a run reaches `hop`, `act` is called, once; then the event is set."""
        done = threading.Event()

        def hear(message: AnyMessage) -> None:
            if isinstance(message, Progress) and message.text == hop and not done.is_set():
                act()
                done.set()

        listener = Listener(self.stack.secret("bot", "BROKER_URL"), "bot", PROGRESS, "hop.#", hear)
        listener.start()
        assert listener.ready.wait(10)
        try:
            yield done
        finally:
            listener.stop()

    def review_attempts(self, reviewed: Ended) -> int:
        """How many times in all a reviewer took this run's review on: Claude ran at most so often."""
        return sum(task.attempt for task in reviewed.run.tasks if task.step == "review")

    def orchestrator_database(self) -> sqlite3.Connection:
        """The orchestrator's store, to look into."""
        path = self.stack.folder / "orchestrator/orchestrator.sqlite"
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def send_as_orchestrator(self, queue: str, body: bytes) -> None:
        """Puts something into a queue, as only the orchestrator may."""
        publisher = Publisher(self.stack.secret("orchestrator", "BROKER_URL"), "test")
        publisher.start()
        try:
            publisher.send(queue, body, {}, 10)
        finally:
            publisher.stop()

    def slot_processes(self) -> list[int]:
        """The processes that run as the user of one of this stack's slots."""
        first = self.stack.users.first
        uids = range(first + IDS_OF_SERVICES, first + BLOCK)
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _runs_as(uids, Path("/proc", entry))]

    def until(self, look: Callable[[], Any], *, seconds: float = 30) -> Any:
        """What `look` returns once it is true."""
        return wait_until(look, seconds=seconds)


def _runs_as(uids: range, process: Path) -> bool:
    try:
        status = (process / "status").read_text()
    except OSError:
        return False
    uid = int(status.split("\nUid:\t")[1].split()[0])
    return uid in uids and "\nState:\tZ" not in status
