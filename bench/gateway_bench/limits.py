"""The limits that our proxy is held to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.gateway_bench import paced, single, starts, throughput
from bench.gateway_bench.figures import Found, Throughput
from bench.gateway_bench.load import CONNECTIONS

OF_NGINX, OF_LITELLM, CPU_OF_LITELLM = 1 / 3, 20, 1 / 30
ADDED_MS, ADDED_GAP_MS, FIRST_MS = 0.5, 3.0, 60.0
PSS_MB, COLD_SECONDS, GROWTH_MB = 110.0, 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure and what it must be: at least (`>=`) or at most (`<=`, `<`) the bound. No figure: not measured."""

    what: str
    figure: float | None
    relation: str
    bound: float | None
    unit: str

    @property
    def holds(self) -> bool | None:
        """None where something was not measured."""
        if self.figure is None or self.bound is None:
            return None
        if self.relation == ">=":
            return self.figure >= self.bound
        return self.figure < self.bound if self.relation == "<" else self.figure <= self.bound

    @property
    def verdict(self) -> str:
        """`holds`, `missed by …`, or `not measured`."""
        if self.figure is None or self.bound is None:
            return "not measured"
        if self.holds:
            return "holds"
        missing = abs(self.figure - self.bound)
        share = f" ({missing / self.bound:.0%})" if self.bound else ""
        return f"missed by {missing:,.2f} {self.unit}{share}"


def judge(found: Mapping[str, Found], ours: str) -> list[Limit]:
    """All limits, for the contender that is ours."""
    return [*_of_throughput(found, ours), *_of_single(found[ours]), *_of_paced(found[ours]), *_of_starts(found[ours])]


def _of_throughput(found: Mapping[str, Found], ours: str) -> Iterator[Limit]:
    at = f"{throughput.place(throughput.MAIN_SIZE)} streamed, {CONNECTIONS} connections"
    own, nginx, litellm = (_main(found.get(name)) for name in (ours, "nginx", "LiteLLM"))
    rate = own.per_second if own else None
    third, twenty = _times(nginx, OF_NGINX), _times(litellm, OF_LITELLM)
    yield Limit(f"{at}: a third of nginx's requests", rate, ">=", third, "req/s")
    yield Limit(f"{at}: 20 times LiteLLM's", rate, ">=", twenty, "req/s")
    cpu = own.cpu * 1e6 if own else None
    most = litellm.cpu * 1e6 * CPU_OF_LITELLM if litellm else None
    yield Limit(f"{at}: 1/30 of LiteLLM's CPU for a request", cpu, "<=", most, "µs")


def _main(found: Found | None) -> Throughput | None:
    size = throughput.MAIN_SIZE
    return found.throughput.get(size) if found and not found.failed(throughput.place(size)) else None


def _times(other: Throughput | None, factor: float) -> float | None:
    return other.per_second * factor if other else None


def _of_single(own: Found) -> Iterator[Limit]:
    one = None if own.failed(single.PLACE) else own.single
    p50, first = (one.added_p50 * 1e3, one.added_first * 1e3) if one else (None, None)
    yield Limit("one connection: added p50", p50, "<=", ADDED_MS, "ms")
    yield Limit("one connection: added time to first byte", first, "<=", ADDED_MS, "ms")


def _of_paced(own: Found) -> Iterator[Limit]:
    for count in paced.COUNTS:
        place = paced.place(count)
        some = own.paced.get(count)
        if count == paced.MAIN_COUNT:
            good = None if own.failed(place) else some
            gap, first, pss = (good.added_gap * 1e3, good.first * 1e3, good.pss) if good else (None, None, None)
            yield Limit(f"{place}: p99 of the added gap", gap, "<=", ADDED_GAP_MS, "ms")
            yield Limit(f"{place}: p99 to the first event", first, "<=", FIRST_MS, "ms")
            yield Limit(f"{place}: memory (PSS), all processes", pss, "<=", PSS_MB, "MB")
        # what was lost is told even where other figures do not count
        yield Limit(f"{place}: events lost", some.lost if some else None, "<=", 0, "events")


def _of_starts(own: Found) -> Iterator[Limit]:
    grown = None if own.failed(starts.PLACE) else own.growth
    yield Limit("cold start", own.cold, "<=", COLD_SECONDS, "s")
    yield Limit("growth of memory over the requests", grown, "<", GROWTH_MB, "MB")
