"""Hidden lines at the end of what we post: whose it is, what is in it, and how much. They make posting idempotent."""

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

_TRAILER = re.compile(r"(?:<!-- claude-stack [^\n]* -->\s*)+\Z")
_FINDING = re.compile(r"<!-- claude-stack finding:([0-9a-f]{12}) -->")
_TALLY = re.compile(r"<!-- claude-stack sent inline:(\d+) body:(\d+) already:(\d+) refused:(\d+) -->")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings a review took where: lines, body, nowhere since reported before; and comments refused."""

    inline: int = 0
    in_body: int = 0
    already: int = 0
    refused: int = 0


def of_run(run_id: UUID) -> str:
    """The mark of a run's review."""
    return f"<!-- claude-stack run:{run_id} -->"


def of_finding(fingerprint: str) -> str:
    """The mark of a finding."""
    return f"<!-- claude-stack finding:{fingerprint} -->"


def of_tally(tally: Tally) -> str:
    """What was sent, to be compared with what is there."""
    counts = f"inline:{tally.inline} body:{tally.in_body} already:{tally.already} refused:{tally.refused}"
    return f"<!-- claude-stack sent {counts} -->"


def fingerprint(path: str, title: str, text: str) -> str:
    """Twelve hex digits that stay the same while the line moves."""
    words = " ".join(title.lower().split())
    return hashlib.sha256("\0".join((path, words, text.strip())).encode()).hexdigest()[:12]


def fingerprints_in(body: str) -> set[str]:
    """The findings that one of our texts is about. What stands above its last lines is not ours to trust."""
    return set(_FINDING.findall(_trailer(body)))


def tally_in(body: str) -> Tally | None:
    """What one of our reviews says was sent."""
    found = _TALLY.search(_trailer(body))
    return Tally(*map(int, found.groups())) if found else None


def _trailer(body: str) -> str:
    found = _TRAILER.search(body)
    return found[0] if found else ""
