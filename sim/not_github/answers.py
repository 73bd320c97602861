"""What all of the REST API shares: pages of a list, bodies of requests, and who may ask for what."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request

from sim.not_github.conversation import Conversation
from sim.not_github.hub import Refusal, hub, require_token, signed_in
from sim.not_github.links import Json
from sim.not_github.rows import Pull, Repository

PER_PAGE, MOST_PER_PAGE = 30, 100
PULL = "/repos/<owner>/<name>/pulls/<int:number>"


def blueprint(name: str) -> Blueprint:
    """A part of the API: a wrong token is refused even where none is needed."""
    part = Blueprint(name, __name__)
    part.before_request(check_token)
    return part


def check_token() -> None:
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


def malformed(problem: str, docs: str) -> Refusal:
    return Refusal(422, f"Invalid request.\n\n{problem}", docs=docs)


def check_types(values: Json, fields: dict[str, type], docs: str) -> None:
    """Raises `Refusal` where GitHub's description of the request is not kept."""
    for name, kind in fields.items():
        value = values.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise malformed(f"For '{name}', {value!r} is not of the right type.", docs)


def open_repository(owner: str, name: str) -> tuple[Repository, Conversation]:
    repository = hub().find(owner, name)
    return repository, Conversation(hub(), repository)


def open_pull(owner: str, name: str, number: int) -> tuple[Pull, Conversation]:
    repository, shapes = open_repository(owner, name)
    return hub().find_pull(repository, number), shapes


def require_right(repository: Repository, *rights: str) -> None:
    """Raises `Refusal` where the token has none of these rights to write."""
    require_token()
    if not repository.grants(*rights):
        accepted = {"x-accepted-github-permissions": "; ".join(f"{right}=write" for right in rights)}
        raise Refusal(403, "Resource not accessible by personal access token", headers=accepted)


def refuse_archived(repository: Repository) -> None:
    if repository.archived:
        raise Refusal(403, "Repository was archived so is read-only.")
