"""What a client hears where a provider sends certain events."""

import json
from typing import Any

from tests.proxy.http.lanes import Lane
from tests.proxy.translation.invariants import Told, read
from tests.proxy.translation.upstreams import DONE, usage_chunk
from tests.proxy.upstream import streaming

END = (usage_chunk(prompt_tokens=148, completion_tokens=25), DONE)


def told(lane: Lane, *events: bytes, **more: Any) -> Told:
    """What a client hears where the provider sends these events."""
    lane.upstream.script = streaming(*events)
    return read(lane.stream(**more).body, translated=lane.translated)


def content(found: Told) -> list[Any]:
    """The blocks as a client puts them together."""
    return [
        (block.start["name"], json.loads("".join(block.pieces) or "{}")) if block.kind == "tool_use" else block.text
        for block in found.blocks
    ]
