"""What a role is: a prompt, tools, limits, and the few lines that are its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agents.sandbox import Workspace
from stack.messages import Review, Task, Usage


class Repositories(Protocol):
    """Where a role gets a repository from: the agent's cache, opened by the task's token."""

    def cache(self, repository: str, commits: list[str]) -> Path:
        """A bare repository that has these commits."""

    def check_out(self, cache: Path, commit: str, folder: Path) -> None:
        """The files of a commit in `folder`."""


class Job(ABC):
    """One task as a role sees it, from the brief to the report."""

    prompt: str

    @abstractmethod
    def heard(self, tool: str, asked: dict[str, Any], answer: Any) -> None:
        """A tool has answered the model."""

    @abstractmethod
    def objection(self, report: dict[str, Any]) -> str | None:
        """What is wrong with the report that the model wants to hand in, in words for the model; None: nothing."""

    @abstractmethod
    def report(self, structured: dict[str, Any], usage: Usage) -> Review:
        """The task's report."""


@dataclass(frozen=True)
class Role:
    """A role: how Claude is set up for it, and how it begins a job. `tier` is haiku, sonnet or opus."""

    name: str
    system_prompt: str
    schema: dict[str, Any]
    begin: Callable[[Task, Workspace, Repositories], Job]
    tools: tuple[str, ...] = ("Read", "Grep", "Glob")
    tier: str = "sonnet"
    max_turns: int = 200
    recorded_tools: tuple[str, ...] = field(default=("Read",))
