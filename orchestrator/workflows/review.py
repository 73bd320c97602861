"""The story of a review: fetch, read, perhaps ask, post, look that it is there."""

from collections import Counter
from typing import get_args

from orchestrator.journal import Steps
from stack.messages import Ending, Link, Question
from stack.work.remarks import Severity
from stack.work.review import FetchPullRequest, PostReview, PullRequest, Receipt, Review, ReviewChange, StartReview

POST, DISCARD = "Post", "Discard"


def review(steps: Steps, ask: StartReview) -> Ending:
    """Reviews a pull request and posts one review. Raises Cancelled or Failed."""
    pull = steps.call("fetch", FetchPullRequest(repository=ask.repository, number=ask.number))
    change = ReviewChange(repository=pull.repository, base_sha=pull.merge_base, head_sha=pull.head_sha, pull=pull)
    found = steps.call("review", change)
    if ask.approval and steps.ask(_may_i_post(pull, found), otherwise=DISCARD, binds=found) != POST:
        return Ending(state="cancelled", headline=f"{_name(pull)}: discarded. Nothing was posted.")
    receipt = steps.call("post", PostReview(pull=pull, review=found))
    return _ending(pull, found, receipt)


def _name(pull: PullRequest) -> str:
    return f"{pull.repository}#{pull.number}"


def _may_i_post(pull: PullRequest, found: Review) -> Question:
    lines = tuple(f"{f.severity}: {f.title} ({f.path}:{f.start_line})" for f in found.findings)
    text = f"Review of {_name(pull)}: {_count(found)}. Post it?"
    return Question(question="post", text=text, details=(*lines, _coverage(found)), choices=(POST, DISCARD))


def _ending(pull: PullRequest, found: Review, receipt: Receipt) -> Ending:
    """Verified only where GitHub shows the review and every hunk was read."""
    proven = receipt.proven and found.coverage.complete
    doubts = [] if receipt.proven else [f"Not proven: {receipt.missing}"]
    return Ending(
        state="verified" if proven else "unproven",
        headline=f"{_name(pull)} reviewed: {_count(found)}",
        details=(*doubts, _where(receipt), _coverage(found)),
        links=(Link(label="Review", url=receipt.url), Link(label="Pull request", url=pull.url)),
    )


def _count(found: Review) -> str:
    if not found.findings:
        return "no problems found" if found.coverage.complete else "nothing found in the part that was read"
    by_severity = Counter(f.severity for f in found.findings)
    parts = [f"{by_severity[s]} {s}" for s in get_args(Severity) if by_severity[s]]
    return f"{_many(len(found.findings), 'finding')} ({', '.join(parts)})"


def _where(receipt: Receipt) -> str:
    parts = [_many(receipt.inline_comments, "comment") + " on lines"]
    if receipt.findings_in_body:
        parts.append(f"{receipt.findings_in_body} in the review's text")
    if receipt.already_reported:
        parts.append(f"{receipt.already_reported} reported before and not repeated")
    return ", ".join(parts)


def _coverage(found: Review) -> str:
    coverage = found.coverage
    binary = f"; {_many(coverage.binary_files, 'binary file')} not reviewed" if coverage.binary_files else ""
    if coverage.complete:
        text = f"All {coverage.hunks} hunks were read" if coverage.hunks != 1 else "The one hunk was read"
        return f"{text}{binary}"
    unread = ", ".join(f"{f.path} ({f.hunks - f.read} of {f.hunks})" for f in coverage.unread[:5])
    more = f" and {len(coverage.unread) - 5} more files" if len(coverage.unread) > 5 else ""
    return f"Partial: {coverage.read} of {coverage.hunks} hunks were read. Not read: {unread}{more}{binary}"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"
