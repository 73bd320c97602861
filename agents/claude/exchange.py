"""What goes to Claude in a session, and what the session came to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Spent:
    """What a session came to."""

    model: str = ""
    turns: int = 0
    seconds: float = 0


async def message_to(text: str, identity: str) -> AsyncIterator[dict[str, Any]]:
    """A message to Claude; a result names those that its turn has taken in."""
    content = {"role": "user", "content": text}
    yield {"type": "user", "uuid": identity, "message": content, "parent_tool_use_id": None}
