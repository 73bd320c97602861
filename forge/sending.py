"""A draft as it goes to GitHub, and whether what GitHub shows is that draft. Pure."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from typing import Any
from uuid import UUID

from forge.compose import MARKS_ROOM, MAX_BODY
from forge.github.reviews import Comment, PostedReview
from forge.markdown import code
from forge.marks import Facts, Marks, without
from stack.work.remarks import Remark
from stack.work.review import Draft

MOST_LISTED = 8_000  # characters of JSON about findings of the text, so that the next review knows them


def request(draft: Draft, marks: Marks, *, run_id: UUID, moved: frozenset[int]) -> dict[str, Any]:
    """The body of a request. The remarks that are `moved` (by their place in the draft) stand in the text."""
    on_lines = [f for f in draft.findings if f.where == "line"]  # a remark is made of each, in this order
    in_text = [f for f in draft.findings if f.where == "text"] + [on_lines[n] for n in sorted(moved)]
    listed = _fitting([[f.path, f.side, f.kind, f.anchor, f.title[:80]] for f in in_text])
    mark = marks.line(
        {"is": "review", "run": str(run_id), "draft": draft.digest, "moved": sorted(moved), "findings": listed}
    )
    comments = [
        _comment(remark, marks.line({"is": "finding", "kind": found.kind, "anchor": found.anchor}))
        for number, (remark, found) in enumerate(zip(draft.remarks, on_lines, strict=True))
        if number not in moved
    ]
    return {"body": f"{text(draft, moved)}\n\n{mark}", "comments": comments}


def _fitting(listed: list[list[str]]) -> list[list[str]]:
    """As many as a mark has room for, even where they do not pack well."""
    sizes = accumulate(len(json.dumps(one)) for one in listed)
    return [one for one, size in zip(listed, sizes, strict=True) if size <= MOST_LISTED]


def text(draft: Draft, moved: Iterable[int]) -> str:
    """The text of the review, without hidden lines."""
    numbers = sorted(moved)
    if not numbers:
        return draft.body
    head = [draft.body, "### On lines where GitHub takes no comments"]
    for shorten in (_whole, _title, _place):
        whole = "\n\n".join([*head, *(shorten(draft.remarks[n]) for n in numbers)])
        if len(whole) <= MAX_BODY - MARKS_ROOM:
            return whole
    return "\n\n".join([*head, f"{len(numbers)} comments, for which there is no room."])


def of_run(marks: Marks, reviews: Iterable[PostedReview], run_id: UUID) -> tuple[PostedReview, Facts] | None:
    """The review of a run among those of our account, with what we signed in it."""
    for review in reviews:
        for facts in marks.read(review.body):
            if not review.pending and facts.get("is") == "review" and facts.get("run") == str(run_id):
                return review, facts
    return None


def is_try(marks: Marks, review: PostedReview) -> bool:
    """Whether a review was started only to see whether GitHub would take it."""
    return any(facts.get("is") == "try" for facts in marks.read(review.body))


def in_the_way(marks: Marks, reviews: Iterable[PostedReview], *, who: str, pull: str, then: str) -> str:
    """Why GitHub takes no review now: the account's person, `who`, has started one. Empty where that is not so.

    `then` says what comes once that person has submitted or discarded it.
    """
    for review in reviews:
        if review.pending and not is_try(marks, review):
            return (
                f"{who} has started a review of {pull}, and GitHub takes no other beside it: submit or discard it, "
                f"{then}: {review.html_url}"
            )
    return ""


def missing(draft: Draft, facts: Facts, shown: PostedReview, comments: Iterable[Comment]) -> str:
    """What GitHub does not show as it was drafted, in words; empty where all is there."""
    moved = {n for n in facts["moved"] if 0 <= n < len(draft.remarks)}
    wanted = Counter((r.path, _plain(r.body)) for n, r in enumerate(draft.remarks) if n not in moved)
    # of a review's own comments GitHub tells neither side nor line
    there = Counter((c.path, _plain(c.body or "")) for c in comments)
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


def _whole(remark: Remark) -> str:
    return f"{_place(remark)} {remark.body}"


def _title(remark: Remark) -> str:
    return f"{_place(remark)} {remark.body.partition(chr(10))[0]}"


def _place(remark: Remark) -> str:
    lines = f"{remark.start_line}-{remark.line}" if remark.start_line else str(remark.line)
    return code(f"{remark.path[-200:]}:{lines}")


def _plain(body: str) -> str:
    """A text without what GitHub may change: ends of lines, and hidden lines at its own end."""
    lines = without(body).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()
