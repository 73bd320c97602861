"""A message, as a client gets it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from proxy.check.outcomes import Unusable, words_of

Block = dict[str, Any]

# kind of a block → what it must hold
MEMBERS: dict[str, dict[str, type]] = {
    "text": {"text": str},
    "thinking": {"thinking": str},
    "tool_use": {"id": str, "name": str, "input": dict},
}


@dataclass(slots=True)
class Message:
    """What the model said. `start_usage`: as the first event of a stream had it; `pieces`: of text."""

    content: list[Block]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    start_usage: dict[str, Any] = field(default_factory=dict)
    pieces: int = 0

    @property
    def text(self) -> str:
        """All of its text."""
        return "".join(block["text"] for block in self.blocks("text"))

    @property
    def calls(self) -> list[Block]:
        """The calls of tools."""
        return self.blocks("tool_use")

    def blocks(self, kind: str) -> list[Block]:
        """The blocks of a kind."""
        return [block for block in self.content if block.get("type") == kind]

    def says(self, word: str) -> bool:
        """Whether a word is in its text, in capitals or not."""
        return re.search(rf"\b{re.escape(word)}\b", self.text, re.IGNORECASE) is not None


def read_whole(found: object) -> Message:
    """The message in an answer's JSON. Raises Unusable."""
    if isinstance(found, dict) and found.get("type") == "error":
        raise Unusable(f"an error that came with the status 200: {words_of(found)}")
    if not isinstance(found, dict) or not isinstance(found.get("content"), list):
        raise Unusable(f"an answer that is no message: {json.dumps(found)[:100]}")
    usage = found.get("usage")
    content = [checked(block) for block in found["content"]]
    return Message(content, found.get("stop_reason"), found.get("stop_sequence"), mapping(usage), mapping(usage))


def checked(block: object) -> Block:
    """`block`, which has what a block of its kind must have. Raises Unusable."""
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise Unusable("a block without a type")
    for name, kind in MEMBERS.get(block["type"], {}).items():
        if not isinstance(block.get(name), kind):
            raise Unusable(f"a block of {block['type']} without a proper {name}")
    return block


def mapping(found: object) -> dict[str, Any]:
    """`found` if it is an object, else an empty one."""
    return found if isinstance(found, dict) else {}
