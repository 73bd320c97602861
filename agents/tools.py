"""What Claude Code's tools answer, as the runner's record needs it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReadResult:
    """Lines that the Read tool showed: of which file, from which number on (from 1)."""

    path: str
    start: int
    lines: list[str]


def read_result(answer: Any) -> ReadResult | None:
    """What a Read showed; None where it showed no text (an image, an error)."""
    file = answer.get("file") if isinstance(answer, dict) else None
    if not isinstance(file, dict) or not isinstance(file.get("content"), str):
        return None
    lines = file["content"].split("\n")
    # the tool counts from the offset that it was given, and takes 0 for 1
    return ReadResult(str(file["filePath"]), max(int(file["startLine"]), 1), lines[: int(file["numLines"])])
