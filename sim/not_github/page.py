"""A page for each pull request, at the address that GitHub gives as its html_url."""

from collections import defaultdict
from dataclasses import dataclass

from flask import Blueprint, Response, render_template_string

from sim.not_github import markdown
from sim.not_github.conversation import Conversation
from sim.not_github.diff import compare, compare_text
from sim.not_github.hub import hub
from sim.not_github.page_template import TEMPLATE
from sim.not_github.rows import IssueComment, Pull, Repository, Review, ReviewComment
from sim.not_github.smart_http import ask_for_password, may_use

page = Blueprint("page", __name__)
page.add_app_template_filter(markdown.render, "markdown")

PULL = "/<owner>/<name>/pull/<int:number>"
DID = {"COMMENTED": "reviewed", "APPROVED": "approved", "CHANGES_REQUESTED": "asked for changes"}
DISMISSED = "reviewed, which was dismissed,"


@dataclass(frozen=True)
class Event:
    """A card of the page: a comment on the whole, or a review with its comments on lines."""

    anchor: str
    user: str
    did: str
    at: str
    body: str
    comments: tuple[ReviewComment, ...] = ()


@page.get(PULL)
def show_pull(owner: str, name: str, number: int) -> str | Response:
    repository = hub().store.repository(owner, name) or hub().store.renamed(owner, name)
    if not may_use(repository, "git-upload-pack"):
        return ask_for_password()
    repository = hub().find(owner, name)
    return _render(repository, hub().find_pull(repository, number))


@page.get(f"{PULL}.diff")
def show_diff(owner: str, name: str, number: int) -> Response:
    repository = hub().find(owner, name)
    pull = hub().find_pull(repository, number)
    text = compare_text(hub().folder(repository), pull.base_sha, pull.head_sha)
    return Response(text, content_type="text/plain; charset=utf-8")


def _render(repository: Repository, pull: Pull) -> str:
    reviews = [review for review in hub().store.reviews(pull.id) if review.state != "PENDING"]
    submitted = {review.id for review in reviews}
    comments = [one for one in hub().store.review_comments(pull.id) if one.review in submitted]
    shapes = Conversation(hub(), repository)
    placed = defaultdict[tuple[str, int], list[ReviewComment]](list)
    outdated = []
    for comment in comments:
        if at := shapes.place(comment, pull):
            placed[comment.path, at.position].append(comment)
        else:
            outdated.append(comment)
    return render_template_string(
        TEMPLATE,
        repository=repository,
        pull=pull,
        events=_events(reviews, comments, hub().store.issue_comments(pull.id)),
        files=compare(shapes.folder, pull.base_sha, pull.head_sha),
        comments=placed,
        commented={path for path, _ in placed},
        outdated=outdated,
    )


def _events(reviews: list[Review], comments: list[ReviewComment], issue_comments: list[IssueComment]) -> list[Event]:
    """In the order of time."""
    events = []
    for review in reviews:
        own = tuple(comment for comment in comments if comment.review == review.id)
        anchor = f"pullrequestreview-{review.id}"
        did = DID.get(review.state, DISMISSED)
        events.append(Event(anchor, review.user, did, review.submitted_at, review.body, own))
    for one in issue_comments:
        events.append(Event(f"issuecomment-{one.id}", one.user, "commented", one.created_at, one.body))
    return sorted(events, key=lambda event: event.at)
