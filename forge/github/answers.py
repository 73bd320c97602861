"""What is taken from GitHub's answers; the rest of them is ignored."""

from typing import TypeVar

import requests
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from forge.github.refusals import AWAY_SECONDS
from stack.errors import TryAgain
from stack.values import Repository, Sha
from stack.work import complaint

T = TypeVar("T")


class Answer(BaseModel):
    """Base of what is taken from an answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", regex_engine="python-re")


A = TypeVar("A", bound=Answer)


class User(Answer):
    """An account."""

    login: str


class Permissions(Answer):
    """What the token's account may do in a repository."""

    push: bool = False


class Permission(Answer):
    """What an account may do in a repository: admin, write, read or none. GitHub counts maintain as write."""

    permission: str


class SeenRepository(Answer):
    """A repository. `size` is in KB; `permissions` are told where it is asked for by itself."""

    full_name: Repository
    size: int = 0
    archived: bool = False
    permissions: Permissions = Permissions()


class Base(Answer):
    """The branch that a pull request is for."""

    ref: str
    sha: Sha
    repo: SeenRepository


class Head(Answer):
    """The commit that a pull request offers."""

    sha: Sha


class Pull(Answer):
    """A pull request. While its conversation is `locked`, only those who may push to the repository say anything."""

    state: str
    locked: bool = False
    title: str
    body: str | None
    html_url: str
    user: User | None
    base: Base
    head: Head


class Posted(Answer):
    """Something that an account has written: a comment, for example. `user` is None where the account is gone."""

    id: int
    html_url: str
    body: str | None
    user: User | None


def read(kind: type[A], answer: requests.Response) -> A:
    """What an answer says. Raises TryAgain where it cannot be read."""
    return _read(TypeAdapter(kind), answer)


def read_list(kind: type[A], answer: requests.Response) -> list[A]:
    """What an answer lists. Raises TryAgain where it cannot be read."""
    return _read(TypeAdapter(list[kind]), answer)  # type: ignore[valid-type]  # a type at run time


def _read(kind: TypeAdapter[T], answer: requests.Response) -> T:
    try:
        return kind.validate_json(answer.content)
    except ValidationError as error:
        if not answer.headers.get("Content-Type", "").startswith("application/json"):  # a page for people
            raise TryAgain("GitHub answers with a page instead of data", after=AWAY_SECONDS) from error
        raise TryAgain(f"GitHub's answer cannot be read: {complaint(error)}") from error
