"""Checks of long prompts: they cost more than all the others together, and are made only when they are asked for."""

from proxy.check.finding import Finding, partly, quoted, yes
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Refused
from proxy.check.prompts import filler, user

LONG_TOKENS = 150_000  # of the 200,000 at which Claude Code reckons for the models that it knows
TOO_LONG_TOKENS = 260_000
CHARACTERS_PER_TOKEN = 4.3  # of the filler, roughly
PLACE = "walnut"
TOO_LONG = "prompt is too long"  # the words on which Claude Code compacts
NEEDLE = f"The key of the boathouse lies under the {PLACE}.\n"
ASK = "\nUnder what does the key of the boathouse lie? Answer with one word."


def long_context(api: MessagesApi) -> Finding:
    """A long text, and a question about a line in its first tenth."""
    half = filler(int(LONG_TOKENS * CHARACTERS_PER_TOKEN))
    cut = half.index("\n", len(half) // 10) + 1
    message = api.message(messages=[user(half[:cut] + NEEDLE + half[cut:] + ASK)])
    seen = f"{message.usage.get('input_tokens')} tokens were read"
    if message.says(PLACE):
        return yes(seen)
    return partly("the model overlooks things in a long conversation", f"{seen}; it answered {quoted(message.text)}")


def too_long(api: MessagesApi) -> Finding:
    """A text that is longer than most models can read."""
    try:
        message = api.message(messages=[user(filler(int(TOO_LONG_TOKENS * CHARACTERS_PER_TOKEN)) + ASK)], max_tokens=64)
    except Refused as refused:
        if refused.status == 400 and refused.in_shape and TOO_LONG in refused.words.casefold():
            return yes()
        raise
    return yes(f"it takes {message.usage.get('input_tokens')} tokens, more than Claude Code sends to a model it knows")
