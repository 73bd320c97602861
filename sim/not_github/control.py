"""The control of the simulator, for tests, the demo and scripts. GitHub has nothing like it, the product never
calls it, and it asks for no token: do not open the port to people you do not trust. `control_people.py` has what people
do on a pull request.

GET    /_sim/health                     {"status": "ok"}
POST   /_sim/repos/{o}/{r}              creates an empty repository, or takes in the branches of a git bundle sent as
                                        application/octet-stream; ?private=1; ?suffix=-2 is added to each branch
PATCH  /_sim/repos/{o}/{r}              {owner?, name?, archived?, permission?, lacks?, writers?}: renames it (the old
                                        name leads on); what the token's account may do: none, read or write; which
                                        rights to write the token has not been given, of contents, issues,
                                        pull_requests and statuses: {"lacks": ["statuses"]}; who else may push:
                                        {"writers": ["robin"]}
POST   /_sim/repos/{o}/{r}/pulls        {base, head, title, body?, number?, state?, user?, draft?}: a pull request
PATCH  /_sim/repos/{o}/{r}/pulls/{n}    {title?, body?, state?, locked?, draft?}
POST   /_sim/example                    the repository acme/shop with pull request 12; may be asked for again
POST   /_sim/faults                     {path_regex?, method?, status?, headers?, body?, count = 1, when = "before",
                                        delay_seconds?, drop?, like?, retry_after?}: the next `count` requests whose
                                        path the expression finds get this answer instead of, or "after", being served;
                                        `drop` closes the connection without an answer; `like` is one of GitHub's own
                                        refusals (`refusals.py`): {"like": "secondary limit", "retry_after": 900,
                                        "status": 429, "method": "POST", "path_regex": "/reviews$"}
DELETE /_sim/faults                     forgets them
GET    /_sim/requests                   what was asked: [{method, path, status, at}]; status 0 was dropped
"""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from sim.not_github import example, git
from sim.not_github.answers import body
from sim.not_github.hub import Refusal, hub, not_found
from sim.not_github.links import Json
from sim.not_github.outside import Faults, read_fault
from sim.not_github.rows import RIGHTS, Pull, Repository, now
from sim.not_github.shapes import Shapes

control = Blueprint("control", __name__, url_prefix="/_sim")

NEW_PULL: dict[str, type] = {
    "base": str,
    "head": str,
    "title": str,
    "body": str,
    "number": int,
    "state": str,
    "user": str,
    "draft": bool,
}
REQUIRED = ("base", "head", "title")
CHANGES: dict[str, type] = {"title": str, "body": str, "state": str, "locked": bool, "draft": bool}
NAMES: dict[str, type] = {"owner": str, "name": str}
CHANGES_OF_A_REPOSITORY: dict[str, type] = {
    **NAMES,
    "archived": bool,
    "permission": str,
    "lacks": list,
    "writers": list,
}
PERMISSIONS = ("none", "read", "write")


def faults() -> Faults:
    found: Faults = current_app.extensions["not-github-faults"]
    return found


def fields(allowed: dict[str, type], *, states: tuple[str, ...] = ("open", "closed")) -> Json:
    """The body of the request. Raises `Refusal` for a field that is unknown or of another type."""
    sent = body()
    for name, value in sent.items():
        if name not in allowed or not isinstance(value, allowed[name]):
            raise Refusal(422, f"{name} = {value!r} is not understood; there are {', '.join(allowed)}")
    for name, values in (("state", states), ("permission", PERMISSIONS)):
        if sent.get(name, values[0]) not in values:
            raise Refusal(422, f"{name} is one of {', '.join(values)}")
    if not set(sent.get("lacks", ())) <= set(RIGHTS):
        raise Refusal(422, f"lacks has some of {', '.join(RIGHTS)}")
    return sent


def known_repository(owner: str, name: str) -> Repository:
    repository = hub().store.repository(owner, name)
    if repository is None:
        raise not_found()
    return repository


def shown(repository: Repository, pull: Pull) -> Json:
    return Shapes(hub(), repository).pull_in_full(pull)


@control.get("/health")
def health() -> Json:
    return {"status": "ok"}


@control.post("/repos/<owner>/<name>")
def create_repository(owner: str, name: str) -> tuple[Json, int]:
    bundle = request.get_data()
    private = request.args.get("private") == "1"
    known = hub().store.repository(owner, name) if bundle else None
    repository = known or hub().create_repository(owner, name, private=private)
    if bundle:
        _import(repository, bundle)
    return Shapes(hub(), repository).repository(), 201


def _import(repository: Repository, bundle: bytes) -> None:
    suffix = request.args.get("suffix", "")
    if not suffix.replace("-", "").isalnum() and suffix:
        raise Refusal(422, "suffix has letters, digits and - alone")
    try:
        git.import_bundle(hub().folder(repository), bundle, suffix=suffix)
    except git.GitError as problem:
        raise Refusal(409, f"the bundle was not taken in: {problem}") from None
    hub().after_push(repository)


@control.patch("/repos/<owner>/<name>")
def change_repository(owner: str, name: str) -> Json:
    repository, sent = known_repository(owner, name), fields(CHANGES_OF_A_REPOSITORY)
    named = {field: sent.pop(field, getattr(repository, field)) for field in NAMES}
    if named != {field: getattr(repository, field) for field in NAMES}:
        hub().rename(repository, **named)
    for listed in {"lacks", "writers"} & sent.keys():
        sent[listed] = " ".join(sent[listed])
    if sent:
        hub().store.change(repository, **sent)
    return Shapes(hub(), known_repository(**named)).repository()


@control.post("/repos/<owner>/<name>/pulls")
def create_pull(owner: str, name: str) -> tuple[Json, int]:
    repository = known_repository(owner, name)
    sent = fields(NEW_PULL)
    missing = [field for field in REQUIRED if field not in sent]
    if missing:
        raise Refusal(422, f"{missing[0]} is missing")
    return shown(repository, hub().create_pull(repository, _new_pull(repository, sent))), 201


def _new_pull(repository: Repository, sent: dict[str, Any]) -> Pull:
    state = sent.get("state", "open")
    return Pull(
        repository=repository.id,
        number=sent.get("number", 0),
        title=sent["title"],
        body=sent.get("body", ""),
        state=state,
        user=sent.get("user", "contributor"),
        base_ref=sent["base"],
        head_ref=sent["head"],
        base_sha="",
        head_sha="",
        created_at=now(),
        updated_at=now(),
        closed_at=now() if state == "closed" else None,
        draft=sent.get("draft", False),
    )


@control.patch("/repos/<owner>/<name>/pulls/<int:number>")
def change_pull(owner: str, name: str, number: int) -> Json:
    repository = known_repository(owner, name)
    pull = hub().store.change(hub().find_pull(repository, number), **fields(CHANGES), updated_at=now())
    closed_at = (pull.closed_at or now()) if pull.state == "closed" else None
    return shown(repository, hub().store.change(pull, closed_at=closed_at))


@control.post("/example")
def create_example() -> Json:
    repository = hub().store.repository(example.OWNER, example.NAME)
    if repository is None:
        repository = hub().create_repository(example.OWNER, example.NAME, private=False)
        git.run_fast_import(hub().folder(repository), example.history())
    pull = hub().store.pull(repository.id, example.NUMBER)
    return shown(repository, pull or hub().create_pull(repository, _new_pull(repository, example.pull())))


@control.post("/faults")
def add_fault() -> tuple[Json, int]:
    try:
        faults().add(read_fault(body()))
    except ValueError as problem:
        raise Refusal(422, str(problem)) from None
    return {"status": "ok"}, 201


@control.delete("/faults")
def clear_faults() -> tuple[str, int]:
    faults().clear()
    return "", 204


@control.get("/requests")
def list_requests() -> Response:
    return jsonify(list(hub().requests))
