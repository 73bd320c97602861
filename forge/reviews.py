"""Drafts reviews and posts them: one per run, however often it is asked for, and a look at GitHub that it is there."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from forge import sending
from forge.compose import compose
from forge.conversation import Conversations
from forge.github import WAITS_SECONDS, GitHub, Moved, NotFound, Started, Unprocessable
from forge.github.reviews import PostedReview, PullReviews
from forge.locks import Locks
from forge.marks import Facts, Marks
from forge.mirrors import Mirrors, Wanted
from forge.statuses import Statuses
from stack.assignment import Assignment
from stack.errors import GiveUp, TryAgain
from stack.work.remarks import Said
from stack.work.review import Draft, DraftReview, PostReview, PullRequest, Receipt

log = logging.getLogger(__name__)

LOOKS_SECONDS = (0.0, 1.0, 2.0)  # before each look for what was posted


class Reviews:
    """Posts reviews. There must be one of it: its locks keep two workers from posting at once."""

    def __init__(
        self, *, github: GitHub, mirrors: Mirrors, marks: Marks, conversations: Conversations, max_inline: int
    ) -> None:
        self._github = github
        self._mirrors = mirrors
        self._marks = marks
        self._conversations = conversations
        self._max_inline = max_inline
        self._statuses = Statuses(github)
        self._locks = Locks()

    def draft(self, brief: DraftReview, at: Assignment) -> Draft:
        """The review as it will be posted, to the letter. Raises Stopped, TryAgain or GiveUp."""
        pull = brief.pull
        at.say("Writing the review")
        wanted = Wanted(pull.repository, pull.number, pull.base_sha, pull.head_sha)
        files = self._mirrors.change(wanted, at).files
        self._mirrors.keep(pull.repository, pull.head_sha)
        taken = None
        if brief.review.findings:
            taken = self._there(pull).with_patch()
            brief = brief.model_copy(update={"said": self._said_by_now(brief)})

        def lines(path: str) -> Sequence[str] | None:
            return self._mirrors.lines(pull.repository, pull.head_sha, path)

        return compose(brief, files, lines, taken=taken, max_inline=self._max_inline)

    def _said_by_now(self, brief: DraftReview) -> tuple[Said, ...]:
        """What stood there when the model was asked, and what we have said since, in another run."""
        known = {(one.path, one.side, one.kind, one.anchor, one.text) for one in brief.said}
        now = self._conversations.said(self._there(brief.pull))
        news = [one for one in now if one.ours and (one.path, one.side, one.kind, one.anchor, one.text) not in known]
        first = max((one.number for one in brief.said), default=0) + 1
        return (*brief.said, *(one.model_copy(update={"number": first + n}) for n, one in enumerate(news)))

    def post(self, brief: PostReview, at: Assignment) -> Receipt:
        """Posts the run's review, resolves what it found fixed, puts its verdict on the commit, looks that it is there.

        Raises Stopped as long as nothing was sent; TryAgain, with the seconds to wait, where GitHub takes no review
        now, or none beside one that the token's account has started; GiveUp where it will not have this one.
        """
        pull, draft = brief.pull, brief.draft
        with self._locks[f"{pull.repository}/{pull.number}"]:
            at.say("Posting the review")
            posted, facts = self._post_unless_there(brief, at)
            at.say("Looking whether the review is there")
            receipt = self._receipt(pull, draft, posted, facts)
            resolved = self._resolve(pull, draft)
            status = self._statuses.put(pull, draft, url=posted.html_url)
            return receipt.model_copy(update={"resolved": resolved, "status": status})

    def _post_unless_there(self, brief: PostReview, at: Assignment) -> tuple[PostedReview, Facts]:
        """Looks before every try: one whose answer was lost may have worked."""
        there, error = self._there(brief.pull), None
        for seconds in (0.0, *WAITS_SECONDS):
            if error:
                self._github.pause(error, seconds)
            ours = there.of_ours()
            if found := sending.of_run(self._marks, ours, at.run_id):
                return found
            self._make_room(there, ours)
            if not error:
                at.stop.check()  # the last moment: from here on the review may be there
            try:
                posted = self._send(there, brief.draft, at.run_id)
                found = sending.of_run(self._marks, [posted], at.run_id)
                return found or (posted, {"draft": "", "moved": []})
            except Started:
                raise
            except TryAgain as again:
                error = again
        raise TryAgain(f"GitHub does not take the review now: {error}", after=error.after if error else None)

    def _make_room(self, there: PullReviews, ours: Sequence[PostedReview]) -> None:
        """Removes a try of ours that was cut off. Raises Started where the account's person has started a review."""
        for review in ours:
            if review.pending and sending.is_try(self._marks, review):
                there.discard(review)
        name, who = f"pull request {there.number} of {there.repository}", self._github.login()
        if reason := sending.in_the_way(self._marks, ours, who=who, pull=name, then="and this one is posted"):
            raise Started(reason)

    # --- sending ----------------------------------------------------------------------------------------

    def _send(self, there: PullReviews, draft: Draft, run_id: UUID) -> PostedReview:
        """Sends the review with all the comments that GitHub takes on their lines; the others stand in its text."""
        try:
            try:
                return self._send_to(there, draft, run_id)
            except Moved:
                name = self._github.pull(there.repository, there.number).base.repo.full_name
                return self._send_to(PullReviews(self._github, name, there.number), draft, run_id)
        except NotFound as error:
            raise GiveUp(
                f"Pull request {there.number} of {there.repository} is gone, or the token may not write reviews there"
            ) from error

    def _send_to(self, there: PullReviews, draft: Draft, run_id: UUID) -> PostedReview:
        whole = sending.request(draft, self._marks, run_id=run_id, moved=frozenset())
        try:
            return there.post(whole | {"commit_id": draft.head_sha})
        except Unprocessable as refusal:
            now = self._github.pull(there.repository, there.number).head.sha
            if draft.head_sha != now and draft.head_sha not in there.commits():
                # the branch was rewritten: GitHub takes nothing on lines of a commit that it no longer knows
                moved = frozenset(range(len(draft.remarks)))
                return there.post(sending.request(draft, self._marks, run_id=run_id, moved=moved))
            if not draft.remarks or not there.takes(self._try(draft, run_id, [])):
                raise refusal  # whatever is in it
        moved = self._refused(there, draft, run_id)
        log.warning("GitHub takes %s of %s comments on lines", len(draft.remarks) - len(moved), len(draft.remarks))
        rest = sending.request(draft, self._marks, run_id=run_id, moved=moved)
        return there.post(rest | {"commit_id": draft.head_sha})

    def _refused(self, there: PullReviews, draft: Draft, run_id: UUID) -> frozenset[int]:
        """Which remarks GitHub refuses. It does not say, so halves are tried, with reviews that are not submitted."""
        left, refused = [list(range(len(draft.remarks)))], set[int]()
        while left:
            part = left.pop()
            if there.takes(self._try(draft, run_id, part)):
                continue
            if len(part) == 1:
                refused |= set(part)
            else:
                left += [part[: len(part) // 2], part[len(part) // 2 :]]
        return frozenset(refused)

    def _try(self, draft: Draft, run_id: UUID, part: Sequence[int]) -> dict[str, Any]:
        """A review with some of the remarks, which says that it is a try: what is left of one is removed."""
        others = frozenset(range(len(draft.remarks))) - frozenset(part)
        comments = sending.request(draft, self._marks, run_id=run_id, moved=others)["comments"]
        body = self._marks.line({"is": "try", "run": str(run_id)})
        return {"body": body, "comments": comments, "commit_id": draft.head_sha}

    # --- looking ----------------------------------------------------------------------------------------

    def _receipt(self, pull: PullRequest, draft: Draft, posted: PostedReview, facts: Facts) -> Receipt:
        for seconds in LOOKS_SECONDS:
            if seconds:  # GitHub may take a moment to show what it took
                self._github.pause(TryAgain(), seconds)
            receipt = self._look(pull, draft, posted, facts)
            if receipt.proven:
                break
        return receipt

    def _look(self, pull: PullRequest, draft: Draft, posted: PostedReview, facts: Facts) -> Receipt:
        there, inline = self._there(pull), 0
        try:
            review, comments = there.one(posted.id), there.comments_of(posted.id)
            inline = len(comments)
            missing = sending.missing(draft, facts, review, comments)
        except NotFound:
            missing = f"GitHub does not show review {posted.id}"
        where = [one.where for one in draft.findings]
        return Receipt(
            review_id=posted.id,
            url=posted.html_url,
            inline_comments=inline,
            findings_in_body=where.count("text") + len(facts["moved"]),
            already_reported=where.count("said"),
            comments_refused=len(facts["moved"]),
            proven=not missing,
            missing=missing,
        )

    def _resolve(self, pull: PullRequest, draft: Draft) -> int:
        """Resolves the threads of what was fixed; returns how many are: a courtesy, and no part of the proof."""
        done = 0
        for thread in draft.fixed:
            try:
                self._there(pull).resolve(thread)
                done += 1
            except GiveUp as error:
                log.warning("a thread could not be resolved: %s", error)
        return done

    def _there(self, pull: PullRequest) -> PullReviews:
        return PullReviews(self._github, pull.repository, pull.number)
