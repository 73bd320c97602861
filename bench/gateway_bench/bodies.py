"""Request bodies of the shape that Claude Code sends, in any size. The shape was captured, the words are invented.

Claude Code 2.1 sends about 50 KB on the first turn of a conversation: 32 KB of tools, 7 KB of system prompt, 10 KB of
messages. A longer body is a longer conversation, a body of 1 KB a side question without tools.
"""

import json
import random
from functools import cache
from typing import Any

SEED = 4
# Claude Code's tools, and how many bytes each took in the captured body.
TOOLS = {
    "Agent": 5372, "Bash": 3967, "Edit": 1006, "ListAgents": 2020, "Read": 1975, "ReportFindings": 2533,
    "ScheduleWakeup": 5017, "Skill": 1846, "ToolSearch": 1490, "Workflow": 5806, "Write": 663,
}  # fmt: skip
SYSTEM_BYTES = 6_900
SMALL = 20_000  # below this there are no tools
TURN_BYTES = 6_000
BILLING = "x-anthropic-billing-header: cc_version=2.1.0.invented; cc_entrypoint=sdk-py;"
WORDS = [
    "agent", "branch", "change", "check", "code", "command", "diff", "error", "file", "first", "function", "line",
    "list", "name", "note", "only", "path", "plan", "read", "report", "review", "result", "run", "search",
    "shell", "step", "task", "test", "text", "tool", "turn", "use", "user", "value", "when", "with",
    "write",
]  # fmt: skip
CODE = (
    '    if row["model"] == \'claude\':\n        total += int(row.get("usage", 0))\n',
    "\t\"stream\": true,\n\t\"path\": \"C:\\\\shop\\\\cart.py\"\n",
    "    # größer als erlaubt → 合計 🛒\n    return f\"{name}: {value!r}\"\n",
)  # fmt: skip


@cache
def body(size: int, *, model: str, stream: bool = True) -> bytes:
    """A request of exactly `size` bytes (at least 1,000), the same one every time."""
    words = random.Random(SEED)  # noqa: S311 - invented text, not a secret
    request = _request(words, model, stream, tools=size >= SMALL)
    turns = request["messages"]
    while size - len(_json(request)) > 2 * TURN_BYTES:
        turns += _turn(words, len(turns))
    missing = size - len(_json(request))
    if missing < 0:
        raise ValueError(f"a request of {size} bytes cannot be made")
    turns[-1]["content"][-1]["text" if len(turns) == 1 else "content"] += _ascii(words, missing)
    return _json(request)


def _request(words: random.Random, model: str, stream: bool, *, tools: bool) -> dict[str, Any]:
    """The first turn, its members in Claude Code's order."""
    said = [_text("<system-reminder>\nNothing of this is real.\n</system-reminder>\n"), _text("Read cart.py.")]
    return {
        "model": model,
        "messages": [{"role": "user", "content": said}],
        "system": [_text(BILLING), {**_text(_prose(words, SYSTEM_BYTES if tools else 100)), "cache_control": CACHED}],
        **({"tools": [_tool(words, name, size) for name, size in TOOLS.items()]} if tools else {}),
        "metadata": {"user_id": '{"device_id":"invented","account_uuid":"","session_id":"invented"}'},
        "max_tokens": 128_000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium"},
        **({"stream": True} if stream else {}),
    }


CACHED = {"type": "ephemeral"}


def _turn(words: random.Random, number: int) -> list[dict[str, Any]]:
    """What Claude asked a tool for, and what the tool said."""
    name = f"toolu_invented{number:04}"
    asked = [_text(_prose(words, 300)), {"type": "tool_use", "id": name, "name": "Read", "input": {"file_path": "/a"}}]
    code = "".join(f"{line}\t{words.choice(CODE)}" for line in range(TURN_BYTES // 80))
    return [
        {"role": "assistant", "content": asked},
        {"role": "user", "content": [{"tool_use_id": name, "type": "tool_result", "content": code}]},
    ]


def _tool(words: random.Random, name: str, size: int) -> dict[str, Any]:
    """A tool whose JSON takes about `size` bytes."""
    fields = {
        f"{words.choice(WORDS)}_{number}": {"type": "string", "description": _prose(words, 60)} for number in range(3)
    }
    schema = {"type": "object", "properties": fields, "required": list(fields)[:1], "additionalProperties": False}
    return {"name": name, "description": _prose(words, max(60, size - len(_json(schema)) - 60)), "input_schema": schema}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _prose(words: random.Random, size: int) -> str:
    """Lines of words; some are quoted or marked, so that they are escaped in JSON."""
    said = ""
    while len(said) < size:
        said += f'- "{words.choice(WORDS)}": {" ".join(words.choices(WORDS, k=12))} → `{words.choice(WORDS)}`.\n'
    return said


def _ascii(words: random.Random, size: int) -> str:
    """Exactly `size` bytes that JSON need not escape."""
    return " ".join(words.choices(WORDS, k=size // 3 + 1))[:size]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
