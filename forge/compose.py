"""A review as GitHub takes it: few ranked comments on lines of the diff, everything else in the body, nothing lost."""

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from uuid import UUID

from forge import markers
from forge.markdown import code, fenced, is_plain, line, prose
from forge.markers import Tally
from stack.diff import FileDiff, at
from stack.work.remarks import Severity
from stack.work.review import Coverage, FileCoverage, Finding, PostReview

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
MAX_BODY = 65_536  # characters in a body, GitHub's own limit
MAX_NAMES = 10  # files named in a line
MAX_PATH = 160  # characters of a path that are shown
MAX_MARKS = 200  # findings in the body that are marked, so that the next run knows them
# GitHub shows no patch of a file whose change is larger than some limit that it does not publish, and refuses comments
# there. Beyond this many lines of diff a finding goes into the body, where nothing can refuse it.
MAX_PATCH_LINES = 3_000
MANY = 3  # from here on, findings in the body are folded
# Characters of an explanation in the body, shortened step by step until the body fits; 0 also drops suggestions.
EXPLANATION_LIMITS = (10_000, 600, 0)


@dataclass(frozen=True, slots=True)
class Draft:
    """What to send: the body, the comments on lines, and the tally of both."""

    body: str
    comments: tuple[dict[str, Any], ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding and its place: `on_diff` where GitHub takes a comment on its lines."""

    finding: Finding
    path: str
    start: int
    end: int
    on_diff: bool
    fingerprint: str

    @property
    def key(self) -> tuple[str, int, int, str, str]:
        """What is the same in exact duplicates."""
        return self.path, self.start, self.end, self.finding.side, self.finding.title

    @property
    def rank(self) -> tuple[int, float]:
        """The gravest first, of these the surest."""
        return SEVERITIES.index(self.finding.severity), -self.finding.confidence


@dataclass(frozen=True, slots=True)
class Sorted:
    """The findings by where they go."""

    inline: list[Placed]
    in_body: list[Placed]
    already: int


def compose(
    brief: PostReview,
    files: list[FileDiff],
    *,
    run_id: UUID,
    known: set[str],
    max_inline: int,
    refused: int = 0,
) -> Draft:
    """The review of a run. Findings whose fingerprint is `known` are only counted; `refused` is for the tally."""
    findings = _sort(brief, files, known, max_inline)
    tally = Tally(len(findings.inline), len(findings.in_body), findings.already, refused)
    return Draft(
        _body(brief, files, findings, _trailer(findings.in_body, tally, run_id)),
        tuple(map(_comment, findings.inline)),
        tally,
    )


def _sort(brief: PostReview, files: list[FileDiff], known: set[str], max_inline: int) -> Sorted:
    placed = sorted((place(finding, files) for finding in brief.review.findings), key=lambda p: p.rank)
    best: dict[object, Placed] = {}
    for p in placed:
        best.setdefault(p.key, p)
    different = list(best.values())
    new = [p for p in different if p.fingerprint not in known]
    on_diff = [p for p in new if p.on_diff]
    rest = on_diff[max_inline:] + [p for p in new if not p.on_diff]
    return Sorted(on_diff[:max_inline], sorted(rest, key=lambda p: p.rank), len(different) - len(new))


def place(finding: Finding, files: list[FileDiff]) -> Placed:
    """Where a finding lies. A finding on the old side may name the file's old path."""
    start, end = sorted((finding.start_line, finding.end_line))
    file = at(files, finding.path, finding.side)
    path = file.path if file else finding.path
    # a name that is no UTF-8 cannot be told to GitHub
    shown = file is not None and "\ufffd" not in path and file.text.count("\n") <= MAX_PATCH_LINES
    on_diff = file is not None and shown and file.holds(finding.side, start, end)
    text = _line_text(file, finding.side, end) if file else ""
    return Placed(finding, path, start, end, on_diff, markers.fingerprint(path, finding.title, text))


def _line_text(file: FileDiff, side: str, number: int) -> str:
    lines = (x for hunk in file.hunks for x in hunk.lines)
    return next((x.text for x in lines if (x.old if side == "LEFT" else x.new) == number), "")


def _comment(placed: Placed) -> dict[str, Any]:
    finding = placed.finding
    parts = [f"**{finding.severity.capitalize()}**: {line(finding.title)}", prose(finding.explanation)]
    if finding.suggestion is not None and finding.side == "RIGHT" and is_plain(finding.suggestion):
        parts.append(fenced(finding.suggestion, "suggestion"))
    elif finding.suggestion:
        parts.append(fenced(finding.suggestion))
    parts.append(markers.of_finding(placed.fingerprint))
    comment = {"path": placed.path, "line": placed.end, "side": finding.side, "body": "\n\n".join(filter(None, parts))}
    if placed.start < placed.end:
        comment |= {"start_line": placed.start, "start_side": finding.side}
    return comment


def _body(brief: PostReview, files: list[FileDiff], findings: Sorted, trailer: str) -> str:
    # what we say stands above the model's text, so that nothing in that can hide it
    head = [
        "## Review by claude-stack",
        f"**{_verdict(brief, findings)}** {_coverage(brief.review.coverage, files)}",
        prose(brief.review.summary),
    ]
    foot = f"---\n<sub>claude-stack · {line(brief.review.usage.model)} · commit {brief.pull.head_sha[:12]}</sub>"
    above, below = "\n\n".join(filter(None, head)), f"{foot}\n\n{trailer}"
    room = MAX_BODY - len(above) - len(below) - 8  # what joins them
    return "\n\n".join(filter(None, (above, _others(findings, room), below)))


def _trailer(in_body: list[Placed], tally: Tally, run_id: UUID) -> str:
    marks = [markers.of_finding(p.fingerprint) for p in in_body[:MAX_MARKS]]
    return "\n".join((*marks, markers.of_tally(tally), markers.of_run(run_id)))


def _verdict(brief: PostReview, findings: Sorted) -> str:
    new = [*findings.inline, *findings.in_body]
    if not new and not findings.already:
        return "No problems found." if brief.review.coverage.complete else "Not all of the change was read."
    counts = Counter(p.finding.severity for p in new)
    told = ", ".join(f"{counts[s]} {s}" for s in SEVERITIES if counts[s])
    verdict = f"{_count(len(new), 'problem')}: {told}." if new else "Nothing new."
    return f"{verdict} Reported before: {findings.already}." if findings.already else verdict


def _coverage(coverage: Coverage, files: list[FileDiff]) -> str:
    if coverage.complete:
        text = f"All {coverage.hunks} hunks were read." if coverage.hunks != 1 else "The one hunk was read."
    else:
        unread = [_unread(f) for f in coverage.unread if f.read < f.hunks]
        named = f"; not read: {_names(unread)}" if unread else ""
        text = f"Partial: {coverage.read} of {coverage.hunks} hunks were read{named}."
    binary = [code(_shown(f.path)) for f in files if f.binary]
    return f"{text} Binary, not reviewed: {_names(binary)}." if binary else text


def _unread(file: FileCoverage) -> str:
    return f"{code(_shown(file.path))} ({file.hunks - file.read} of {file.hunks})"


def _names(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _others(findings: Sorted, room: int) -> str:
    """The findings that have no comment of their own, as fully as there is room for."""
    if not findings.in_body:
        return ""
    texts = (_section([_paragraph(p, limit) for p in findings.in_body]) for limit in EXPLANATION_LIMITS)
    fitting = next((text for text in texts if len(text) <= room), None)
    return fitting or _as_many_as_fit(findings.in_body, room)


def _section(paragraphs: list[str]) -> str:
    text = "\n\n".join(paragraphs)
    if len(paragraphs) < MANY:
        return f"### Other findings\n\n{text}"
    return f"<details><summary>{len(paragraphs)} other findings</summary>\n\n{text}\n\n</details>"


def _paragraph(placed: Placed, limit: int) -> str:
    finding = placed.finding
    lines = f"{placed.start}-{placed.end}" if placed.start < placed.end else str(placed.end)
    where = code(f"{_shown(placed.path)}:{lines}") + (" (old file)" if finding.side == "LEFT" else "")
    parts = [f"{where} **{finding.severity}**: {line(finding.title)}", _cut(finding.explanation, limit)]
    if finding.suggestion and limit:
        parts.append("Suggested:\n\n" + fenced(finding.suggestion))
    return "\n\n".join(filter(None, parts))


def _cut(text: str, limit: int) -> str:
    return prose(text if len(text) <= limit else text[:limit] + ("…" if limit else ""))


def _as_many_as_fit(placed: list[Placed], room: int) -> str:
    paragraphs = [_paragraph(p, 0) for p in placed]
    sizes = accumulate(len(p) + 2 for p in paragraphs)
    kept = sum(size <= room - 200 for size in sizes)  # 200: the fold around them and the last line
    left_out = f"{_count(len(placed) - kept, 'finding')} more did not fit into GitHub's {MAX_BODY} characters."
    return _section([*paragraphs[:kept], left_out])


def _shown(path: str) -> str:
    """The end of a path that is too long to read."""
    return path if len(path) <= MAX_PATH else "…" + path[-MAX_PATH:]
