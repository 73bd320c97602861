"""Where the time of a run goes: the points in time that its parts reported, and the seconds between them."""

from collections.abc import Mapping
from itertools import pairwise

from stack.api import RunDetail

# Those of a review. Each hop ends at a point; it began at the one before. The first and the last are what the person
# sees; a step's are told by whoever does it (stack/worker.py). Claude Code starts once to review and once more to look
# at what was found: all between its first start and its last end is one hop.
POINTS = (
    "message.sent",
    "run.started",
    "fetch.claimed",
    "fetch.done",
    "conversation.claimed",
    "conversation.done",
    "review.claimed",
    "claude.started",
    "claude.ended",
    "draft.claimed",
    "draft.done",
    "post.claimed",
    "post.done",
    "run.ended",
    "message.received",
)


def points(run: RunDetail, *, sent: float, received: float) -> dict[str, float]:
    """When each point was reached, in seconds since the epoch; `sent` and `received` as the chat saw them.

    A hop that was lost (Progress may be) is missing.
    """
    hops: dict[str, float] = {}
    for event in run.events:
        if event.kind == "hop" and not (event.text == "claude.started" and event.text in hops):
            hops[event.text] = event.at.timestamp()
    return {"message.sent": sent, **hops, "message.received": received}


def seconds_per_hop(found: Mapping[str, float]) -> dict[str, float]:
    """Seconds from each point to the next, by the name of the one that it ends at."""
    known = [name for name in POINTS if name in found]
    return {b: round(found[b] - found[a], 3) for a, b in pairwise(known)}


def before_claude(found: Mapping[str, float]) -> float:
    """Seconds from the person's message to the start of Claude Code."""
    return found["claude.started"] - found["message.sent"]


def after_claude(found: Mapping[str, float]) -> float:
    """Seconds from the end of Claude Code to the final message, posting and receipt included."""
    return found["message.received"] - found["claude.ended"]
