"""One review per run on a pull request, however often it is asked for, and a look at GitHub that it is there."""

from typing import Any
from uuid import UUID

from forge import markers
from forge.compose import Draft, compose
from forge.github import WAITS_SECONDS, GitHub, Moved, NotFound, Posted, Started, Unprocessable
from forge.github.reviews import PostedReview, PullReviews
from forge.locks import Locks
from forge.markers import Tally
from forge.mirrors import Mirrors, Wanted
from stack.assignment import Assignment
from stack.diff import FileDiff
from stack.errors import GiveUp, TryAgain
from stack.work.review import PostReview, PullRequest, Receipt

LOOKS_SECONDS = (0.0, 1.0, 2.0)  # before each look for what was posted


class Reviews:
    """Posts reviews. There must be one of it: its locks keep two workers from posting at once."""

    def __init__(self, *, github: GitHub, mirrors: Mirrors, max_inline: int) -> None:
        self._github = github
        self._mirrors = mirrors
        self._max_inline = max_inline
        self._locks = Locks()

    def post(self, brief: PostReview, at: Assignment) -> Receipt:
        """Posts the run's review unless it is there, and tells what GitHub then shows.

        Raises Stopped as long as nothing was sent; TryAgain, with the seconds to wait, where GitHub takes no review
        now, or none beside one that the token's account has started; GiveUp where it will not have this one.
        """
        pull = brief.pull
        with self._locks[f"{pull.repository}/{pull.number}"]:
            at.say("Posting the review")
            posted = self._post_unless_there(brief, at)
            at.say("Looking whether the review is there")
            return self._receipt(pull, posted, at.run_id)

    def _post_unless_there(self, brief: PostReview, at: Assignment) -> PostedReview:
        """Looks before every try: one whose answer was lost may have worked."""
        files: list[FileDiff] | None = None
        error: TryAgain | None = None
        for seconds in (0.0, *WAITS_SECONDS):
            if error:
                self._github.pause(error, seconds)
            ours = self._there(brief.pull).of_ours()
            found = next((r for r in ours if not r.pending and markers.of_run(at.run_id) in (r.body or "")), None)
            if found:
                return found
            self._check_none_is_started(brief.pull, ours)
            files = self._files(brief.pull, at) if files is None else files
            drafts = self._drafts(brief, files, ours, at.run_id)
            if not error:
                at.stop.check()  # the last moment: from here on the review may be there
            try:
                return self._send(brief.pull, drafts)
            except Started:
                raise
            except TryAgain as again:
                error = again
        raise TryAgain(f"GitHub does not take the review now: {error}", after=error.after if error else None)

    def _check_none_is_started(self, pull: PullRequest, ours: list[PostedReview]) -> None:
        if started := next((review for review in ours if review.pending), None):
            raise Started(
                f"{self._github.login()} has started a review of pull request {pull.number} of {pull.repository}, and "
                f"GitHub takes no other beside it: submit or discard it, and this one is posted: {started.html_url}"
            )

    def _files(self, pull: PullRequest, at: Assignment) -> list[FileDiff]:
        wanted = Wanted(pull.repository, pull.number, pull.base_sha, pull.head_sha)
        return self._mirrors.change(wanted, at).files

    def _drafts(self, brief: PostReview, files: list[FileDiff], ours: list[PostedReview], run_id: UUID) -> list[Draft]:
        """The review, and the same with everything in the body for when GitHub refuses a comment."""
        known = self._known(brief.pull, ours) if brief.review.findings else set()
        first = compose(brief, files, run_id=run_id, known=known, max_inline=self._max_inline)
        if not first.comments:
            return [first]
        refused = len(first.comments)
        return [first, compose(brief, files, run_id=run_id, known=known, max_inline=0, refused=refused)]

    def _known(self, pull: PullRequest, ours: list[PostedReview]) -> set[str]:
        """The fingerprints of what we have said on this pull request."""
        comments = self._there(pull).comments_of_ours()
        return set().union(*(markers.fingerprints_in(one.body or "") for one in (*comments, *ours)))

    def _there(self, pull: PullRequest) -> PullReviews:
        return PullReviews(self._github, pull.repository, pull.number)

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
            try:
                return self._there(pull).post(request)
            except Moved:
                name = self._github.pull(pull.repository, pull.number).base.repo.full_name
                return PullReviews(self._github, name, pull.number).post(request)
        except NotFound as error:
            raise GiveUp(
                f"Pull request {pull.number} of {pull.repository} is gone, or the token may not write reviews there"
            ) from error

    def _receipt(self, pull: PullRequest, posted: PostedReview, run_id: UUID) -> Receipt:
        for seconds in LOOKS_SECONDS:
            if seconds:  # GitHub may take a moment to show what it took
                self._github.pause(TryAgain(), seconds)
            receipt = self._look(pull, posted, run_id)
            if receipt.proven:
                break
        return receipt

    def _look(self, pull: PullRequest, posted: PostedReview, run_id: UUID) -> Receipt:
        there, comments = self._there(pull), list[Posted]()
        try:
            review = there.one(posted.id)
            comments = there.comments_of(posted.id)
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


def _missing(review: PostedReview, comments: list[Posted], run_id: UUID) -> str:
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
