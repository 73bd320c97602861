"""What the SDK calls while the model works: the job hears what the model was shown, and judges the report."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from agents.claude.budget import Budget
from agents.claude.reading import NO_MODEL
from agents.role import Job

if TYPE_CHECKING:
    from claude_agent_sdk import AssistantMessage, Message

log = logging.getLogger(__name__)

REPORT = "StructuredOutput"
NUDGES = 3  # so often a model that ends in plain text is told to hand in its report
LAST_WORDS = 20  # lines of standard error that are kept
HEAR_SECONDS = 2.0  # until a call is heard of that a hook speaks of: the two come by ways of their own
HEAR_AGAIN_SECONDS = 0.01


def is_of_the_model(message: "Message") -> TypeGuard["AssistantMessage"]:
    """Whether the model has said it: Claude Code puts words of its own in the place of an answer that did not come."""
    from claude_agent_sdk import AssistantMessage

    return isinstance(message, AssistantMessage) and not message.error and message.model != NO_MODEL


class JobHooks:
    """The hooks of one session. What the tools named in `recorded` answer is the job's to hear, once the model has it.

    A tool's answer goes to the model with the next call of it, and no further call may come: so an answer counts as
    shown when the model says something after it, in another message than the one that asked for it.
    `resumed` is called once, with whether the model has gone on from its transcript, or the session ended before that.
    """

    def __init__(
        self,
        job: Job,
        *,
        recorded: tuple[str, ...],
        budget: Budget,
        resumed: Callable[[bool], None] = lambda _went_on: None,
    ) -> None:
        self._job = job
        self._recorded = recorded
        self._budget = budget
        self._resumed = resumed
        self._reported = False
        self._nudges = 0
        self._open: dict[str, tuple[str, dict[str, Any]]] = {}  # calls of tools by their id: name, what it is given
        self._asked_in: dict[str, str | None] = {}  # calls of tools → the model's message that asked for them
        self._unseen: dict[str, tuple[str, dict[str, Any], Any]] = {}  # answered, and not yet shown to the model
        self._stderr: list[str] = []
        self.reached_model = False

    def note_model(self, *, went_on: bool = True) -> None:
        """The model was reached: from now on counts what it was shown in an earlier attempt.

        Unless it `went_on` in this one, what tools answered last was never sent.
        """
        if not self.reached_model:
            self.reached_model = True
            self._resumed(went_on)

    def heard(self, message: "Message") -> None:
        """The model says something, calls tools, or they have answered."""
        from claude_agent_sdk import AssistantMessage, ToolResultBlock, ToolUseBlock, UserMessage

        said_in = None
        if is_of_the_model(message):
            self.note_model()
            said_in = message.message_id
            self._has_seen(said_in)
        blocks = message.content if isinstance(message, AssistantMessage | UserMessage) else ()
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, ToolUseBlock):
                self._open[block.id] = (block.name, block.input)
                self._asked_in[block.id] = said_in
            elif isinstance(block, ToolResultBlock):
                self._open.pop(block.tool_use_id, None)

    def _has_seen(self, said_in: str | None) -> None:
        """The model says this message: it was shown what any other has asked for. Of several at once none waits for the
        answer of another, so what this one asks for it has not seen.
        """
        seen = [call for call in self._unseen if self._asked_in.get(call, said_in) != said_in]
        for call in seen:
            self._job.heard(*self._unseen.pop(call))

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
            self._unseen[event["tool_use_id"]] = (event["tool_name"], event["tool_input"], event["tool_response"])
        if event["tool_name"] != REPORT and (word := await self._budget.word()):
            log.info("the model is told: %s", word)
            self._job.ask_no_more()
            return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": word}}
        return {}

    async def before_report(self, event: Any, _id: str | None, _context: Any) -> Any:
        """A report is handed in; the job may hand it back."""
        self.note_model()
        until = time.monotonic() + HEAR_SECONDS
        while event["tool_use_id"] not in self._asked_in and time.monotonic() < until:
            await asyncio.sleep(HEAR_AGAIN_SECONDS)  # with the report's message comes what the model saw before it
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
