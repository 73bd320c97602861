"""The reviews of a pull request at GitHub: what is there, and what is put there."""

from dataclasses import dataclass
from typing import Any

from forge.github.answers import Answer, Posted
from forge.github.client import GitHub
from forge.github.refusals import Unprocessable

THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { reviewThreads(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id isResolved resolvedBy { login } comments(first: 1) { nodes { fullDatabaseId } } }
  } } }
}"""
RESOLVE = """
mutation($thread: ID!) { resolveReviewThread(input: {threadId: $thread}) { thread { isResolved } } }"""


class PostedReview(Posted):
    """A review on a pull request, and the commit that GitHub shows it on."""

    state: str
    commit_id: str | None = None

    @property
    def pending(self) -> bool:
        """Whether its author has started it and not submitted it: GitHub shows it to nobody else."""
        return self.state == "PENDING"


class Comment(Posted):
    """A comment on lines. `line` is None where GitHub shows it on none of the present diff."""

    path: str
    line: int | None = None
    start_line: int | None = None
    side: str = "RIGHT"
    in_reply_to_id: int | None = None

    @property
    def author(self) -> str:
        """The login of who wrote it; `ghost` is GitHub's own name for a deleted account."""
        return self.user.login if self.user else "ghost"


class ChangedFile(Answer):
    """A file that a pull request changes. Without a `patch` GitHub takes no comments on its lines."""

    filename: str
    patch: str | None = None


@dataclass(frozen=True)
class Thread:
    """A thread of comments, by the id of its first one; `by` is who resolved it."""

    id: str
    comment: int
    resolved: bool
    by: str


@dataclass(frozen=True)
class PullReviews:
    """The reviews of one pull request. Each call raises as the client does."""

    github: GitHub
    repository: str
    number: int

    @property
    def _path(self) -> str:
        return f"/repos/{self.repository}/pulls/{self.number}"

    def of_ours(self) -> list[PostedReview]:
        """Those by the token's account, with one that it has started and not submitted."""
        return self.github.ours(PostedReview, f"{self._path}/reviews")

    def comments(self) -> list[Comment]:
        """The comments on lines, of whatever review, oldest first."""
        return self.github.every(Comment, f"{self._path}/comments")

    def one(self, review: int) -> PostedReview:
        """One review. Raises NotFound."""
        return self.github.get(PostedReview, f"{self._path}/reviews/{review}")

    def comments_of(self, review: int) -> list[Comment]:
        """The comments on lines that one review brought. Raises NotFound."""
        return self.github.every(Comment, f"{self._path}/reviews/{review}/comments")

    def with_patch(self) -> frozenset[str]:
        """The paths on whose lines GitHub takes comments."""
        files = self.github.every(ChangedFile, f"{self._path}/files")
        return frozenset(file.filename for file in files if file.patch)

    def commits(self) -> list[str]:
        """The commits of the pull request, 250 at most."""
        return [commit.sha for commit in self.github.every(Commit, f"{self._path}/commits")]

    def post(self, review: dict[str, Any]) -> PostedReview:
        """Posts a review, once. Raises Unprocessable where other comments or another commit may be taken."""
        return self.github.post(PostedReview, f"{self._path}/reviews", {"event": "COMMENT", **review})

    def takes(self, review: dict[str, Any]) -> bool:
        """Whether GitHub would take a review: tried with one that is not submitted, so that nobody sees it.

        Raises where it would take none now whatever is in it, as `post`.
        """
        try:
            tried = self.github.post(PostedReview, f"{self._path}/reviews", review)
        except Unprocessable:
            return False
        self.discard(tried)
        return True

    def discard(self, pending: PostedReview) -> None:
        """Removes a review that was started and not submitted."""
        self.github.delete(f"{self._path}/reviews/{pending.id}")

    def threads(self) -> list[Thread]:
        """The threads of comments. Raises GiveUp where the token may not read them."""
        owner, name = self.repository.split("/")
        found: list[Thread] = []
        after = None
        while True:
            data = self.github.graphql(THREADS, owner=owner, name=name, number=self.number, after=after)
            page = data["repository"]["pullRequest"]["reviewThreads"]
            found += [_thread(node) for node in page["nodes"] if node["comments"]["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def resolve(self, thread: str) -> None:
        """Resolves a thread; one that is resolved stays so. Raises GiveUp where that is refused."""
        self.github.graphql(RESOLVE, thread=thread)


class Commit(Answer):
    """A commit."""

    sha: str


def _thread(node: dict[str, Any]) -> Thread:
    by = (node["resolvedBy"] or {}).get("login", "")
    return Thread(node["id"], int(node["comments"]["nodes"][0]["fullDatabaseId"]), node["isResolved"], by)
