"""A client for one token."""

import contextlib
import time
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from forge.github.answers import Answer, Permission, Posted, Pull, SeenRepository, User, read, read_list
from forge.github.refusals import AWAY_SECONDS, Backoff, Busy, NotFound, refusal
from stack import __version__
from stack.errors import GiveUp, TryAgain

TIMEOUT_SECONDS = (5, 30)  # to connect, between two bytes
WAITS_SECONDS = (1.0, 2.0, 4.0)  # before the second, third and fourth try
MAX_WAIT_SECONDS = 5.0  # a longer wait is the orchestrator's to plan: it would keep a worker from others
PAGE = 100  # GitHub's largest page

A = TypeVar("A", bound=Answer)
P = TypeVar("P", bound=Posted)


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

    def get(self, kind: type[A], path: str) -> A:
        """What stands at `path`. Raises NotFound."""
        return read(kind, self._get(path))

    def every(self, kind: type[A], path: str) -> list[A]:
        """What is listed at `path`, on however many pages. Raises NotFound."""
        found: list[A] = []
        for page in count(1):
            answer = self._get(path, per_page=PAGE, page=page)
            found += read_list(kind, answer)
            if "next" not in answer.links:
                break
        return found

    def ours(self, kind: type[P], path: str) -> list[P]:
        """Of what is listed at `path`, what the token's account has written. Raises NotFound."""
        login = self.login()
        return [one for one in self.every(kind, path) if one.user and one.user.login == login]

    def post(self, kind: type[A], path: str, what: dict[str, Any]) -> A:
        """Makes something new at `path`, once. After TryAgain, but for Busy and Started, it may be there all the same.

        Raises Unprocessable where it may be taken in another form.
        """
        return read(kind, self._once("POST", path, json=what))

    def delete(self, path: str) -> None:
        """Removes what stands at `path`; what is gone is gone."""
        with contextlib.suppress(NotFound):
            self._once("DELETE", path)

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """What GitHub's other API answers, its `data`. Raises GiveUp where it refuses: its errors come with a 200."""
        answer = self._once("POST", "/graphql", json={"query": query, "variables": variables})
        told = answer.json()
        if errors := told.get("errors"):
            words = str(errors[0].get("message"))[:300]
            if errors[0].get("type") == "RATE_LIMITED":
                raise Busy(f"GitHub's limit is reached ({words})", self._backoff.seconds())
            raise GiveUp(f"GitHub will not have it: {words}")
        data: dict[str, Any] = told["data"]
        return data

    def login(self) -> str:
        """The account that the token belongs to. Asked once."""
        if not self._login:
            self._login = self.get(User, "/user").login
        return self._login

    def may_push(self, repository: str) -> bool:
        """Whether the token's account may write to the repository."""
        return self.get(SeenRepository, f"/repos/{repository}").permissions.push

    def may_write(self, repository: str, login: str) -> bool:
        """Whether another account may write to the repository; where the token may not know, it may not."""
        try:
            told = self.get(Permission, f"/repos/{repository}/collaborators/{quote(login, safe='')}/permission")
        except GiveUp:
            return False
        return told.permission in ("admin", "write")

    def pull(self, repository: str, number: int) -> Pull:
        """The pull request. Raises NotFound."""
        return self.get(Pull, f"/repos/{repository}/pulls/{number}")

    def pause(self, error: TryAgain, seconds: float) -> None:
        """Waits `seconds`, or as long as a limit asks for. Raises `error` where that is too long to keep a worker."""
        if isinstance(error, Busy):
            seconds = max(seconds, error.after)
        if seconds > MAX_WAIT_SECONDS:
            raise error
        self._wait(seconds)

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
