"""The second look at findings, by a rule: what it is shown holds, unless a test has it say otherwise."""

from collections.abc import Iterable, Mapping
from typing import Any

from sim.not_anthropic.brief import to_check
from sim.not_anthropic.conversation import REPORT_TOOL, Conversation
from sim.not_anthropic.honesty import HONESTLY
from sim.not_anthropic.schema import fill
from sim.not_anthropic.wire import Answer, Text, ToolUse


def verdicts(conversation: Conversation, schema: Mapping[str, Any], other: Iterable[Mapping[str, Any]] = ()) -> Answer:
    """A verdict on each finding; `other` has those, by their number, that say something else."""
    said = {verdict.get("number"): verdict for verdict in other}
    found = [
        {
            "number": finding["number"],
            "holds": True,
            "pre_existing": bool(finding.get("pre_existing")),
            "severity": finding["severity"],
            "reason": HONESTLY,
            **said.get(finding["number"], {}),
        }
        for finding in to_check(conversation)
    ]
    return Answer((Text(HONESTLY), ToolUse(REPORT_TOOL, fill(schema, {"verdicts": found}))))
