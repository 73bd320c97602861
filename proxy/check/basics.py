"""Checks of answers as such: streamed and whole, in any script, ended where they should end."""

from proxy.check.finding import Finding, no, partly, quoted, unknown, yes
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Exhausted
from proxy.check.prompts import ASK_CODE_WORD, CODE_WORD, CODE_WORD_RULE, user

SCRIPTS = "Grüße, 日本語のテキスト, 한국어, Привет, 🙂🚀"
NOTICED_SECONDS, GIVEN_UP_SECONDS = 20.0, 300.0  # of silence: Claude Code says that it waits; it gives up
FEWEST_CHARACTERS = 60  # that must come in more than one piece


def streaming(api: MessagesApi) -> Finding:
    """An answer in pieces, as they are made."""
    asked = "Write the numbers from one to thirty in English words, separated by commas."
    message = api.message(messages=[user(asked)], stream=True)
    if not message.text:
        return no("a stream without text in it")
    if message.pieces == 1 and len(message.text) > FEWEST_CHARACTERS:
        return partly("Claude Code shows nothing until an answer is complete", "all of the text came in one piece")
    return yes(f"{message.pieces} pieces")


def plain(api: MessagesApi) -> Finding:
    """An answer in one piece."""
    message = api.message(messages=[user("Say the word pong, and nothing else.")], stream=False)
    return yes() if message.text else no("an answer without text in it")


def pace(api: MessagesApi) -> Finding:
    """How the answers so far came; asks nothing itself."""
    if not api.paces:
        return unknown("nothing was streamed")
    first, silence = max(one.first for one in api.paces), max(one.silence for one in api.paces)
    seen = f"the first words took {first:.1f} s at the most, the longest silence was {silence:.1f} s"
    if silence > GIVEN_UP_SECONDS:
        return no(seen)
    if silence > NOTICED_SECONDS:
        return partly("Claude Code shows that it waits; the gateway's pings keep the call alive", seen)
    return yes(seen)


def many_scripts(api: MessagesApi) -> Finding:
    """Letters of several scripts, and emoji, there and back."""
    message = api.message(messages=[user(f"Repeat this line exactly, and write nothing else:\n{SCRIPTS}")])
    if SCRIPTS in message.text:
        return yes()
    if "\ufffd" in message.text or "Ã" in message.text or "æ—" in message.text:
        return no(f"it came back as {quoted(message.text)}")
    return partly("it could not be told whether text arrives intact: the model did not repeat it", quoted(message.text))


def max_tokens(api: MessagesApi) -> Finding:
    """An answer that is cut off by its limit."""
    asked = "Write the numbers from one to three hundred in English words."
    try:
        message = api.message(messages=[user(asked)], max_tokens=32)
    except Exhausted:  # by thinking: what counts is that it says so
        return yes()
    if message.stop_reason == "max_tokens":
        return yes()
    return no(f"stop_reason was {message.stop_reason} after {message.usage.get('output_tokens')} tokens")


def stop_sequences(api: MessagesApi) -> Finding:
    """An answer that is ended by a word in it."""
    asked = "Write these words, in this order, and nothing else: apple banana cherry damson elderberry"
    message = api.message(messages=[user(asked)], stop_sequences=["damson"])
    if message.says("elderberry"):
        return no("the answer went on behind it")
    if message.stop_reason == "stop_sequence" and message.stop_sequence == "damson":
        return yes()
    seen = f"stop_reason was {message.stop_reason}, stop_sequence {message.stop_sequence}"
    return partly("the answer ends there, but does not say why", seen)


def system_among_messages(api: MessagesApi) -> Finding:
    """A message of the system behind the user's, as Claude Code sends it to newer and to unknown models."""
    messages = [user(ASK_CODE_WORD), {"role": "system", "content": [{"type": "text", "text": CODE_WORD_RULE}]}]
    message = api.message(messages=messages, beta="mid-conversation-system-2026-04-07")
    if message.says(CODE_WORD):
        return yes()
    return partly("it is taken and not heeded: Claude Code's reminders are lost", f"it answered {quoted(message.text)}")
