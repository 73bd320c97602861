"""Checks of errors: whether Claude Code, and a person, can tell from them what is wrong."""

from collections.abc import Callable

from proxy.check.finding import Finding, no, partly, yes
from proxy.check.message import Message
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Refused, Unusable
from proxy.check.prompts import user

# names that the gateway of a check leads to the provider under a wrong key, and to a model that nobody has
WRONG_KEY = "check-wrong-key"
UNKNOWN_MODEL = "check-unknown-model"
HELLO = [user("Say the word pong, and nothing else.")]
NOT_CLEAR = "the error comes with words or a status that Claude Code does not act on"


def wrong_key(api: MessagesApi) -> Finding:
    """A key that is none."""
    return _told(lambda: api.message(model=WRONG_KEY, messages=HELLO), (401, 403), "it takes any key")


def unknown_model(api: MessagesApi) -> Finding:
    """A model that there is not."""
    return _told(lambda: api.message(model=UNKNOWN_MODEL, messages=HELLO), (400, 404), "it takes any name of a model")


def malformed(api: MessagesApi) -> Finding:
    """A request that makes no sense."""
    wrong = "the request was answered as if it were in order"
    return _told(lambda: api.message(messages="not a list", max_tokens=16), (400, 422), wrong)


def _told(ask: Callable[[], Message], expected: tuple[int, ...], otherwise: str) -> Finding:
    try:
        ask()
    except Refused as refused:
        if refused.in_shape and refused.status in expected:
            return yes(str(refused.status))
        return partly(NOT_CLEAR, str(refused)) if refused.in_shape else no(str(refused))
    except Unusable as error:
        return no(str(error))
    return no(otherwise)
