"""Counts one model call: checks the budget before it, times it, prices it, and writes it down once."""

import logging
import time
from uuid import UUID

from proxy.errors import ApiError
from proxy.ledger import Entry, Ledger, Outcome
from proxy.prices import MICRO
from proxy.tiers import Tier
from proxy.usage import Reading, Usage, estimate
from stack.logs import about
from stack.tokens import Claims

log = logging.getLogger(__name__)


class Meter:
    """One call, from its admission to its row in the ledger."""

    def __init__(self, ledger: Ledger, claims: Claims, tier: Tier, *, model: str, request_bytes: int) -> None:
        self._ledger = ledger
        self._claims = claims
        self._tier = tier
        self._model = model
        self._request_bytes = request_bytes
        self._began = time.time()
        self._settled = False

    def admit(self) -> None:
        """Raises ApiError where the task has spent its budget, over all of its attempts."""
        spent = self._ledger.spent(self._claims.task)
        if spent >= self._claims.budget_usd * MICRO:
            text = f"spend limit reached: this task has used ${spent / MICRO:.4f} of ${self._claims.budget_usd:.2f}"
            raise ApiError(429, "billing_error", text, final=True)

    def settle(self, status: int, outcome: Outcome, reading: Reading, *, billable: bool, detail: str = "") -> None:
        """Writes the call down; from the second time on, does nothing. What is billable never costs nothing."""
        if self._settled:
            return
        self._settled = True
        usage = (reading.usage or estimate(self._request_bytes)) if billable else Usage()
        entry = self._entry(status, outcome, reading.model or self._model, usage)
        self._ledger.add(entry)
        self._log(entry, detail)

    def _entry(self, status: int, outcome: Outcome, model: str, usage: Usage) -> Entry:
        claims, tier = self._claims, self._tier
        return Entry(
            at=self._began, run=claims.run, task=claims.task, attempt=claims.attempt, person=claims.person,
            role=claims.role, tier=tier.name, provider=tier.provider, model=model,
            input_tokens=usage.input, output_tokens=usage.output, cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write, micro_dollars=tier.price.cost(usage),
            seconds=time.time() - self._began, status=status, outcome=outcome,
        )  # fmt: skip

    def _log(self, entry: Entry, detail: str) -> None:
        with about(UUID(self._claims.run)):
            log.log(
                logging.INFO if entry.outcome == "ok" else logging.WARNING,
                "%s by %s: %s, %d, %d tokens in, %d out, $%.4f, %.1f s%s",
                entry.model, entry.provider, entry.outcome, entry.status,
                entry.input_tokens + entry.cache_read_tokens + entry.cache_write_tokens, entry.output_tokens,
                entry.micro_dollars / MICRO, entry.seconds, detail and f": {detail}",
            )  # fmt: skip
