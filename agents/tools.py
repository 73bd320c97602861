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
    return ReadResult(str(file["filePath"]), int(file["startLine"]), lines[: int(file["numLines"])])
