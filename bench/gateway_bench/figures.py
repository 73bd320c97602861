"""What was found: figures of each contender, seconds and megabytes, medians over the rounds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from bench.gateway_bench.load import Round

ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class Throughput:
    """Many requests over 8 connections. `per_second` requests; `cpu`: seconds of the server for one; `pss`: MB."""

    per_second: float
    p50: float
    p99: float
    errors: int
    cpu: float
    pss: float


@dataclass(frozen=True, slots=True)
class Single:
    """One call after the other over one connection; `added`: more than without anything between."""

    calls: int
    p50: float
    first: float
    added_p50: float
    added_first: float


@dataclass(frozen=True, slots=True)
class Paced:
    """Paced streams at once: 99th percentiles; `added_gap`: more than without anything between. `pss`: MB meanwhile."""

    gap: float
    added_gap: float
    first: float
    lost: int
    pss: float


@dataclass
class Found:
    """All of a contender's figures. A key is missing where nothing was measured.

    `absent`: why it did not take part. `wrong`: what was wrong, by where: `50 KB`, `one connection`, `200 streams`;
    ANSWERS for the calls that are checked before and after everything else.
    """

    name: str
    note: str = ""
    absent: str = ""
    wrong: dict[str, str] = field(default_factory=dict)
    throughput: dict[int, Throughput] = field(default_factory=dict)
    single: Single | None = None
    paced: dict[int, Paced] = field(default_factory=dict)
    cold: float | None = None
    growth: float | None = None

    def failed(self, where: str) -> str:
        """Why its figure there does not count; empty if it does."""
        return self.wrong.get(ANSWERS, "") or self.wrong.get(where, "")


def throughput(rounds: Iterable[Round]) -> Throughput:
    """The medians of several rounds; errors and memory are of all of them."""
    found = list(rounds)
    return Throughput(
        per_second=median(one.per_second for one in found),
        p50=median(one.p50 for one in found),
        p99=median(one.p99 for one in found),
        errors=sum(one.errors for one in found),
        cpu=median(one.cpu_each for one in found),
        pss=max(one.pss for one in found),
    )


def percentile(values: Iterable[float], percent: int) -> float:
    """The smallest value that `percent` of all do not exceed (nearest rank); 0 of none."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0.0
