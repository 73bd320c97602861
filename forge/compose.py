"""A review as GitHub takes it: few ranked comments on lines of the diff, everything else in the body, nothing lost."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from forge.markdown import code, fenced, line, prose, quoted
from forge.placing import Diff, Lines, Located, counts, is_dismissed, located
from forge.suggestions import judge
from stack.diff import FileDiff
from stack.work.remarks import UNKNOWN_THREAD, Placed, Remark, Said
from stack.work.review import Coverage, Draft, DraftReview, FileCoverage

MAX_BODY = 65_536  # characters in a body, GitHub's own limit
# Characters that are left for hidden lines, and for comments that GitHub will not have on their lines.
MARKS_ROOM, MOVED_ROOM = 12_000, 8_000
LONGEST_SUMMARY = 3_000  # characters
MAX_NAMES = 10  # files named in a line
MAX_PATH = 160  # characters of a path that are shown
MANY = 3  # from here on, findings in the body are folded
# Characters of an explanation in the body, shortened step by step until the body fits; 0 also drops suggestions.
EXPLANATION_LIMITS = (10_000, 600, 0)


def compose(
    brief: DraftReview, files: Sequence[FileDiff], lines: Lines, *, taken: frozenset[str] | None, max_inline: int
) -> Draft:
    """The draft of a review. `taken` are the paths on which GitHub takes comments; None: that is not known."""
    diff = Diff(files, lines, taken)
    found = located(brief.review.findings, diff, brief.said, brief.dismissed)
    new = [one for one in found if one.fate == "new"]
    on_lines = [one for one in new if one.on_diff][:max_inline]
    in_text = [one for one in new if one not in on_lines]
    before = [one for one in found if one.fate == "pre_existing"]
    fixed = _fixed(brief, found, diff)
    still = _still_open(brief, found, fixed, diff)

    verdict = _verdict(brief, new, still)
    head = [
        "## Review by claude-stack",
        f"**{verdict}** {_coverage(brief.review.coverage, files)}",
        _partial(brief),
        line(brief.since),
        quoted(_short(brief.review.summary, LONGEST_SUMMARY)),
    ]
    checked = " · each finding was looked at a second time" if brief.checked and new else ""
    model = line(brief.review.usage.model)
    foot = f"---\n<sub>claude-stack · {model} · commit {brief.pull.head_sha[:12]}{checked}</sub>"
    above = "\n\n".join(filter(None, head))
    room = MAX_BODY - MARKS_ROOM - MOVED_ROOM - len(above) - len(foot) - 8  # what joins them
    body = "\n\n".join(filter(None, (above, _others(in_text, before, room), foot)))
    remarks = tuple(_remark(one, lines) for one in on_lines)
    head_sha, complete = brief.pull.head_sha, brief.review.coverage.complete and not brief.review.ended
    return Draft(
        head_sha=head_sha,
        body=body,
        remarks=remarks,
        findings=_listed(found, on_lines),
        digest=digest(head_sha, body, remarks),
        verdict=f"{verdict} {brief.review.coverage}.",
        complete=complete,
        clean=complete and not new and not still,
        fixed=tuple(one.thread for one in fixed),
    )


def digest(head_sha: str, body: str, remarks: Sequence[Remark]) -> str:
    """Stands for all that people will see of a review."""
    seen = [head_sha, body, [remark.model_dump() for remark in remarks]]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


# --- what becomes of what was said before -----------------------------------------------------------


def _fixed(brief: DraftReview, found: list[Located], diff: Diff) -> list[Said]:
    """Threads of ours that the model calls fixed, and whose line has really changed: its word alone closes nothing."""
    again = {one.finding.same_as for one in found}
    claimed = [one for one in brief.said if one.number in brief.review.fixed and one.number not in again]
    known = [one for one in claimed if one.ours and one.thread not in ("", UNKNOWN_THREAD) and not one.resolved_by]
    return [one for one in known if not diff.still_has(one)]


def _still_open(brief: DraftReview, found: list[Located], fixed: list[Said], diff: Diff) -> int:
    """How many remarks stand there that are not new: in open threads of ours, and whatever was found again."""
    threads = [
        one
        for one in brief.said
        if one.ours and one.thread and not one.resolved_by and one not in fixed
        and not is_dismissed(diff.place_of(one), brief.dismissed)
    ]  # fmt: skip
    again = [one.known for one in found if one.fate == "said" and one.known]
    return len({one.number for one in (*threads, *again)})


# --- sentences --------------------------------------------------------------------------------------


def _verdict(brief: DraftReview, new: list[Located], still: int) -> str:
    if not new and not still:
        whole = brief.review.coverage.complete and not brief.review.ended
        return "No problems found." if whole else "Not all of the change was read."
    severities = Counter(one.finding.severity for one in new)
    verdict = f"{_count(len(new), 'problem')}: {counts(severities)}." if new else "Nothing new."
    return f"{verdict} Reported before: {still}." if still else verdict


def _partial(brief: DraftReview) -> str:
    return f"This is a part of a review: {line(brief.review.ended)}" if brief.review.ended else ""


def _coverage(coverage: Coverage, files: Sequence[FileDiff]) -> str:
    unread = [_unread(file) for file in coverage.unread]
    named = f"; not read: {_names(unread)}" if unread else ""
    binary = [code(_shown(f.path)) for f in files if f.binary and not f.whole]
    return f"{coverage}{named}." + (f" Binary, not reviewed: {_names(binary)}." if binary else "")


def _unread(file: FileCoverage) -> str:
    missing = file.hunks + file.headers - file.read - file.headers_read
    return f"{code(_shown(file.path))} ({missing} of {file.hunks + file.headers})"


def _names(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# --- findings ---------------------------------------------------------------------------------------


def _listed(found: list[Located], on_lines: list[Located]) -> tuple[Placed, ...]:
    """All findings for lists for people: what is new first."""
    ordered = sorted(found, key=lambda one: (one.fate != "new", one.rank))
    return tuple(
        Placed(
            number=number,
            path=one.place.path,
            line=one.place.start,
            side=one.place.side,
            severity=one.finding.severity,
            kind=one.finding.kind,
            title=one.finding.title,
            anchor=one.place.anchor,
            where="line" if one in on_lines else "text" if one.fate == "new" else one.fate,
        )
        for number, one in enumerate(ordered, 1)
    )


def _remark(one: Located, lines: Lines) -> Remark:
    finding, place = one.finding, one.place
    parts = [f"**{finding.severity.capitalize()}**: {line(finding.title)}", prose(finding.explanation)]
    if finding.suggestion is not None:
        known = lines(place.path) if place.side == "RIGHT" else None
        shown = judge(finding.suggestion, path=place.path, lines=known, start=place.start, end=place.end)
        parts.append(shown.markdown)
    return Remark(
        path=place.path,
        line=place.end,
        side=place.side,
        start_line=place.start if place.start < place.end else None,
        body="\n\n".join(filter(None, parts)),
    )


def _others(in_text: list[Located], before: list[Located], room: int) -> str:
    """The findings that have no comment of their own, as fully as there is room for."""
    for limit in EXPLANATION_LIMITS:
        sections = [
            _section("Other findings", "other findings", [_paragraph(one, limit) for one in in_text]),
            _section("There before the change", "findings that were there before", [_paragraph(o, 0) for o in before]),
        ]
        text = "\n\n".join(filter(None, sections))
        if len(text) <= room:
            return text
    return _as_many_as_fit(in_text + before, room)


def _section(title: str, folded: str, paragraphs: list[str]) -> str:
    if not paragraphs:
        return ""
    text = "\n\n".join(paragraphs)
    if len(paragraphs) < MANY:
        return f"### {title}\n\n{text}"
    return f"<details><summary>{len(paragraphs)} {folded}</summary>\n\n{text}\n\n</details>"


def _paragraph(one: Located, limit: int) -> str:
    finding, place = one.finding, one.place
    lines = f"{place.start}-{place.end}" if place.start < place.end else str(place.end)
    where = code(f"{_shown(place.path)}:{lines}") + (" (old file)" if place.side == "LEFT" else "")
    parts = [f"{where} **{finding.severity}**: {line(finding.title)}", _cut(finding.explanation, limit)]
    if finding.suggestion and limit:
        parts.append("Suggested:\n\n" + fenced(finding.suggestion))
    return "\n\n".join(filter(None, parts))


def _cut(text: str, limit: int) -> str:
    return prose(_short(text, limit)) if limit else ""


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _as_many_as_fit(found: list[Located], room: int) -> str:
    paragraphs = [_paragraph(one, 0) for one in found]
    sizes = accumulate(len(p) + 2 for p in paragraphs)
    kept = sum(size <= room - 200 for size in sizes)  # 200: the fold around them and the last line
    left_out = f"{_count(len(found) - kept, 'finding')} more did not fit into GitHub's {MAX_BODY} characters."
    return _section("Other findings", "other findings", [*paragraphs[:kept], left_out])


def _shown(path: str) -> str:
    """The end of a path that is too long to read."""
    return path if len(path) <= MAX_PATH else "…" + path[-MAX_PATH:]
