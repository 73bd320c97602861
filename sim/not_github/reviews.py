"""What GitHub accepts as a review: the body of a request in, rows for the store out, or its own refusals."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from sim.not_github.answers import check_types, malformed
from sim.not_github.diff import FileDiff, Hunk, Line, compare
from sim.not_github.hub import Refusal
from sim.not_github.rows import Pull, Repository, Review, ReviewComment, Side, now
from sim.not_github.store import Store

STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", None: "PENDING"}
LONGEST_BODY = 65_536  # characters
DOCS = "rest/pulls/reviews#create-a-review-for-a-pull-request"
DELETING = "rest/pulls/reviews#delete-a-pending-review-for-a-pull-request"
SUBMITTING = "rest/pulls/reviews#submit-a-review-for-a-pull-request"
REPLYING = "rest/pulls/comments#create-a-reply-for-a-review-comment"

REQUEST_FIELDS: dict[str, type] = {"body": str, "event": str, "commit_id": str, "comments": list}
COMMENT_FIELDS: dict[str, type] = {
    "path": str,
    "body": str,
    "line": int,
    "side": str,
    "start_line": int,
    "start_side": str,
    "position": int,
}

# How a reply is refused beside a pending review: microsoft/vscode-pull-request-github#137, namanshergill/diohub#18
ONE_PENDING = {
    "resource": "PullRequestReview",
    "code": "custom",
    "field": "user_id",
    "message": "user_id can only have one pending review per pull request",
}


def refuse(*errors: str, docs: str = DOCS) -> Refusal:
    return Refusal(422, "Unprocessable Entity", errors=list(errors), docs=docs)


@dataclass(frozen=True)
class Draft:
    """A review as the request asks for it, of the right types and no more."""

    body: str
    event: str | None
    commit_id: str | None
    comments: tuple[dict[str, Any], ...]


def read_draft(request: dict[str, Any]) -> Draft:
    """Raises `Refusal` where GitHub's description of the request is not kept."""
    check_types(request, REQUEST_FIELDS, DOCS)
    event = request.get("event") or None
    if event not in STATES:
        raise malformed(f"{event} is not a member of [APPROVE, REQUEST_CHANGES, COMMENT].", DOCS)
    comments = request.get("comments") or []
    for comment in comments:
        _check_comment(comment)
    return Draft(request.get("body") or "", event, request.get("commit_id"), tuple(comments))


def _check_comment(comment: object) -> None:
    if not isinstance(comment, dict):
        raise malformed(f"For 'items', {comment!r} is not an object.", DOCS)
    check_types(comment, COMMENT_FIELDS, DOCS)
    missing = [name for name in ("path", "body") if not comment.get(name)]
    if missing:
        raise malformed(f'"{missing[0]}" wasn\'t supplied.', DOCS)
    for name in ("side", "start_side"):
        if comment.get(name) not in (None, *get_args(Side)):
            raise malformed(f"{comment[name]} is not a member of [LEFT, RIGHT].", DOCS)


def check_review(
    draft: Draft,
    *,
    login: str,
    repository: Repository,
    pull: Pull,
    commits: Iterable[str],
    earlier: Iterable[Review],
) -> None:
    """Raises `Refusal` for everything that does not depend on the diff."""
    check_open(repository, pull)
    if draft.commit_id and draft.commit_id not in commits:
        raise refuse("The commitOID is not part of the pull request")
    # whatever the event: GitHub submits no review beside one that is pending
    if any(review.state == "PENDING" and review.user == login for review in earlier):
        raise refuse("User can only have one pending review per pull request")
    check_verdict(draft.event, draft.body, login=login, pull=pull, with_comments=bool(draft.comments))
    _check_lengths(draft.body, *(comment["body"] for comment in draft.comments))


def check_open(repository: Repository, pull: Pull) -> None:
    """Raises `Refusal` where the token's account may say nothing on the pull request."""
    if repository.archived or (pull.locked and not repository.writable):
        raise refuse("lock prevents review")


def check_verdict(event: str | None, body: str, *, login: str, pull: Pull, with_comments: bool) -> None:
    """Raises `Refusal` where a review says something that its author may not say, or nothing."""
    if login == pull.user and event == "APPROVE":
        raise refuse("Can not approve your own pull request")
    if login == pull.user and event == "REQUEST_CHANGES":
        raise refuse("Can not request changes on your own pull request")
    if event == "REQUEST_CHANGES" and not body.strip():
        raise refuse("You need to leave a comment indicating the requested changes.")
    if event == "COMMENT" and not body.strip() and not with_comments:
        raise refuse("Body can't be blank")


def _check_lengths(*texts: str) -> None:
    if any(len(text) > LONGEST_BODY for text in texts):
        raise refuse(f"Body is too long (maximum is {LONGEST_BODY} characters)")


def read_submission(request: dict[str, Any], pending: Review) -> tuple[str, str]:
    """The event, and the text that the review gets: its own where the request has none."""
    check_types(request, {"body": str, "event": str}, SUBMITTING)
    event = request.get("event")
    if not event:
        raise malformed('"event" wasn\'t supplied.', SUBMITTING)
    if event not in STATES:
        raise malformed(f"{event} is not a member of [APPROVE, REQUEST_CHANGES, COMMENT].", SUBMITTING)
    text = request.get("body") or pending.body
    _check_lengths(text)
    return event, text


def read_reply(request: dict[str, Any]) -> str:
    check_types(request, {"body": str}, REPLYING)
    text: str | None = request.get("body")
    if text is None:
        raise malformed('"body" wasn\'t supplied.', REPLYING)
    if not text.strip():
        problem = {"resource": "PullRequestReviewComment", "code": "missing_field", "field": "body"}
        raise Refusal(422, "Validation Failed", errors=[problem], docs=REPLYING)
    _check_lengths(text)
    return text


def add_review(store: Store, draft: Draft, folder: Path, pull: Pull, login: str) -> Review:
    """Raises `Refusal` where a comment is on no line of the diff; then nothing is added."""
    commit_id = draft.commit_id or pull.head_sha
    files = compare(folder, pull.base_sha, commit_id)
    comments = place_comments(draft, files, login=login, commit_id=commit_id)
    state = STATES[draft.event]
    review = Review(
        pull=pull.id, user=login, body=draft.body, state=state, commit_id=commit_id, submitted_at=now()
    )  # fmt: skip
    return store.add_review(review, comments)


def add_reply(store: Store, pull: Pull, root: ReviewComment, text: str, login: str) -> ReviewComment:
    """In the thread of `root`, at its place. An empty review at the head holds it (max-sixty/tend#971)."""
    wrapping = Review(
        pull=pull.id, user=login, body="", state="COMMENTED", commit_id=pull.head_sha, submitted_at=now()
    )  # fmt: skip
    said = replace(root, id=0, user=login, body=text, in_reply_to=root.id, resolved_by="", created_at=now())
    review = store.add_review(wrapping, [said])
    return next(one for one in store.review_comments(pull.id) if one.review == review.id)


def place_comments(draft: Draft, files: Iterable[FileDiff], *, login: str, commit_id: str) -> tuple[ReviewComment, ...]:
    """Raises one `Refusal` that names every kind of misplacement, like GitHub without saying whose."""
    by_path = {file.path: file for file in files}
    placed, problems = [], dict[str, None]()
    for comment in draft.comments:
        try:
            placed.append(_place(comment, by_path, login=login, commit_id=commit_id))
        except _MisplacedError as problem:
            problems[str(problem)] = None
    if problems:
        raise refuse(*problems)
    return tuple(placed)


class _MisplacedError(Exception):
    """The comment is on no line of the diff; the text is GitHub's."""


def _place(comment: dict[str, Any], files: dict[str, FileDiff], *, login: str, commit_id: str) -> ReviewComment:
    file = files.get(comment["path"])
    if file is None:
        raise _MisplacedError("Path could not be resolved")
    side, number = _address(comment, file)
    found = file.find(side, number)
    if found is None and file.hunks and not file.patch:  # danobi/prr#13
        raise _MisplacedError("Pull request review thread path diff too large")
    if found is None:
        raise _MisplacedError("Line could not be resolved")
    hunk, line = found
    start_line, start_side = _start(comment, file, hunk, line, side)
    return ReviewComment(
        user=login,
        path=file.path,
        body=comment["body"],
        line=number,
        side=side,
        start_line=start_line,
        start_side=start_side,
        position=line.position,
        diff_hunk=hunk.until(line),
        commit_id=commit_id,
        created_at=now(),
    )


def _address(comment: dict[str, Any], file: FileDiff) -> tuple[Side, int]:
    """The side and the number of the line that the comment stands under."""
    if comment.get("line") is not None:
        return comment.get("side") or "RIGHT", comment["line"]
    line = file.at(comment.get("position") or 0)
    if line is None:
        raise _MisplacedError("Position could not be resolved")
    return line.address


def _start(
    comment: dict[str, Any], file: FileDiff, hunk: Hunk, line: Line, side: Side
) -> tuple[int | None, Side | None]:
    """The first line of a comment on several."""
    start = comment.get("start_line")
    if start is None:
        return None, None
    start_side: Side = comment.get("start_side") or side
    found = file.find(start_side, start)
    if found is None or found[0] is not hunk:
        raise _MisplacedError("Pull request review thread start line must be part of the same hunk as the line.")
    if found[1].position >= line.position:
        raise _MisplacedError("Pull request review thread start line must precede the end line.")
    return start, start_side
