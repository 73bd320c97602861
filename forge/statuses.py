"""The verdict of a review on the commit that was read: stale by itself as soon as another one is pushed."""

from typing import Literal

from forge.characters import shortened
from forge.github import Answer, GitHub
from stack.errors import GiveUp
from stack.work.review import Draft, PullRequest

CONTEXT = "claude-stack/review"
LONGEST = 140  # characters of a description, GitHub's own limit

State = Literal["success", "failure", "error"]


class Status(Answer):
    """A status on a commit."""

    state: str
    context: str
    description: str | None = None


class Statuses:
    """Puts verdicts on commits."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def put(self, pull: PullRequest, draft: Draft, *, url: str) -> str:
        """Puts the verdict on the commit, unless it is there. Returns why not, in words; empty: it stands there."""
        path, wanted = f"/repos/{pull.repository}", state(draft)
        description = shortened(draft.verdict, LONGEST)
        try:
            there = self._github.every(Status, f"{path}/commits/{draft.head_sha}/statuses")
            last = next((one for one in there if one.context == CONTEXT), None)
            if last is None or (last.state, last.description) != (wanted, description):
                put = {"state": wanted, "context": CONTEXT, "description": description, "target_url": url}
                self._github.post(Status, f"{path}/statuses/{draft.head_sha}", put)
        except GiveUp as error:
            return f"The verdict could not be put on the commit: {error}"
        return ""


def state(draft: Draft) -> State:
    """success: clean; failure: something stands that was found; error: not all was read, so nothing is said."""
    if draft.clean:
        return "success"
    return "failure" if draft.complete else "error"
