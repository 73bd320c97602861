"""A forge against a real not-github, and real git."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests

from forge.conversation import Conversations
from forge.github import GitHub
from forge.github.refusals import Backoff
from forge.marks import Marks
from forge.mirrors import Mirrors
from forge.pulls import Pulls
from forge.reviews import Reviews
from sim.not_github import client
from stack.api import Claim
from stack.assignment import Assignment
from stack.errors import GiveUp, StackError
from stack.ids import uuid7
from stack.messages import Message, Progress, Signal, Task
from stack.work.beforehand import Conversation, FetchConversation, FetchHead
from stack.work.kinds import Brief, Usage
from stack.work.remarks import Said, Severity, Side
from stack.work.review import Coverage, DraftReview, FetchPullRequest, Finding, PostReview, PullRequest, Review
from stack.worker import Do
from tests.sim.graphql_schema import check_query
from tests.sim.not_github import TOKEN, pushed_pull, running
from tests.sim.openapi import Contract


class CheckedGitHub(GitHub):
    """Holds each request against GitHub's published description."""

    def __init__(self, contract: Contract, **more: Any) -> None:
        super().__init__(**more)
        self._contract = contract

    def _once(self, method: str, path: str, **body: Any) -> requests.Response:
        if path == "/graphql":
            check_query(body["json"]["query"])
            return super()._once(method, path, **body)
        query = "&".join(f"{key}={value}" for key, value in body.get("params", {}).items())
        self._contract.check_request(method, f"{path}?{query}", body.get("json"))
        return super()._once(method, path, **body)


@dataclass
class FakeSender:
    """Keeps what it was given."""

    published: list[Message] = field(default_factory=list)
    mentioned: list[Progress | Signal] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        self.published.append(message)

    def mention(self, message: Progress | Signal) -> None:
        self.mentioned.append(message)

    @property
    def said(self) -> list[str]:
        """The steps, in words for a person."""
        return [one.text for one in self.mentioned if isinstance(one, Progress) and one.kind == "step"]


def assignment(brief: Brief[Any], *, run_id: UUID | None = None, sender: FakeSender | None = None) -> Assignment:
    """A claimed task."""
    task = Task(run_id=run_id or uuid7(), step="step", brief=brief)
    claim = Claim(verdict="run", attempt=1, lease_seconds=15, seconds=3600)
    return Assignment(task, claim, sender or FakeSender())


@dataclass(frozen=True)
class Refusal:
    """How a task ended that did not succeed. `after` is what makes the orchestrator wait at no attempt."""

    kind: str
    what: str
    after: float | None = None


class World:
    """A forge of its own, and the simulator that it works on."""

    def __init__(self, url: str, data: Path, contract: Contract, *, token: str = TOKEN, max_inline: int = 10) -> None:
        self.url = url
        self.data = data
        self.waits: list[float] = []
        self.sender = FakeSender()
        self.now = 1000.0
        self.github = CheckedGitHub(
            contract, url=url, token=token, wait=self.waits.append, backoff=Backoff(lambda: self.now)
        )
        self.mirrors = Mirrors(folder=data / "mirrors", url=url, token=token)
        self.marks = Marks("not-a-key")
        parts: dict[str, Any] = {"github": self.github, "mirrors": self.mirrors, "marks": self.marks}
        pulls, conversations = Pulls(**parts), Conversations(**parts)
        reviews = Reviews(**parts, conversations=conversations, max_inline=max_inline)
        self.table: dict[type[Brief[Any]], Do] = {
            FetchPullRequest: pulls.fetch,
            FetchHead: pulls.head,
            FetchConversation: conversations.fetch,
            DraftReview: reviews.draft,
            PostReview: reviews.post,
        }

    def review(self, brief: DraftReview, run_id: UUID | None = None) -> Any:
        """The review is drafted and posted: its receipt, or why there is none."""
        draft = self.do(brief, run_id)
        return draft if isinstance(draft, Refusal) else self.do(PostReview(pull=brief.pull, draft=draft), run_id)

    def said(self, pull: PullRequest) -> tuple[Said, ...]:
        """What stands on the pull request."""
        found = self.do(
            FetchConversation(
                repository=pull.repository, number=pull.number, base_sha=pull.base_sha, head_sha=pull.head_sha
            )
        )
        assert isinstance(found, Conversation), found
        return found.said

    def do(self, brief: Brief[Any], run_id: UUID | None = None) -> Any:
        """The report of a task, or why there is none."""
        at = assignment(brief, run_id=run_id, sender=self.sender)
        try:
            return self.table[type(brief)](brief, at)
        except StackError as error:
            kind = "give up" if isinstance(error, GiveUp) else "try again"
            return Refusal(kind, str(error), getattr(error, "after", None))

    def fetch(self, repository: str, number: int = 1) -> Any:
        return self.do(FetchPullRequest(repository=repository, number=number))

    def fault(self, **fault: Any) -> None:
        client.call("POST", f"{self.url}/_sim/faults", fault)

    def no_faults(self) -> None:
        client.call("DELETE", f"{self.url}/_sim/faults")

    def person(self, method: str, place: str, **what: Any) -> None:
        """What somebody does on GitHub itself."""
        client.call(method, f"{self.url}/_sim/repos/{place}", what)

    def asked(self) -> list[str]:
        """What the simulator was asked for: `GET /path`."""
        return [f"{one['method']} {one['path']}" for one in client.call("GET", f"{self.url}/_sim/requests")]

    def reviews(self, pull: PullRequest) -> list[dict[str, Any]]:
        return self._list(pull, "reviews")

    def comments(self, pull: PullRequest) -> list[dict[str, Any]]:
        return self._list(pull, "comments")

    def _list(self, pull: PullRequest, what: str) -> list[dict[str, Any]]:
        url = f"{self.url}/repos/{pull.repository}/pulls/{pull.number}/{what}?per_page=100"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        found: list[dict[str, Any]] = requests.get(url, headers=headers, timeout=30).json()
        return found


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract()


@pytest.fixture(scope="session")
def not_github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("not-github")) as url:
        client.example(url)
        yield url


@pytest.fixture
def world(not_github: str, tmp_path: Path, contract: Contract) -> Iterator[World]:
    yield World(not_github, tmp_path / "data", contract)
    client.call("DELETE", f"{not_github}/_sim/faults")


@pytest.fixture
def shop(world: World, tmp_path: Path) -> PullRequest:
    """A fetched pull request in a repository of the test's own: lines 3 and 4 of shop.py changed."""
    name = f"shop-{uuid7()}"
    before = {"shop.py": b"".join(b"line %d\n" % n for n in range(1, 40))}
    after: dict[str, bytes | None] = {"shop.py": before["shop.py"].replace(b"line 3\n", b"changed\nadded\n")}
    pushed_pull(world.url, name, tmp_path / "tree", dict(before), after)
    pull = world.fetch(f"acme/{name}")
    assert isinstance(pull, PullRequest), pull
    return pull


def finding(
    title: str = "Wrong",
    line: int = 3,
    *,
    path: str = "shop.py",
    end: int | None = None,
    side: Side = "RIGHT",
    severity: Severity = "high",
    confidence: float = 0.9,
    **more: Any,
) -> Finding:
    return Finding(
        path=path, start_line=line, end_line=end or line, side=side, severity=severity, confidence=confidence,
        title=title, explanation=more.pop("explanation", "Because."), **more,
    )  # fmt: skip


def review_of(pull: PullRequest, *findings: Finding, coverage: Coverage | None = None, **more: Any) -> DraftReview:
    review = Review(
        summary=more.get("summary", "A small change."),
        findings=findings,
        coverage=coverage or Coverage(hunks=1, read=1, binary_files=0),
        usage=Usage(model="not-a-model", turns=3, seconds=1.5),
    )
    return DraftReview(pull=pull, review=review, said=more.get("said", ()), dismissed=more.get("dismissed", ()))
