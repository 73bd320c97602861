"""What GitHub's refusals mean: named by what to do next, in words for a person.

TryAgain              GitHub is away: the network, a 5xx, a page where data should be
├── Busy              a limit: nothing was done, and GitHub wants to be left alone for `after` seconds
└── Started           the token's account has started a review there, and GitHub takes no other beside it
GiveUp                any other refusal; the words say what a person can do
├── Refused           401, 403
├── NotFound          404, 410
├── Moved             something else than a GET was answered with a redirect
└── Unprocessable     422: it may be taken with other comments or another commit

What is known of GitHub's limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
and .../troubleshooting-the-rest-api; 422 with the code `abuse`: octokit/plugin-throttling.js#775; "was submitted too
quickly": cli/cli#4801; a started review: max-sixty/tend#1171.
"""

import re
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from stack.errors import GiveUp, Refused, TryAgain

AWAY_SECONDS = 30.0  # until GitHub is asked again that was away
STARTED_SECONDS = 60.0  # until it is looked again whether a started review is gone
# GitHub's advice for a limit of which it does not say when it opens: a minute at least, then ever longer
FIRST_SECONDS, MOST_SECONDS = 60.0, 900.0
SAME_LIMIT_SECONDS = 600.0  # a limit that is met again so soon after the wait counts as the same

# 403: limits in GitHub's words, old and new ones; a login that failed too often is refused for a while too.
_LIMIT = re.compile(r"rate limit|\babuse\b|too quickly|content creation|login attempts|again later|few minutes", re.I)
# 422 says what is wrong with a request, and may repeat it: only what stands there of the spam guard counts.
_SPAM_GUARD = re.compile(r"was submitted too quickly", re.I)
_PAGES_ON_LIMITS = re.compile(r"(?:secondary|abuse)-rate-limits|/rate-limits-for-the-rest-api")

# What does not pass by itself: GitHub's words, and what a person can do. The first that is found counts.
_BY_HAND: tuple[tuple[str, str], ...] = (
    (
        r"lock prevents review|is locked",
        "The conversation is locked or the repository archived: unlock it, or give the token's account write access",
    ),
    (r"archived", "The repository is archived, and read-only: unarchive it"),
    (
        r"not accessible by",
        "Give the token the right to read and write pull requests of the repository",
    ),
    (r"SAML|single sign-on", "Authorize the token for the organization's single sign-on"),
    (r"personal access token", "The organization does not take such a token: use one of the kind that it allows"),
    (r"IP allow list", "Add this machine's address to the organization's IP allow list"),
    (r"suspended", "The token's account is suspended: use another's token"),
    (r"blocked", "The token's account or the repository is blocked: have it unblocked"),
)


class Busy(TryAgain):
    """A limit: nothing was done."""

    def __init__(self, words: str, after: float) -> None:
        super().__init__(words, after=after)
        self.after: float = after


class Started(TryAgain):
    """The token's account has a review on the pull request that it has started and not submitted."""

    def __init__(self, words: str) -> None:
        super().__init__(words, after=STARTED_SECONDS)


class NotFound(GiveUp):
    """GitHub does not have it, or does not show it to this token."""


class Moved(GiveUp):
    """The repository has another name by now."""


class Unprocessable(GiveUp):
    """GitHub understood, and will not have it like that."""


class Backoff:
    """Seconds to wait at a limit of which GitHub does not say when it opens: doubled each time it is met again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._opens: float | None = None

    def seconds(self) -> float:
        """From now on; another task that meets the limit meanwhile waits for the same moment."""
        with self._lock:
            now = self._clock()
            if self._opens is not None and now < self._opens:
                return max(self._opens - now, 1.0)
            same = self._opens is not None and now < self._opens + SAME_LIMIT_SECONDS
            self._seconds = min(2 * self._seconds, MOST_SECONDS) if same else FIRST_SECONDS
            self._opens = now + self._seconds
            return self._seconds


def refusal(answer: requests.Response, path: str, backoff: Backoff) -> TryAgain | GiveUp:
    """The error for an answer that is no success."""
    status, words = answer.status_code, _words(answer)
    if status >= 500 or status == 408:
        return TryAgain(f"GitHub answers {status} ({words})", after=_retry_after(answer) or AWAY_SECONDS)
    if status == 429 or (status in (403, 422) and _is_limit(answer, words)):
        return Busy(f"GitHub's limit is reached ({words})", _until_it_opens(answer) or backoff.seconds())
    if status == 401:
        return Refused("The GitHub token is not accepted (401): it is wrong, has expired or was revoked")
    if status in (404, 410):
        return NotFound(f"GitHub has no {path}, or the token may not see it")
    if 300 <= status < 400:
        return Moved(f"GitHub has moved {path}")
    if status == 422 and "one pending review" in words:
        return Started("The token's account has started a review there: submit or discard it on GitHub")
    by_hand = next((f". {what}, then ask again" for found, what in _BY_HAND if re.search(found, words, re.I)), "")
    if status == 403:
        return Refused(f"GitHub refuses (403): {words}{by_hand}")
    # a 422 may repeat what was sent, so that its words decide nothing
    kind = Unprocessable if status == 422 else GiveUp
    return kind(f"GitHub will not have it ({status}): {words}{by_hand}")


def _is_limit(answer: requests.Response, words: str) -> bool:
    if _PAGES_ON_LIMITS.search(str(_told(answer).get("documentation_url"))):
        return True
    if answer.status_code == 422:
        errors = _told(answer).get("errors")
        codes = [e.get("code") for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
        return "abuse" in codes or bool(_SPAM_GUARD.search(words))
    spent = answer.headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in answer.headers or bool(_LIMIT.search(words))


def _until_it_opens(answer: requests.Response) -> float | None:
    """Seconds, where GitHub says so: by GitHub's own clock, for ours may be wrong."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    if after := _retry_after(answer):
        return after
    if not reset.isdigit() or answer.headers.get("x-ratelimit-remaining") != "0":
        return None
    return max(float(reset) - _date(answer), 1.0)


def _retry_after(answer: requests.Response) -> float | None:
    after = answer.headers.get("retry-after", "")
    return max(float(after), 1.0) if after.isdigit() else None


def _date(answer: requests.Response) -> float:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except ValueError:
        return time.time()


def _told(answer: requests.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except requests.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _words(answer: requests.Response) -> str:
    """What GitHub says about its refusal, on one line."""
    told = _told(answer)
    errors = told.get("errors") or []
    parts = [told.get("message"), *(errors if isinstance(errors, list) else [errors])]
    texts = [p.get("message") or p.get("code") if isinstance(p, dict) else p for p in parts]
    return re.sub(r"\s+", " ", "; ".join(str(t) for t in texts if t))[:300] or answer.reason or "no reason given"
