"""A client for one token."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

import requests
from pydantic import TypeAdapter

from forge.github.answers import COMMENTS, REVIEWS, PostedComment, PostedReview, Pull, SeenRepository, User, read
from forge.github.refusals import AWAY_SECONDS, Backoff, Busy, refusal
from stack import __version__
from stack.errors import TryAgain

TIMEOUT_SECONDS = (5, 30)  # to connect, between two bytes
WAITS_SECONDS = (1.0, 2.0, 4.0)  # before the second, third and fourth try
MAX_WAIT_SECONDS = 5.0  # a longer wait is the orchestrator's to plan: it would keep a worker from others
PAGE = 100  # GitHub's largest page

T = TypeVar("T")


class GitHub:
    """A client for one token. GETs are tried again where that may help; a POST never is.

    Every call raises TryAgain, with the seconds to wait, for what passes by itself, and GiveUp for what does not.
    """

    def __init__(
        self, *, url: str, token: str, wait: Callable[[float], None] = time.sleep, backoff: Backoff | None = None
    ) -> None:
        self._url = url
        self._wait = wait
        self._backoff = backoff or Backoff()
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
            self._login = read(TypeAdapter(User), self._get("/user")).login
        return self._login

    def may_push(self, repository: str) -> bool:
        """Whether the token's account may write to the repository."""
        return read(TypeAdapter(SeenRepository), self._get(f"/repos/{repository}")).permissions.push

    def pull(self, repository: str, number: int) -> Pull:
        """The pull request. Raises NotFound."""
        return read(TypeAdapter(Pull), self._get(f"/repos/{repository}/pulls/{number}"))

    def reviews_of_ours(self, repository: str, number: int) -> list[PostedReview]:
        """The reviews of the pull request by the token's account, with one that it has started and not submitted."""
        login = self.login()
        reviews = self._all(REVIEWS, f"/repos/{repository}/pulls/{number}/reviews")
        return [review for review in reviews if review.user and review.user.login == login]

    def comments_of_ours(self, repository: str, number: int) -> list[PostedComment]:
        """The comments on lines of the pull request by the token's account."""
        login = self.login()
        comments = self._all(COMMENTS, f"/repos/{repository}/pulls/{number}/comments")
        return [comment for comment in comments if comment.user and comment.user.login == login]

    def review(self, repository: str, number: int, review: int) -> PostedReview:
        """One review. Raises NotFound."""
        path = f"/repos/{repository}/pulls/{number}/reviews/{review}"
        return read(TypeAdapter(PostedReview), self._get(path))

    def comments_of(self, repository: str, number: int, review: int) -> list[PostedComment]:
        """The comments on lines that one review brought. Raises NotFound."""
        return self._all(COMMENTS, f"/repos/{repository}/pulls/{number}/reviews/{review}/comments")

    def post_review(self, repository: str, number: int, review: dict[str, Any]) -> PostedReview:
        """Posts a review, once. After TryAgain, but for Busy and Started, it may be there all the same.

        Raises Unprocessable where other comments or another commit may be taken.
        """
        answer = self._once("POST", f"/repos/{repository}/pulls/{number}/reviews", json=review)
        return read(TypeAdapter(PostedReview), answer)

    def pause(self, error: TryAgain, seconds: float) -> None:
        """Waits `seconds`, or as long as a limit asks for. Raises `error` where that is too long to keep a worker."""
        if isinstance(error, Busy):
            seconds = max(seconds, error.after)
        if seconds > MAX_WAIT_SECONDS:
            raise error
        self._wait(seconds)

    def _all(self, kind: TypeAdapter[list[T]], path: str) -> list[T]:
        found: list[T] = []
        for page in count(1):
            answer = self._get(path, per_page=PAGE, page=page)
            items: list[T] = read(kind, answer)
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
            raise TryAgain("GitHub cannot be reached", after=AWAY_SECONDS) from error
        if not 200 <= answer.status_code < 300:
            raise refusal(answer, path, self._backoff)
        return answer


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
