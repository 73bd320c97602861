"""The assistant by rules. Each answer follows from the request alone: it has no memory and no model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sim.not_anthropic import diffs
from sim.not_anthropic.brief import Remark, is_hurried, remarks, unchanged
from sim.not_anthropic.checker import verdicts
from sim.not_anthropic.conversation import FINDING_TOOL, REPORT_TOOL, Call, Conversation
from sim.not_anthropic.findings import Finding, find, find_on_lines
from sim.not_anthropic.honesty import HONESTLY
from sim.not_anthropic.looking import READS_AT_ONCE, looks, seen
from sim.not_anthropic.reading import LISTING, DiffFile, diff_files
from sim.not_anthropic.rules import RULES
from sim.not_anthropic.schema import fill
from sim.not_anthropic.wire import Answer, Text, ToolUse

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


def answer(conversation: Conversation, other: Iterable[Mapping[str, Any]] = ()) -> Answer:
    """What comes next: a look at the change, its review, another report's bare bones, or a few words. In a second look
    at findings, `other` has verdicts that are not the usual ones."""
    schema = conversation.report_schema
    if "AskUserQuestion" in conversation.tools and not any(c.name == "AskUserQuestion" for c in conversation.calls()):
        return Answer((Text("First, a question."), ToolUse("AskUserQuestion", QUESTION)))
    if schema is None:
        return Answer(tuple(looks(conversation)) or (Text(seen(conversation) + _told(conversation)),))
    if "verdicts" in schema.get("properties", {}):
        return verdicts(conversation, schema, other)
    if "findings" not in schema.get("properties", {}):
        return Answer((Text(HONESTLY), ToolUse(REPORT_TOOL, fill(schema, {"summary": _told(conversation)}))))
    return _review(conversation)


def noted(conversation: Conversation) -> int:
    """How many findings were taken by their tool."""
    return sum(call.name == FINDING_TOOL and not call.failed for call in conversation.calls())


def with_findings(said: Answer, most: int) -> Answer:
    """An answer that hands in so many findings at most."""
    handing_in = [block for block in said.blocks if isinstance(block, ToolUse) and block.name == FINDING_TOOL]
    left_out = handing_in[max(most, 0) :]
    return Answer(tuple(block for block in said.blocks if block not in left_out), said.stop_reason)


def _told(conversation: Conversation) -> str:
    """What the user said last, and what they answered."""
    last = (conversation.user_texts() or [""])[-1]
    answers = [call.result or "" for call in conversation.calls() if call.name == "AskUserQuestion"]
    quoted = " ".join(f"“{' '.join(text.split())[-300:]}”" for text in (last, *answers))
    return f"{HONESTLY} All it can say is what it was told: {quoted}"


def _review(conversation: Conversation) -> Answer:
    """The next look at the change, with what is found so far; at the end, or where the client hurries, the report."""
    calls, known = conversation.calls(), unchanged(conversation)
    files = [file for file in diff_files(calls) if file.name not in known]
    if is_hurried(conversation):
        return _report(conversation, calls, files)
    found = _to_hand_in(conversation, calls, files)
    listing = tuple(call for call in LISTING if call.name in conversation.tools)
    if listing and "Read" in conversation.tools and not any(call.name == "Glob" for call in calls):
        return Answer((Text("First, what has changed."), *found, *listing))
    pages = [page for file in files for page in file.pages()]
    if pages:
        return Answer((Text(f"{len(pages)} pages to read."), *found, *pages[:READS_AT_ONCE]))
    if found:
        return Answer((Text("All pages are read."), *found))
    return _report(conversation, calls, files)


def _to_hand_in(conversation: Conversation, calls: list[Call], files: list[DiffFile]) -> list[ToolUse]:
    """What the files that were read whole have, and was not handed in yet; nothing where no tool takes it."""
    schema = conversation.tools.get(FINDING_TOOL)
    if schema is None:
        return []
    whole = [file for file in files if next(file.pages(), None) is None]
    handed_in = _handed_in(calls)
    found = [
        finding for finding in find_on_lines(_changes(conversation, whole)) if _key(asdict(finding)) not in handed_in
    ]
    said = remarks(conversation)
    return [ToolUse(FINDING_TOOL, fill(schema, _honestly(_values(finding, said)))) for finding in found]


def _handed_in(calls: list[Call]) -> set[tuple[Any, ...]]:
    """Which findings were handed in by their tool, whatever it answered."""
    return {_key(call.input) for call in calls if call.name == FINDING_TOOL}


def _key(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(finding.get(name) for name in ("path", "side", "start_line", "title"))


def _values(finding: Finding, said: list[Remark]) -> dict[str, Any]:
    same = next((remark.number for remark in said if remark.says(finding)), 0)
    return {**asdict(finding), "same_as": same}


def _honestly(values: dict[str, Any]) -> dict[str, Any]:
    """What may be all that people see of it says itself that no model wrote it."""
    return {**values, "explanation": f"{values['explanation']} (No model wrote this: a rule did.)"}


def _changes(conversation: Conversation, files: list[DiffFile]) -> list[diffs.FileDiff]:
    """What the brief shows, and what was read."""
    brief = [line for text in conversation.user_texts() for line in text.split("\n")]
    return diffs.parse(brief) + [change for file in files for change in diffs.parse(file.lines())]


def _report(conversation: Conversation, calls: list[Call], files: list[DiffFile]) -> Answer:
    changes, said, handed_in = _changes(conversation, files), remarks(conversation), _handed_in(calls)
    found = [finding for finding in find(changes) if not _refused(finding, calls)]
    further = [finding for finding in found if _key(asdict(finding)) not in handed_in]
    values: dict[str, Any] = {
        "summary": _summary(found, changes=len({change.path for change in changes}), files=files),
        "findings": [_values(finding, said) for finding in further],
        "fixed": [remark.number for remark in said if _is_fixed(remark, changes, found)],
    }
    return Answer((Text("This is all."), ToolUse(REPORT_TOOL, fill(conversation.report_schema or {}, values))))


def _is_fixed(remark: Remark, changes: list[diffs.FileDiff], found: list[Finding]) -> bool:
    """Whether the change is to a file of a remark of ours, of whose kind nothing is found there any more."""
    if not remark.ours or remark.resolved or remark.path not in {change.path for change in changes}:
        return False
    return not any((finding.path, finding.kind) == (remark.path, remark.kind) for finding in found)


def _refused(finding: Finding, calls: list[Call]) -> bool:
    """Whether it was turned down with words that name its file and line."""
    refusals = [call.result or "" for call in calls if call.name in (REPORT_TOOL, FINDING_TOOL) and call.failed]
    line = re.compile(rf"\b{finding.start_line}\b")
    return any(finding.path in text and line.search(text) for text in refusals)


def _summary(found: list[Finding], *, changes: int, files: list[DiffFile]) -> str:
    unread = [file.name for file in files if not file.whole]
    said = f"{HONESTLY} {len(RULES)} rules, applied to {changes} changed files, found {len(found)} things."
    return f"{said} Not read whole: {', '.join(unread)}." if unread else said
