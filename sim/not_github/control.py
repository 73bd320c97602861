"""The control of the simulator, for tests, the demo and scripts. GitHub has nothing like it, the product never
calls it, and it asks for no token: do not open the port to people you do not trust.

GET    /_sim/health                     {"status": "ok"}
POST   /_sim/repos/{o}/{r}              creates an empty repository, or takes in the branches of a git bundle sent as
                                        application/octet-stream; ?private=1; ?suffix=-2 is added to each branch
POST   /_sim/repos/{o}/{r}/pulls        {base, head, title, body?, number?, state?, user?}: a pull request
PATCH  /_sim/repos/{o}/{r}              {archived?, permission?}: what the token's account may do: read or write
PATCH  /_sim/repos/{o}/{r}/pulls/{n}    {title?, body?, state?, locked?}
POST   /_sim/repos/{o}/{r}/pulls/{n}/pending   {body?, user?}: a person starts a review; the token's account, if no user
PATCH  /_sim/repos/{o}/{r}/pulls/{n}/pending   {user?}: submits it as a comment
DELETE /_sim/repos/{o}/{r}/pulls/{n}/pending   ?user=: discards it
POST   /_sim/example                    the repository acme/shop with pull request 12; may be asked for again
POST   /_sim/faults                     {path_regex?, method?, status?, headers?, body?, count = 1, when = "before",
                                        delay_seconds?, drop?}: the next `count` requests whose path the expression
                                        finds get this answer instead of, or "after", being served; `drop` closes
                                        the connection without an answer
DELETE /_sim/faults                     forgets them
GET    /_sim/requests                   what was asked: [{method, path, status, at}]; status 0 was dropped
"""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from sim.not_github import example, git
from sim.not_github.hub import Refusal, hub, not_found
from sim.not_github.outside import Faults, read_fault
from sim.not_github.rest import body
from sim.not_github.shapes import Json, Shapes
from sim.not_github.store import Pull, Repository, Review, now

control = Blueprint("control", __name__, url_prefix="/_sim")

NEW_PULL: dict[str, type] = {
    "base": str,
    "head": str,
    "title": str,
    "body": str,
    "number": int,
    "state": str,
    "user": str,
}
REQUIRED = ("base", "head", "title")
CHANGES: dict[str, type] = {"title": str, "body": str, "state": str, "locked": bool}
CHANGES_OF_A_REPOSITORY: dict[str, type] = {"archived": bool, "permission": str}


def faults() -> Faults:
    found: Faults = current_app.extensions["not-github-faults"]
    return found


def fields(allowed: dict[str, type]) -> Json:
    """The body of the request. Raises `Refusal` for a field that is unknown or of another type."""
    sent = body()
    for name, value in sent.items():
        if name not in allowed or not isinstance(value, allowed[name]):
            raise Refusal(422, f"{name} = {value!r} is not understood; there are {', '.join(allowed)}")
    if sent.get("state", "open") not in ("open", "closed"):
        raise Refusal(422, "state is open or closed")
    if sent.get("permission", "read") not in ("read", "write"):
        raise Refusal(422, "permission is read or write")
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
    hub().store.change_repository(replace(known_repository(owner, name), **fields(CHANGES_OF_A_REPOSITORY)))
    return Shapes(hub(), known_repository(owner, name)).repository()


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
    )


@control.patch("/repos/<owner>/<name>/pulls/<int:number>")
def change_pull(owner: str, name: str, number: int) -> Json:
    repository = known_repository(owner, name)
    pull = replace(hub().find_pull(repository, number), **fields(CHANGES), updated_at=now())
    closed_at = (pull.closed_at or now()) if pull.state == "closed" else None
    hub().store.change_pull(replace(pull, closed_at=closed_at))
    return shown(repository, hub().find_pull(repository, number))


PENDING = "/repos/<owner>/<name>/pulls/<int:number>/pending"


@control.post(PENDING)
def start_review(owner: str, name: str, number: int) -> tuple[Json, int]:
    repository = known_repository(owner, name)
    pull = hub().find_pull(repository, number)
    sent = fields({"body": str, "user": str})
    if _pending(pull, sent.get("user")):
        raise Refusal(422, "this account has started a review there already")
    started = Review(
        pull=pull.id,
        user=sent.get("user", hub().login),
        body=sent.get("body", ""),
        state="PENDING",
        commit_id=pull.head_sha,
        submitted_at=now(),
    )
    return Shapes(hub(), repository).review(hub().store.add_review(started, ()), pull), 201


@control.patch(PENDING)
def submit_review(owner: str, name: str, number: int) -> tuple[str, int]:
    pull = hub().find_pull(known_repository(owner, name), number)
    hub().store.submit_review(_known_pending(pull, fields({"user": str}).get("user")).id, "COMMENTED")
    return "", 204


@control.delete(PENDING)
def discard_review(owner: str, name: str, number: int) -> tuple[str, int]:
    pull = hub().find_pull(known_repository(owner, name), number)
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
