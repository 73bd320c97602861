"""Frozen, checked values, and the words that several kinds of work share: names on GitHub, commits, times."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# GitHub's own limits: 39 letters, digits and hyphens for an owner; 100 letters, digits, `-`, `_`, `.` for a name.
# `\Z` and not `$`, which lets a newline follow.
REPOSITORY_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}\Z"
Repository = Annotated[str, Field(pattern=REPOSITORY_PATTERN)]
PullNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")]


class Value(BaseModel):
    """Base of every frozen value in a message; unknown fields are refused."""

    # a look-ahead in a pattern needs Python's own regular expressions
    model_config = ConfigDict(frozen=True, extra="forbid", regex_engine="python-re")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
