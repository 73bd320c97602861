"""All checks in their order, which tiers each matters to, and what it means where something does not work."""

from collections.abc import Callable
from dataclasses import dataclass

from proxy.check import basics, envelope, length, refusals, sight, thinking, tools
from proxy.check.finding import Finding
from proxy.check.messages_api import MAX_TOKENS, MessagesApi
from proxy.gateway import TIERS, Tier

ALL: tuple[Tier, ...] = TIERS
LARGE: tuple[Tier, ...] = ("sonnet", "opus")
HAIKU: tuple[Tier, ...] = ("haiku",)


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    `missing`: what a tier notices where it does not work. `needed` and `wanted` are the tiers that cannot do without
    it, and those that can. The figures are of one run of it: its calls, with how many more at the worst, and of each
    call the tokens that it reads and writes, how many it may write, and its searches of the web. `once`: it is not run
    again before no is said.
    """

    name: str
    run: Callable[[MessagesApi], Finding]
    missing: str
    needed: tuple[Tier, ...] = ()
    wanted: tuple[Tier, ...] = ()
    calls: int = 1
    more_calls: int = 0
    reads: int = 60
    writes: int = 60
    may_write: int = MAX_TOKENS
    searches: int = 0
    once: bool = False


STREAMING = Check(
    "streaming", basics.streaming, needed=ALL, writes=120,
    missing="no call gets an answer: Claude Code always streams",
)  # fmt: skip
PLAIN = Check(
    "not streamed", basics.plain, wanted=ALL,
    missing="after a stream that broke off Claude Code asks without streaming, and fails",
)  # fmt: skip
WRONG_KEY = Check(
    "error: wrong key", refusals.wrong_key, wanted=ALL, may_write=64, once=True,
    missing="a key that has run out or was withdrawn shows as something else",
)  # fmt: skip

REQUESTS = (
    STREAMING,
    PLAIN,
    Check(
        "system prompt", envelope.system_prompt, needed=ALL, calls=2,
        missing="Claude Code's instructions do not reach the model",
    ),
    Check(
        "system among messages", basics.system_among_messages, needed=LARGE,
        missing="most calls of the sonnet and opus tiers fail: Claude Code puts its reminders there",
    ),
    Check(
        "beta features", envelope.betas, wanted=ALL, reads=100,
        missing="every call fails, unless CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1 is set for Claude Code",
    ),
    Check(
        "effort", envelope.effort, needed=LARGE, writes=100,
        missing="every call of the sonnet and opus tiers fails: each says how hard to try",
    ),
    Check(
        "cache_control", envelope.caching, needed=ALL, calls=2, reads=5_500,
        missing="every call fails: Claude Code marks each prompt for the cache",
    ),
    Check(
        "max_tokens", basics.max_tokens, wanted=ALL, writes=32, may_write=32,
        missing="an answer that was cut off looks complete, and Claude Code does not go on",
    ),
    Check(
        "stop sequences", basics.stop_sequences,
        missing="hardly matters: Claude Code seldom uses them",
    ),
    Check(
        "scripts and emoji", basics.many_scripts, needed=ALL, writes=100,
        missing="text that is not English arrives damaged, also in the files that Claude Code writes",
    ),
)  # fmt: skip
TOOLS = (
    Check(
        "tools", tools.round_trip, needed=LARGE, wanted=HAIKU, calls=2, more_calls=1, reads=350,
        missing="Claude Code can neither read a file nor run a command",
    ),
    Check(
        "parallel tools", tools.parallel, wanted=ALL, calls=2, reads=350, writes=120,
        missing="Claude Code will call tools one after another: slower and dearer",
    ),
    Check(
        "tool_choice", tools.choice, wanted=LARGE, calls=3, reads=350,
        missing="what Claude Code does with a tool that it forces, such as its web search, does not work",
    ),
    Check(
        "web search", tools.web_search, wanted=LARGE, reads=8_000, writes=200, searches=1,
        missing="Claude Code's WebSearch finds nothing",
    ),
)  # fmt: skip
THINKING = (
    Check(
        "thinking (adaptive)", thinking.adaptive, needed=("opus",), wanted=("sonnet",), writes=600,
        may_write=thinking.MAX_TOKENS,
        missing="calls of the sonnet and opus tiers fail, unless CLAUDE_CODE_DISABLE_THINKING=1 is set for Claude Code",
    ),
    Check(
        "thinking (budget)", thinking.with_budget, wanted=HAIKU, writes=600, may_write=thinking.MAX_TOKENS,
        missing="calls of the haiku tier fail, unless CLAUDE_CODE_DISABLE_THINKING=1 is set for Claude Code",
    ),
    Check(
        "thinking beside tools", thinking.beside_tools, needed=("opus",), wanted=("haiku", "sonnet"), calls=2,
        more_calls=1, reads=400, writes=300, may_write=thinking.MAX_TOKENS,
        missing="a turn that thinks and calls tools ends with an error",
    ),
)  # fmt: skip
SIGHT = (
    Check(
        "images", sight.image, wanted=LARGE, reads=200,
        missing="Claude Code cannot look at a screenshot that you give it",
    ),
    Check(
        "images from tools", sight.image_from_tool, wanted=LARGE, reads=300,
        missing="Claude Code cannot look at pictures in a project",
    ),
    Check(
        "PDF files", sight.pdf, wanted=LARGE, reads=2_000,
        missing="Claude Code cannot read them as they are; it can still turn them into text with a program",
    ),
)  # fmt: skip
FIGURES = (
    Check(
        "usage", envelope.usage, wanted=ALL, reads=1_100,
        missing="nothing is counted: budgets and costs are guesses, and Claude Code does not see its context fill up",
    ),
    Check(
        "count_tokens", envelope.count_tokens, wanted=ALL, reads=0, writes=0, may_write=0, once=True,
        missing="Claude Code estimates instead, roughly, how full its context is",
    ),
    Check(
        "pace", basics.pace, wanted=ALL, calls=0, once=True,
        missing="Claude Code gives up before an answer comes",
    ),
)  # fmt: skip
ERRORS = (
    WRONG_KEY,
    Check(
        "error: unknown model", refusals.unknown_model, wanted=ALL, may_write=64, once=True,
        missing="a wrong name of a model shows as something else, or not at all",
    ),
    Check(
        "error: malformed", refusals.malformed, wanted=ALL, may_write=64, once=True,
        missing="what is wrong with a request is not told, and Claude Code may send it again and again",
    ),
)  # fmt: skip
LONG = (
    Check(
        "long context", length.long_context, wanted=LARGE, reads=length.LONG_TOKENS, once=True,
        missing="long sessions fail, unless CLAUDE_CODE_MAX_CONTEXT_TOKENS is set for Claude Code to what it can read",
    ),
    Check(
        "error: too long", length.too_long, wanted=LARGE, reads=length.TOO_LONG_TOKENS, may_write=64,
        once=True,
        missing="Claude Code does not compact when its context is full: the session ends with an error",
    ),
)  # fmt: skip
CHECKS = (*REQUESTS, *TOOLS, *THINKING, *SIGHT, *FIGURES, *ERRORS)


def checks(*, long: bool, needs_key: bool) -> tuple[Check, ...]:
    """Those to make; a provider that needs no key is not asked what it says to a wrong one."""
    chosen = CHECKS + LONG if long else CHECKS
    return tuple(check for check in chosen if needs_key or check is not WRONG_KEY)
