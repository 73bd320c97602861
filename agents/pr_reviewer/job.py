"""One review: the brief is laid out, findings and the record are kept, the report is checked and put together."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.pr_reviewer import prompts
from agents.pr_reviewer.change import Change
from agents.pr_reviewer.coverage import Shown, coverage, left_to_read, read_whole, unchanged
from agents.pr_reviewer.noted import Noted
from agents.pr_reviewer.report import ModelFinding, ModelReview, complaint
from agents.pr_reviewer.rules import Rules, rules_at
from agents.role import Answer, Job, Reply, Repositories, Tool
from agents.sandbox.workspace import Workspace
from agents.tools import read_result
from stack.diff import FileDiff
from stack.work.kinds import Usage
from stack.work.review import Coverage, Finding, Review, ReviewChange

# How often a report is handed back because something was not read. After that it counts as partial.
REMINDERS = 2
_LISTS = ("findings", "withdrawn")  # of a report
NOTHING_NEW = "Nothing has changed in these files since the last review: nothing was read anew."
UNFINISHED = "This is part of a review: it ended before all was judged, and nothing was summed up."


class ReviewJob(Job):
    """A review under way."""

    def __init__(
        self, brief: ReviewChange, files: list[FileDiff], workspace: Workspace, rules: Sequence[Rules] = ()
    ) -> None:
        self._change = Change.of(files, workspace.work)
        self._mark = workspace.mark
        self._kept = unchanged(files, brief.earlier)
        self._ours = {remark.number for remark in brief.said if remark.ours}
        self._noted = Noted(self._change, brief.said)
        self._handed_back: list[Finding] = []  # what the last report that was not accepted has found, and withdrawn
        self._withdrawn: list[int] = []
        self._shown = Shown()
        self._reminders = 0
        self._accepted: tuple[Coverage, dict[str, str]] | None = None  # the record at the last report
        self.prompt = self._write_prompt(brief, rules)

    @classmethod
    def begin(cls, brief: ReviewChange, workspace: Workspace, repositories: Repositories) -> "ReviewJob":
        """Lays out `diff/` and `repo/`. Raises GiveUp or TryAgain where the repository cannot be had."""
        base = brief.pull.base_sha if brief.pull else brief.base_sha
        cache = repositories.cache(brief.repository, list(dict.fromkeys([brief.base_sha, brief.head_sha, base])))
        change = Change.lay_out(cache, brief.base_sha, brief.head_sha, workspace, repositories)
        return cls(brief, change.files, workspace, rules_at(cache, base))

    # --- while the model works ------------------------------------------------------------------------------

    def recall(self, pieces: Sequence[dict[str, Any]], handed_in: Sequence[dict[str, Any]] = ()) -> str:
        """Findings that earlier attempts have handed in; the model is shown their numbers."""
        self._noted.recall(pieces, handed_in)
        return prompts.noted(self._noted.lines(), self._mark)

    def take_finding(self, given: dict[str, Any]) -> Reply:
        """Notes a finding that the model hands in."""
        return self._noted.take(given)

    def heard(self, tool: str, asked: dict[str, Any], answer: Any) -> None:
        """Records what Read has shown."""
        result = read_result(answer) if tool == "Read" else None
        if result is None:
            return
        path = Path(os.path.normpath(self._change.work / result.path))
        if path.is_relative_to(self._change.work):
            self._shown.add(str(path.relative_to(self._change.work)), result.start, result.lines)

    def ask_no_more(self) -> None:
        """No report is handed back any more because something was not read, or a place is none."""
        self._reminders = REMINDERS

    def objection(self, report: dict[str, Any]) -> str | None:
        """Refuses a report of the wrong form; at first also one with a place that is none, or with diffs unread."""
        # what the model asks to read beside its report comes too late for it
        self._accepted = (self._coverage(), self._read())
        self._remember(report)
        if wrong := self._wrong_with(report):
            return wrong
        if self._reminders >= REMINDERS:
            return None
        if reminder := self._misplaced(report) or self._unread():
            self._reminders += 1
        return reminder

    def _wrong_with(self, report: dict[str, Any]) -> str | None:
        try:
            handed_in = ModelReview.model_validate(report)
        except ValidationError as error:
            return complaint(error)
        if unknown := [number for number in handed_in.withdrawn if number not in self._noted.numbers()]:
            return f"withdrawn: no finding has the number {unknown[0]}"
        if unknown := [number for number in handed_in.fixed if number not in self._ours]:
            return f"fixed: no remark of ours has the number {unknown[0]}"
        return None

    def _misplaced(self, report: dict[str, Any]) -> str | None:
        for number, given in enumerate(report["findings"]):
            try:
                self._noted.read(given)
            except ValueError as error:
                return f"findings.{number}: {error}"
        return None

    def _unread(self) -> str | None:
        names = left_to_read(self._change.files, self._change.names, self._shown, self._kept)
        if not names:
            return None
        return f"Not read in full yet: {', '.join(names[:50])}. Read every line of them, then report again."

    def _remember(self, report: dict[str, Any]) -> None:
        """What can be read of a report, whatever is wrong with the rest of it: it may be the last word.

        One that names nothing takes nothing back of the one before.
        """
        found, withdrawn = (given if isinstance(given := report.get(key), list) else [] for key in _LISTS)
        self._handed_back = self._noted.readable(found) or self._handed_back
        self._withdrawn = [number for number in withdrawn if type(number) is int] or self._withdrawn

    # --- what comes of it -----------------------------------------------------------------------------------

    def conclusion(self) -> Review | None:
        """The review where every file is as an earlier one has read it: there is nothing to read, and to pay."""
        files = self._change.files
        if not files or any(file.path not in self._kept for file in files):
            return None
        return Review(
            summary=NOTHING_NEW,
            findings=(),
            coverage=self._coverage(),
            usage=Usage(model="", turns=0, seconds=0),
            read=self._kept,
        )

    def report(self, answer: Answer, usage: Usage) -> Review:
        """The model's findings with the record's coverage."""
        handed_in = ModelReview.model_validate(answer.structured)
        further = self._noted.readable(finding.model_dump() for finding in handed_in.findings)
        covered, read = self._accepted or (self._coverage(), self._read())
        return Review(
            summary=handed_in.summary,
            findings=self._noted.with_further(further, handed_in.withdrawn),
            coverage=covered,
            usage=usage,
            read=read,
            fixed=tuple(sorted(set(handed_in.fixed))),
        )

    def partial(self, why: str, usage: Usage) -> Review | None:
        """The findings so far, where there are any. No file counts as read for the next review: it was not judged."""
        found = self._noted.with_further(self._handed_back, self._withdrawn)
        if not found:
            return None
        return Review(
            summary=UNFINISHED, findings=found, coverage=self._coverage(), usage=usage, read=self._kept, ended=why
        )

    def _coverage(self) -> Coverage:
        return coverage(self._change.files, self._change.names, self._shown, self._kept)

    def _read(self) -> dict[str, str]:
        return read_whole(self._change.files, self._change.names, self._shown, self._kept)

    def _write_prompt(self, brief: ReviewChange, rules: Sequence[Rules]) -> str:
        """The brief. The workspace's mark shows where strangers' text begins and ends."""
        mark, change = self._mark, self._change
        pairs = zip(change.names, change.files, strict=True)
        kept = {name for name, file in pairs if file.path in self._kept}
        diffs, shown = prompts.small_diffs(change, mark, without=kept)
        for name, lines in shown.items():
            self._shown.add(name, 1, lines)
        return "\n".join(
            [
                *prompts.facts(brief, mark),
                *prompts.rules(rules, mark),
                *prompts.remarks(brief.said, mark),
                *prompts.listing(change, mark, kept),
                *diffs,
            ]
        )


FINDING = Tool(
    name="finding",
    description="Hands in one finding of the review, as soon as you are sure of it. It is kept, whatever comes after.",
    schema=ModelFinding.model_json_schema(),
    handle=ReviewJob.take_finding,
)
