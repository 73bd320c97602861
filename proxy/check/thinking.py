"""Checks of thinking, in the two forms in which Claude Code asks for it."""

from typing import Any

from proxy.check.finding import Finding, partly, quoted, yes
from proxy.check.message import Message
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Refused
from proxy.check.prompts import Body, user
from proxy.check.tools import ASK_REGISTER, FLOWER, LOOK_UP, told

ADAPTIVE: Body = {"type": "adaptive"}  # to the sonnet and opus tiers
BUDGET: Body = {"type": "enabled", "budget_tokens": 1024}  # to the haiku tier; this is the least
MAX_TOKENS = 3072
RIDDLE = user("How many whole numbers from 1 to 60 are divisible by 3 or by 7, but not by both? Think, then answer.")


def adaptive(api: MessagesApi) -> Finding:
    """The model decides how much to think."""
    return _thought(api.message(thinking=ADAPTIVE, max_tokens=MAX_TOKENS, messages=[RIDDLE]))


def with_budget(api: MessagesApi) -> Finding:
    """So many tokens to think with."""
    return _thought(api.message(thinking=BUDGET, max_tokens=MAX_TOKENS, messages=[RIDDLE]))


def _thought(message: Message) -> Finding:
    if message.blocks("thinking") or message.blocks("redacted_thinking"):
        return yes()
    return partly("the model answers without thinking, or does not show that it thinks", "no thinking came")


def beside_tools(api: MessagesApi) -> Finding:
    """Thinking that goes back with the result of the call that it led to."""
    message, form = _call(api)
    if not message.calls:
        return partly("the model calls no tool while it thinks", f"it answered {quoted(message.text)}")
    turns = [ASK_REGISTER, *told(message, FLOWER)]
    answer = api.message(thinking=form, max_tokens=MAX_TOKENS, tools=[LOOK_UP], messages=turns)
    if answer.says(FLOWER):
        return yes()
    return partly("the model does not see what tools find while it thinks", f"it answered {quoted(answer.text)}")


def _call(api: MessagesApi) -> tuple[Message, Body]:
    """A call of a tool, thought of in the first form that the provider takes."""
    request: dict[str, Any] = {"max_tokens": MAX_TOKENS, "tools": [LOOK_UP], "messages": [ASK_REGISTER]}
    try:
        return api.message(thinking=ADAPTIVE, **request), ADAPTIVE
    except Refused:
        return api.message(thinking=BUDGET, **request), BUDGET
