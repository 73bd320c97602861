"""The field: the mock upstream, and who takes part, each with what was found of it."""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.gateway_bench.contenders import Contender, Direct
from bench.gateway_bench.figures import ANSWERS, Found


@dataclass(frozen=True)
class Plan:
    """How much is measured: `checks` answers of each kind before and after, `calls` over one connection, `starts`.

    `warm_up` and `more` are the requests between which memory must not grow.
    """

    rounds: int
    seconds: int
    checks: int
    calls: int
    starts: int
    warm_up: int
    more: int

    def note(self) -> str:
        """A line for the report."""
        return (
            f"plan: {self.rounds} rounds of {self.seconds} s; {self.calls:,} calls over one connection, a tenth of them"
            f" for the slow; {self.starts} cold starts (LiteLLM: one); memory after {self.warm_up:,} requests and after"
            f" {self.more:,} more"
        )


FULL = Plan(rounds=5, seconds=4, checks=20, calls=2_000, starts=5, warm_up=5_000, more=50_000)
QUICK = Plan(rounds=2, seconds=2, checks=5, calls=500, starts=2, warm_up=2_000, more=10_000)


@dataclass(frozen=True)
class Entry:
    """One that takes part."""

    contender: Contender
    found: Found

    @property
    def runs(self) -> bool:
        """Whether it could be started, and answers rightly."""
        return not self.found.absent and ANSWERS not in self.found.wrong


@dataclass(frozen=True)
class Field:
    """All of them; the first is the mock upstream, called directly."""

    entries: list[Entry]

    @property
    def direct(self) -> Contender:
        """The mock upstream."""
        contender = self.entries[0].contender
        assert isinstance(contender, Direct)
        return contender

    def running(self) -> list[Entry]:
        """Those that run."""
        return [entry for entry in self.entries if entry.runs]

    def shuffled(self) -> Iterator[Entry]:
        """Those that run, in another order every time."""
        entries = self.running()
        yield from random.sample(entries, len(entries))


def say(what: str) -> None:
    """Progress, for the person who waits."""
    print(f"bench/gateway: {what}", file=sys.stderr, flush=True)
