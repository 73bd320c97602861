"""What Claude does, in words for a person: tool uses, and the states in between."""

from pathlib import Path
from typing import Any

VERBS = {
    "Read": "Reading",
    "Grep": "Searching for",
    "Glob": "Listing",
    "Edit": "Changing",
    "Write": "Writing",
    "Bash": "Running",
    "StructuredOutput": "Writing the report",
    "mcp__report__finding": "Noting a finding in",
}


def tool_use(tool: str, asked: dict[str, Any], work: Path) -> str:
    """A tool use, on one line."""
    what = str(asked.get("file_path") or asked.get("pattern") or asked.get("command") or asked.get("path") or "")
    return " ".join(f"{VERBS.get(tool, tool)} {what.removeprefix(f'{work}/')}".split())[:200]


def duration(seconds: float) -> str:
    """About how long, for what goes on: nothing in the first minute."""
    return f" ({seconds // 60:.0f} min)" if seconds >= 60 else ""


def question(asked: dict[str, Any]) -> str:
    """A question of Claude's, with what it offers as answers."""
    options = [str(option.get("label", "")) for option in asked.get("options") or () if isinstance(option, dict)]
    offered = f" ({' / '.join(options)})" if options else ""
    return f"Claude asks: {' '.join(str(asked.get('question', '')).split())}{offered}"[:1000]
