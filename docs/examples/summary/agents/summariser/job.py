"""One summary: the change is laid out, and the text that Claude ends with put in order."""

from textwrap import shorten

from agents.role import Answer, Job, Repositories
from agents.sandbox.workspace import Part, Workspace
from stack.diff import diff_between
from stack.errors import TryAgain
from stack.work.kinds import Usage
from stack.work.summary import LONGEST_LINE, MOST_LINES, SummariseChange, Summary

CHANGE = Part("change")
PARTS = (CHANGE,)


class SummaryJob(Job):
    """A summary under way."""

    def __init__(self, files: int) -> None:
        self.prompt = f"Summarise the change in {CHANGE.name}/: {files} files, each as a diff."

    @classmethod
    def begin(cls, brief: SummariseChange, workspace: Workspace, repositories: Repositories) -> "SummaryJob":
        """Lays out a diff for each file. Raises GiveUp or TryAgain where the repository cannot be had."""
        cache = repositories.cache(brief.repository, [brief.base_sha, brief.head_sha])
        files = diff_between(cache, brief.base_sha, brief.head_sha)
        for number, file in enumerate(files, 1):
            path = workspace.part(CHANGE.name) / f"{number:04}.diff"
            path.write_text(file.text, encoding="utf-8", newline="")
        return cls(len(files))

    def report(self, answer: Answer, usage: Usage) -> Summary:
        """The lines of Claude's text, cut to what can be shown. Raises TryAgain where there are none."""
        lines = (line.strip(" \t-*•") for line in answer.text.splitlines())
        kept = tuple(shorten(line, LONGEST_LINE, placeholder="…") for line in lines if line)[:MOST_LINES]
        if not kept:
            raise TryAgain("Claude ended without a word")
        return Summary(lines=kept, usage=usage)
