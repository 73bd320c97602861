"""Who is asked for no report reads the folders that the user points to, such as `notes/`, where it has the tools."""

import re
from collections.abc import Iterator

from sim.not_anthropic.conversation import Conversation
from sim.not_anthropic.wire import ToolUse

READS_AT_ONCE = 10

_FOLDER = re.compile(r"(?<![\w./-])(\w[\w-]*)/(?=[\s:,.]|$)")
_NUMBERED = re.compile(r"^\s*\d+\t", re.MULTILINE)


def looks(conversation: Conversation) -> list[ToolUse]:
    """The next calls: what lies there, then the files of it, each once. Empty where all was looked at."""
    if not {"Glob", "Read"} <= conversation.tools.keys():
        return []
    known = [(call.name, call.input.get("pattern", call.input.get("file_path"))) for call in conversation.calls()]
    lists = [ToolUse("Glob", {"pattern": f"{folder}/*"}) for folder in _folders(conversation)]
    reads = [ToolUse("Read", {"file_path": path}) for path in _listed(conversation)]
    return (
        [one for one in lists if ("Glob", one.input["pattern"]) not in known]
        or [one for one in reads if ("Read", one.input["file_path"]) not in known][:READS_AT_ONCE]
    )  # fmt: skip


def seen(conversation: Conversation) -> str:
    """What was read, counted, on a line; empty where nothing was."""
    texts = [call.result or "" for call in conversation.calls() if call.name == "Read" and not call.failed]
    lines = sum(len(_NUMBERED.findall(text)) for text in texts)
    return f"It has read {lines} lines of {len(texts)} files.\n" if texts else ""


def _folders(conversation: Conversation) -> dict[str, None]:
    return dict.fromkeys(name for text in conversation.user_texts() for name in _FOLDER.findall(text))


def _listed(conversation: Conversation) -> Iterator[str]:
    for call in conversation.calls():
        if call.name == "Glob" and not call.failed:
            yield from (line for line in (call.result or "").splitlines() if "/" in line)
