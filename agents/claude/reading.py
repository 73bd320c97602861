"""What stands in a transcript of Claude Code: what its tools answered, and why a model call failed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NO_MODEL = "<synthetic>"  # says what Claude Code puts in the place of an answer: an error, or that there was none


@dataclass
class Answered:
    """A tool's answer. `seen`: the model has said something after it, in another message than the one that asked."""

    tool: str
    asked: dict[str, Any]
    answer: Any
    asked_in: str
    seen: bool = False


def answers(transcript: Path) -> list[Answered]:
    """What tools answered the model itself, in order: errors, and what was lost with a process, are no answers."""
    uses: dict[str, tuple[str, dict[str, Any], str]] = {}
    found: list[Answered] = []
    for line in _lines(transcript):
        if line.get("isSidechain"):
            continue
        said_in = _message_of_the_model(line)
        if said_in:
            for answered in found:
                answered.seen = answered.seen or answered.asked_in != said_in
        for block in _blocks(line):
            if block.get("type") == "tool_use" and isinstance(block.get("input"), dict):
                uses[str(block.get("id"))] = (str(block.get("name")), block["input"], said_in)
            elif block.get("type") == "tool_result" and not block.get("is_error") and "toolUseResult" in line:
                tool, asked, asked_in = uses.get(str(block.get("tool_use_id")), ("", {}, ""))
                found.append(Answered(tool, asked, line["toolUseResult"], asked_in))
    return found


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


def _message_of_the_model(line: dict[str, Any]) -> str:
    """The id of the model's message that a line is of; empty where the model has not said it."""
    message = line.get("message")
    if line.get("type") != "assistant" or not isinstance(message, dict) or message.get("model") == NO_MODEL:
        return ""
    return str(message.get("id") or "")


def _blocks(line: dict[str, Any]) -> list[dict[str, Any]]:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
