"""The JSON of what is said on a pull request: reviews, comments, and where these stand in its present diff."""

from sim.not_github.links import Json, node_id, user
from sim.not_github.placing import Place, place
from sim.not_github.rows import IssueComment, Pull, Review, ReviewComment
from sim.not_github.shapes import Shapes


class Conversation(Shapes):
    """As `Shapes`, of what people say."""

    def review(self, review: Review, pull: Pull) -> Json:
        html = f"{self.pull_html(pull)}#pullrequestreview-{review.id}"
        shape = {
            "id": review.id,
            "node_id": node_id("PullRequestReview", review.id),
            "user": user(self._hub.url, review.user),
            "body": review.body,
            "state": review.state,
            "commit_id": review.commit_id,
            "html_url": html,
            "pull_request_url": self._pull_api(pull),
            "author_association": self._association(review.user),
            "_links": {"html": {"href": html}, "pull_request": {"href": self._pull_api(pull)}},
        }
        return shape if review.state == "PENDING" else {**shape, "submitted_at": review.submitted_at}

    def review_comment(self, comment: ReviewComment, pull: Pull) -> Json:
        api = f"{self._api}/pulls/comments/{comment.id}"
        html = f"{self.pull_html(pull)}#discussion_r{comment.id}"
        at = self.place(comment, pull)
        shape: Json = {
            "id": comment.id,
            "node_id": node_id("PullRequestReviewComment", comment.id),
            "pull_request_review_id": comment.review,
            "user": user(self._hub.url, comment.user),
            "body": comment.body,
            "path": comment.path,
            "side": comment.side,
            "start_side": comment.start_side,
            "line": at.line if at else None,
            "start_line": at.start_line if at else None,
            "position": at.position if at else None,
            "original_line": comment.line,
            "original_start_line": comment.start_line,
            "original_position": comment.position,
            "commit_id": pull.head_sha if at else comment.seen_at or comment.commit_id,
            "original_commit_id": comment.commit_id,
            "diff_hunk": comment.diff_hunk,
            "subject_type": "line",
            "created_at": comment.created_at,
            "updated_at": comment.created_at,
            "author_association": self._association(comment.user),
            "url": api,
            "html_url": html,
            "pull_request_url": self._pull_api(pull),
            "_links": {
                "self": {"href": api},
                "html": {"href": html},
                "pull_request": {"href": self._pull_api(pull)},
            },
        }
        return shape if comment.in_reply_to is None else {**shape, "in_reply_to_id": comment.in_reply_to}

    def place(self, comment: ReviewComment, pull: Pull) -> Place | None:
        """Where it stands today; None: it is outdated."""
        return place(self.folder, pull, comment)

    def issue_comment(self, comment: IssueComment, pull: Pull) -> Json:
        return {
            "id": comment.id,
            "node_id": node_id("IssueComment", comment.id),
            "url": f"{self._api}/issues/comments/{comment.id}",
            "html_url": f"{self.pull_html(pull)}#issuecomment-{comment.id}",
            "issue_url": f"{self._api}/issues/{pull.number}",
            "user": user(self._hub.url, comment.user),
            "body": comment.body,
            "created_at": comment.created_at,
            "updated_at": comment.created_at,
            "author_association": self._association(comment.user),
            "performed_via_github_app": None,
        }
