"""A request as Claude Code sends it, with everything in it that chat completions do not know. All data is invented."""

from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUg=="
CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
BILLING_TEXT = "x-anthropic-billing-header: cc_version=2.1.329; cc_entrypoint=cli; cch=00000;"


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **more}


def image(data: str = PNG, media_type: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def use(call_id: str, name: str = "Read", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str, content: Any = "done", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def asking(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A small request with these messages."""
    return {"model": "claude-sonnet-5", "max_tokens": 100, "messages": list(messages), **more}


def claude_code() -> dict[str, Any]:
    """The third turn of a conversation; a new object every time."""
    return asking(
        user(text("<system-reminder>\nToday is a day.\n</system-reminder>"), text("Look at the picture", **CACHED)),
        assistant(
            {"type": "thinking", "thinking": "Signed by Anthropic", "signature": "EqQBCkYinvented"},
            {"type": "redacted_thinking", "data": "EmwKinvented"},
            text("I look."),
            use("toolu_01AAAAAAAAAAAAAAAAAAAAAA", file_path="/a.png"),
            use("toolu_01BBBBBBBBBBBBBBBBBBBBBB", "Bash", command="false") | CACHED,
        ),
        user(
            result("toolu_01AAAAAAAAAAAAAAAAAAAAAA", [text("A picture:"), image()], **CACHED),
            result("toolu_01BBBBBBBBBBBBBBBBBBBBBB", "exit code 1", is_error=True),
            text("What do you see?", **CACHED),
        ),
        {"role": "system", "content": [text("The user is away.")]},
        system=[
            text(BILLING_TEXT),
            text("You are a helper.", **CACHED),
            text("You know much.", **CACHED),
        ],
        tools=[
            {
                "name": "Read", "description": "Reads a file", **CACHED, "eager_input_streaming": True,
                "input_schema": {
                    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                    "properties": {"file_path": {"type": "string"}}, "required": ["file_path"],
                    "additionalProperties": False,
                },
            },
            {"type": "custom", "name": "Bash", "input_schema": {"type": "object"}},
        ],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        thinking={"type": "adaptive"},
        output_config={"effort": "xhigh"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        metadata={"user_id": "user_invented_account__session_invented"},
        service_tier="auto", temperature=1, top_k=5, top_p=0.9, stop_sequences=["END"], stream=True,
    )  # fmt: skip
