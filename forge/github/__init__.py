"""GitHub's REST API, as far as the forge needs it: a client, what it answers, and what its refusals mean."""

from forge.github.answers import PostedComment, PostedReview, Pull
from forge.github.client import WAITS_SECONDS, GitHub
from forge.github.refusals import Moved, NotFound, Started, Unprocessable

__all__ = [
    "WAITS_SECONDS",
    "GitHub",
    "Moved",
    "NotFound",
    "PostedComment",
    "PostedReview",
    "Pull",
    "Started",
    "Unprocessable",
]
