"""Applies the rules to a change: what a review finds, and in which words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sim.not_anthropic.diffs import FileDiff, Hunk, Line
from sim.not_anthropic.rules import (
    REMOVED_TEST,
    UNTESTED,
    Note,
    Rule,
    is_library,
    is_test,
    matches,
    rules_for,
    suggestion,
)

PER_RULE_AND_FILE = 3
SEVERITIES = ("critical", "high", "medium", "low")

_TEST = re.compile(r"\s*(?:async )?def (test_\w+)")


@dataclass(frozen=True)
class Finding:
    """A remark on lines of the new file (`RIGHT`) or the old one (`LEFT`), with the fields of a review's report."""

    path: str
    start_line: int
    end_line: int
    side: str
    severity: str
    confidence: float
    title: str
    explanation: str
    suggestion: str | None
    kind: str


def find(files: Iterable[FileDiff]) -> list[Finding]:
    """What the rules say about a change, the gravest first. A file that is given twice is judged once a line."""
    every = list(files)
    found = [finding for file in every for finding in (*_on_lines(file), *_on_tests(file, every))]
    return _ranked(found + _untested(every))


def find_on_lines(files: Iterable[FileDiff]) -> list[Finding]:
    """The part of `find` that whole files give, whatever else there is in the change."""
    return _ranked([finding for file in files for finding in _on_lines(file)])


def _ranked(found: list[Finding]) -> list[Finding]:
    once = list(dict.fromkeys(found))
    return sorted(_capped(once), key=lambda f: (SEVERITIES.index(f.severity), f.path, f.start_line))


def _on_lines(file: FileDiff) -> Iterator[Finding]:
    rules = rules_for(file.path)
    for hunk in file.hunks:
        for line, following in _added(hunk):
            yield from (_remark(rule, file, line) for rule in rules if matches(rule, line.text, following))


def _added(hunk: Hunk) -> Iterator[tuple[Line, str | None]]:
    """The added lines of a hunk, each with the text of the line after it in the new file."""
    new = [line for line in hunk.lines if line.tag != "-"]
    for line, following in zip(new, [*new[1:], None], strict=True):
        if line.tag == "+":
            yield line, following.text if following else None


def _remark(rule: Note, file: FileDiff, line: Line) -> Finding:
    old = line.tag == "-"
    number = line.old if old else line.new
    return Finding(
        path=file.path,
        start_line=number,
        end_line=number,
        side="LEFT" if old else "RIGHT",
        severity=rule.severity,
        confidence=rule.confidence,
        title=rule.title,
        explanation=rule.explanation,
        suggestion=suggestion(rule, line.text) if isinstance(rule, Rule) else None,
        kind=rule.kind,
    )


def _on_tests(file: FileDiff, every: list[FileDiff]) -> Iterator[Finding]:
    """A remark on each test that the change takes away and puts nowhere else."""
    added = {name for other in every for line in other.lines("+") if (name := _test_in(line))}
    for line in file.lines("-"):
        name = _test_in(line)
        if name and name not in added:
            yield _remark(REMOVED_TEST, file, line)


def _test_in(line: Line) -> str | None:
    match = _TEST.match(line.text)
    return match[1] if match else None


def _untested(files: list[FileDiff]) -> list[Finding]:
    """A remark on the first new line of a library, if the change touches no test."""
    if any(is_test(file.path) for file in files):
        return []
    new = ((file, line) for file in files if is_library(file.path) for line in file.lines("+") if line.text.strip())
    return [_remark(UNTESTED, *first) for first in islice(new, 1)]


def _capped(found: list[Finding]) -> Iterator[Finding]:
    """The first few of a kind in each file; the last of them says how many more there are."""
    kinds: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        kinds[finding.path, finding.title].append(finding)
    for kind in kinds.values():
        kept, more = kind[:PER_RULE_AND_FILE], len(kind) - PER_RULE_AND_FILE
        if more > 0:
            kept[-1] = replace(
                kept[-1], explanation=f"{kept[-1].explanation} The same on {more} more lines of this file."
            )
        yield from kept
