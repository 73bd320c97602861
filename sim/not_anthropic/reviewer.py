"""The assistant by rules. Each answer follows from the request alone: it has no memory and no model."""

import re
from dataclasses import asdict
from typing import Any

from sim.not_anthropic import diffs
from sim.not_anthropic.conversation import REPORT_TOOL, Call, Conversation
from sim.not_anthropic.findings import Finding, find
from sim.not_anthropic.reading import LISTING, DiffFile, diff_files
from sim.not_anthropic.rules import RULES
from sim.not_anthropic.schema import fill
from sim.not_anthropic.wire import Answer, Text, ToolUse

READS_AT_ONCE = 10
QUESTION = {
    "questions": [
        {
            "question": "Which colour?",
            "header": "Colour",
            "options": [{"label": "Red", "description": "Warm"}, {"label": "Blue", "description": "Cold"}],
            "multiSelect": False,
        }
    ]
}
HONESTLY = "No model wrote this: not-anthropic, a simulator, made it by rules."


def answer(conversation: Conversation) -> Answer:
    """What comes next: a look at the change, its review, another report's bare bones, or a few words."""
    schema = conversation.report_schema
    if "AskUserQuestion" in conversation.tools and not any(c.name == "AskUserQuestion" for c in conversation.calls()):
        return Answer((Text("First, a question."), ToolUse("AskUserQuestion", QUESTION)))
    if schema is None:
        return Answer((Text(_told(conversation)),))
    if "findings" not in schema.get("properties", {}):
        return Answer((Text(HONESTLY), ToolUse(REPORT_TOOL, fill(schema, {"summary": _told(conversation)}))))
    return _review(conversation)


def _told(conversation: Conversation) -> str:
    """What the user said last, and what they answered."""
    last = (conversation.user_texts() or [""])[-1]
    answers = [call.result or "" for call in conversation.calls() if call.name == "AskUserQuestion"]
    quoted = " ".join(f"“{' '.join(text.split())[-300:]}”" for text in (last, *answers))
    return f"{HONESTLY} All it can say is what it was told: {quoted}"


def _review(conversation: Conversation) -> Answer:
    calls = conversation.calls()
    listing = tuple(call for call in LISTING if call.name in conversation.tools)
    if listing and "Read" in conversation.tools and not any(call.name == "Glob" for call in calls):
        return Answer((Text("First, what has changed."), *listing))
    files = diff_files(calls)
    pages = [page for file in files for page in file.pages()]
    if pages:
        return Answer((Text(f"{len(pages)} pages to read."), *pages[:READS_AT_ONCE]))
    return _report(conversation, calls, files)


def _report(conversation: Conversation, calls: list[Call], files: list[DiffFile]) -> Answer:
    brief = [line for text in conversation.user_texts() for line in text.split("\n")]
    changes = diffs.parse(brief) + [change for file in files for change in diffs.parse(file.lines())]
    found = [finding for finding in find(changes) if not _refused(finding, calls)]
    values: dict[str, Any] = {
        "summary": _summary(found, changes=len({change.path for change in changes}), files=files),
        "findings": [asdict(finding) for finding in found],
    }
    return Answer((Text("Everything is read."), ToolUse(REPORT_TOOL, fill(conversation.report_schema or {}, values))))


def _refused(finding: Finding, calls: list[Call]) -> bool:
    """Whether an earlier report was turned down with words that name this finding's file and line."""
    refusals = [call.result or "" for call in calls if call.name == REPORT_TOOL and call.failed]
    line = re.compile(rf"\b{finding.start_line}\b")
    return any(finding.path in text and line.search(text) for text in refusals)


def _summary(found: list[Finding], *, changes: int, files: list[DiffFile]) -> str:
    unread = [file.name for file in files if not file.whole]
    said = f"{HONESTLY} {len(RULES)} rules, applied to {changes} changed files, found {len(found)} things."
    return f"{said} Not read whole: {', '.join(unread)}." if unread else said
