"""Counts one model call: holds the most that it can cost before it, and settles what it did cost after it, once."""

import logging
import time
from dataclasses import replace
from functools import lru_cache
from uuid import UUID

from proxy.attempt import Attempt
from proxy.door import Admitted
from proxy.errors import ApiError
from proxy.gateway import Gateway, Limits, Route
from proxy.hang_up import Line
from proxy.ledger.accounts import DAY_SECONDS, charges
from proxy.ledger.keys import ClientKey
from proxy.ledger.ledger import Ledger
from proxy.ledger.records import AllHeld, Caller, Charge, Hold, Outcome, Settlement, SpendLimitReached
from proxy.prices import MICRO
from proxy.request import ModelRequest
from proxy.usage import CHARACTERS_PER_TOKEN, Usage
from stack.logs import about

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0  # for calls under way to give back what they hold
RETRY_SECONDS = 5
# for the hold: a token is hardly ever less than this, nor a context larger
BYTES_PER_TOKEN = 2
LARGEST_CONTEXT = 1_000_000
LARGEST_OUTPUT = 128_000  # where a request does not say


class Meter:
    """One call, from its hold to its row in the ledger."""

    def __init__(
        self, ledger: Ledger, gateway: Gateway, admitted: Admitted, route: Route, request: ModelRequest, session: str
    ) -> None:
        self.began = time.time()
        self._ledger = ledger
        self._gateway = gateway
        self._admitted = admitted
        self._route = route
        self._request = request
        self._session = session
        self._first_seconds: float | None = None
        self._hold: int | None = None

    def reserve(self, line: Line) -> None:
        """Holds the most that the call can cost. Raises ApiError (429) over a limit, LedgerAway."""
        hold = self._described()
        deadline, pause = time.monotonic() + WAIT_SECONDS, 0.01
        while True:
            try:
                self._hold = self._ledger.reserve(hold)
                return
            except SpendLimitReached as reached:
                raise _over(reached) from reached
            except AllHeld as waiting:
                if time.monotonic() > deadline:
                    raise ApiError(429, "rate_limit_error", str(waiting), retry_after=RETRY_SECONDS) from waiting
            with line:
                time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    @property
    def request_id(self) -> str:
        """What to call this call where its provider has no name for it."""
        return f"gw_{self._hold}"

    def answering(self) -> None:
        """The answer begins."""
        if self._first_seconds is None:
            self._first_seconds = time.time() - self.began

    def settle(
        self, outcome: Outcome, status: int, attempt: Attempt | None, *, tried: list[str], unpaid: list[Attempt],
        billable: bool, streamed: bool = False, reason: str = "",
    ) -> None:  # fmt: skip
        """Writes the call down; from the second time on, does nothing. What is billable never costs nothing."""
        if self._hold is None:
            return
        hold, self._hold = self._hold, None
        usage = self._usage(attempt) if billable else Usage()
        cost = self._cost(attempt, usage) if billable else 0
        for one in unpaid:
            least = self._usage(one)
            usage, cost = usage + least, cost + self._cost(one, least)
        target = attempt.target if attempt else self._route.targets[0]
        model = attempt.answered if attempt else target.model_for(self._request.model)
        settlement = Settlement(
            hold=hold, provider=target.provider.name, model=model[:200], usage=usage, micro_dollars=cost,
            seconds=time.time() - self.began, first_seconds=self._first_seconds, status=status, outcome=outcome,
            streamed=streamed, tried=", ".join(tried), fallbacks=len(tried), reason=reason,
        )  # fmt: skip
        self._ledger.settle(settlement)
        if outcome != "ok" or tried:
            self._log(settlement)

    def _described(self) -> Hold:
        request, caller, first = self._request, self._admitted.caller, self._route.targets[0]
        size = min(request.size // BYTES_PER_TOKEN, LARGEST_CONTEXT)
        asked = request.max_tokens if request.max_tokens is not None else LARGEST_OUTPUT
        most = min(max(asked, 0), LARGEST_OUTPUT)  # less than nothing would make room for other calls
        prices = [
            self._gateway.price(target, target.model_for(request.model)).most(input_tokens=size, output_tokens=most)
            for target in self._route.targets
        ]
        model = first.model_for(request.model)
        least = request.size // CHARACTERS_PER_TOKEN
        return Hold(
            at=self.began, caller=_in_session(caller, self._session), route=self._route.name,
            asked=request.model[:200], provider=first.provider.name, model=model[:200],
            charges=_charges(
                int(self.began // DAY_SECONDS), caller, self._gateway.limits, self._admitted.budget, self._admitted.key
            ),
            held=self._bounded(max(prices)),
            least=self._gateway.price(first, model).cost(Usage(input=least)), least_input=least,
        )  # fmt: skip

    def _bounded(self, held: int) -> int:
        """A task holds no more than its own budget of what all share."""
        return held if self._admitted.budget is None else min(held, self._admitted.budget)

    def _usage(self, attempt: Attempt | None) -> Usage:
        """What was used; where that is not known, the least that it must have been."""
        known = attempt.usage if attempt else None
        if known and known.input + known.cache_read + known.cache_write + known.cache_write_1h:
            return known
        return replace(known or Usage(), input=self._request.size // CHARACTERS_PER_TOKEN)

    def _cost(self, attempt: Attempt | None, usage: Usage) -> int:
        target = attempt.target if attempt else self._route.targets[0]
        return self._gateway.price(target, target.model_for(self._request.model)).cost(usage)

    def _log(self, settled: Settlement) -> None:
        text = "%s of %s: %s, status %d, $%.4f, %.1f s%s%s"
        said = (
            settled.model, settled.provider, settled.outcome, settled.status, settled.micro_dollars / MICRO,
            settled.seconds, settled.reason and f": {settled.reason}",
            settled.tried and f"; before it {settled.tried}",
        )  # fmt: skip
        if run := self._admitted.caller.run:
            with about(UUID(run)):
                log.warning(text, *said)
        else:
            log.warning(text, *said)


@lru_cache(maxsize=1024)
def _charges(day: int, caller: Caller, limits: Limits, budget: int | None, key: ClientKey | None) -> tuple[Charge, ...]:
    return charges(day * DAY_SECONDS, caller, limits, budget=budget, key=key)


@lru_cache(maxsize=1024)
def _in_session(caller: Caller, session: str) -> Caller:
    return replace(caller, session=session[:100])


def _over(reached: SpendLimitReached) -> ApiError:
    limit = (reached.charge.limit or 0) / MICRO
    text = f"spend limit reached: {reached.charge.said} has used ${reached.spent / MICRO:.4f} of ${limit:.2f}"
    return ApiError(429, "billing_error", text, final=True)
