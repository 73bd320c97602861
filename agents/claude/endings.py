"""How a session of Claude Code ends without a report, and what that means for the task.

An ending follows from types, subtypes, statuses and reasons alone; English words are for people, never for decisions.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from stack.errors import GiveUp, StackError, TryAgain

if TYPE_CHECKING:
    from claude_agent_sdk import ResultMessage

# What passes by itself is tried again after so many seconds, at no attempt.
PASSING_SECONDS = 60.0

Name = Literal[
    "turns", "budget", "form", "no_report", "declined", "too_long", "spent", "refused", "away", "time", "silent",
    "tool", "died", "failed", "limit",
]  # fmt: skip
Then = Literal["give_up", "again", "passes"]


@dataclass(frozen=True)
class Ending:
    """An ending, in words for a person. again: a second run may do better; passes: so it will, by and by."""

    name: Name
    then: Then
    words: str

    def with_words(self, more: object) -> "Ending":
        """The same with what was said about it, on one line."""
        said = short(more)
        return replace(self, words=f"{self.words}: {said}") if said else self

    def is_final(self, *, last_attempt: bool) -> bool:
        """Whether no further attempt follows it that could do better."""
        return self.then == "give_up" or (self.then == "again" and last_attempt)

    def error(self) -> StackError:
        """What the task ends with."""
        if self.then == "give_up":
            return GiveUp(self.words)
        return TryAgain(self.words, after=PASSING_SECONDS if self.then == "passes" else None)


class Ended(Exception):
    """A session has ended without a report."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.words)
        self.ending = ending


NO_REPORT = Ending("no_report", "give_up", "Claude ended without a report")
DECLINED = Ending("declined", "give_up", "The model declined to do this, and the task failed")
TOO_LONG = Ending("too_long", "give_up", "There was more to read than the model can hold")
SPENT = Ending("spent", "give_up", "The model call was refused, since a spending limit is reached")
REFUSED = Ending("refused", "give_up", "The model call failed")
AWAY = Ending("away", "passes", "The model could not be reached")
DIED = Ending("died", "again", "Claude Code ended without a result")
FAILED = Ending("failed", "again", "Claude Code failed")

# Subtypes of a result.
LIMITS = {
    "error_max_turns": Ending("turns", "give_up", "Claude used up its turns before it had a report"),
    "error_max_budget_usd": Ending(
        "budget", "give_up", "Claude reached the task's spending limit before it had a report"
    ),
    "error_max_structured_output_retries": Ending(
        "form", "give_up", "Claude did not manage to write its report in the right form"
    ),
}
BILLING = "billing_error"  # the type of error with which a provider, or our proxy, refuses to spend more
PROMPT_TOO_LONG = "prompt_too_long"
TOO_MANY_REQUESTS = 429


def of_result(message: "ResultMessage", error_type: str) -> Ending:
    """What a result without a report means. `error_type` is the API's, of the last call that failed, if one did."""
    if message.subtype in LIMITS:
        return LIMITS[message.subtype]
    if not message.is_error:
        return NO_REPORT
    if message.stop_reason == "refusal":
        return DECLINED
    if message.terminal_reason == PROMPT_TOO_LONG:
        return TOO_LONG
    if message.terminal_reason == "api_error" or message.api_error_status is not None:
        return _of_call(message.api_error_status, error_type).with_words(message.result)
    return FAILED.with_words(message.result or "; ".join(message.errors or []))


def _of_call(status: int | None, error_type: str) -> Ending:
    """What a model call that failed for good means."""
    if error_type == BILLING:
        return SPENT
    if status is None:
        return AWAY
    ending = AWAY if status >= 500 or status == TOO_MANY_REQUESTS else REFUSED
    return replace(ending, words=f"{ending.words} ({status})")


def of_error(error: BaseException, last_words: str) -> Ending:
    """What an error of the SDK means: the process is gone, or says what nobody understands."""
    from claude_agent_sdk import ProcessError

    if isinstance(error, StopAsyncIteration):
        return DIED.with_words(last_words)
    if isinstance(error, ProcessError):
        return replace(DIED, words=f"Claude Code ended with exit code {error.exit_code}").with_words(last_words)
    return FAILED.with_words(error).with_words(last_words)


def out_of_time(seconds: float) -> Ending:
    """The task's time is up."""
    return Ending("time", "give_up", f"Claude did not finish within {seconds / 60:.0f} minutes")


def silent(seconds: float) -> Ending:
    """Not a word came, of the model or of a tool."""
    return Ending("silent", "again", f"Claude said nothing for {seconds:.0f} s and was ended")


def over_limit(complaint: str) -> Ending:
    """Its processes took more than a task may."""
    return Ending("limit", "give_up", f"Claude Code was ended: {complaint}")


def stuck_in(tool: str, seconds: float) -> Ending:
    """A tool did not come back."""
    return Ending("tool", "again", f"Claude's tool {tool} took more than {seconds:.0f} s, and it was ended")


def short(text: object) -> str:
    """The beginning of a text, on one line."""
    return " ".join(str(text or "").split())[:300]
