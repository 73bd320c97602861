"""The control of what people do on a pull request; the rest of it is in `control.py`. `user` is the token's account
where none is given.

POST   /_sim/repos/{o}/{r}/pulls/{n}/reviews        as GitHub's, of anybody and in spite of locks; also {user?}:
           {"user": "robin", "event": "COMMENT", "comments": [{"path": "a.py", "line": 3, "body": "Why?"}]}
           gives the review, and under `comments` its comments; without `event` it is started and not submitted
PATCH  /_sim/repos/{o}/{r}/pulls/{n}/reviews/{id}   {state?, commit_id?}: dismisses an approval or a request for
           changes: {"state": "DISMISSED"}; moves it to another commit, as GitHub does at times (`placing.py`)
POST   /_sim/repos/{o}/{r}/pulls/{n}/comments/{id}/replies   {body, user?}: a reply in a thread
PATCH  /_sim/repos/{o}/{r}/pulls/{n}/threads/{id}   {resolved, user?}: resolves or reopens the thread that this comment
           begins: {"resolved": true, "user": "robin"}
POST   /_sim/repos/{o}/{r}/pulls/{n}/pending        {body?, user?}: a person starts a review
PATCH  /_sim/repos/{o}/{r}/pulls/{n}/pending        {user?}: submits it as a comment
DELETE /_sim/repos/{o}/{r}/pulls/{n}/pending        ?user=: discards it
"""

from flask import Blueprint, request

from sim.not_github import git, reviews
from sim.not_github.answers import body
from sim.not_github.control import fields, known_repository
from sim.not_github.conversation import Conversation
from sim.not_github.hub import Refusal, hub, not_found
from sim.not_github.links import Json
from sim.not_github.rows import Pull, Review, ReviewComment, now

people = Blueprint("people", __name__, url_prefix="/_sim")

PULL = "/repos/<owner>/<name>/pulls/<int:number>"
PENDING = f"{PULL}/pending"


def opened(owner: str, name: str, number: int) -> tuple[Pull, Conversation]:
    repository = known_repository(owner, name)
    return hub().find_pull(repository, number), Conversation(hub(), repository)


@people.post(f"{PULL}/reviews")
def add_review(owner: str, name: str, number: int) -> tuple[Json, int]:
    pull, shapes = opened(owner, name, number)
    sent = body()
    user = sent.pop("user", hub().login)
    draft = reviews.read_draft(sent)
    if draft.event is None and _pending(pull, user):
        raise Refusal(422, "this account has started a review there already")
    review = reviews.add_review(hub().store, draft, shapes.folder, pull, user)
    comments = [one for one in hub().store.review_comments(pull.id) if one.review == review.id]
    shape = {**shapes.review(review, pull), "comments": [shapes.review_comment(one, pull) for one in comments]}
    return shape, 201


@people.patch(f"{PULL}/reviews/<int:review>")
def change_review(owner: str, name: str, number: int, review: int) -> Json:
    pull, shapes = opened(owner, name, number)
    sent = fields({"state": str, "commit_id": str}, states=("DISMISSED",))
    found = next((one for one in hub().store.reviews(pull.id) if one.id == review), None)
    if found is None:
        raise not_found()
    if "state" in sent and found.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refusal(422, f"Can not dismiss a {found.state.lower()} pull request review")
    if "commit_id" in sent and not git.is_commit(shapes.folder, sent["commit_id"]):
        raise Refusal(422, "commit_id is the full id of a commit that is there")
    return shapes.review(hub().store.change(found, **sent) if sent else found, pull)


@people.post(f"{PULL}/comments/<int:comment>/replies")
def add_reply(owner: str, name: str, number: int, comment: int) -> tuple[Json, int]:
    pull, shapes = opened(owner, name, number)
    sent = fields({"body": str, "user": str})
    root = _begins_a_thread(pull, comment)
    said = reviews.add_reply(hub().store, pull, root, reviews.read_reply(sent), sent.get("user", hub().login))
    return shapes.review_comment(said, pull), 201


@people.patch(f"{PULL}/threads/<int:comment>")
def change_thread(owner: str, name: str, number: int, comment: int) -> tuple[str, int]:
    pull, _ = opened(owner, name, number)
    sent = fields({"resolved": bool, "user": str})
    resolver = sent.get("user", hub().login) if sent.get("resolved") else ""
    hub().store.change(_begins_a_thread(pull, comment), resolved_by=resolver)
    return "", 204


def _begins_a_thread(pull: Pull, comment: int) -> ReviewComment:
    for one in hub().store.review_comments(pull.id):
        if one.id == comment and one.in_reply_to is None:
            return one
    raise not_found()


@people.post(PENDING)
def start_review(owner: str, name: str, number: int) -> tuple[Json, int]:
    pull, shapes = opened(owner, name, number)
    sent = fields({"body": str, "user": str})
    user = sent.get("user", hub().login)
    if _pending(pull, user):
        raise Refusal(422, "this account has started a review there already")
    draft = reviews.Draft(sent.get("body", ""), None, None, ())
    return shapes.review(reviews.add_review(hub().store, draft, shapes.folder, pull, user), pull), 201


@people.patch(PENDING)
def submit_review(owner: str, name: str, number: int) -> tuple[str, int]:
    pull, _ = opened(owner, name, number)
    review = _known_pending(pull, fields({"user": str}).get("user"))
    hub().store.change(review, state="COMMENTED", submitted_at=now())
    return "", 204


@people.delete(PENDING)
def discard_review(owner: str, name: str, number: int) -> tuple[str, int]:
    pull, _ = opened(owner, name, number)
    hub().store.discard_review(_known_pending(pull, request.args.get("user")).id)
    return "", 204


def _pending(pull: Pull, user: str | None) -> Review | None:
    found = hub().store.reviews(pull.id)
    return next((one for one in found if one.state == "PENDING" and one.user == (user or hub().login)), None)


def _known_pending(pull: Pull, user: str | None) -> Review:
    review = _pending(pull, user)
    if review is None:
        raise not_found()
    return review
