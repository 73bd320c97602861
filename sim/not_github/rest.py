"""The part of GitHub's REST API that reading pull requests needs, and comments on the whole of one."""

from flask import Response, jsonify, request

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
from sim.not_github.diff import FILES_OF_A_PULL, LARGEST_DIFF_FILES, LARGEST_DIFF_LINES, compare, compare_text
from sim.not_github.hub import Refusal, hub, require_token, signed_in
from sim.not_github.links import Json, signed_in_user
from sim.not_github.links import user as account
from sim.not_github.rows import IssueComment, Pull, Repository, now
from sim.not_github.shapes import Shapes

rest = blueprint("rest")

DIFF_TYPES = ("application/vnd.github.diff", "application/vnd.github.v3.diff")
ISSUE_COMMENTS = "/repos/<owner>/<name>/issues/<int:number>/comments"


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


@rest.get("/repos/<owner>/<name>/collaborators/<user>/permission")
def get_permission(owner: str, name: str, user: str) -> Json:
    """https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user"""
    repository, _ = open_repository(owner, name)
    require_token()
    if repository.permission != "write":
        raise Refusal(403, "Must have push access to view collaborator permission.")
    known = {repository.owner: "admin", hub().login: repository.permission}
    permission = known.get(user) or ("write" if user in repository.writers.split() else "read")
    return {"permission": permission, "role_name": permission, "user": account(hub().url, user)}


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
    page, links = paginated(compare(shapes.folder, pull.base_sha, pull.head_sha)[:FILES_OF_A_PULL])
    return jsonify([shapes.file(file, pull.head_sha) for file in page]), links


@rest.get(f"{PULL}/commits")
def list_commits(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(shapes.commits(pull))
    return jsonify([shapes.commit(commit) for commit in page]), links


@rest.get(ISSUE_COMMENTS)
def list_issue_comments(owner: str, name: str, number: int) -> tuple[Response, dict[str, str]]:
    pull, shapes = open_pull(owner, name, number)
    page, links = paginated(hub().store.issue_comments(pull.id))
    return jsonify([shapes.issue_comment(comment, pull) for comment in page]), links


@rest.post(ISSUE_COMMENTS)
def create_issue_comment(owner: str, name: str, number: int) -> tuple[Json, int]:
    repository, shapes = open_repository(owner, name)
    pull = hub().find_pull(repository, number)
    require_right(repository, "issues", "pull_requests")
    refuse_archived(repository)
    if pull.locked and not repository.writable:
        raise Refusal(403, "Unable to create comment because issue is locked.")
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
