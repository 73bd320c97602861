"""What git prints when it fails, and what that means. What nobody foresaw is tried again; nothing is deleted for it."""

import re

from forge.github.refusals import AWAY_SECONDS
from stack.errors import GiveUp, Refused, TryAgain
from stack.git import is_damage

FULL_SECONDS = 300.0  # until the disk is looked at again that was full
LIMIT_SECONDS = 60.0  # git shows no header, so not how long GitHub's limit lasts

# What a fetch that failed means where the mirror is well. The first that is found counts.
_FETCHING: tuple[tuple[str, type[TryAgain | GiveUp], str, float | None], ...] = (
    (  # a page for people in the place of git's answer looks so, too
        r"find remote ref",
        TryAgain,
        "GitHub's git does not show pull request {number} of {repository} now",
        AWAY_SECONDS,
    ),
    (
        r"not our ref|unadvertised object",
        TryAgain,
        "Pull request {number} of {repository} moved while it was fetched",
        None,
    ),
    (
        r"Authentication failed|could not read Username|returned error: 401",
        Refused,
        "The GitHub token is not accepted by git (401): it is wrong, has expired or was revoked",
        None,
    ),
    (r"returned error: 429", TryAgain, "GitHub's limit is reached, {repository} cannot be fetched", LIMIT_SECONDS),
    (r"returned error: 403", Refused, "GitHub refuses to let the token read {repository} with git (403){remote}", None),
    (
        r"repository '.*' not found|Repository not found|returned error: 404",
        GiveUp,
        "There is no repository {repository}, or the token may not see it",
        None,
    ),
    (r"fsck ?error|fsckObjects", GiveUp, "Git's check refuses {repository}: {words}", None),
    (
        r"unable to access|RPC failed|early EOF|disconnect|hung up|returned error|timed out|Connection reset"
        r"|is this a git repository|invalid server response",
        TryAgain,
        "{repository} cannot be fetched from GitHub now: {words}",
        AWAY_SECONDS,
    ),
)


class Damaged(TryAgain):
    """The mirror cannot be used as it is."""


def of_reading(printed: str) -> TryAgain:
    """The error for a git that could not read a mirror."""
    kind = Damaged if is_damage(printed) else TryAgain
    return kind(f"The forge's mirror cannot be read: {_last(printed)}")


def of_fetching(printed: str, repository: str, number: int) -> TryAgain | GiveUp:
    """The error for a git that could not fetch."""
    if "No space left on device" in printed:
        return TryAgain(f"The forge's disk is full, {repository} cannot be fetched", after=FULL_SECONDS)
    if is_damage(printed):
        return Damaged(f"The forge's mirror of {repository} cannot be fetched into: {_last(printed)}")
    remote = "; ".join(re.findall(r"^remote: *(\S.*)$", printed, re.MULTILINE))[:300]
    told = {"repository": repository, "number": number, "words": _last(printed), "remote": remote and f": {remote}"}
    for pattern, kind, text, after in _FETCHING:
        if re.search(pattern, printed):
            words = text.format(**told)
            return TryAgain(words, after=after) if after else kind(words)
    return TryAgain(f"{repository} cannot be fetched: {_last(printed)}")


def _last(printed: str) -> str:
    return (printed.strip().splitlines() or ["git gives no reason"])[-1]
