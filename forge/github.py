"""GitHub's REST API, as far as the forge needs it; each error is worded for a person.

TryAgain              the network, a 5xx
└── Busy              a rate limit, with the seconds to wait
GiveUp                any other refusal
├── Refused           401, 403
├── NotFound          404, 410
├── Moved             something else than a GET was answered with a redirect
└── Unprocessable     422
"""

import re
import time
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

import requests
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stack import __version__
from stack.errors import GiveUp, Refused, TryAgain
from stack.messages import Repository, Sha

TIMEOUT_SECONDS = (5, 30)  # to connect, between two bytes
WAITS_SECONDS = (1.0, 2.0, 4.0)  # before the second, third and fourth try
MAX_WAIT_SECONDS = 30.0  # a longer wait is the orchestrator's to plan
PAGE = 100  # GitHub's largest page
# GitHub's advice for a secondary limit without retry-after:
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
SECONDARY_LIMIT_SECONDS = 60.0

T = TypeVar("T")


class Busy(TryAgain):
    """A rate limit: nothing was done, and `seconds` are to be waited."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"GitHub's rate limit is reached; it opens again in {seconds:.0f} s")
        self.seconds = seconds


class NotFound(GiveUp):
    """GitHub does not have it, or does not show it to this token."""


class Moved(GiveUp):
    """The repository has another name by now."""


class Unprocessable(GiveUp):
    """GitHub understood, and will not have it like that."""


class Answer(BaseModel):
    """Base of what is taken from GitHub's answers; the rest of them is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", regex_engine="python-re")


class User(Answer):
    """An account."""

    login: str


class BaseRepository(Answer):
    """The repository that a pull request is for. `size` is in KB."""

    full_name: Repository
    size: int = 0


class Base(Answer):
    """The branch that a pull request is for."""

    ref: str
    sha: Sha
    repo: BaseRepository


class Head(Answer):
    """The commit that a pull request offers."""

    sha: Sha


class Pull(Answer):
    """A pull request."""

    state: str
    title: str
    body: str | None
    html_url: str
    user: User | None
    base: Base
    head: Head


class PostedReview(Answer):
    """A review on a pull request."""

    id: int
    html_url: str
    body: str | None
    user: User | None


class PostedComment(Answer):
    """A comment on a line of a pull request."""

    body: str
    user: User | None


_REVIEWS = TypeAdapter(list[PostedReview])
_COMMENTS = TypeAdapter(list[PostedComment])


class GitHub:
    """A client for one token. GETs are tried again where that may help; a POST never is."""

    def __init__(self, *, url: str, token: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._wait = wait
        self._login = ""
        self._session = requests.Session()
        # as `auth`, or a .netrc would overrule it
        self._session.auth = _Bearer(token)
        self._session.headers.update({
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": f"claude-stack/{__version__}",
        })  # fmt: skip

    def login(self) -> str:
        """The account that the token belongs to. Asked once."""
        if not self._login:
            self._login = _read(TypeAdapter(User), self._get("/user")).login
        return self._login

    def pull(self, repository: str, number: int) -> Pull:
        """The pull request. Raises NotFound."""
        return _read(TypeAdapter(Pull), self._get(f"/repos/{repository}/pulls/{number}"))

    def reviews(self, repository: str, number: int) -> list[PostedReview]:
        """All reviews of the pull request."""
        return self._all(_REVIEWS, f"/repos/{repository}/pulls/{number}/reviews")

    def comments(self, repository: str, number: int) -> list[PostedComment]:
        """All comments on lines of the pull request."""
        return self._all(_COMMENTS, f"/repos/{repository}/pulls/{number}/comments")

    def review(self, repository: str, number: int, review: int) -> PostedReview:
        """One review. Raises NotFound."""
        path = f"/repos/{repository}/pulls/{number}/reviews/{review}"
        return _read(TypeAdapter(PostedReview), self._get(path))

    def comments_of(self, repository: str, number: int, review: int) -> list[PostedComment]:
        """The comments on lines that one review brought. Raises NotFound."""
        return self._all(_COMMENTS, f"/repos/{repository}/pulls/{number}/reviews/{review}/comments")

    def post_review(self, repository: str, number: int, review: dict[str, Any]) -> PostedReview:
        """Posts a review, once. After TryAgain, but for Busy, it may be there all the same. Raises Unprocessable."""
        answer = self._once("POST", f"/repos/{repository}/pulls/{number}/reviews", json=review)
        return _read(TypeAdapter(PostedReview), answer)

    def pause(self, error: TryAgain, seconds: float) -> None:
        """Waits as long as GitHub asks to, otherwise `seconds`. Raises `error` where that is too long."""
        if isinstance(error, Busy):
            seconds = max(seconds, error.seconds)
        if seconds > MAX_WAIT_SECONDS:
            raise error
        self._wait(seconds)

    def _all(self, kind: TypeAdapter[list[T]], path: str) -> list[T]:
        found: list[T] = []
        for page in count(1):
            answer = self._get(path, per_page=PAGE, page=page)
            items: list[T] = _read(kind, answer)
            found += items
            if "next" not in answer.links:
                break
        return found

    def _get(self, path: str, **params: int) -> requests.Response:
        for seconds in WAITS_SECONDS:
            try:
                return self._once("GET", path, params=params)
            except TryAgain as error:
                self.pause(error, seconds)
        return self._once("GET", path, params=params)

    def _once(self, method: str, path: str, **body: Any) -> requests.Response:
        follow = method == "GET"
        try:
            answer = self._session.request(
                method, self._url + path, timeout=TIMEOUT_SECONDS, allow_redirects=follow, **body
            )
        except requests.RequestException as error:
            raise TryAgain("GitHub cannot be reached") from error
        if not 200 <= answer.status_code < 300:
            raise _error(answer, path)
        return answer


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _read(kind: TypeAdapter[T], answer: requests.Response) -> T:
    try:
        return kind.validate_json(answer.content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the top"
        raise TryAgain(f"GitHub's answer cannot be read: {first['msg']} at {where}") from error


def _error(answer: requests.Response, path: str) -> TryAgain | GiveUp:
    status = answer.status_code
    if status >= 500:
        return TryAgain(f"GitHub answers {status}")
    if status == 429 or (status == 403 and _is_limit(answer)):
        return Busy(_seconds_to_wait(answer))
    if status == 401:
        return Refused("The GitHub token is not accepted (401): it is wrong, has expired or was revoked")
    words = _words(answer)
    if status == 403:
        return Refused(f"GitHub refuses (403): {words}")
    if status in (404, 410):
        return NotFound(f"GitHub has no {path}, or the token may not see it")
    if status == 422:
        return Unprocessable(f"GitHub will not have it (422): {words}")
    if 300 <= status < 400:
        return Moved(f"GitHub has moved {path}")
    return GiveUp(f"GitHub answers {status}: {words}")


def _is_limit(answer: requests.Response) -> bool:
    spent = answer.headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in answer.headers or "rate limit" in _words(answer).lower()


def _seconds_to_wait(answer: requests.Response) -> float:
    after, reset = answer.headers.get("retry-after", ""), answer.headers.get("x-ratelimit-reset", "")
    if after.isdigit():
        return float(after)
    if reset.isdigit() and answer.headers.get("x-ratelimit-remaining") == "0":
        return max(float(reset) - time.time(), 1.0)
    return SECONDARY_LIMIT_SECONDS


def _words(answer: requests.Response) -> str:
    """What GitHub says about its refusal, on one line."""
    try:
        told = answer.json()
    except requests.JSONDecodeError:
        return answer.reason or "no reason given"
    parts = [told.get("message"), *(told.get("errors") or [])] if isinstance(told, dict) else [told]
    texts = [p.get("message") or p.get("code") if isinstance(p, dict) else p for p in parts]
    return re.sub(r"\s+", " ", "; ".join(str(t) for t in texts if t))[:300]
