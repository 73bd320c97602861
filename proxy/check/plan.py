"""What a check will do, before it is done: its calls, and what they cost. And the set-up that it is done with."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from proxy.check.catalogue import Check
from proxy.check.exchange import Endpoint
from proxy.check.messages_api import BUSY_RETRIES, MAX_TOKENS
from proxy.check.refusals import UNKNOWN_MODEL, WRONG_KEY
from proxy.gateway import TIERS, Gateway, Provider, Route, Target, Tier
from proxy.prices import MICRO, Price
from proxy.usage import Usage

# Starts a gateway with this set-up, and with a ledger of its own, on this machine; ends it when it is left.
# Raises CannotCheck where it does not start.
Launch = Callable[[Gateway], AbstractContextManager[Endpoint]]

INVENTED_KEY = "invented-key-that-opens-nothing"
NO_SUCH_MODEL = "no-such-model-anywhere"
MARGIN = 1.5  # tokenizers differ
HELLO_TOKENS = 60  # of the call that finds out whether anybody is there


class CannotCheck(Exception):
    """There is nothing to check, or no way to; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls there will be, if all is well and at the most, and what they cost then, in micro-dollars."""

    calls: int
    most_calls: int
    cost: int
    most_cost: int


def plan(chosen: Iterable[Check], price: Price) -> Plan:
    """What `chosen` will do at this price. At the most: each check twice, each answer as long as it may be."""
    chosen = list(chosen)
    usage = Usage(
        input=HELLO_TOKENS + sum(check.calls * check.reads for check in chosen),
        output=HELLO_TOKENS + sum(check.calls * check.writes for check in chosen),
        web_searches=sum(check.searches for check in chosen),
    )
    most = [(check, (check.calls + check.more_calls) * (1 if check.once else 2)) for check in chosen]
    most_cost = price.most(
        input_tokens=int(MARGIN * (HELLO_TOKENS + sum(calls * check.reads for check, calls in most))),
        output_tokens=MAX_TOKENS + sum(calls * check.may_write for check, calls in most),
    )
    most_cost += price.cost(Usage(web_searches=2 * usage.web_searches))
    return Plan(
        calls=1 + sum(check.calls for check in chosen),
        most_calls=1 + BUSY_RETRIES + sum(calls for _, calls in most),
        cost=price.cost(usage),
        most_cost=most_cost,
    )


def dollars(micro: int) -> str:
    """Money for people, a tenth of a cent at the finest."""
    return f"${micro / MICRO:.3f}" if micro < MICRO / 100 else f"${micro / MICRO:.2f}"


def set_up(provider: Provider, model: str, price: Price) -> Gateway:
    """A gateway with just this provider behind every tier; two names lead to it under a wrong key, or model.

    These two have providers of their own, so that their failures do not count against it.
    """

    def to(name: str, model: str, **changes: Any) -> Target:
        return Target(replace(provider, name=name, **changes), model, price=price)

    def route(tier: Tier) -> Route:
        return Route(tier, tier, (to(provider.name, model),))

    odd = {
        WRONG_KEY: to(f"{provider.name}-wrong-key", model, keys=(INVENTED_KEY,)),
        UNKNOWN_MODEL: to(f"{provider.name}-unknown-model", NO_SUCH_MODEL),
    }
    return Gateway(
        tiers={tier: route(tier) for tier in TIERS},
        models={name: Route(name, "", (target,)) for name, target in odd.items()},
    )
