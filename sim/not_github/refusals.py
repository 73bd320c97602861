"""Refusals in GitHub's own words, for faults on demand: what its documentation, and people who met them, tell of them.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api and .../troubleshooting-the-rest-api;
"was submitted too quickly": cli/cli#4801; code `abuse`: octokit/plugin-throttling.js#775; RATE_LIMITED:
https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api.
"""

import time
from dataclasses import dataclass, field
from typing import Any

SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    " If you reach out to GitHub Support for help, please include the request ID."
)
BLOCKED = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation."
    " Please retry your request again later."
)
DOCS = "https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request"
LIMITS = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
ABUSE = {"resource": "PullRequestReview", "code": "abuse", "field": "base"}
PAGE = "<!DOCTYPE html><html><body><p>We had issues producing the response to your request.</p></body></html>"
SPENT = "API rate limit exceeded for user ID 1."


@dataclass(frozen=True)
class Words:
    """An answer, without the headers that tell how long to wait."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


def _unprocessable(*errors: object, message: str = "Unprocessable Entity") -> Words:
    return Words(422, {"message": message, "errors": list(errors), "documentation_url": DOCS, "status": "422"})


def _plain(status: int, message: str, docs: str = "https://docs.github.com/rest") -> Words:
    return Words(status, {"message": message, "documentation_url": docs, "status": str(status)})


REFUSALS = {
    "secondary limit": _plain(403, SECONDARY, f"{LIMITS}#about-secondary-rate-limits"),
    "blocked from content creation": _plain(403, BLOCKED, f"{LIMITS}#about-secondary-rate-limits"),
    "primary limit": _plain(403, SPENT, f"{LIMITS}#about-primary-rate-limits"),
    "graphql limit": Words(200, {"errors": [{"type": "RATE_LIMITED", "message": SPENT}]}),
    "too quickly": _unprocessable("was submitted too quickly"),
    "abuse": _unprocessable(ABUSE, message="Validation Failed"),
    "a bad comment": _unprocessable("Line could not be resolved"),
    "pending": _unprocessable("User can only have one pending review per pull request"),
    "locked": _unprocessable("lock prevents review"),
    "archived": _plain(403, "Repository was archived so is read-only."),
    "no right": _plain(403, "Resource not accessible by personal access token"),
    "not found": _plain(404, "Not Found"),
    "conflict": _plain(409, "Conflict"),
    "a page": Words(502, PAGE, {"Content-Type": "text/html; charset=utf-8"}),
}


def refusal(like: str, *, status: int | None, retry_after: int | None) -> dict[str, Any]:
    """The status, headers and body of one. Raises `ValueError` for one that is not known."""
    if like not in REFUSALS:
        raise ValueError(f"like = {like!r} is not known; there are {', '.join(REFUSALS)}")
    words = REFUSALS[like]
    status, body, headers = status or words.status, words.body, dict(words.headers)
    if isinstance(body, dict) and "status" in body:
        body = {**body, "status": str(status)}
    if like in ("primary limit", "graphql limit"):  # which open at a time of day
        opens = str(int(time.time()) + (retry_after or 3_600))
        headers |= {"x-ratelimit-remaining": "0", "x-ratelimit-reset": opens}
    elif retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return {"status": status, "headers": headers, "body": body}
