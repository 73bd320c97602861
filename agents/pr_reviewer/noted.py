"""The findings that the model has handed in so far, by number: each is kept as it comes, and outlives the session."""

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from agents.pr_reviewer.change import Change
from agents.pr_reviewer.report import MOST_FINDINGS, ModelFinding, complaint
from agents.role import Reply
from stack.work.remarks import Said
from stack.work.review import Finding

FAR = 25  # lines: a remark that is further away from a finding says something else


class Noted:
    """Findings by number, from 1, in the order in which they came. `said` is what stands on the pull request."""

    def __init__(self, change: Change, said: Iterable[Said]) -> None:
        self._change = change
        self._said = {remark.number: remark for remark in said}
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
            number = ModelFinding.model_validate(given).same_as
        except ValidationError as error:
            raise ValueError(complaint(error)) from None
        finding = self._plain(given)
        if number and number not in self._said:
            raise ValueError(f"same_as: no remark has the number {number}")
        if number and not finding.same_as:
            raise ValueError(f"same_as: remark {number} is at another place, and says something else")
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
        """A finding, by the path that its file has in the repository, and bound to no remark that is elsewhere."""
        finding = Finding.model_validate(given)
        finding = finding.model_copy(update={"path": self._change.plain(finding.path)})
        remark = self._said.get(finding.same_as)
        if remark and remark.path in self._change.paths_of(finding.path) and _are_near(finding, remark):
            return finding
        return finding.model_copy(update={"same_as": 0})

    def _same(self, finding: Finding) -> int:
        """The number of the one that is noted at the same place with the same kind; 0: there is none."""
        return next((number for number, f in enumerate(self._findings, 1) if _are_same(f, finding)), 0)


def _are_near(finding: Finding, remark: Said) -> bool:
    """Whether a remark may be about the same lines, on whichever side; one that stands on no line may be about any."""
    if not remark.line:
        return True
    first = remark.start_line or remark.line
    return first - FAR <= finding.end_line and finding.start_line <= remark.line + FAR


def _are_same(one: Finding, other: Finding) -> bool:
    """Whether two findings are of one kind at one place: where they end, a comment stands."""
    return (one.path, one.side, one.end_line, one.kind) == (other.path, other.side, other.end_line, other.kind)
