"""What a check found out, in words for people. What a provider said is cleaned before anybody sees it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Works = Literal["yes", "partly", "no", "unknown"]

LONGEST_DETAIL, LONGEST_QUOTE = 200, 70  # characters
STEERING = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # sequences that steer a terminal
SHORTEST_SECRET = 4  # what is shorter stands in ordinary words


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether something works. `means`: what a tier would notice; `detail`: what was seen, in the provider's words too.

    `settled`: asking once more would not change it.
    """

    works: Works
    means: str = ""
    detail: str = ""
    name: str = ""
    settled: bool = False

    @property
    def rank(self) -> int:
        """The higher, the better; what is not known says least."""
        return ("unknown", "no", "partly", "yes").index(self.works)


def yes(detail: str = "") -> Finding:
    """It works."""
    return Finding("yes", detail=detail)


def partly(means: str, detail: str = "") -> Finding:
    """It answers, but otherwise than Claude Code expects."""
    return Finding("partly", means, detail)


def no(detail: str = "", means: str = "") -> Finding:
    """It does not work. Without `means`, what the check's own description says is missing."""
    return Finding("no", means, detail)


def unknown(detail: str) -> Finding:
    """It could not be found out."""
    return Finding("unknown", detail=detail)


def cleaned(text: str, secrets: Iterable[str] = (), longest: int = LONGEST_DETAIL) -> str:
    """`text` in one line, without control characters and secrets, shortened to `longest` characters."""
    line = " ".join("".join(map(_shown, STEERING.sub("", text))).split())
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            line = line.replace(secret, "[key]")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def quoted(text: str) -> str:
    """The beginning of what a model said, in quotes."""
    return f"“{cleaned(text, longest=LONGEST_QUOTE)}”" if text.strip() else "nothing"


def _shown(character: str) -> str:
    """A character as it may be printed: what steers a terminal is not, nor what turns the direction of text round."""
    kind = unicodedata.category(character)
    if kind == "Cf":
        return ""
    return " " if kind[0] in "CZ" else character
