"""The part of GitHub's REST API that is about commits: what is said of one, and how two differ."""

from flask import Response, jsonify, request

from sim.not_github import git
from sim.not_github.answers import (
    blueprint,
    body,
    check_types,
    malformed,
    open_repository,
    paginated,
    refuse_archived,
    require_right,
)
from sim.not_github.diff import FILES_OF_A_COMPARISON, compare
from sim.not_github.hub import Refusal, hub, not_found
from sim.not_github.links import Json, node_id, user
from sim.not_github.rows import Repository, Status, now
from sim.not_github.shapes import Shapes

rest_commits = blueprint("rest_commits")

STATES = ("error", "failure", "pending", "success")
LONGEST_DESCRIPTION, LONGEST_CONTEXT = 140, 255  # characters
STATUSES_OF_A_CONTEXT = 1_000
DOCS = "rest/commits/statuses#create-a-commit-status"
COMMITS_OF_A_COMPARISON = 250


def resolve(shapes: Shapes, reference: str) -> str | None:
    """The commit of a branch, a tag or an id."""
    named = {**git.tags(shapes.folder), **git.branches(shapes.folder)}.get(reference)
    return named or (reference if git.is_commit(shapes.folder, reference) else None)


# Statuses


@rest_commits.post("/repos/<owner>/<name>/statuses/<path:sha>")
def create_status(owner: str, name: str, sha: str) -> tuple[Json, int]:
    repository, shapes = open_repository(owner, name)
    require_right(repository, "statuses")
    refuse_archived(repository)
    if repository.permission != "write":  # the answer to an account that may not push: KostyaSha/github-integration#46
        raise not_found()
    status = _read_status(repository, sha)
    if not git.is_commit(shapes.folder, sha):
        raise Refusal(422, f"No commit found for SHA: {sha}", docs=DOCS)
    if hub().store.count_statuses(status) >= STATUSES_OF_A_CONTEXT:
        raise _bad_status(message="This SHA and context has reached the maximum number of statuses.")
    return shape(hub().store.add(status), owner=repository), 201


def _read_status(repository: Repository, sha: str) -> Status:
    sent = body()
    check_types(sent, dict.fromkeys(("state", "target_url", "description", "context"), str), DOCS)
    if sent.get("state") is None:
        raise malformed('"state" wasn\'t supplied.', DOCS)
    if sent["state"] not in STATES:
        raise malformed(f"{sent['state']} is not a member of {list(STATES)}.", DOCS)
    context, target, description = sent.get("context") or "default", sent.get("target_url"), sent.get("description")
    for field, value, longest in (
        ("description", description or "", LONGEST_DESCRIPTION),
        ("context", context, LONGEST_CONTEXT),
    ):
        if len(value) > longest:
            raise _bad_status(field=field, message=f"{field} is too long (maximum is {longest} characters)")
    if target and not target.startswith(("http://", "https://")):
        raise _bad_status(field="target_url", message="target_url must use http(s) scheme")
    if not git.SHA.fullmatch(sha):
        raise _bad_status(field="sha", message="sha must be a 40 character SHA1")
    return Status(
        repository=repository.id,
        sha=sha,
        state=sent["state"],
        context=context,
        description=description,
        target_url=target,
        creator=hub().login,
        created_at=now(),
    )


def _bad_status(**problem: str) -> Refusal:
    errors = [{"resource": "Status", "code": "custom", **problem}]
    return Refusal(422, "Validation Failed", errors=errors, docs=DOCS)


@rest_commits.get("/repos/<owner>/<name>/commits/<path:reference>/statuses")
@rest_commits.get("/repos/<owner>/<name>/statuses/<path:reference>")
def list_statuses(owner: str, name: str, reference: str) -> tuple[Response, dict[str, str]]:
    repository, shapes = open_repository(owner, name)
    found = hub().store.statuses(repository.id, _known(shapes, reference))
    page, links = paginated(found)
    return jsonify([shape(status, owner=repository) for status in page]), links


@rest_commits.get("/repos/<owner>/<name>/commits/<path:reference>/status")
def combined_status(owner: str, name: str, reference: str) -> tuple[Json, dict[str, str]]:
    repository, shapes = open_repository(owner, name)
    sha = _known(shapes, reference)
    latest: dict[str, Status] = {}
    for status in hub().store.statuses(repository.id, sha):
        latest.setdefault(status.context.lower(), status)
    page, links = paginated(list(latest.values()))
    api = f"{hub().url}/repos/{repository.owner}/{repository.name}/commits/{sha}"
    return {
        "state": combined({status.state for status in latest.values()}),
        "statuses": [shape(status, owner=repository, full=False) for status in page],
        "sha": sha,
        "total_count": len(latest),
        "repository": shapes.repository(),
        "commit_url": api,
        "url": f"{api}/status",
    }, links


def combined(states: set[str]) -> str:
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def _known(shapes: Shapes, reference: str) -> str:
    sha = resolve(shapes, reference)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {reference}", docs=DOCS)
    return sha


def shape(status: Status, *, owner: Repository, full: bool = True) -> Json:
    creator = user(hub().url, status.creator)
    return {
        "url": f"{hub().url}/repos/{owner.owner}/{owner.name}/statuses/{status.sha}",
        "avatar_url": creator["avatar_url"],
        "id": status.id,
        "node_id": node_id("StatusContext", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": status.created_at,
        "updated_at": status.created_at,
        **({"creator": creator} if full else {}),
    }


# Comparisons


@rest_commits.get("/repos/<owner>/<name>/compare/<path:basehead>")
def compare_commits(owner: str, name: str, basehead: str) -> tuple[Json, dict[str, str]]:
    repository, shapes = open_repository(owner, name)
    names = [end.removeprefix(f"{repository.owner}:") for end in basehead.split("...")]
    ends = [resolve(shapes, end) for end in names]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        raise not_found()
    base, head = ends[0], ends[1]
    fork = git.merge_base(shapes.folder, base, head)
    if fork is None:
        raise Refusal(404, f"No common ancestor between {names[0]} and {names[1]}.")
    ahead = git.count(shapes.folder, head, without=base)
    behind = git.count(shapes.folder, base, without=head)
    paging = bool(request.args.keys() & {"page", "per_page"})
    commits = git.commits(shapes.folder, head, without=base, limit=max(ahead, 1) if paging else COMMITS_OF_A_COMPARISON)
    page, links = paginated(commits) if paging else (commits, {})
    first = request.args.get("page", 1, type=int) <= 1
    files = compare(shapes.folder, base, head)[:FILES_OF_A_COMPARISON] if first else ()
    return {
        **_addresses(repository, basehead, base, head),
        "base_commit": _commit(shapes, base),
        "merge_base_commit": _commit(shapes, fork),
        "status": {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}.get(
            (bool(ahead), bool(behind)), "diverged"
        ),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [shapes.commit(commit) for commit in page],
        "files": [shapes.file(file, head) for file in files],
    }, links


def _commit(shapes: Shapes, sha: str) -> Json:
    return shapes.commit(git.commits(shapes.folder, sha)[0])


def _addresses(repository: Repository, basehead: str, base: str, head: str) -> Json:
    full_name = f"{repository.owner}/{repository.name}"
    html = f"{hub().url}/{full_name}/compare"
    return {
        "url": f"{hub().url}/repos/{full_name}/compare/{basehead}",
        "html_url": f"{html}/{basehead}",
        "permalink_url": f"{html}/{repository.owner}:{base[:7]}...{repository.owner}:{head[:7]}",
        "diff_url": f"{html}/{basehead}.diff",
        "patch_url": f"{html}/{basehead}.patch",
    }
