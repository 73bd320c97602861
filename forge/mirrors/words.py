"""What git prints when it fails, and what that means. What nobody foresaw is tried again; nothing is deleted for it."""

import re

from forge.github.refusals import AWAY_SECONDS
from stack.errors import GiveUp, Refused, TryAgain

FULL_SECONDS = 300.0  # until the disk is looked at again that was full
LIMIT_SECONDS = 60.0  # git shows no header, so not how long GitHub's limit lasts

# All that counts as damage of a mirror, which is made anew then. Tried with git 2.39 on mirrors that were damaged on
# purpose, but for some words on packs.
_DAMAGE = re.compile(
    "|".join(
        (
            r"[Nn]ot a git repository",
            r"unexpected line in .*packed-refs",
            r"bad config line|key does not contain a section",
            r"refusing to fetch into branch .* checked out",  # it has lost the word that it is bare
            r"object file .* is empty|(?:loose|packed) object .* is corrupt",
            r"inflate: data stream error|unable to unpack [0-9a-f]+ header",
            r"index file .* is (?:too small|corrupt)|bad offset for revindex",
            r"packfile .* (?:does not match index|cannot be accessed|claims to have)",
            r"is not a GIT packfile|is far too short to be a packfile",
            r"bad (?:tree )?object |unable to parse (?:object|commit)",
            r"(?:unable to (?:read|find)(?: tree)?|Could not read|missing (?:blob|tree|commit)) [0-9a-f]{40}",
            r"did not send all necessary objects",  # git has looked through those that were there, too
            r"Unable to create '.*\.lock': File exists",  # left by a git that was killed: nobody else fetches into it
        )
    )
)

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


def is_damage(printed: str) -> bool:
    """Whether git tells of a damaged mirror. What GitHub's git says (`remote:`) is not about ours."""
    return bool(_DAMAGE.search(re.sub(r"^remote:.*$", "", printed, flags=re.MULTILINE)))


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
