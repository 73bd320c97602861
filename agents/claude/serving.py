"""A role's own tools, served to Claude from this process: what the model hands in by them arrives at once."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agents.role import Job, Reply, Setup, Tool
from stack.values import Value

if TYPE_CHECKING:
    from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool

log = logging.getLogger(__name__)

SERVER = "report"
Keep = Callable[[Value], object]  # stores a piece of the report


def name_of(tool: str) -> str:
    """What the model, and rules, call a tool of the role's own."""
    return f"mcp__{SERVER}__{tool}"


def names(setup: Setup) -> list[str]:
    """What all of them are called."""
    return [name_of(tool.name) for tool in setup.own_tools]


def servers(setup: Setup, job: Job, keep: Keep) -> "dict[str, McpSdkServerConfig]":
    """What serves a job's own tools; nothing where the role has none."""
    from claude_agent_sdk import create_sdk_mcp_server

    if not setup.own_tools:
        return {}
    return {SERVER: create_sdk_mcp_server(SERVER, tools=[_served(tool, job, keep) for tool in setup.own_tools])}


def reply(tool: Tool, job: Job, given: dict[str, Any]) -> Reply:
    """What a tool answers; where it fails, that it could not be taken."""
    try:
        return tool.handle(job, given)
    except Exception:
        log.exception("the tool %s", tool.name)
        return Reply("This could not be taken. Go on without it.", refused=True)


def _served(tool: Tool, job: Job, keep: Keep) -> "SdkMcpTool[Any]":
    from claude_agent_sdk import SdkMcpTool

    async def handle(given: dict[str, Any]) -> dict[str, Any]:
        answer = reply(tool, job, given)
        if answer.piece is not None:
            try:
                await asyncio.to_thread(keep, answer.piece)  # the model goes on once it is stored, or a moment later
            except Exception:  # the report has it all the same
                log.exception("a piece of the tool %s", tool.name)
        return {"content": [{"type": "text", "text": answer.words}], "is_error": answer.refused}

    return SdkMcpTool(name=tool.name, description=tool.description, input_schema=tool.schema, handler=handle)
