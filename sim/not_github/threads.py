"""The threads of a pull request: a comment that begins one, and the replies to it."""

import base64
import binascii
from dataclasses import dataclass

from sim.not_github.rows import Pull, Repository, ReviewComment
from sim.not_github.store import Store

PREFIX = "PRRT_"


@dataclass(frozen=True)
class Thread:
    comments: tuple[ReviewComment, ...]

    @property
    def root(self) -> ReviewComment:
        return self.comments[0]

    @property
    def id(self) -> str:
        """GitHub's ids of threads look like this, and say nothing."""
        return PREFIX + base64.urlsafe_b64encode(f"thread:{self.root.id}".encode()).decode()


def threads(store: Store, pull: Pull, viewer: str) -> list[Thread]:
    """As `viewer` sees them: a pending review is its author's alone."""
    seen = {review.id for review in store.reviews(pull.id) if review.state != "PENDING" or review.user == viewer}
    comments = [comment for comment in store.review_comments(pull.id) if comment.review in seen]
    roots = [comment for comment in comments if comment.in_reply_to is None]
    return [Thread((root, *(one for one in comments if one.in_reply_to == root.id))) for root in roots]


def find_thread(store: Store, thread_id: str, viewer: str) -> tuple[Pull, Thread] | None:
    root = store.review_comment(_number(thread_id))
    review = store.review(root.review) if root else None
    pull = store.pull_by_id(review.pull) if review else None
    if pull is None:
        return None
    return next(((pull, one) for one in threads(store, pull, viewer) if one.id == thread_id), None)


def _number(thread_id: str) -> int:
    """0 for what is no id of a thread."""
    try:
        kind, _, number = base64.urlsafe_b64decode(thread_id.removeprefix(PREFIX)).decode().partition(":")
        return int(number) if kind == "thread" else 0
    except (binascii.Error, ValueError):
        return 0


def may_resolve(repository: Repository, pull: Pull, login: str) -> bool:
    """Whoever may push to the repository, and the author of the pull request: GitHub's help says these two."""
    return not repository.archived and (repository.permission == "write" or pull.user == login)
