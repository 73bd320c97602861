"""Checks of what Claude Code wraps each request in: system prompts, marks for the cache, betas, effort."""

import json

from proxy.check.finding import Finding, no, partly, quoted, yes
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Refused, Unusable
from proxy.check.prompts import ASK_CODE_WORD, CACHED, CODE_WORD, CODE_WORD_RULE, Body, filler, text, user
from proxy.usage import CHARACTERS_PER_TOKEN

BETAS = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27"
EFFORT_BETA = "effort-2025-11-24"
CACHEABLE_CHARACTERS = 20_000  # 5,000 tokens: some models cache nothing that has less than 4,096
LEAST_SHARE, MOST_TIMES = 0.3, 3.0  # of the estimate: tokenizers differ, but not by more


def system_prompt(api: MessagesApi) -> Finding:
    """The system prompt as a string, and in blocks, as Claude Code writes it."""
    in_blocks = _unheeded(api, [text("You answer briefly."), text(CODE_WORD_RULE)])
    as_string = _unheeded(api, CODE_WORD_RULE)
    if in_blocks:
        return no(f"in blocks: {in_blocks}" + (f"; as a string: {as_string}" if as_string else ""))
    if as_string:
        return partly("hardly matters: Claude Code writes it in blocks, and that works", f"as a string: {as_string}")
    return yes()


def _unheeded(api: MessagesApi, system: str | list[Body]) -> str:
    """How the answer shows that a system prompt did not reach the model; empty if it did."""
    try:
        message = api.message(system=system, messages=[user(ASK_CODE_WORD)])
    except (Refused, Unusable) as error:
        return str(error)
    return "" if message.says(CODE_WORD) else f"it answered {quoted(message.text)}"


def caching(api: MessagesApi) -> Finding:
    """A long prompt marked for the cache, twice: the second time it should be read from there."""
    system = [text(filler(CACHEABLE_CHARACTERS), cache_control=CACHED)]
    asked = [user("Say the word pong, and nothing else.")]
    first = api.message(system=system, messages=asked)
    again = api.message(system=system, messages=asked)
    read = again.usage.get("cache_read_input_tokens") or 0
    if isinstance(read, int) and read > 0:
        return yes(f"{read} tokens were read from the cache")
    written = first.usage.get("cache_creation_input_tokens") or 0
    seen = f"the second time nothing was read from a cache; the first time {written} tokens were written to one"
    return partly("each turn of a conversation is paid for in full, and slower", seen)


def betas(api: MessagesApi) -> Finding:
    """The headers and fields of Claude Code's features in beta."""
    clearing = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    person = json.dumps({"device_id": "0" * 64, "account_uuid": "", "session_id": "check"})
    asked = [user("Say the word pong, and nothing else.")]
    message = api.message(beta=BETAS, context_management=clearing, metadata={"user_id": person}, messages=asked)
    return yes() if message.text else no("an answer without text in it")


def effort(api: MessagesApi) -> Finding:
    """How hard to try, as Claude Code says it in each call of the sonnet and opus tiers."""
    asked = [user("Say the word pong, and nothing else.")]
    message = api.message(beta=f"{BETAS},{EFFORT_BETA}", output_config={"effort": "high"}, messages=asked)
    return yes() if message.text else no("an answer without text in it")


def usage(api: MessagesApi) -> Finding:
    """The tokens that an answer says it used."""
    asked = [user(filler(4_000) + "\nHow many boats went out on day 000001? Answer with one word.")]
    message = api.message(messages=asked)
    begun, ended = message.start_usage.get("input_tokens"), message.usage.get("input_tokens")
    cached = message.usage.get("cache_read_input_tokens") or 0
    output = message.usage.get("output_tokens")
    seen = f"{ended} tokens in, {output} out; {begun} in at the beginning"
    if not (
        isinstance(ended, int) and isinstance(cached, int) and ended + cached and isinstance(output, int) and output
    ):
        return no(seen)
    if not _is_plausible(ended + cached, 4_000):
        return partly("costs and the display of how full the context is are off", seen)
    if api.streams and not (begun or message.start_usage.get("cache_read_input_tokens")):
        return partly("Claude Code's display of how full the context is may show nothing", seen)
    return yes(seen)


def count_tokens(api: MessagesApi) -> Finding:
    """The endpoint that counts a request before it is made."""
    found = api.count(messages=[user(filler(4_000))])
    tokens = found.get("input_tokens") if isinstance(found, dict) else None
    if not isinstance(tokens, int) or not tokens:
        return no(f"it answers {json.dumps(found)[:80]}")
    if not _is_plausible(tokens, 4_000):
        return partly("Claude Code compacts too early or too late", f"4,000 characters are {tokens} tokens")
    return yes(f"4,000 characters are {tokens} tokens")


def _is_plausible(tokens: int, characters: int) -> bool:
    estimate = characters / CHARACTERS_PER_TOKEN
    return LEAST_SHARE * estimate < tokens < MOST_TIMES * estimate
