"""The reviews of a pull request at GitHub: what is there, and what is put there."""

from dataclasses import dataclass
from typing import Any

from forge.github.answers import Posted
from forge.github.client import GitHub


class PostedReview(Posted):
    """A review on a pull request."""

    state: str

    @property
    def pending(self) -> bool:
        """Whether its author has started it and not submitted it: GitHub shows it to nobody else."""
        return self.state == "PENDING"


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

    def comments_of_ours(self) -> list[Posted]:
        """The comments on lines by the token's account, of whatever review."""
        return self.github.ours(Posted, f"{self._path}/comments")

    def one(self, review: int) -> PostedReview:
        """One review. Raises NotFound."""
        return self.github.get(PostedReview, f"{self._path}/reviews/{review}")

    def comments_of(self, review: int) -> list[Posted]:
        """The comments on lines that one review brought. Raises NotFound."""
        return self.github.every(Posted, f"{self._path}/reviews/{review}/comments")

    def post(self, review: dict[str, Any]) -> PostedReview:
        """Posts a review, once. Raises Unprocessable where other comments or another commit may be taken."""
        return self.github.post(PostedReview, f"{self._path}/reviews", review)
