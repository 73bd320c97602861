"""The findings that the model has handed in so far, by number: each is kept as it comes, and outlives the session."""

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from agents.pr_reviewer.change import Change
from agents.pr_reviewer.report import MOST_FINDINGS, ModelFinding, complaint
from agents.role import Reply
from stack.work.review import Finding


class Noted:
    """Findings by number, from 1, in the order in which they came. `said` has the numbers of what stands there."""

    def __init__(self, change: Change, said: Collection[int]) -> None:
        self._change = change
        self._said = said
        self._findings: list[Finding] = []

    def take(self, given: dict[str, Any]) -> Reply:
        """Notes a finding, unless something is wrong with it, or one like it is noted."""
        try:
            finding = self.read(given)
        except ValueError as error:
            return Reply(str(error), refused=True)
        if same := self._same(finding):
            return Reply(
                f"Finding {same} of this kind is noted at this place already. If this one says it better, name {same} "
                "in `withdrawn` and this one in `findings` of your report."
            )
        if len(self._findings) >= MOST_FINDINGS:
            return Reply(f"{MOST_FINDINGS} findings are noted, and no review has more. Report now.", refused=True)
        self._findings.append(finding)
        return Reply(f"Finding {len(self._findings)} is noted.", piece=finding)

    def read(self, given: dict[str, Any]) -> Finding:
        """A finding that the model hands in, by whichever way. Raises ValueError with words for the model."""
        try:
            ModelFinding.model_validate(given)
        except ValidationError as error:
            raise ValueError(complaint(error)) from None
        finding = self._plain(given)
        if finding.same_as and finding.same_as not in self._said:
            raise ValueError(f"same_as: no remark has the number {finding.same_as}")
        if wrong := self._change.misplaced(finding):
            raise ValueError(wrong)
        return finding

    def recall(self, pieces: Iterable[dict[str, Any]], handed_in: Iterable[dict[str, Any]] = ()) -> None:
        """Takes back what was noted before; what cannot be read is left out.

        Each keeps its number, as the session that is resumed has been told it: one of what it has `handed_in` that was
        not stored comes after the one that was handed in before it, whatever was stored later elsewhere.
        """
        for finding in self.readable(pieces):
            if not self._same(finding):
                self._findings.append(finding)
        taken = self.readable(handed_in)
        here = next(filter(None, map(self._same, taken)), len(self._findings) + 1)
        for finding in taken:
            if number := self._same(finding):
                here = number + 1
            else:
                self._findings.insert(here - 1, finding)
                here += 1

    def readable(self, given: Iterable[Any]) -> list[Finding]:
        """Those that have the form of a finding, wherever their place is."""
        found = []
        for one in given:
            with suppress(ValidationError):
                found.append(self._plain(one))
        return found

    def numbers(self) -> range:
        """The numbers that there are."""
        return range(1, len(self._findings) + 1)

    def lines(self) -> list[str]:
        """What is noted, a JSON object a line, for the model to see its numbers again."""
        shown = {"path", "side", "start_line", "end_line", "kind", "severity", "title"}
        listed = enumerate(self._findings, 1)
        return [json.dumps({"number": n, **f.model_dump(include=shown)}, ensure_ascii=False) for n, f in listed]

    def with_further(self, further: Sequence[Finding], withdrawn: Collection[int] = ()) -> tuple[Finding, ...]:
        """All that counts: what is noted and not withdrawn, then what is not yet among it."""
        found = [finding for number, finding in enumerate(self._findings, 1) if number not in withdrawn]
        for finding in further:
            if not any(_are_same(finding, other) for other in found):
                found.append(finding)
        return tuple(found)

    def _plain(self, given: dict[str, Any]) -> Finding:
        """A finding, by the path that its file has in the repository."""
        finding = Finding.model_validate(given)
        return finding.model_copy(update={"path": self._change.plain(finding.path)})

    def _same(self, finding: Finding) -> int:
        """The number of the one that is noted at the same place with the same kind; 0: there is none."""
        return next((number for number, f in enumerate(self._findings, 1) if _are_same(f, finding)), 0)


def _are_same(one: Finding, other: Finding) -> bool:
    """Whether two findings are of one kind at one place: where they end, a comment stands."""
    return (one.path, one.side, one.end_line, one.kind) == (other.path, other.side, other.end_line, other.kind)
