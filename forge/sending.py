"""A draft as it goes to GitHub, and whether what GitHub shows is that draft. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from forge.github.reviews import Comment, PostedReview
from forge.markdown import code
from forge.marks import Facts, Marks, without
from stack.work.remarks import Remark
from stack.work.review import Draft

MAX_BODY = 65_536  # characters, GitHub's own limit
MOST_LISTED = 100  # findings of the text that the mark names, so that the next review knows them


def request(draft: Draft, marks: Marks, *, run_id: UUID, moved: frozenset[int]) -> dict[str, Any]:
    """The body of a request. The remarks that are `moved` (by their place in the draft) stand in the text."""
    listed = [[f.path, f.side, f.kind, f.anchor, f.title[:80]] for f in draft.findings if f.where == "text"]
    mark = marks.line({
        "is": "review", "run": str(run_id), "draft": draft.digest, "moved": sorted(moved),
        "findings": listed[:MOST_LISTED],
    })  # fmt: skip
    placed = (f for f in draft.findings if f.where == "line")  # a remark is made of each, in this order
    signed = [{"is": "finding", "kind": f.kind, "anchor": f.anchor} for f in placed]
    comments = [
        _comment(remark, marks.line(facts))
        for number, (remark, facts) in enumerate(zip(draft.remarks, signed, strict=True))
        if number not in moved
    ]
    return {"body": f"{text(draft, moved)}\n\n{mark}", "comments": comments}


def text(draft: Draft, moved: Iterable[int]) -> str:
    """The text of the review, without hidden lines."""
    extra = [_as_text(draft.remarks[n]) for n in sorted(moved)]
    if not extra:
        return draft.body
    whole = "\n\n".join([draft.body, "### On lines where GitHub takes no comments", *extra])
    return whole[: MAX_BODY - 13_000]


def of_run(marks: Marks, reviews: Iterable[PostedReview], run_id: UUID) -> tuple[PostedReview, Facts] | None:
    """The review of a run among those of our account, with what we signed in it."""
    for review in reviews:
        for facts in marks.read(review.body):
            if not review.pending and facts.get("is") == "review" and facts.get("run") == str(run_id):
                return review, facts
    return None


def missing(draft: Draft, facts: Facts, shown: PostedReview, comments: Iterable[Comment]) -> str:
    """What GitHub does not show as it was drafted, in words; empty where all is there."""
    moved = {n for n in facts["moved"] if 0 <= n < len(draft.remarks)}
    wanted: Counter[tuple[str, str, str]] = Counter(
        (r.path, r.side, _plain(r.body)) for n, r in enumerate(draft.remarks) if n not in moved
    )
    there = Counter((c.path, c.side, _plain(c.body or "")) for c in comments)
    if facts["draft"] != draft.digest:
        return f"review {shown.id} was posted from another draft"
    if _plain(shown.body or "") != _plain(text(draft, moved)):
        return f"the text of review {shown.id} is not the one that was drafted"
    if there != wanted:
        right = (there & wanted).total()
        return f"review {shown.id} shows {right} of the {wanted.total()} comments on lines that were drafted"
    if shown.commit_id != draft.head_sha:
        return f"GitHub shows review {shown.id} on another commit than {draft.head_sha[:12]}, which was read"
    return ""


def _comment(remark: Remark, mark: str) -> dict[str, Any]:
    comment = {"path": remark.path, "line": remark.line, "side": remark.side, "body": f"{remark.body}\n\n{mark}"}
    if remark.start_line is not None:
        comment |= {"start_line": remark.start_line, "start_side": remark.side}
    return comment


def _as_text(remark: Remark) -> str:
    lines = f"{remark.start_line}-{remark.line}" if remark.start_line else str(remark.line)
    return f"{code(f'{remark.path}:{lines}')} {remark.body}"


def _plain(body: str) -> str:
    """A text without what GitHub may change: ends of lines, and hidden lines at its own end."""
    lines = without(body).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()
