"""The part of GitHub's REST API that reading and reviewing pull requests needs."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from sim.not_github import git, reviews
from sim.not_github.diff import LARGEST_DIFF_FILES, LARGEST_DIFF_LINES, compare, compare_text
from sim.not_github.hub import Refusal, hub, not_found, require_token, signed_in
from sim.not_github.shapes import Json, Shapes, signed_in_user
from sim.not_github.store import IssueComment, Pull, Repository, Review, ReviewComment, now

rest = Blueprint("rest", __name__)

PER_PAGE, MOST_PER_PAGE = 30, 100
DIFF_TYPES = ("application/vnd.github.diff", "application/vnd.github.v3.diff")
PULL = "/repos/<owner>/<name>/pulls/<int:number>"
ISSUE_COMMENTS = "/repos/<owner>/<name>/issues/<int:number>/comments"


@rest.before_request
def check_token() -> None:
    """A wrong token is refused even where none is needed."""
    signed_in()


def paginated(items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, str]]:
    """The page that the request asks for, and its Link header. A number that is none counts as GitHub's default."""
    size = min(max(request.args.get("per_page", PER_PAGE, type=int), 1), MOST_PER_PAGE)
    page = max(request.args.get("page", 1, type=int), 1)
    last = max(-(-len(items) // size), 1)
    pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page <= 1:
        del pages["prev"], pages["first"]
    if page >= last:
        del pages["next"], pages["last"]
    links = ", ".join(f'<{_page_url(number)}>; rel="{name}"' for name, number in pages.items())
    return items[(page - 1) * size : page * size], {"Link": links} if links else {}


def _page_url(page: int) -> str:
    return f"{hub().url}{request.path}?{urlencode({**request.args, 'page': page})}"


def body() -> Json:
    """The JSON object of the request; an empty body is an empty one."""
    if not request.get_data():
        return {}
    sent = request.get_json(force=True, silent=True)
    if sent is None:
        raise Refusal(400, "Problems parsing JSON")
    if not isinstance(sent, dict):
        raise Refusal(400, "Body should be a JSON object")
    return sent


def open_repository(owner: str, name: str) -> tuple[Repository, Shapes]:
    repository = hub().find(owner, name)
    return repository, Shapes(hub(), repository)


def open_pull(owner: str, name: str, number: int) -> tuple[Pull, Shapes]:
    repository, shapes = open_repository(owner, name)
    return hub().find_pull(repository, number), shapes


@rest.get("/user")
def get_user() -> Json:
    require_token()
    return signed_in_user(hub().url, hub().login)


@rest.get("/rate_limit")
def get_rate_limit() -> Json:
    core = hub().rate.count(0)
    return {"resources": {"core": core, "search": core}, "rate": core}


@rest.get("/repos/<owner>/<name>")
def get_repository(owner: str, name: str) -> Json:
    repository, shapes = open_repository(owner, name)
    if not signed_in():
        return shapes.repository()
    permissions = {"admin": False, "push": repository.permission == "write", "pull": True}
    return {**shapes.repository(), "permissions": permissions}


@rest.get("/repos/<owner>/<name>/branches")
def list_branches(owner: str, name: str) -> tuple[Response, dict[str, str]]:
    _, shapes = open_repository(owner, name)
    page, links = paginated(list(git.branches(shapes.folder).items()))
    return jsonify([shapes.branch(*branch) for branch in page]), links


@rest.get("/repos/<owner>/<name>/branches/<path:branch>")
def get_branch(owner: str, name: str, branch: str) -> Json:
    _, shapes = open_repository(owner, name)
    sha = git.branches(shapes.folder).get(branch)
    if sha is None:
        raise Refusal(404, "Branch not found")
    return shapes.branch_in_full(branch, sha)


@rest.get("/repos/<owner>/<name>/pulls")
def list_pulls(owner: str, name: str) -> tuple[Response, dict[str, str]]:
    repository, shapes = open_repository(owner, name)
    found = [pull for pull in hub().store.pulls(repository.id) if _asked_for(pull, repository)]
    page, links = paginated(found)
    return jsonify([shapes.pull(pull) for pull in page]), links


def _asked_for(pull: Pull, repository: Repository) -> bool:
    wanted = request.args
    return (
        wanted.get("state", "open") in (pull.state, "all")
        and wanted.get("head") in (None, "", f"{repository.owner}:{pull.head_ref}")
        and wanted.get("base") in (None, "", pull.base_ref)
    )


@rest.get(PULL)
def get_pull(owner: str, name: str, number: int) -> Json | Response:
    pull, shapes = open_pull(owner, name, number)
    if request.accept_mimetypes.best in DIFF_TYPES:
        return _diff(pull, shapes)
    return shapes.pull_in_full(pull)


def _diff(pull: Pull, shapes: Shapes) -> Response:
    text = compare_text(shapes.folder, pull.base_sha, pull.head_sha)
    _refuse_large("files", len(compare(shapes.folder, pull.base_sha, pull.head_sha)), LARGEST_DIFF_FILES)
    _refuse_large("lines", text.count(b"\n"), LARGEST_DIFF_LINES)
    return Response(text, content_type="application/vnd.github.diff; charset=utf-8")


def _refuse_large(what: str, size: int, largest: int) -> None:
    if size > largest:
        problem = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
        raise Refusal(406, f"Sorry, the diff exceeded the maximum number of {what} ({largest})", errors=[problem])


@rest.get(f"{PULL}/files")
def list_files(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(compare(shapes.folder, pull.base_sha, pull.head_sha))
    return jsonify([shapes.file(file, pull) for file in page]), links


@rest.get(f"{PULL}/commits")
def list_commits(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(shapes.commits(pull))
    return jsonify([shapes.commit(commit) for commit in page]), links


def visible_reviews(pull: Pull) -> list[Review]:
    """A pending review is seen by its author alone."""
    own = {hub().login} if signed_in() else set()
    return [review for review in hub().store.reviews(pull.id) if review.state != "PENDING" or review.user in own]


def visible_review(pull: Pull, number: int) -> Review:
    for review in visible_reviews(pull):
        if review.id == number:
            return review
    raise not_found()


@rest.get(f"{PULL}/reviews")
def list_reviews(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(visible_reviews(pull))
    return jsonify([shapes.review(review, pull) for review in page]), links


@rest.post(f"{PULL}/reviews")
def create_review(owner: str, name: str, number: int) -> Json:
    repository, shapes = open_repository(owner, name)
    pull = hub().find_pull(repository, number)
    require_token()
    draft = reviews.read_draft(body())
    reviews.check_review(
        draft,
        login=hub().login,
        repository=repository,
        pull=pull,
        commits={commit.sha for commit in shapes.commits(pull)},
        earlier=hub().store.reviews(pull.id),
    )
    commit_id = draft.commit_id or pull.head_sha
    files = compare(shapes.folder, pull.base_sha, commit_id)
    comments = reviews.place_comments(draft, files, login=hub().login, commit_id=commit_id)
    review = Review(
        pull=pull.id,
        user=hub().login,
        body=draft.body,
        state=reviews.STATES[draft.event],
        commit_id=commit_id,
        submitted_at=now(),
    )
    return shapes.review(hub().store.add_review(review, comments), pull)


@rest.get(f"{PULL}/reviews/<int:review>")
def get_review(owner: str, name: str, number: int, review: int) -> Json:
    pull, shapes = open_pull(owner, name, number)
    return shapes.review(visible_review(pull, review), pull)


@rest.get(f"{PULL}/reviews/<int:review>/comments")
def list_comments_of_review(owner: str, name: str, number: int, review: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    visible_review(pull, review)
    return _review_comments(pull, shapes, {review})


@rest.get(f"{PULL}/comments")
def list_review_comments(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    submitted = {review.id for review in hub().store.reviews(pull.id) if review.state != "PENDING"}
    return _review_comments(pull, shapes, submitted)


def _review_comments(pull: Pull, shapes: Shapes, of: set[int]) -> tuple[Response, dict[str, str]]:
    found: list[ReviewComment] = [row for row in hub().store.review_comments(pull.id) if row.review in of]
    page, links = paginated(found)
    return jsonify([shapes.review_comment(comment, pull) for comment in page]), links


@rest.get(ISSUE_COMMENTS)
def list_issue_comments(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(hub().store.issue_comments(pull.id))
    return jsonify([shapes.issue_comment(comment, pull) for comment in page]), links


@rest.post(ISSUE_COMMENTS)
def create_issue_comment(owner: str, name: str, number: int) -> tuple[Json, int]:
    pull, shapes = open_pull(owner, name, number)
    require_token()
    text = body().get("body")
    if not isinstance(text, str) or not text.strip():
        raise _bad_comment(code="missing_field", field="body")
    if len(text) > reviews.LONGEST_BODY:
        problem = f"Body is too long (maximum is {reviews.LONGEST_BODY} characters)"
        raise _bad_comment(code="unprocessable", field="data", message=problem)
    comment = hub().store.add(IssueComment(pull=pull.id, user=hub().login, body=text, created_at=now()))
    return shapes.issue_comment(comment, pull), 201


def _bad_comment(**problem: str) -> Refusal:
    docs = "rest/issues/comments#create-an-issue-comment"
    return Refusal(422, "Validation Failed", errors=[{"resource": "IssueComment", **problem}], docs=docs)
