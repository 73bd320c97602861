"""The part of GitHub's REST API that is about reviews and what they say on lines."""

from flask import Response, jsonify

from sim.not_github import git, reviews
from sim.not_github.answers import (
    PULL,
    blueprint,
    body,
    open_pull,
    open_repository,
    paginated,
    refuse_archived,
    require_right,
)
from sim.not_github.conversation import Conversation
from sim.not_github.hub import Refusal, hub, not_found, signed_in
from sim.not_github.links import Json
from sim.not_github.rows import Pull, Review, ReviewComment, now

rest_reviews = blueprint("rest_reviews")

REVIEW = f"{PULL}/reviews/<int:review>"
COMMITS_OF_ANY_PULL = 10_000  # that a review may name


def visible_reviews(pull: Pull) -> list[Review]:
    """A pending review is seen by its author alone."""
    own = {hub().login} if signed_in() else set()
    return [review for review in hub().store.reviews(pull.id) if review.state != "PENDING" or review.user in own]


def visible_review(pull: Pull, number: int) -> Review:
    for review in visible_reviews(pull):
        if review.id == number:
            return review
    raise not_found()


@rest_reviews.get(f"{PULL}/reviews")
def list_reviews(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(visible_reviews(pull))
    return jsonify([shapes.review(review, pull) for review in page]), links


@rest_reviews.post(f"{PULL}/reviews")
def create_review(owner: str, name: str, number: int) -> Json:
    repository, shapes = open_repository(owner, name)
    pull = hub().find_pull(repository, number)
    require_right(repository, "pull_requests")
    draft = reviews.read_draft(body())
    known = git.commits(shapes.folder, pull.head_sha, without=pull.base_sha, limit=COMMITS_OF_ANY_PULL)
    reviews.check_review(
        draft,
        login=hub().login,
        repository=repository,
        pull=pull,
        commits={commit.sha for commit in known},
        earlier=hub().store.reviews(pull.id),
    )
    return shapes.review(reviews.add_review(hub().store, draft, shapes.folder, pull, hub().login), pull)


@rest_reviews.get(REVIEW)
def get_review(owner: str, name: str, number: int, review: int) -> Json:
    pull, shapes = open_pull(owner, name, number)
    return shapes.review(visible_review(pull, review), pull)


@rest_reviews.delete(REVIEW)
def delete_review(owner: str, name: str, number: int, review: int) -> Json:
    repository, shapes = open_repository(owner, name)
    pull = hub().find_pull(repository, number)
    require_right(repository, "pull_requests")
    found = visible_review(pull, review)
    refuse_archived(repository)
    if found.state != "PENDING":
        raise reviews.refuse("Can not delete a non-pending pull request review", docs=reviews.DELETING)
    hub().store.discard_review(found.id)
    return shapes.review(found, pull)


@rest_reviews.post(f"{REVIEW}/events")
def submit_review(owner: str, name: str, number: int, review: int) -> Json:
    repository, shapes = open_repository(owner, name)
    pull = hub().find_pull(repository, number)
    require_right(repository, "pull_requests")
    found = visible_review(pull, review)
    event, text = reviews.read_submission(body(), found)
    if found.state != "PENDING":
        raise reviews.refuse("Review has already been submitted.", docs=reviews.SUBMITTING)
    reviews.check_open(repository, pull)
    with_comments = bool(_comments_of(pull, {found.id}))
    reviews.check_verdict(event, text, login=hub().login, pull=pull, with_comments=with_comments)
    submitted = hub().store.change(found, state=reviews.STATES[event], body=text, submitted_at=now())
    return shapes.review(submitted, pull)


# Of the comments of one review GitHub does not tell where they stand, but for their position: hub4j/github-api#2106.
NOT_TOLD = ("line", "side", "start_line", "start_side", "original_line", "original_start_line")


@rest_reviews.get(f"{REVIEW}/comments")
def list_comments_of_review(owner: str, name: str, number: int, review: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    visible_review(pull, review)
    page, links = paginated(_comments_of(pull, {review}))
    shown = [shapes.review_comment(comment, pull) for comment in page]
    return jsonify([{key: value for key, value in one.items() if key not in NOT_TOLD} for one in shown]), links


@rest_reviews.get(f"{PULL}/comments")
def list_review_comments(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    return _listed(pull, shapes, submitted_comments(pull))


def submitted_comments(pull: Pull) -> list[ReviewComment]:
    submitted = {review.id for review in hub().store.reviews(pull.id) if review.state != "PENDING"}
    return _comments_of(pull, submitted)


def _comments_of(pull: Pull, of: set[int]) -> list[ReviewComment]:
    return [row for row in hub().store.review_comments(pull.id) if row.review in of]


def _listed(pull: Pull, shapes: Conversation, found: list[ReviewComment]) -> tuple[Response, dict[str, str]]:
    page, links = paginated(found)
    return jsonify([shapes.review_comment(comment, pull) for comment in page]), links


@rest_reviews.get("/repos/<owner>/<name>/pulls/comments/<int:comment>")
def get_review_comment(owner: str, name: str, comment: int) -> Json:
    repository, shapes = open_repository(owner, name)
    for pull in hub().store.pulls(repository.id):
        for found in submitted_comments(pull):
            if found.id == comment:
                return shapes.review_comment(found, pull)
    raise not_found()


@rest_reviews.post(f"{PULL}/comments/<int:comment>/replies")
def reply(owner: str, name: str, number: int, comment: int) -> tuple[Json, int]:
    """In a thread; as at GitHub an empty review at the head comes with it, and a reply takes no replies."""
    repository, shapes = open_repository(owner, name)
    pull = hub().find_pull(repository, number)
    require_right(repository, "pull_requests")
    text = reviews.read_reply(body())
    root = next((one for one in submitted_comments(pull) if one.id == comment and one.in_reply_to is None), None)
    if root is None:
        raise not_found()
    reviews.check_open(repository, pull)
    if any(one.state == "PENDING" and one.user == hub().login for one in hub().store.reviews(pull.id)):
        raise Refusal(422, "Validation Failed", errors=[reviews.ONE_PENDING], docs=reviews.REPLYING)
    added = reviews.add_reply(hub().store, pull, root, text, hub().login)
    return shapes.review_comment(added, pull), 201
