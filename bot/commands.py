"""What a person can write to the bot, and how it is read."""

import re
from dataclasses import dataclass

from pydantic import ValidationError

from stack.errors import GiveUp
from stack.messages import StartReview


@dataclass(frozen=True)
class Command:
    """A command as the menu and /help show it."""

    name: str
    summary: str
    example: str


COMMANDS = (
    Command("review", "Review a pull request", "/review acme/shop 12"),
    Command("status", "Your latest runs", "/status"),
    Command("cancel", "Stop a run", "/cancel"),
    Command("help", "What I can do", "/help"),
)

REVIEW_FORM = (
    "Write it like this: /review acme/shop 12, or with the address of the pull request. "
    "Add the word ask to see the findings before they are posted."
)
CANCEL_FORM = "Write /cancel for the newest, /cancel with the six letters of a run, or reply /cancel to its message."

_PULL_REQUESTS = (
    re.compile(r"(?P<repository>[^\s/#]+/[^\s/#]+)(?:#|\s+#?)(?P<number>[0-9]{1,20})"),
    re.compile(
        r"https?://[^\s/]+/(?P<repository>[^\s/]+/[^\s/]+)/pull/(?P<number>[0-9]{1,20})(?:[/?#]\S*)?", re.IGNORECASE
    ),
)


def read_review(arguments: str) -> StartReview:
    """Reads `acme/shop 12`, `acme/shop#12` or an address, each with `ask` behind it or not.

    Raises GiveUp with the right form.
    """
    words = arguments.split()
    approval = bool(words) and words[-1].lower() == "ask"
    target = " ".join(words[:-1] if approval else words)
    if not target:
        raise GiveUp(f"Which pull request? {REVIEW_FORM}")
    found = next(filter(None, (pattern.fullmatch(target) for pattern in _PULL_REQUESTS)), None)
    if found is None:
        raise GiveUp(f"I cannot read “{_shown(target)}” as a pull request. {REVIEW_FORM}")
    return _checked(found["repository"], int(found["number"]), approval)


def _checked(repository: str, number: int, approval: bool) -> StartReview:
    try:
        return StartReview(repository=repository, number=number, approval=approval)
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("number",):
            raise GiveUp(f"There is no pull request number {number}. {REVIEW_FORM}") from None
        raise GiveUp(f"“{_shown(repository)}” is not the name of a repository. {REVIEW_FORM}") from None


def read_short_id(arguments: str) -> str:
    """Reads the six letters by which messages name a run; there may be none. Raises GiveUp with the right form."""
    short = arguments.strip().lower()
    if short and not re.fullmatch(r"[0-9a-f]{6}", short):
        raise GiveUp(f"I cannot read “{_shown(short)}” as a run. {CANCEL_FORM}")
    return short


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
