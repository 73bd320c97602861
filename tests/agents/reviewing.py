"""What tests of the reviewer share: a repository with a change in it, a cache that has it, and a review of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.cache import Cache, Opened
from agents.pr_reviewer import TABLE
from agents.pr_reviewer.prompts import BRIEF_CHARACTERS
from stack.assignment import Assignment
from stack.work.review import Review, ReviewChange
from tests.agents.conftest import Agent
from tests.stack.repositories import Repository

# Three findings of different kinds, each on a line of its own.
FAULTY = b"import os\n\n\nx = eval(input())\nwhile x != None:\n    print(x)\n"
LARGE = b"".join(b"value_%d = %d\n" % (n, n) for n in range(BRIEF_CHARACTERS // 15))


class Local(Cache):
    """A cache that is there already."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository

    @contextmanager
    def opened(self, *_: Any) -> Iterator[Opened]:
        held = Opened.__new__(Opened)
        held.cache = lambda *_: self._repository  # type: ignore[method-assign]
        yield held


def a_change(
    agent: Agent, after: Mapping[bytes, bytes | None], before: Mapping[bytes, bytes | None] | None = None, **more: Any
) -> ReviewChange:
    """The brief of a change from some files to others, in a repository that the agent has in its cache."""
    repository = Repository(agent.folder / f"repository-{len(list(agent.folder.iterdir()))}")
    base = repository.commit({b"README": b"A shop.\n", **(before or {})})
    head = repository.commit(after)
    agent.caches = Local(repository.folder / ".git")
    return ReviewChange(repository="acme/shop", base_sha=base, head_sha=head, **more)


def review(agent: Agent, at: Assignment) -> Review:
    """What comes of a review."""
    report = agent.report(at, TABLE[ReviewChange])
    assert isinstance(report, Review)
    return report


def places(of: Review) -> list[tuple[str, int, str]]:
    """The findings of a review, by place and kind."""
    return [(finding.path, finding.start_line, finding.kind) for finding in of.findings]
