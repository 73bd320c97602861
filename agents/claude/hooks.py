"""What the SDK calls while the model works: the job hears what tools have shown, and judges the report."""

import logging
from collections.abc import Callable
from typing import Any

from agents.role import Job

log = logging.getLogger(__name__)

NUDGES = 3  # so often a model that ends in plain text is told to hand in its report
LAST_WORDS = 20  # lines of standard error that are kept


class JobHooks:
    """The hooks of one session. `resumed` is called once, when the model is known to go on from its transcript."""

    def __init__(self, job: Job, *, resumed: Callable[[], None] = lambda: None) -> None:
        self._job = job
        self._resumed = resumed
        self._reported = False
        self._nudges = 0
        self._stderr: list[str] = []
        self.reached_model = False

    def note_model(self) -> None:
        """The model has answered: from now on counts what it was shown in an earlier attempt."""
        if not self.reached_model:
            self.reached_model = True
            self._resumed()

    @property
    def last_words(self) -> str:
        """The last line that it wrote on standard error."""
        return self._stderr[-1] if self._stderr else ""

    async def after_tool(self, event: Any, _id: str | None, _context: Any) -> Any:
        """A tool that the role records has answered."""
        self.note_model()
        self._job.heard(event["tool_name"], event["tool_input"], event["tool_response"])
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
        return {"decision": "block", "reason": "Call StructuredOutput now; plain text is discarded."}

    def heard_stderr(self, line: str) -> None:
        """It has written a line on standard error."""
        self._stderr.append(line)
        del self._stderr[:-LAST_WORDS]
