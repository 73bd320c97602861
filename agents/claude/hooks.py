"""What the SDK calls while the model works: the job hears what tools have shown, and judges the report."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agents.claude.purse import Purse
from agents.role import Job

if TYPE_CHECKING:
    from claude_agent_sdk import Message

log = logging.getLogger(__name__)

REPORT = "StructuredOutput"
NUDGES = 3  # so often a model that ends in plain text is told to hand in its report
LAST_WORDS = 20  # lines of standard error that are kept


class JobHooks:
    """The hooks of one session. `resumed` is called once, when the model is known to go on from its transcript.

    What the tools named in `recorded` answer is the job's to hear.
    """

    def __init__(
        self, job: Job, *, recorded: tuple[str, ...], purse: Purse, resumed: Callable[[], None] = lambda: None
    ) -> None:
        self._job = job
        self._recorded = recorded
        self._purse = purse
        self._resumed = resumed
        self._reported = False
        self._nudges = 0
        self._open: dict[str, tuple[str, dict[str, Any]]] = {}  # calls of tools by their id: name, what it is given
        self._stderr: list[str] = []
        self.reached_model = False

    def note_model(self) -> None:
        """The model has answered: from now on counts what it was shown in an earlier attempt."""
        if not self.reached_model:
            self.reached_model = True
            self._resumed()

    def heard(self, message: "Message") -> None:
        """The model calls tools, or they have answered."""
        from claude_agent_sdk import AssistantMessage, ToolResultBlock, ToolUseBlock, UserMessage

        blocks = message.content if isinstance(message, AssistantMessage | UserMessage) else ()
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, ToolUseBlock):
                self._open[block.id] = (block.name, block.input)
            elif isinstance(block, ToolResultBlock):
                self._open.pop(block.tool_use_id, None)

    def unanswered(self, tool: str) -> list[dict[str, Any]]:
        """What a tool was given, in order, and did not answer before the session ended: it was paid for."""
        return [given for name, given in self._open.values() if name == tool]

    @property
    def last_words(self) -> str:
        """The last line that it wrote on standard error."""
        return self._stderr[-1] if self._stderr else ""

    async def after_tool(self, event: Any, _id: str | None, _context: Any) -> Any:
        """A tool has answered; where the money nears its end, the model hears of it beside the answer."""
        self.note_model()
        if event["tool_name"] in self._recorded:
            self._job.heard(event["tool_name"], event["tool_input"], event["tool_response"])
        if event["tool_name"] != REPORT and (word := await self._purse.word()):
            log.info("the model is told: %s", word)
            self._job.hurry()
            return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": word}}
        return {}

    async def before_report(self, event: Any, _id: str | None, _context: Any) -> Any:
        """A report is handed in; the job may hand it back."""
        self.note_model()
        objection = self._job.objection(event["tool_input"])
        if objection is None:
            return {}
        log.info("the report was handed back: %s", objection[:500])
        decision = {"permissionDecision": "deny", "permissionDecisionReason": objection}
        return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}}

    async def after_report(self, _event: Any, _id: str | None, _context: Any) -> Any:
        """A report was accepted."""
        self._reported = True
        return {}

    async def before_stop(self, _event: Any, _id: str | None, _context: Any) -> Any:
        """The model would end; without a report it is told to hand it in."""
        if self._reported or self._nudges >= NUDGES:
            return {}
        self._nudges += 1
        return {"decision": "block", "reason": f"Call {REPORT} now; plain text is discarded."}

    def heard_stderr(self, line: str) -> None:
        """It has written a line on standard error."""
        self._stderr.append(line)
        del self._stderr[:-LAST_WORDS]
