"""What stands in a transcript of Claude Code: what its tools answered, and why a model call failed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answered:
    """A tool's answer, as the model was shown it."""

    tool: str
    asked: dict[str, Any]
    answer: Any


def answers(transcript: Path) -> Iterator[Answered]:
    """What tools answered the model itself, in order: errors, and what was lost with a process, are no answers."""
    uses: dict[str, tuple[str, dict[str, Any]]] = {}
    for line in _lines(transcript):
        if line.get("isSidechain"):
            continue
        for block in _blocks(line):
            if block.get("type") == "tool_use" and isinstance(block.get("input"), dict):
                uses[str(block.get("id"))] = (str(block.get("name")), block["input"])
            elif block.get("type") == "tool_result" and not block.get("is_error") and "toolUseResult" in line:
                tool, asked = uses.get(str(block.get("tool_use_id")), ("", {}))
                yield Answered(tool, asked, line["toolUseResult"])


def last_error_type(transcript: Path) -> str:
    """The API's type of the last model call that failed for good; empty where none did."""
    found = ""
    for line in _lines(transcript):
        if line.get("isApiErrorMessage"):
            found = str(line.get("apiErrorType") or "")
    return found


def _lines(transcript: Path) -> Iterator[dict[str, Any]]:
    """The lines that can be read; the last one may have been cut off."""
    if not transcript.exists():
        return
    with transcript.open("rb") as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                yield line


def _blocks(line: dict[str, Any]) -> list[dict[str, Any]]:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
