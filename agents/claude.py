"""Runs Claude Code for one job through claude-agent-sdk, and says how it ended.

The SDK is imported only when there is a job: an idle agent does without its 45 MB.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.role import Job, Role
from agents.sandbox import WRAPPER, Slot, Workspace
from stack.errors import GiveUp, TryAgain

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, Message, ResultMessage

log = logging.getLogger(__name__)

# How often a model that ends in plain text is told to hand in its report.
NUDGES = 3
CLOSE_SECONDS = 5.0
# How often a silent Claude is looked after: whether it still lives.
LOOK_SECONDS = 2.0
# What the CLI says of an ending, for a person; "retry" where a second run may do better.
ENDINGS = {
    "error_max_turns": "Claude used up its turns before it had a report",
    "error_max_budget_usd": "Claude reached the task's spending limit before it had a report",
    "error_max_structured_output_retries": "Claude did not manage to write its report in the right form",
}


class Stopped(Exception):
    """The job was stopped from outside: cancelled, or its lease was lost."""


class Stop:
    """A way to end a conversation from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], object] | None = None
        self.reason = ""

    def set(self, reason: str) -> None:
        """Ends the conversation, now or as soon as it begins."""
        with self._lock:
            self.reason = self.reason or reason
            if self._end:
                self._end()

    def arm(self, end: Callable[[], object] | None) -> None:
        """What `set` calls."""
        with self._lock:
            self._end = end
            if end and self.reason:
                end()


@dataclass(frozen=True)
class Limits:
    """Where a conversation ends at the latest."""

    seconds: float
    silence_seconds: float
    budget_usd: float


@dataclass
class Conversation:
    """What came of one run of Claude Code."""

    structured: dict[str, Any] | None = None
    model: str = ""
    turns: int = 0
    seconds: float = 0
    stderr: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Claude:
    """Claude Code as one agent runs it: which executable, and where its model calls go."""

    executable: Path
    base_url: str

    def converse(
        self,
        role: Role,
        job: Job,
        *,
        slot: Slot,
        workspace: Workspace,
        token: str,
        limits: Limits,
        stop: Stop,
        tell: Callable[[str, str, datetime], None],
    ) -> Conversation:
        """Runs the job to its report. `tell(kind, text, at)` hears steps and hops.

        Raises GiveUp or TryAgain in words where there is no report, Stopped where `stop` was set.
        """
        environment = self._environment(slot, workspace, token)
        talk = _Talk(role, job, slot, workspace, limits, tell, Conversation())
        options = talk.options(environment)
        try:
            return asyncio.run(talk.run(options, stop))
        except asyncio.CancelledError:
            raise Stopped(stop.reason) from None

    def _environment(self, slot: Slot, workspace: Workspace, token: str) -> dict[str, str]:
        """All that Claude Code gets to know of the world, and what the wrapper needs."""
        return {
            **slot.environment(self.executable, workspace.started),
            "HOME": str(workspace.home),
            "TMPDIR": str(workspace.temporary),
            "ANTHROPIC_BASE_URL": self.base_url,
            "ANTHROPIC_AUTH_TOKEN": token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",  # no settings file can redirect the model calls
            "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
            "CLAUDE_CODE_MAX_RETRIES": "6",
            "API_TIMEOUT_MS": "120000",
            "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": "60000",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": "/dev/null",
            "GIT_CONFIG_KEY_1": "core.fsmonitor",
            "GIT_CONFIG_VALUE_1": "false",
            "GIT_CONFIG_KEY_2": "protocol.ext.allow",
            "GIT_CONFIG_VALUE_2": "never",
        }


@dataclass
class _Talk:
    role: Role
    job: Job
    slot: Slot
    workspace: Workspace
    limits: Limits
    tell: Callable[[str, str, datetime], None]
    result: Conversation
    started: bool = False
    reported: bool = False
    nudges: int = 0
    coming: "asyncio.Future[Message] | None" = None

    def options(self, environment: dict[str, str]) -> "ClaudeAgentOptions":
        from claude_agent_sdk import ClaudeAgentOptions, HookMatcher

        return ClaudeAgentOptions(
            cli_path=WRAPPER,
            cwd=self.workspace.work,
            env=environment,
            model=self.role.tier,
            system_prompt=self.role.system_prompt,
            tools=list(self.role.tools),
            permission_mode="dontAsk",
            setting_sources=[],
            strict_mcp_config=True,
            verbatim_prompts=True,
            max_buffer_size=32 << 20,
            max_turns=self.role.max_turns,
            max_budget_usd=self.limits.budget_usd,
            output_format={"type": "json_schema", "schema": self.role.schema},
            extra_args={"restricted": None},
            stderr=self._heard_stderr,
            hooks={
                "PreToolUse": [HookMatcher(matcher="StructuredOutput", hooks=[self._before_report])],
                "PostToolUse": [
                    HookMatcher(matcher="|".join(self.role.recorded_tools), hooks=[self._after_tool]),
                    HookMatcher(matcher="StructuredOutput", hooks=[self._after_report]),
                ],
                "Stop": [HookMatcher(hooks=[self._before_stop])],
            },
        )

    async def run(self, options: "ClaudeAgentOptions", stop: Stop) -> Conversation:
        """The conversation from start to end; afterwards no process of it is left."""
        from claude_agent_sdk import query

        begun = time.monotonic()
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - we run inside one
        stop.arm(lambda: loop.call_soon_threadsafe(task.cancel))
        messages = query(prompt=self.job.prompt, options=options)
        try:
            async with asyncio.timeout(self.limits.seconds):
                await self._listen(messages)
        except TimeoutError:
            raise GiveUp(f"Claude did not finish within {self.limits.seconds / 60:.0f} minutes") from None
        finally:
            stop.arm(None)
            self.result.seconds = time.monotonic() - begun
            await asyncio.to_thread(self.slot.end_processes)
            await self._close(messages)
        return self.result

    async def _listen(self, messages: AsyncIterator["Message"]) -> None:
        """Hears messages until the result, which is the end even where the process lingers."""
        from claude_agent_sdk import ResultMessage

        while True:
            message = await self._next(messages)
            self._note_start()
            if isinstance(message, ResultMessage):
                return self._conclude(message)
            self._hear(message)

    async def _next(self, messages: AsyncIterator["Message"]) -> "Message":
        """The next message. Raises TryAgain in words where none comes."""
        from claude_agent_sdk import ClaudeSDKError, ProcessError

        # never cancelled: the SDK would first give its process five seconds to end by itself
        self.coming = asyncio.ensure_future(anext(messages))
        if not await self._comes(self.coming):
            raise TryAgain(f"Claude said nothing for {self.limits.silence_seconds:.0f} s and was ended")
        try:
            return self.coming.result()
        except StopAsyncIteration:
            raise TryAgain(f"Claude Code ended without a result{self._last_words()}") from None
        except ProcessError as error:
            raise TryAgain(f"Claude Code ended with exit code {error.exit_code}{self._last_words()}") from error
        except ClaudeSDKError as error:
            raise TryAgain(f"Claude Code failed: {_short(error)}{self._last_words()}") from error

    async def _comes(self, coming: "asyncio.Future[Message]") -> bool:
        """Whether a message came before the silence became too long. Raises TryAgain where its process is gone."""
        deadline = time.monotonic() + self.limits.silence_seconds
        while (left := deadline - time.monotonic()) > 0:
            done, _ = await asyncio.wait({coming}, timeout=min(left, LOOK_SECONDS))
            if done:
                return True
            if not await asyncio.to_thread(self.slot.is_busy):
                await asyncio.wait({coming}, timeout=1)  # it may have spoken last words
                if not coming.done():
                    raise TryAgain(f"Claude Code ended without a result{self._last_words()}")
        return coming.done()

    async def _close(self, messages: Any) -> None:
        """Closes the SDK's side, now that its process is gone."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self.coming is not None:
                    await asyncio.wait({self.coming})
                    self.coming.exception()  # it has been told already, or is of no interest any more
                await messages.aclose()

    def _note_start(self) -> None:
        """Tells when the process was started: the wrapper touched a file at that moment."""
        if not self.started and self.workspace.started.exists():
            self.started = True
            at = datetime.fromtimestamp(self.workspace.started.stat().st_mtime, UTC)
            self.tell("hop", "claude.started", at)

    def _hear(self, message: "Message") -> None:
        from claude_agent_sdk import AssistantMessage, TextBlock, ToolUseBlock

        if not isinstance(message, AssistantMessage):
            return
        self.result.model = message.model
        for block in message.content:
            if isinstance(block, ToolUseBlock):
                self.tell("step", _in_words(block.name, block.input, self.workspace.work), datetime.now(UTC))
            elif isinstance(block, TextBlock):
                log.info("claude: %s", block.text[:2000])

    def _conclude(self, message: "ResultMessage") -> None:
        self.tell("hop", "claude.ended", datetime.now(UTC))
        self.result.turns = message.num_turns
        structured = message.structured_output
        if not message.is_error and isinstance(structured, dict):
            self.result.structured = structured
            return
        words = ENDINGS.get(message.subtype)
        if words:
            raise GiveUp(words)
        if message.is_error:
            raise _api_failure(message.api_error_status, message.result or "")
        raise GiveUp("Claude ended without a report")

    # --- hooks: called by the SDK while the model works ---------------------------------------------

    async def _after_tool(self, event: Any, _id: str | None, _context: Any) -> Any:
        self.job.heard(event["tool_name"], event["tool_input"], event["tool_response"])
        return {}

    async def _before_report(self, event: Any, _id: str | None, _context: Any) -> Any:
        objection = self.job.objection(event["tool_input"])
        if objection is None:
            return {}
        log.info("the report was handed back: %s", objection[:500])
        decision = {"permissionDecision": "deny", "permissionDecisionReason": objection}
        return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}}

    async def _after_report(self, _event: Any, _id: str | None, _context: Any) -> Any:
        self.reported = True
        return {}

    async def _before_stop(self, _event: Any, _id: str | None, _context: Any) -> Any:
        if self.reported or self.nudges >= NUDGES:
            return {}
        self.nudges += 1
        return {"decision": "block", "reason": "Call StructuredOutput now; plain text is discarded."}

    def _heard_stderr(self, line: str) -> None:
        self.result.stderr.append(line)
        del self.result.stderr[:-20]

    def _last_words(self) -> str:
        return f": {self.result.stderr[-1][:300]}" if self.result.stderr else ""


def _api_failure(status: int | None, text: str) -> Exception:
    """What a failed model call means for the task."""
    words = _short(text) or "no reason given"
    if status is None or status >= 500 or (status == 429 and "spend limit" not in text):
        return TryAgain(f"the model could not be reached{f' ({status})' if status else ''}: {words}")
    return GiveUp(f"the model call failed ({status}): {words}")


def _short(text: object) -> str:
    return " ".join(str(text).split())[:300]


def _in_words(tool: str, asked: dict[str, Any], work: Path) -> str:
    """A tool use for a person, on one line."""
    what = str(asked.get("file_path") or asked.get("pattern") or "").removeprefix(f"{work}/")
    verb = {"Read": "Reading", "Grep": "Searching for", "Glob": "Listing", "StructuredOutput": "Writing the report"}
    return f"{verb.get(tool, tool)} {what}".strip()[:200]
