"""What GitHub accepts as a review: the body of a request in, rows for the store out, or its own refusals."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from sim.not_github.diff import FileDiff, Hunk, Line
from sim.not_github.hub import Refusal
from sim.not_github.store import Pull, Repository, Review, ReviewComment, Side, now

STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", None: "PENDING"}
LONGEST_BODY = 65_536  # characters
DOCS = "rest/pulls/reviews#create-a-review-for-a-pull-request"

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


def refuse(*errors: str) -> Refusal:
    return Refusal(422, "Unprocessable Entity", errors=list(errors), docs=DOCS)


def malformed(problem: str) -> Refusal:
    return Refusal(422, f"Invalid request.\n\n{problem}", docs=DOCS)


@dataclass(frozen=True)
class Draft:
    """A review as the request asks for it, of the right types and no more."""

    body: str
    event: str | None
    commit_id: str | None
    comments: tuple[dict[str, Any], ...]


def read_draft(request: dict[str, Any]) -> Draft:
    """Raises `Refusal` where GitHub's description of the request is not kept."""
    _check_types(request, REQUEST_FIELDS)
    event = request.get("event") or None
    if event not in STATES:
        raise malformed(f"{event} is not a member of [APPROVE, REQUEST_CHANGES, COMMENT].")
    comments = request.get("comments") or []
    for comment in comments:
        _check_comment(comment)
    return Draft(request.get("body") or "", event, request.get("commit_id"), tuple(comments))


def _check_types(values: dict[str, Any], fields: dict[str, type]) -> None:
    for name, kind in fields.items():
        value = values.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise malformed(f"For '{name}', {value!r} is not of the right type.")


def _check_comment(comment: object) -> None:
    if not isinstance(comment, dict):
        raise malformed(f"For 'items', {comment!r} is not an object.")
    _check_types(comment, COMMENT_FIELDS)
    missing = [name for name in ("path", "body") if not comment.get(name)]
    if missing:
        raise malformed(f'"{missing[0]}" wasn\'t supplied.')
    for name in ("side", "start_side"):
        if comment.get(name) not in (None, *get_args(Side)):
            raise malformed(f"{comment[name]} is not a member of [LEFT, RIGHT].")


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
    if repository.archived or (pull.locked and not repository.writable):
        raise refuse("lock prevents review")
    if draft.commit_id and draft.commit_id not in commits:
        raise refuse("The commitOID is not part of the pull request")
    # whatever the event: GitHub submits no review beside one that is pending
    if any(review.state == "PENDING" and review.user == login for review in earlier):
        raise refuse("User can only have one pending review per pull request")
    if login == pull.user and draft.event == "APPROVE":
        raise refuse("Can not approve your own pull request")
    if login == pull.user and draft.event == "REQUEST_CHANGES":
        raise refuse("Can not request changes on your own pull request")
    _check_bodies(draft)


def _check_bodies(draft: Draft) -> None:
    if draft.event == "REQUEST_CHANGES" and not draft.body.strip():
        raise refuse("You need to leave a comment indicating the requested changes.")
    if draft.event == "COMMENT" and not draft.body.strip() and not draft.comments:
        raise refuse("Body can't be blank")
    if any(len(text) > LONGEST_BODY for text in (draft.body, *(comment["body"] for comment in draft.comments))):
        raise refuse(f"Body is too long (maximum is {LONGEST_BODY} characters)")


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
