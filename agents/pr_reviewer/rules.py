"""The repository's own rules for reviews: of the base branch alone, never of the change that is judged by them."""

from dataclasses import dataclass
from pathlib import Path

from stack.git import Failed, git, is_damage

FILES = ("REVIEW.md", "AGENTS.md")
MOST_CHARACTERS = 20_000  # of each
LARGEST_BYTES = 1 << 20
REGULAR = ("100644", "100755")


@dataclass(frozen=True)
class Rules:
    """A file of rules. `cut`: it has more than is shown."""

    name: str
    text: str
    cut: bool


def rules_at(cache: Path, commit: str) -> list[Rules]:
    """What there is of FILES at the root of a commit: regular files of some text, and not too large to be meant."""
    found = [(name, _text(cache, commit, name)) for name in FILES]
    return [Rules(name, text[:MOST_CHARACTERS], len(text) > MOST_CHARACTERS) for name, text in found if text.strip()]


def _text(cache: Path, commit: str, name: str) -> str:
    """The text; empty where there is none. Raises Failed where the cache is damaged."""
    try:
        listed = git("ls-tree", "-l", "--end-of-options", commit, "--", name, folder=cache).split()
        if len(listed) < 4 or listed[0].decode() not in REGULAR or _bytes(listed[3]) > LARGEST_BYTES:
            return ""
        blob = git("cat-file", "blob", listed[2].decode(), folder=cache)
    except Failed as error:
        if is_damage(error.printed):
            raise
        return ""
    return blob.decode("utf-8", errors="replace").replace("\r\n", "\n")


def _bytes(listed: bytes) -> int:
    return int(listed) if listed.isdigit() else 0  # git has a word in its place where it cannot read the object
