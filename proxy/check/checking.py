"""Makes the checks, one after another, through a gateway that has nothing but the provider behind it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from proxy.check.catalogue import PLAIN, STREAMING, Check, checks
from proxy.check.finding import Finding, cleaned, no, unknown
from proxy.check.messages_api import MessagesApi
from proxy.check.outcomes import Exhausted, NoMessage, Refused, Silent
from proxy.check.plan import Launch, set_up
from proxy.gateway import Provider
from proxy.prices import Price

ASKED_FOR = "claude-sonnet-check"  # any name with a tier in it: the gateway puts the provider's in its place
TIMEOUT_SECONDS = 60.0
SILENCES = 3  # in a row, after which the provider is left alone
NOBODY_THERE = {
    401: "the provider refuses the key",
    402: "the provider wants to be paid first",
    403: "the provider refuses the key, or this model for it",
    404: "the provider does not know the model, or its address is wrong",
}
UNPAID = "credit balance"  # Anthropic says so with the status 400


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, in the order of the checks. `obstacle`: why nothing could be; empty where it could."""

    found: tuple[tuple[Check, Finding], ...]
    obstacle: str
    calls: int
    micro_dollars: int


def check(
    provider: Provider,
    model: str,
    *,
    launch: Launch,
    price: Price,
    long: bool = False,
    timeout: float = TIMEOUT_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    tell: Callable[[Finding], None] = lambda finding: None,
) -> Checked:
    """Checks `model` of `provider`; each finding is told as soon as it is there.

    `timeout`: seconds of silence after which a call is given up.
    """
    chosen = checks(long=long, needs_key=provider.needs_key)
    found: list[tuple[Check, Finding]] = []
    with launch(set_up(provider, model, price)) as endpoint:
        api = MessagesApi(endpoint, ASKED_FOR, timeout, sleep)
        secrets = (*provider.keys, endpoint.token)
        obstacle = cleaned(_obstacle(api), secrets)
        for one, finding in _findings(api, chosen) if not obstacle else ():
            shown = replace(finding, name=one.name, detail=cleaned(finding.detail, secrets))
            found.append((one, shown))
            tell(shown)
    return Checked(tuple(found), obstacle, api.calls, sum(price.cost(usage) for usage in api.used))


def _obstacle(api: MessagesApi) -> str:
    """Why the provider cannot be checked; empty where it can."""
    try:
        api.message(messages=[{"role": "user", "content": "Say the word pong, and nothing else."}])
    except Silent as error:
        return f"the provider does not answer: {error}"
    except Refused as error:
        if UNPAID in error.words:
            return f"{NOBODY_THERE[402]}: {error}"
        failing = "the provider fails" if error.status >= 500 else ""
        why = NOBODY_THERE.get(error.status, failing)
        return f"{why}: {error}" if why else ""
    except NoMessage:
        return ""
    return ""


def _findings(api: MessagesApi, chosen: Sequence[Check]) -> Iterator[tuple[Check, Finding]]:
    """Each check with its finding. Where streams do not work, the others are made without."""
    broken, silences, given_up = 0, 0, ""
    for one in chosen:
        finding = unknown(given_up) if given_up else _settled(api, one)
        yield one, finding
        silences = silences + 1 if finding.works == "unknown" and finding.settled else 0
        if one in (STREAMING, PLAIN) and finding.works == "no":
            broken += 1
            api.streams = one is not STREAMING
        if broken == 2:
            given_up = "not asked: there is no way to get an answer"
        elif silences == SILENCES and not given_up:
            given_up = f"not asked: there was no answer {SILENCES} times in a row"


def _settled(api: MessagesApi, one: Check) -> Finding:
    """What a check finds; it is made a second time before it is said that something does not work."""
    first = _once(api, one)
    if first.works == "yes" or first.settled or one.once:
        return first
    return max(first, _once(api, one), key=lambda finding: finding.rank)


def _once(api: MessagesApi, one: Check) -> Finding:
    try:
        finding = one.run(api)
    except Refused as error:
        return replace(no(str(error), one.missing), settled=error.status < 500)
    except Silent as error:
        return replace(unknown(str(error)), settled=True)
    except Exhausted as error:
        return unknown(str(error))
    except NoMessage as error:
        finding = no(str(error))
    return finding if finding.works != "no" or finding.means else replace(finding, means=one.missing)
