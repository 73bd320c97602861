"""What a review says to people: questions, the document of a draft, endings."""

from collections import Counter
from typing import get_args

from orchestrator.journal import Steps
from orchestrator.words.page import page
from stack.messages import Attachment, Ending, Link, Question
from stack.work.beforehand import Conversation, Plan
from stack.work.remarks import Earlier, Estimate, Placed, Severity, Verdict
from stack.work.review import Coverage, Draft, PullRequest, Receipt, Review

POST, DISCARD = "Post", "Discard"
GO_ON, STOP = "Go on", "Stop"
MOST_LISTED = 30  # findings in a message
MOVES = {
    "pushed": "{commits} pushed",
    "merged": "the base was merged into it",
    "rebased": "it was rebased, its changes being the same",
    "forced": "the branch was rewritten",
    "": "the branch has a new head",
}


# --- before -----------------------------------------------------------------------------------------


def may_it_cost(pull: PullRequest, estimate: Estimate) -> Question:
    """Asks because of the estimate."""
    text = f"The review of {_name(pull)} will likely cost {_band(estimate)}, by what earlier ones cost. Go on?"
    details = (f"{_many(pull.files, 'file')}, {_many(pull.hunks, 'hunk')}", "Nothing is spent yet.")
    return Question(question="cost", text=text, details=details, choices=(GO_ON, STOP))


def too_dear(pull: PullRequest, estimate: Estimate) -> Ending:
    """A person did not want to pay for it."""
    return Ending(state="cancelled", headline=f"{_name(pull)}: not reviewed, at {_band(estimate)}. Nothing was spent.")


def since(there: Conversation, plan: Plan, found: Review) -> str:
    """What has happened since the last review, for the review's text; empty where there was none."""
    if plan.earlier is None or there.moved == "same":
        return ""
    moved = MOVES[there.moved].format(
        commits=f"{_many(there.commits, 'commit')} {'was' if there.commits == 1 else 'were'}"
    )
    kept = f" What was read then and is unchanged ({_many(found.coverage.kept, 'part')}) was not read again."
    return f"Since the review of {plan.earlier.head_sha[:12]} {moved}.{kept if found.coverage.kept else ''}"


def is_new(draft: Draft, earlier: Earlier) -> bool:
    """Whether a draft says anything that does not stand on the pull request, or its verdict is another one."""
    said = any(one.where in ("line", "text") for one in draft.findings)
    return said or bool(draft.fixed) or (draft.clean, draft.complete) != (earlier.clean, earlier.complete)


def may_i_post(steps: Steps, pull: PullRequest, draft: Draft, number: int, head: str) -> Question:
    """Asks with the draft as it would be posted; from the second time on because the branch has moved."""
    text = f"Review of {_name(pull)}: {_counts(draft)}. Post it?"
    if number > 1:
        text = (
            f"The branch of {_name(pull)} has moved to {head[:12]} meanwhile; the draft is about "
            f"{draft.head_sha[:12]}. Post it?"
        )
    return Question(
        question="approve" if number == 1 else f"approve{number}",
        text=text,
        details=(*_list(draft), f"Draft {draft.digest[:12]}, as it stands in the document"),
        choices=(POST, DISCARD),
        files=(_document(steps, pull, draft),),
    )


# --- endings ----------------------------------------------------------------------------------------


def discarded(pull: PullRequest) -> Ending:
    """A person did not want it posted."""
    return Ending(state="cancelled", headline=f"{_name(pull)}: discarded. Nothing was posted.")


def nothing_new(pull: PullRequest, earlier: Earlier, draft: Draft) -> Ending:
    """The same head was reviewed before, and there is nothing to add: nothing is posted a second time."""
    return Ending(
        state="verified" if draft.complete else "unproven",
        headline=f"{_name(pull)}: nothing new since the last review, which is of the same commit.",
        details=(draft.verdict, "Nothing was posted. To have all of it read anew: /review … fresh"),
        links=_links(pull, earlier.url),
    )


def not_posted(steps: Steps, pull: PullRequest, draft: Draft, why: str) -> Ending:
    """GitHub will not have it: what was found is kept."""
    return Ending(
        state="failed",
        headline=f"{_name(pull)} was reviewed, and the review could not be posted: {why}",
        details=("What was found is kept: /retry posts it without paying again.", *_list(draft)),
        links=_links(pull),
        files=(_document(steps, pull, draft),),
    )


def posted(
    pull: PullRequest, plan: Plan, found: Review, draft: Draft, receipt: Receipt, dropped: tuple[Verdict, ...]
) -> Ending:
    """Verified only where GitHub shows the review as it was drafted and all of the change was read."""
    doubts = [] if receipt.proven else [f"Not proven: {receipt.missing}"]
    doubts += [f"A part of a review: {found.ended}"] if found.ended else []
    details = (
        *doubts,
        _where(receipt),
        _coverage(found.coverage),
        *_list(draft),
        *([f"{_many(len(dropped), 'finding')} did not hold on a second look"] if dropped else []),
        *([receipt.status] if receipt.status else []),
        *([f"Estimated: {_band(plan.estimate)}"] if plan.estimate.high else []),
    )
    return Ending(
        state="verified" if receipt.proven and draft.complete else "unproven",
        headline=f"{_name(pull)} reviewed: {_counts(draft)}",
        details=details,
        links=_links(pull, receipt.url),
    )


# --- parts ------------------------------------------------------------------------------------------


def _name(pull: PullRequest) -> str:
    return f"{pull.repository}#{pull.number}"


def _links(pull: PullRequest, review: str = "") -> tuple[Link, ...]:
    to_review = (Link(label="Review", url=review),) if review else ()
    return (*to_review, Link(label="Pull request", url=pull.url))


def _document(steps: Steps, pull: PullRequest, draft: Draft) -> Attachment:
    name = f"review-{pull.repository.replace('/', '-')}-{pull.number}.html"
    return steps.attach(name, page(_name(pull), draft).encode())


def _counts(draft: Draft) -> str:
    new = [one for one in draft.findings if one.where in ("line", "text")]
    if new:
        by_severity = Counter(one.severity for one in new)
        parts = [f"{by_severity[s]} {s}" for s in get_args(Severity) if by_severity[s]]
        return f"{_many(len(new), 'finding')} ({', '.join(parts)})"
    if draft.clean:
        return "no problems found"
    return "nothing new" if draft.complete else "nothing found in the part that was read"


def _list(draft: Draft) -> tuple[str, ...]:
    """The findings by their numbers, as /dismiss takes them."""
    lines = [_line(one) for one in draft.findings[:MOST_LISTED]]
    more = len(draft.findings) - MOST_LISTED
    return (*lines, *([f"and {more} more"] if more > 0 else []))


def _line(one: Placed) -> str:
    notes = {"said": " · said before", "dismissed": " · dismissed before", "pre_existing": " · not by this change"}
    return f"{one.number}. {one.severity}: {one.title} ({one.path}:{one.line}){notes.get(one.where, '')}"


def _where(receipt: Receipt) -> str:
    parts = [_many(receipt.inline_comments, "comment") + " on lines"]
    if receipt.findings_in_body:
        parts.append(f"{receipt.findings_in_body} in the review's text")
    if receipt.comments_refused:
        parts.append(f"{receipt.comments_refused} of them since GitHub took no comment on their lines")
    if receipt.already_reported:
        parts.append(f"{receipt.already_reported} reported before and not repeated")
    if receipt.resolved:
        parts.append(f"{_many(receipt.resolved, 'thread')} resolved")
    return ", ".join(parts)


def _coverage(coverage: Coverage) -> str:
    unread = ", ".join(one.path for one in coverage.unread[:5])
    more = f" and {len(coverage.unread) - 5} more" if len(coverage.unread) > 5 else ""
    named = f". Not read in full: {unread}{more}" if unread else ""
    binary = f"; {_many(coverage.binary_files, 'binary file')} not reviewed" if coverage.binary_files else ""
    return f"{coverage}{named}{binary}"


def _band(estimate: Estimate) -> str:
    return f"${estimate.low:.2f} to ${estimate.high:.2f}"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"
