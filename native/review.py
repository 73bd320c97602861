"""What a review leaves behind: what stands on the pull request, read as anybody would, and one line that sums it up."""

from typing import Any

import requests

from native.desk import Ended
from native.hops import points, seconds_per_hop
from native.stack import GITHUB_TOKEN
from stack.errors import GiveUp


class GitHub:
    """What not-github shows of a pull request, over REST."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {GITHUB_TOKEN}"

    def reviews(self, repository: str, number: int) -> list[dict[str, Any]]:
        """All reviews of a pull request, each with its inline comments under `comments`."""
        pull = f"/repos/{repository}/pulls/{number}"
        found = self._get(f"{pull}/reviews?per_page=100")
        comments = self._get(f"{pull}/comments?per_page=100")
        return [{**r, "comments": [c for c in comments if c["pull_request_review_id"] == r["id"]]} for r in found]

    def comments(self, repository: str, number: int) -> list[dict[str, Any]]:
        """All comments below a pull request; those on its lines belong to reviews."""
        found: list[dict[str, Any]] = self._get(f"/repos/{repository}/issues/{number}/comments?per_page=100")
        return found

    def _get(self, path: str) -> Any:
        answer = self._session.get(self._url + path, timeout=30)
        if not answer.ok:
            raise GiveUp(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()


def summarise(ended: Ended, posted: list[dict[str, Any]]) -> dict[str, Any]:
    """What was done, what is proven of it, and where the time went, for a line of JSON."""
    run = ended.run
    outcomes = {task.outcome["report"]: task.outcome for task in run.tasks if task.outcome}
    coverage = outcomes.get("review", {}).get("coverage", {})
    return {
        "state": run.state,
        "run": str(run.id),
        "review_id": posted[0]["id"] if posted else None,
        "findings": len(outcomes.get("review", {}).get("findings", [])),
        "inline_comments": sum(len(one["comments"]) for one in posted),
        "hunks": {name: coverage.get(name) for name in ("hunks", "read", "binary_files")},
        "receipt": outcomes.get("receipt"),
        "cost_usd": run.cost_usd,
        "model": run.model,
        "seconds": round(ended.received - ended.sent, 3),
        "hops": seconds_per_hop(points(run, sent=ended.sent, received=ended.received)),
    }
