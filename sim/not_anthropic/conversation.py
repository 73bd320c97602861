"""A request to the Messages API, read: which tools there are, what the user wrote, what the tools answered."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REPORT_TOOL = "StructuredOutput"
FINDING_TOOL = "mcp__report__finding"  # takes a finding at a time, where it is offered
# What Claude Code puts in place of a result that was lost with the process, when the session is resumed.
INTERRUPTED = "[Tool call interrupted"


@dataclass(frozen=True)
class Call:
    """A tool call of the assistant and what came back; None where nothing did."""

    name: str
    input: Mapping[str, Any]
    result: str | None
    failed: bool


class Conversation:
    """The whole of it, as each request brings it anew."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = body["messages"]
        self.tools = {tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools") or [] if "name" in tool}

    @property
    def report_schema(self) -> Mapping[str, Any] | None:
        """The schema of the tool that takes the report, if there is one."""
        return self.tools.get(REPORT_TOOL)

    def user_texts(self) -> list[str]:
        """What the user wrote, in order; results of tools left out."""
        return [text for message in self.messages if message["role"] == "user" for text in _texts(message["content"])]

    def told_later(self) -> list[str]:
        """What the client has said after its first message: results of tools left out."""
        return [
            text
            for message in self.messages[1:]
            if message["role"] != "assistant"
            for text in _texts(message["content"])
        ]

    def calls(self) -> list[Call]:
        """The tool calls so far, in order; one that was interrupted was none."""
        blocks = list(self._blocks())
        results = {block["tool_use_id"]: block for block in blocks if block.get("type") == "tool_result"}
        calls = [_call(block, results.get(block["id"])) for block in blocks if block.get("type") == "tool_use"]
        return [call for call in calls if not (call.failed and (call.result or "").startswith(INTERRUPTED))]

    def _blocks(self) -> Iterator[dict[str, Any]]:
        for message in self.messages:
            if isinstance(message["content"], list):
                yield from message["content"]


def _call(block: Mapping[str, Any], result: Mapping[str, Any] | None) -> Call:
    if result is None:
        return Call(block["name"], block["input"], result=None, failed=True)
    text = "\n".join(_texts(result.get("content", "")))
    return Call(block["name"], block["input"], result=text, failed=bool(result.get("is_error")))


def _texts(content: str | Iterable[Mapping[str, Any]]) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content if block.get("type") == "text"]
