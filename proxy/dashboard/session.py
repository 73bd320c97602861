"""Who may see the dashboard: password, signed cookie, a bound on wrong attempts, a check of where forms are from."""

import hashlib
import hmac
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from flask import Request, Response
from itsdangerous import BadData, URLSafeSerializer

from stack.secret import Secret, accepted

COOKIE = "claude_stack_dashboard"
SESSION_SECONDS = 12 * 3600
WRONG_A_MINUTE = 5
SALT = "claude-stack.dashboard"


class Attempts(Protocol):
    """Counts wrong passwords, whoever they are from."""

    def begin(self) -> bool:
        """Counts an attempt as wrong until it is forgiven. False: there were too many; nothing is counted."""
        ...

    def forgive(self) -> None:
        """The attempt was right after all."""
        ...


class AttemptsOfAProcess:
    """`limit` wrong attempts in any 60 seconds, counted before they are looked at, so that many at once gain none."""

    def __init__(self, *, limit: int = WRONG_A_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._wrong: deque[float] = deque()
        self._lock = threading.Lock()

    def begin(self) -> bool:
        with self._lock:
            now = self._clock()
            while self._wrong and self._wrong[0] <= now - 60:
                self._wrong.popleft()
            if len(self._wrong) >= self._limit:
                return False
            self._wrong.append(now)
            return True

    def forgive(self) -> None:
        with self._lock:
            if self._wrong:
                self._wrong.pop()


class Sessions:
    """Cookies of those who gave the password. Another password, or another key, ends all of them."""

    def __init__(self, *, password: str, key: Secret, clock: Callable[[], float] = time.time) -> None:
        self._password = password.encode()
        self._key = key
        self._clock = clock

    def is_password(self, given: str) -> bool:
        """Whether it is the password, in the same time for any wrong one."""
        return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(self._password).digest())

    def is_open(self, request: Request) -> bool:
        """Whether the request has a cookie of ours, not older than SESSION_SECONDS."""
        try:
            until = self._cookies().loads(request.cookies.get(COOKIE, ""))
        except BadData:
            return False
        return isinstance(until, float) and self._clock() < until

    def open(self, request: Request, response: Response) -> None:
        """Gives the cookie."""
        self._set(request, response, str(self._cookies().dumps(self._clock() + SESSION_SECONDS)), SESSION_SECONDS)

    def close(self, request: Request, response: Response) -> None:
        """Takes the cookie back."""
        self._set(request, response, "", 0)

    def _cookies(self) -> URLSafeSerializer:
        # it signs with the last of its keys
        keys = [hmac.digest(key.encode(), self._password, hashlib.sha256) for key in accepted(self._key)[::-1]]
        return URLSafeSerializer(keys, salt=SALT)

    @staticmethod
    def _set(request: Request, response: Response, value: str, age: int) -> None:
        response.set_cookie(
            COOKIE, value, max_age=age, path="/dashboard", httponly=True, samesite="Strict", secure=is_https(request)
        )


def is_https(request: Request) -> bool:
    """Whether the browser came by https, also where a proxy in front of us says so: a lie only locks its teller out."""
    return request.is_secure or request.headers.get("x-forwarded-proto", "").lower() == "https"


def is_own_form(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as the browser says; no page of others can set these headers."""
    if request.headers.get("sec-fetch-site") == "same-origin":
        return True
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin in (request.host, request.headers.get("x-forwarded-host"))
