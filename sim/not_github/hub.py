"""What the parts of not-github share: who it serves, its store and its git repositories."""

import hmac
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from flask import current_app, request

from sim.not_github import git
from sim.not_github.placing import follow_push
from sim.not_github.rows import Pull, Repository, now
from sim.not_github.store import Store

OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}")
NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)")

HOUR = 3_600  # seconds
LIMIT = 5_000  # requests an hour, as GitHub allows a person's token


class Refusal(Exception):
    """An answer of GitHub other than success."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[Any] | None = None,
        docs: str = "rest",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {"message": message}
        if errors is not None:
            self.body["errors"] = errors
        self.body |= {"documentation_url": f"https://docs.github.com/{docs}", "status": str(status)}


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


@dataclass
class RateLimit:
    """Counts like GitHub, but never refuses: for that there are faults."""

    used: int = 0
    reset: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, cost: int) -> dict[str, int]:
        """The numbers after that many requests more."""
        with self.lock:
            if time.time() >= self.reset:
                self.used, self.reset = 0, int(time.time()) + HOUR
            self.used = min(self.used + cost, LIMIT)
            return {"limit": LIMIT, "remaining": LIMIT - self.used, "reset": self.reset, "used": self.used}


class Hub:
    def __init__(self, *, data: Path, token: str, login: str, url: str) -> None:
        self.token = token
        self.login = login
        self.url = url.rstrip("/")
        self.rate = RateLimit()
        self.requests: deque[dict[str, object]] = deque(maxlen=10_000)
        self._repositories = data / "repositories"
        self._repositories.mkdir(parents=True, exist_ok=True)
        self.store = Store(data / "not-github.sqlite")
        self._writing = threading.Lock()

    def folder(self, repository: Repository) -> Path:
        """The bare repository; its name on disk is a number of our own."""
        return self._repositories / f"{repository.id}.git"

    def find(self, owner: str, name: str) -> Repository:
        """Raises `Refusal` where it does not exist, is not shown to whom the request is from, or has another name."""
        repository = self.store.repository(owner, name)
        if repository and is_shown(repository):
            return repository
        renamed = None if repository else self.store.renamed(owner, name)
        if renamed and is_shown(renamed):
            raise moved(renamed, owner, name)
        raise not_found()

    def find_pull(self, repository: Repository, number: int) -> Pull:
        pull = self.store.pull(repository.id, number)
        if pull is None:
            raise not_found()
        return pull

    def rename(self, repository: Repository, owner: str, name: str) -> None:
        """Raises `Refusal` where another repository has that name."""
        self._check_name(owner, name)
        with self._writing:
            taken = self.store.repository(owner, name)
            if taken and taken.id != repository.id:
                raise Refusal(409, f"{owner}/{name} exists")
            self.store.rename(repository, owner, name)

    def _check_name(self, owner: str, name: str) -> None:
        if not OWNER.fullmatch(owner) or not NAME.fullmatch(name):
            raise Refusal(422, f"{owner}/{name} is no name that GitHub allows")

    def create_repository(self, owner: str, name: str, *, private: bool) -> Repository:
        self._check_name(owner, name)
        new = Repository(owner=owner, name=name, private=int(private), created_at=now(), pushed_at=now())
        with self._writing:
            if self.store.repository(owner, name):
                raise Refusal(409, f"{owner}/{name} exists")
            repository = self.store.add(new)
            git.create(self.folder(repository))
        return repository

    def create_pull(self, repository: Repository, pull: Pull) -> Pull:
        """With the commits of its two branches filled in, and its number where it is 0."""
        folder = self.folder(repository)
        base, head = _ends(git.branches(folder), pull)
        if not git.merge_base(folder, base, head):
            raise Refusal(422, f"{pull.base_ref} and {pull.head_ref} have entirely different commit histories")
        with self._writing:
            taken = [other.number for other in self.store.pulls(repository.id)]
            number = pull.number or max(taken, default=0) + 1
            if number in taken:
                raise Refusal(422, f"there is a pull request {number} already")
            git.set_reference(folder, f"refs/pull/{number}/head", head)
            return self.store.add(replace(pull, number=number, base_sha=base, head_sha=head))

    def after_push(self, repository: Repository) -> None:
        """Open pull requests follow their branch; without their branches they close."""
        folder = self.folder(repository)
        with self._writing:
            branches = git.branches(folder)
            for pull in self.store.pulls(repository.id):
                if pull.state == "open":
                    self._follow(folder, pull, branches)
        self.store.change(repository, pushed_at=now())

    def _follow(self, folder: Path, pull: Pull, branches: dict[str, str]) -> None:
        base, head = branches.get(pull.base_ref), branches.get(pull.head_ref)
        if base is None or head is None:
            self.store.change(pull, state="closed", updated_at=now(), closed_at=now())
        elif head != pull.head_sha:
            git.set_reference(folder, f"refs/pull/{pull.number}/head", head)
            pull = self.store.change(pull, base_sha=base, head_sha=head, updated_at=now())
            follow_push(self.store, folder, pull)


def _ends(branches: dict[str, str], pull: Pull) -> tuple[str, str]:
    """The commits of the base and the head."""
    for name in (pull.base_ref, pull.head_ref):
        if name not in branches:
            raise Refusal(422, f"there is no branch {name!r}")
    return branches[pull.base_ref], branches[pull.head_ref]


def hub() -> Hub:
    """The hub of the running application."""
    return cast(Hub, current_app.extensions["not-github"])


def moved(repository: Repository, owner: str, name: str) -> Refusal:
    """The redirect of a repository that was once called OWNER/NAME: to its id in the API, else to its new name.

    301 for what only reads and 307 for what else, each saying "Moved Permanently" (18F/charlie#85, mislav/hub#1178).
    """
    former, target = f"/{owner}/{name}", f"/{repository.owner}/{repository.name}"
    if request.path.startswith(f"/repos{former}"):
        former, target = f"/repos{former}", f"/repositories/{repository.id}"
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    where = hub().url + target + quote(request.path.removeprefix(former)) + query
    docs = "rest/guides/best-practices-for-using-the-rest-api#follow-redirects"
    status = 301 if request.method in ("GET", "HEAD") else 307
    refusal = Refusal(status, "Moved Permanently", docs=docs, headers={"Location": where})
    refusal.body = {
        "message": "Moved Permanently",
        "url": where,
        "documentation_url": f"https://docs.github.com/{docs}",
    }
    return refusal


def is_shown(repository: Repository) -> bool:
    """Whether whoever asks may know of it. Raises `Refusal` for a wrong token."""
    return not repository.private or (signed_in() and repository.permission != "none")


def signed_in() -> bool:
    """Whether the request has the token. Raises `Refusal` for a wrong one."""
    given = _given_token()
    if given and not hmac.compare_digest(given.encode(), hub().token.encode()):
        raise Refusal(401, "Bad credentials")
    return bool(given)


def _given_token() -> str:
    given = request.authorization
    if given is None:
        return ""
    return (given.password if given.type == "basic" else given.token) or ""


def require_token() -> None:
    if not signed_in():
        raise Refusal(401, "Requires authentication")
