"""The life of a pull request's reviews: the real orchestrator and the real forge on a not-github, a scripted reviewer.

The reviewer reads what it need not leave out, by the real record of coverage, and finds what the test says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.pr_reviewer.coverage import Shown, coverage, read_whole, unchanged
from sim.not_github import client
from stack.diff import diff_between
from stack.errors import GiveUp, StackError, TryAgain
from stack.messages import Ending, Question, Task
from stack.work.kinds import Answer, Brief, Failure, Report, Usage
from stack.work.remarks import Verdict
from stack.work.review import Checked, CheckFindings, Finding, Review, ReviewChange, StartReview
from tests.forge.conftest import World as Forge
from tests.forge.conftest import assignment
from tests.orchestrator.played import World as Orchestrator
from tests.orchestrator.samples import ADA
from tests.sim.not_github import TOKEN, commit, git, with_token

NOBODY = Usage(model="not-a-model", turns=1, seconds=1)
MOST_STEPS = 200

Finds = Callable[[ReviewChange], Sequence[Finding]]


def nothing(_change: ReviewChange) -> Sequence[Finding]:
    return ()


@dataclass
class Reviewer:
    """Finds what it is told, and counts how often it was paid."""

    finds: Finds = nothing
    fixed: tuple[int, ...] = ()
    ended: str = ""
    summary: str = "A change."
    unread: int = 0  # files that it does not read, from the end
    doubts: set[str] = field(default_factory=set)  # titles that do not hold on a second look
    hands_in_and_dies: Sequence[Finding] = ()
    paid: int = 0
    read: list[str] = field(default_factory=list)  # the files that it read in the last review

    def review(self, brief: ReviewChange, mirror: Path) -> Review:
        self.paid += 1
        files = diff_between(mirror, brief.base_sha, brief.head_sha)
        names, shown = [f"diff/{n}.diff" for n in range(len(files))], Shown()
        self.read = []
        kept = unchanged(files, brief.earlier)
        for name, file in list(zip(names, files, strict=True))[: len(files) - self.unread]:
            if file.path not in kept:
                self.read.append(file.path)
                shown.add(name, 1, file.text.removesuffix("\n").split("\n"))
        return Review(
            summary=self.summary,
            findings=tuple(self.finds(brief)),
            coverage=coverage(files, names, shown, kept),
            usage=NOBODY,
            read=read_whole(files, names, shown, kept),
            fixed=self.fixed,
            ended=self.ended,
        )

    def check(self, brief: CheckFindings) -> Checked:
        verdicts = tuple(
            Verdict(number=n, holds=f.title not in self.doubts, severity=f.severity, reason="Looked at.")
            for n, f in enumerate(brief.findings, 1)
        )
        return Checked(verdicts=verdicts, usage=NOBODY)


class Life:
    """One pull request, acme/NAME#1, in a repository of its own, whose author pushes from `tree`."""

    def __init__(self, forge: Forge, orchestrator: Orchestrator, tree: Path, name: str) -> None:
        self.forge, self.orchestrator, self.tree, self.name = forge, orchestrator, tree, name
        self.reviewer = Reviewer()
        self.answers: list[str] = []  # to what is asked, in order
        self.asked: list[Question] = []
        self.before_answer: Callable[[], object] = lambda: None
        self.before: dict[str, Callable[[], object]] = {}  # step → what happens before it is done
        self.on_wait: Callable[[], object] = lambda: None  # what happens while a task is outwaited
        self._runs: list[UUID] = []

    @property
    def repository(self) -> str:
        return f"acme/{self.name}"

    # --- what the author and people do ----------------------------------------------------------------

    def push(self, files: dict[str, bytes | None], message: str = "more", *, force: bool = False) -> str:
        """Another commit on the branch; with `force` it takes the place of the last one."""
        if force:
            git("reset", "--quiet", "--hard", "HEAD~1", folder=self.tree)
        sha = commit(self.tree, files, message)
        self.push_as_is()
        return sha

    def repository_is(self, **what: Any) -> None:
        """Changes the repository's settings."""
        client.call("PATCH", f"{self.forge.url}/_sim/repos/{self.repository}", what)

    def push_as_is(self) -> None:
        git("push", "--quiet", "--force", with_token(f"{self.forge.url}/{self.repository}.git"), "HEAD:change",
            folder=self.tree)  # fmt: skip

    def person(self, method: str, place: str, **what: Any) -> Any:
        """What somebody does on GitHub itself, on the pull request."""
        url = f"{self.forge.url}/_sim/repos/{self.repository}/pulls/1{place}"
        return client.call(method, url, what)

    def remark(self, line: int, body: str, user: str = "robin") -> None:
        """Somebody says something on a line."""
        comments = [{"path": "shop.py", "line": line, "body": body}]
        self.person("POST", "/reviews", user=user, event="COMMENT", comments=comments)

    def resolve(self, user: str) -> None:
        """Somebody resolves the newest thread."""
        newest = [comment for comment in self.comments() if not comment.get("in_reply_to_id")][-1]
        self.person("PATCH", f"/threads/{newest['id']}", resolved=True, user=user)

    # --- a review -------------------------------------------------------------------------------------

    def review(self, *findings: Finding, finds: Finds | None = None, **ask: Any) -> Ending:
        """A review is asked for and ends."""
        self.reviewer.finds = finds or (lambda _change: findings)
        self._runs.append(self.orchestrator.start(StartReview(repository=self.repository, number=1, **ask)))
        return self.end(self._runs[-1])

    def review_as(self, run_id: UUID, *findings: Finding, **ask: Any) -> Ending:
        """As `review`, with this id of the run."""
        self.reviewer.finds = lambda _change: findings
        request = StartReview(repository=self.repository, number=1, **ask)
        self._runs.append(self.orchestrator.ask(request, id=run_id).id)
        return self.end(run_id)

    def review_beside(self, **ask: Any) -> None:
        """Another review of the same pull request begins and ends while one is at work."""
        other = self.orchestrator.start(StartReview(repository=self.repository, number=1, **ask))
        while (task := self._open(other)) is not None:
            self._do(task)

    def last_run(self) -> UUID:
        return self._runs[-1]

    def end(self, run_id: UUID) -> Ending:
        """The run goes on until it ends."""
        answered, endings = 0, len(self.orchestrator.content(Ending))
        for _ in range(MOST_STEPS):
            ended = self.orchestrator.content(Ending)
            if len(ended) > endings:
                return ended[-1]
            if (task := self._open(run_id)) is not None:
                self._do(task)
                continue
            questions = self.orchestrator.content(Question)
            assert len(questions) > len(self.asked), "the run waits for nothing"
            self.asked = questions
            self.before_answer()
            said = Answer(run_id=run_id, question=questions[-1].question, choice=self.answers[answered])
            self.orchestrator.ask(said)
            answered += 1
        raise AssertionError("the run does not end")

    def _open(self, run_id: UUID) -> Task | None:
        for task in self.orchestrator.sent(Task):
            if task.run_id == run_id and self.orchestrator.task(task.id).state != "done":
                if self.orchestrator.task(task.id).state == "waiting":
                    self.on_wait()
                    self.orchestrator.outwait(task.id)
                return task
        return None

    def _do(self, task: Task) -> None:
        if before := self.before.pop(task.step, None):
            before()
        claim = self.orchestrator.claim(task.id)
        assert claim.verdict == "run", claim
        if isinstance(task.brief, ReviewChange) and self.reviewer.hands_in_and_dies:
            for one in self.reviewer.hands_in_and_dies:
                piece = one.model_dump(mode="json")
                self.orchestrator.tasks.keep(task.id, instance="one", attempt=claim.attempt, piece=piece)
            for _ in range(12):  # its lease runs out while others are alive
                self.orchestrator.look(after=5)
            return
        self.orchestrator.result(task.id, self._outcome(task))

    def _outcome(self, task: Task) -> Report:
        brief: Brief[Any] = task.brief
        try:
            match brief:
                case ReviewChange():
                    return self.reviewer.review(brief, self.forge.mirrors.path(brief.repository))
                case CheckFindings():
                    return self.reviewer.check(brief)
            at = assignment(brief, run_id=task.run_id, sender=self.forge.sender)
            return self.forge.table[type(brief)](brief, at)
        except TryAgain as error:
            return Failure(what=str(error), next="retry", after=error.after)
        except GiveUp as error:
            return Failure(what=str(error), next="give_up")

    # --- what stands on GitHub ------------------------------------------------------------------------

    def get(self, place: str) -> Any:
        url = f"{self.forge.url}/repos/{self.repository}/{place}"
        import requests

        headers = {"Authorization": f"Bearer {TOKEN}"}
        return requests.get(url, headers=headers, params={"per_page": 100}, timeout=30).json()

    def reviews(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("pulls/1/reviews")
        return found

    def comments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("pulls/1/comments")
        return found

    def head(self) -> str:
        return git("rev-parse", "HEAD", folder=self.tree)

    def status(self, sha: str = "") -> tuple[str, str]:
        """The verdict on a commit: its state and its words."""
        found = self.get(f"commits/{sha or self.head()}/statuses")
        last = next((one for one in found if one["context"] == "claude-stack/review"), None)
        return (last["state"], last["description"]) if last else ("", "")


__all__ = ["ADA", "Life", "Reviewer", "StackError"]
