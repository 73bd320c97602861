"""One review per run on a pull request, however often it is asked for, and a look at GitHub that it is there."""

from typing import Any
from uuid import UUID

from forge import markers
from forge.compose import Draft, compose
from forge.github import WAITS_SECONDS, GitHub, Moved, NotFound, PostedComment, PostedReview, Unprocessable
from forge.locks import Locks
from forge.markers import Tally
from forge.mirror import Mirrors, Say, Wanted
from stack.errors import TryAgain
from stack.messages import PostReview, PullRequest, Receipt

LOOKS_SECONDS = (0.0, 1.0, 2.0)  # before each look for what was posted


class Reviews:
    """Posts reviews. There must be one of it: its locks keep two workers from posting at once."""

    def __init__(self, *, github: GitHub, mirrors: Mirrors, max_inline: int) -> None:
        self._github = github
        self._mirrors = mirrors
        self._max_inline = max_inline
        self._locks = Locks()

    def post(self, brief: PostReview, run_id: UUID, say: Say) -> Receipt:
        """Posts the run's review unless it is there, and tells what GitHub then shows."""
        pull = brief.pull
        with self._locks[f"{pull.repository}/{pull.number}"]:
            say("Posting the review")
            posted = self._post_unless_there(brief, run_id, say)
            say("Looking whether the review is there")
            return self._receipt(pull, posted, run_id)

    def _post_unless_there(self, brief: PostReview, run_id: UUID, say: Say) -> PostedReview:
        """Looks before every try: one whose answer was lost may have worked."""
        error: TryAgain | None = None
        for seconds in (0.0, *WAITS_SECONDS):
            if error:
                self._github.pause(error, seconds)
            ours = self._reviews_of_ours(brief.pull)
            found = next((r for r in ours if markers.of_run(run_id) in (r.body or "")), None)
            if found:
                return found
            drafts = self._drafts(brief, run_id, ours, say)
            try:
                return self._send(brief.pull, drafts)
            except TryAgain as again:
                error = again
        raise TryAgain(f"GitHub does not take the review now: {error}")

    def _reviews_of_ours(self, pull: PullRequest) -> list[PostedReview]:
        login = self._github.login()
        return [r for r in self._github.reviews(pull.repository, pull.number) if r.user and r.user.login == login]

    def _drafts(self, brief: PostReview, run_id: UUID, ours: list[PostedReview], say: Say) -> list[Draft]:
        """The review, and the same with everything in the body for when GitHub refuses a comment."""
        pull = brief.pull
        wanted = Wanted(pull.repository, pull.number, pull.base_sha, pull.head_sha)
        files = self._mirrors.change(wanted, say).files
        known = self._known(pull, ours) if brief.review.findings else set()
        first = compose(brief, files, run_id=run_id, known=known, max_inline=self._max_inline)
        if not first.comments:
            return [first]
        refused = len(first.comments)
        return [first, compose(brief, files, run_id=run_id, known=known, max_inline=0, refused=refused)]

    def _known(self, pull: PullRequest, ours: list[PostedReview]) -> set[str]:
        """The fingerprints of what we have said on this pull request."""
        login = self._github.login()
        comments = self._github.comments(pull.repository, pull.number)
        bodies = [c.body for c in comments if c.user and c.user.login == login] + [r.body or "" for r in ours]
        return set().union(*map(markers.fingerprints_in, bodies))

    def _send(self, pull: PullRequest, drafts: list[Draft]) -> PostedReview:
        """Sends the first draft that GitHub takes. Raises Unprocessable where it takes none."""
        requests = [_request(draft, commit_id=pull.head_sha) for draft in drafts]
        # after a force-push GitHub may no longer know the commit; the body names it
        *others, last = [*requests, _request(drafts[-1])]
        for request in others:
            try:
                return self._send_one(pull, request)
            except Unprocessable:
                continue
        return self._send_one(pull, last)

    def _send_one(self, pull: PullRequest, request: dict[str, Any]) -> PostedReview:
        try:
            return self._github.post_review(pull.repository, pull.number, request)
        except Moved:
            name = self._github.pull(pull.repository, pull.number).base.repo.full_name
            return self._github.post_review(name, pull.number, request)

    def _receipt(self, pull: PullRequest, posted: PostedReview, run_id: UUID) -> Receipt:
        for seconds in LOOKS_SECONDS:
            if seconds:  # GitHub may take a moment to show what it took
                self._github.pause(TryAgain(), seconds)
            receipt = self._look(pull, posted, run_id)
            if receipt.proven:
                break
        return receipt

    def _look(self, pull: PullRequest, posted: PostedReview, run_id: UUID) -> Receipt:
        comments: list[PostedComment] = []
        try:
            review = self._github.review(pull.repository, pull.number, posted.id)
            comments = self._github.comments_of(pull.repository, pull.number, posted.id)
            missing = _missing(review, comments, run_id)
        except NotFound:
            missing = f"GitHub does not show review {posted.id}"
        sent = markers.tally_in(posted.body or "") or Tally()
        return Receipt(
            review_id=posted.id,
            url=posted.html_url,
            inline_comments=len(comments),
            findings_in_body=sent.in_body,
            already_reported=sent.already,
            comments_refused=sent.refused,
            proven=not missing,
            missing=missing,
        )


def _request(draft: Draft, **commit: str) -> dict[str, Any]:
    return {"event": "COMMENT", "body": draft.body, "comments": list(draft.comments), **commit}


def _missing(review: PostedReview, comments: list[PostedComment], run_id: UUID) -> str:
    """What is not as it was sent, or an empty text."""
    body = review.body or ""
    if markers.of_run(run_id) not in body:
        return f"review {review.id} does not have the mark of this run"
    sent = markers.tally_in(body)
    if not sent:
        return f"review {review.id} does not say how many comments were sent"
    if len(comments) != sent.inline:
        return f"review {review.id} shows {len(comments)} comments on lines, {sent.inline} were sent"
    return ""
