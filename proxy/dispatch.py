"""Tries the targets of a route in order, until one answers. Only before the first byte of an answer: never after."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from proxy.attempt import Ask, Attempt
from proxy.breaker import Breakers
from proxy.connection import Pool
from proxy.errors import ApiError, UpstreamFailed
from proxy.gateway import Provider, Target
from proxy.key_pool import KeyPool
from proxy.request import ModelRequest, without_thinking

KEY_REFUSED = (401, 402, 403, 429)
ELSEWHERE = (401, 402, 403, 404, 429)  # and whatever is 500 or more; other refusals are the request's own
THOUGHT = re.compile(rb'"type"\s*:\s*"(?:redacted_)?thinking"')
SHORTEST_SECONDS = 0.01  # to look whether an answer has begun
UNWELL = (401, 402, 403, 429)  # and 500 or more: what tells against a provider, not only against a request


class Providers:
    """What one worker keeps for each provider: connections and keys, and the breakers."""

    def __init__(self, breakers: Breakers, pool: Callable[[str], Pool]) -> None:
        self.breakers = breakers
        self._new_pool = pool
        self._pools: dict[str, Pool] = {}
        self._keys: dict[tuple[str, tuple[str, ...]], KeyPool] = {}

    def beside(self) -> "Providers":
        """The same connections, with keys and breakers of their own, for what says nothing of how messages fare."""
        found = Providers(Breakers(lambda *_: None), self._new_pool)
        found._pools = self._pools
        return found

    def pool(self, provider: Provider) -> Pool:
        found = self._pools.get(provider.base_url)
        if found is None:
            found = self._pools[provider.base_url] = self._new_pool(provider.base_url)
        return found

    def keys(self, provider: Provider) -> KeyPool:
        found = self._keys.get((provider.name, provider.keys))
        if found is None:
            found = self._keys[provider.name, provider.keys] = KeyPool(provider.keys)
        return found


class Dispatch:
    """One call's way through the targets that it may use.

    `tried` names those that did not answer, and why; `unpaid` has those that may have worked, and charge for it.
    """

    def __init__(self, ask: Ask, targets: tuple[Target, ...], providers: Providers) -> None:
        self.tried: list[str] = []
        self.unpaid: list[Attempt] = []
        self.attempt: Attempt | None = None
        self._ask = ask
        self._providers = providers
        self._targets = targets
        self._failure: ApiError | None = None
        self._unreported = ""  # the provider whose breaker waits to hear what became of this call
        self._is_thoughtless = False
        self._candidates = self._in_order()
        self._upcoming = next(self._candidates, None)

    def wait(self, seconds: float) -> Attempt | None:
        """The attempt that answers: its answer has begun, and this is final. None after `seconds` of silence: call
        again. Raises ApiError where nobody answers, HungUp where nobody listens."""
        until = time.monotonic() + seconds
        while True:
            try:
                attempt = self.attempt or self._next()
                if not attempt.open(max(until - time.monotonic(), SHORTEST_SECONDS)):
                    return None
                if self._accepts(attempt):
                    return attempt
            except UpstreamFailed as failure:
                if self.attempt is None:  # nobody is left
                    raise
                self._failed(self.attempt, failure)

    def close(self) -> None:
        """Ends what is under way. Idempotent."""
        if self.attempt:
            self.attempt.close()
        if self._unreported:
            self._providers.breakers.undecided(self._unreported)
            self._unreported = ""

    def _next(self) -> Attempt:
        """Sends the request to the next target. Raises ApiError where none is left."""
        while self._upcoming:
            target, key = self._upcoming
            self._upcoming = next(self._candidates, None)
            self._providers.breakers.begins(target.provider.name)
            self._unreported = target.provider.name
            try:
                self.attempt = Attempt(self._ask, target, key, self._providers.pool(target.provider))
                return self.attempt
            except UpstreamFailed as failure:
                self._note(target, failure)
            except ApiError as error:  # what this wire cannot say, another may
                self._providers.breakers.undecided(target.provider.name)
                self._unreported = ""
                self._failure = error
                self._skip(target)
        raise self._failure or ApiError(503, "api_error", "no provider is set up for this model", final=True)

    def _in_order(self) -> Iterator[tuple[Target, str]]:
        """Each target with each of its keys; those with an open breaker only if there is no other."""
        well = [target for target in self._targets if not self._providers.breakers.is_open(target.provider.name)]
        for target in well or self._targets:
            for key in self._providers.keys(target.provider).in_order(self._ask.session):
                if key or not target.provider.needs_key:
                    yield target, key
                else:
                    self._failure = self._failure or _keyless(target)

    def _accepts(self, attempt: Attempt) -> bool:
        """Whether this answer is the one to pass on; otherwise the next target is asked."""
        status, provider = attempt.status, attempt.target.provider
        if status == 400 and b"signature" in attempt.first and self._has_thoughts():
            self._ask_without_thinking(attempt)
            return False
        if status in KEY_REFUSED:
            self._providers.keys(provider).refused(attempt.key)
        if status < 500 and status not in UNWELL:
            self._providers.breakers.succeeded(provider.name)
        else:
            self._providers.breakers.failed(provider.name, str(status), leave_alone=_leave_alone(attempt))
        self._unreported = ""
        if status < 500 and status not in ELSEWHERE:
            return True
        if status not in KEY_REFUSED:
            self._skip(attempt.target)
        if self._upcoming is None:
            return True
        self._give_up(attempt, str(status))
        return False

    def _has_thoughts(self) -> bool:
        return not self._is_thoughtless and THOUGHT.search(self._ask.request.body) is not None

    def _ask_without_thinking(self, attempt: Attempt) -> None:
        """Asks the same target once more: the history holds what another provider's model thought."""
        attempt.close()
        self._is_thoughtless = True
        self._ask = replace(self._ask, request=ModelRequest(without_thinking(self._ask.request.body)))
        self.attempt = Attempt(self._ask, attempt.target, attempt.key, self._providers.pool(attempt.target.provider))

    def _failed(self, attempt: Attempt, failure: UpstreamFailed) -> None:
        if failure.billable:
            self.unpaid.append(attempt)
        self._note(attempt.target, failure)
        self._give_up(attempt, "")

    def _note(self, target: Target, failure: UpstreamFailed) -> None:
        """Remembers why a provider gave no answer."""
        name = target.provider.name
        self._providers.breakers.failed(name, str(failure))
        self._unreported = ""
        self.tried.append(f"{name} {'timeout' if failure.status == 504 else 'away'}")
        self._failure = UpstreamFailed(
            failure.status, failure.kind, f"the provider {name} {failure}", billable=failure.billable
        )
        self._skip(target)

    def _give_up(self, attempt: Attempt, status: str) -> None:
        if status:
            self.tried.append(f"{attempt.target.provider.name} {status}")
        attempt.close()
        self.attempt = None

    def _skip(self, target: Target) -> None:
        """Passes over what is left of this target's keys."""
        while self._upcoming and self._upcoming[0] is target:
            self._upcoming = next(self._candidates, None)


def _keyless(target: Target) -> ApiError:
    provider = target.provider
    text = f"there is no key for the provider {provider.name}: set {provider.key_setting or 'its keys in gateway.toml'}"
    return ApiError(503, "api_error", text, final=True)


def _leave_alone(attempt: Attempt) -> float:
    """The seconds for which a provider asks to be left alone; 0 where it does not say, or not in seconds."""
    said = dict(attempt.headers).get("retry-after", "")
    return float(said) if attempt.status in (429, 503, 529) and said.isdigit() else 0.0
