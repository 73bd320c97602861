"""Whether Claude lives, and what it does: told from what it says, so that a long message is no silence.

starting → waiting (for the model) → thinking, writing → in a tool → waiting …  → finished
A question to the person may come in between; nobody's silence is judged while the person thinks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agents.claude import endings, words

if TYPE_CHECKING:
    from claude_agent_sdk import Message

Doing = Literal[
    "starting", "waiting", "thinking", "writing", "tool", "trying_again", "shortening", "asking", "finished"
]

START_SECONDS = 60.0  # on a machine that is busy with other things
BASH_SECONDS = 120.0  # a command's time where the model names none
TOOL_GRACE_SECONDS = 30.0
# After a result that leaves a word of the person untaken, its answer begins at once, or never.
MORE_SECONDS = 15.0
# A passing state is told when it lasts, and seldom.
TELL_SECONDS = 10.0
WORDS: dict[Doing, str] = {
    "starting": "Claude is starting",
    "waiting": "Claude waits for the model",
    "thinking": "Claude is thinking",
    "writing": "Claude is writing",
    "trying_again": "The model cannot be reached; Claude tries again",
    "shortening": "Claude shortens what it has read",
}
BLOCKS: dict[str, Doing] = {"thinking": "thinking", "redacted_thinking": "thinking"}


@dataclass(frozen=True)
class Tool:
    """A tool at work: since when, and how long it may take."""

    name: str
    since: float
    seconds: float


class Life:
    """The signs of life of one session. Times are of a clock that does not jump, in seconds."""

    def __init__(self, silence_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._silence = silence_seconds
        self._clock = clock
        self._tools: dict[str, Tool] = {}
        self._asking = False
        self._doing: Doing = "starting"
        self._since = self._sign = self._told = clock()
        self._last_words = ""

    @property
    def doing(self) -> Doing:
        """What it does now."""
        if self._asking:
            return "asking"
        return "tool" if self._tools and self._doing != "finished" else self._doing

    # --- signs ------------------------------------------------------------------------------------------

    def heard(self, message: "Message") -> None:
        """It has said something."""
        from claude_agent_sdk import AssistantMessage, ResultMessage, StreamEvent, SystemMessage, UserMessage

        self._sign = self._clock()
        if isinstance(message, StreamEvent):
            self._heard_event(message.event)
        elif isinstance(message, SystemMessage):
            self._heard_system(message.subtype, message.data)
        elif isinstance(message, AssistantMessage):
            self._open_tools(message.content)
        elif isinstance(message, UserMessage):
            self._close_tools(message.content)
        elif isinstance(message, ResultMessage):
            self._tools.clear()
            self._set("finished")

    def asks(self, asking: bool) -> None:
        """It waits for a person, or goes on."""
        self._sign = self._clock()
        self._asking = asking

    def _heard_event(self, event: dict[str, Any]) -> None:
        if event.get("type") == "content_block_start":
            self._set(BLOCKS.get(event.get("content_block", {}).get("type"), "writing"))
        elif event.get("type") == "message_stop":
            self._set("waiting")

    def _heard_system(self, subtype: str, data: dict[str, Any]) -> None:
        if subtype == "api_retry":
            self._set("trying_again")
        elif subtype == "status" and data.get("status") == "requesting":
            self._set("waiting")
        elif subtype == "status" and data.get("status") == "compacting":
            self._set("shortening")

    def _open_tools(self, blocks: list[Any]) -> None:
        from claude_agent_sdk import ToolUseBlock

        for block in blocks:
            if isinstance(block, ToolUseBlock):
                seconds = max(self._silence, _tool_seconds(block.name, block.input))
                self._tools[block.id] = Tool(block.name, self._clock(), seconds)

    def _close_tools(self, blocks: Any) -> None:
        from claude_agent_sdk import ToolResultBlock

        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, ToolResultBlock):
                self._tools.pop(block.tool_use_id, None)

    def _set(self, doing: Doing) -> None:
        if doing != self._doing:
            self._doing, self._since = doing, self._clock()

    # --- judgement --------------------------------------------------------------------------------------

    def left(self) -> float:
        """Seconds until it counts as dead, if no sign comes; infinite while a person is asked."""
        if self._asking:
            return float("inf")
        if self._doing == "finished":
            return self._sign + MORE_SECONDS - self._clock()
        least = START_SECONDS if self._doing == "starting" else 0
        return self._sign + max([self._silence, least, *(t.seconds for t in self._tools.values())]) - self._clock()

    def end(self) -> endings.Ending:
        """How it ended, where nothing was left."""
        seconds = self._clock() - self._sign
        if self.doing == "finished":
            return endings.NO_REPORT
        if self.doing == "tool":
            return endings.stuck_in(self._longest().name, seconds)
        return endings.silent(seconds)

    def _longest(self) -> Tool:
        return max(self._tools.values(), key=lambda tool: tool.seconds)

    # --- for a person -----------------------------------------------------------------------------------

    def news(self) -> str:
        """The state in words, where it is time to tell it: one that is new or lasts, every TELL_SECONDS at most."""
        now = self._clock()
        if now - self._told < TELL_SECONDS:
            return ""
        said = self._in_words(now)
        if not said or said == self._last_words:
            return ""
        self._told, self._last_words = now, said
        return said

    def told(self) -> None:
        """Something else was told to the person."""
        self._told, self._last_words = self._clock(), ""

    def _in_words(self, now: float) -> str:
        if self.doing in ("asking", "finished"):
            return ""
        quiet = now - self._sign
        if self.doing == "tool":
            tool = self._longest()
            return f"{tool.name} is still running{words.duration(now - tool.since)}"
        if quiet > max(self._silence / 2, 2 * TELL_SECONDS):
            return f"Claude has said nothing for a while; it is ended after {self._silence:.0f} s without a word"
        return f"{WORDS[self.doing]}{words.duration(now - self._since)}"


def _tool_seconds(name: str, asked: dict[str, Any]) -> float:
    if name != "Bash":
        return 0
    milliseconds = asked.get("timeout")
    own = milliseconds / 1000 if isinstance(milliseconds, int | float) else BASH_SECONDS
    return own + TOOL_GRACE_SECONDS
