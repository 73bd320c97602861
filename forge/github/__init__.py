"""GitHub's REST API, as far as the forge needs it: a client, what it answers, and what its refusals mean."""

from forge.github.answers import Answer, Posted, Pull
from forge.github.client import WAITS_SECONDS, GitHub
from forge.github.refusals import Moved, NotFound, Started, Unprocessable

__all__ = [
    "WAITS_SECONDS",
    "Answer",
    "GitHub",
    "Moved",
    "NotFound",
    "Posted",
    "Pull",
    "Started",
    "Unprocessable",
]
