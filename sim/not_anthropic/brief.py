"""What the brief of a review tells beside the diffs: what need not be read, what was said, what is to be checked."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim.not_anthropic.conversation import Conversation
from sim.not_anthropic.findings import Finding

_UNCHANGED = re.compile(r'^(diff/\d+\.diff): "(?:[^"\\]|\\.)*" \(unchanged\b[^()]*\)$', re.MULTILINE)
_HURRY = "hand in your report now"


@dataclass(frozen=True)
class Remark:
    """A remark that stands on the pull request; `kind` is known of those alone that are ours."""

    number: int
    ours: bool
    path: str
    side: str
    line: int
    kind: str
    text: str
    resolved: bool

    def says(self, finding: Finding) -> bool:
        """Whether a finding says the same: at its place and of its kind, or by its title where no kind is known."""
        here = (self.path, self.side) == (finding.path, finding.side)
        if not here or not finding.start_line <= self.line <= finding.end_line:
            return False
        return self.kind == finding.kind if self.kind else finding.title.lower() in self.text.lower()


def remarks(conversation: Conversation) -> list[Remark]:
    """What stands on the pull request already, as the brief lists it, a JSON object a line."""
    return [
        Remark(
            number=int(said["number"]),
            ours=said.get("ours") is True,
            path=str(said.get("path")),
            side=str(said.get("side", "RIGHT")),
            line=int(said.get("line") or 0),
            kind=str(said.get("kind") or ""),
            text=str(said.get("text", "")),
            resolved=bool(said.get("resolved_by")),
        )
        for said in _numbered(conversation)
        if "author" in said
    ]


def to_check(conversation: Conversation) -> list[dict[str, Any]]:
    """The findings that are to be checked, each with its number and severity."""
    return [said for said in _numbered(conversation) if "explanation" in said and "severity" in said]


def unchanged(conversation: Conversation) -> set[str]:
    """The names of diffs that need not be read."""
    return {name for text in conversation.user_texts() for name in _UNCHANGED.findall(text)}


def is_hurried(conversation: Conversation) -> bool:
    """Whether the client has said meanwhile that the report is wanted at once."""
    return any(_HURRY in text for text in conversation.told_later())


def _numbered(conversation: Conversation) -> Iterator[dict[str, Any]]:
    for text in conversation.user_texts():
        for line in text.split("\n"):
            if line.startswith('{"number":'):
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                yield found
