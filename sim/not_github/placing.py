"""Where a comment stands in the present diff of its pull request, and what a push does to what was said before.

A comment follows its line: it gets the number that the line has now, and is outdated as soon as the line was changed
or is in no hunk any more. What is known of `commit_id`, which GitHub's documentation does not say:

- of a comment it is the newest head whose diff still had the line (island-io/mila#160, LTplus-AG/ifc-lite#3729);
- of a review it moves to the new head where the push left the pull request's diff as it was: a rebase
  (kamp-us/phoenix#3769, #4511, apache/maka#5068, max-sixty/tend#884) or a merge of the base (max-sixty/tend#1125,
  The01Geek/prflow#1247, sonichi/sutando#3567). Where the diff changed it stays (kamp-us/phoenix#4511,
  LTplus-AG/ifc-lite#3729). Approvals are moved always, comments not always (apache/maka#5068): here both are.
"""

from dataclasses import dataclass
from pathlib import Path

from sim.not_github import git
from sim.not_github.diff import HUNK_HEADER, FileDiff, Hunk, Line, compare
from sim.not_github.rows import Pull, ReviewComment, Side
from sim.not_github.store import Store


@dataclass(frozen=True)
class Place:
    """Where a comment stands; `start_line` where it is on several lines."""

    line: int
    start_line: int | None
    position: int


def place(folder: Path, pull: Pull, comment: ReviewComment) -> Place | None:
    """None: the comment is outdated."""
    today = _file(folder, pull, pull.head_sha, comment.path)
    then = today if comment.commit_id == pull.head_sha else _file(folder, pull, comment.commit_id, comment.path)
    if then is None or today is None:
        return None
    last = _follow(folder, then, today, comment.side, comment.line)
    if last is None:
        return None
    if comment.start_line is None:
        return Place(_number(last[1], comment.side), None, last[1].position)
    side = comment.start_side or comment.side
    first = _follow(folder, then, today, side, comment.start_line)
    if first is None or first[0] is not last[0]:
        return None
    return Place(_number(last[1], comment.side), _number(first[1], side), last[1].position)


def _file(folder: Path, pull: Pull, head: str, path: str) -> FileDiff | None:
    return next((file for file in compare(folder, pull.base_sha, head) if file.path == path), None)


def _follow(folder: Path, then: FileDiff, today: FileDiff, side: Side, number: int) -> tuple[Hunk, Line] | None:
    """The line of today's diff that was `number` on that side. A line that was deleted must still be."""
    was = then.find(side, number)
    old, new = (then.old_blob, today.old_blob) if side == "LEFT" else (then.new_blob, today.new_blob)
    moved = _moved(folder, old, new, number)
    found = today.find(side, moved) if was and moved else None
    if was is None or found is None or (side == "LEFT" and found[1].text[:1] != was[1].text[:1]):
        return None
    return found


def _moved(folder: Path, old: str, new: str, number: int) -> int | None:
    """The number that a line of a blob has in another; None where it was changed or is gone."""
    if old == new:
        return number
    if not int(old, 16) or not int(new, 16):
        return None
    by = 0
    for header in map(HUNK_HEADER.match, git.blob_changes(folder, old, new).split("\n")):
        if header is None:
            continue
        first, length = int(header[1]), int(header[2] or 1)
        if number < first + (length == 0):  # what is added after line `first` has no length before
            break
        if first <= number < first + length:
            return None
        by += int(header[4] or 1) - length
    return number + by


def _number(line: Line, side: Side) -> int:
    return (line.left if side == "LEFT" else line.right) or 0


def follow_push(store: Store, folder: Path, pull: Pull) -> None:
    """To be called once the pull request has its new head."""
    for comment in store.review_comments(pull.id):
        if place(folder, pull, comment):
            store.change(comment, seen_at=pull.head_sha)
    today = _change(folder, pull, pull.head_sha)
    for review in store.reviews(pull.id):
        if review.state != "PENDING" and _change(folder, pull, review.commit_id) == today:
            store.change(review, commit_id=pull.head_sha)


def _change(folder: Path, pull: Pull, head: str) -> set[tuple[object, ...]]:
    return {file.change for file in compare(folder, pull.base_sha, head)}
