"""The live snapshots, made once per interval for all who watch one worker, and their stream of server-sent events."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from proxy.dashboard import figures
from proxy.dashboard.view import SetUpView
from proxy.ledger.records import LedgerAway
from proxy.ledger.reports import PERIODS, Period, Reports

T = TypeVar("T")
OffLoop = Callable[[Callable[[], T]], T]

LIVE_SECONDS = 1.0
REPORT_SECONDS = {"1h": 3.0, "24h": 5.0, "7d": 20.0, "30d": 60.0}
IDLE_FACTOR = 20  # a report that took long to make is made less often: at most a twentieth of the time goes into it
PING_SECONDS = 15.0
STREAM_SECONDS = 300.0  # then the browser connects again, so that forgotten connections do not pile up
RETRY_MILLISECONDS = 2000
LISTENERS = 24
SHOWN_LIMITS = 24


def never() -> bool:
    """No."""
    return False


def directly(work: Callable[[], T]) -> T:
    """Does the work where it is asked for."""
    return work()


@dataclass(slots=True)
class _Made:
    """A snapshot as JSON, and when the next one is due."""

    text: str
    due: float


class Feed:
    """Snapshots for the page: `live` (calls, routes, breakers), and a report for each period.

    `off_loop` runs what reads the ledger. `clock` is in seconds since the epoch. Once `stopping` says so, streams end.
    """

    def __init__(
        self,
        reports: Reports,
        gateway: Callable[[], SetUpView],
        *,
        off_loop: OffLoop[Any] = directly,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        listeners: int = LISTENERS,
        stopping: Callable[[], bool] = never,
    ) -> None:
        self._reports = reports
        self._gateway = gateway
        self._off_loop = off_loop
        self._clock = clock
        self._sleep = sleep
        self._stopping = stopping
        self._free = threading.BoundedSemaphore(listeners)
        self._made: dict[str, _Made] = {}
        self._locks = {name: threading.Lock() for name in ("live", *PERIODS)}

    def listen(self) -> Callable[[], None] | None:
        """Takes a place for a listener: what gives it back, once however often it is called. None: all are taken."""
        if not self._free.acquire(blocking=False):
            return None
        taken = [self._free]
        return lambda: taken.pop().release() if taken else None

    def events(self, period: str) -> Iterator[str]:
        """Server-sent events: `live` and `report` whenever they changed, a comment in silence; ends after a while."""
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        ends, spoke = self._clock() + STREAM_SECONDS, self._clock()
        sent: dict[str, str] = {}
        while (now := self._clock()) < ends and not self._stopping():
            for event, text in (("live", self.live()), ("report", self.report(period))):
                if sent.get(event) != text:
                    yield f'event: {event}\ndata: {{"now": {self._clock():.3f}, "{event}": {text}}}\n\n'
                    sent[event], spoke = text, now
            if now - spoke >= PING_SECONDS:
                yield ": still here\n\n"
                spoke = now
            self._sleep(LIVE_SECONDS)

    def live(self) -> str:
        """What goes on now, as JSON, at most a second old."""
        return self._current("live", LIVE_SECONDS, lambda: live(self._reports, self._gateway()))

    def report(self, period: str) -> str:
        """The figures of a period, as JSON."""
        found, every = PERIODS[period], REPORT_SECONDS[period]
        return self._current(period, every, lambda: report(self._reports, self._gateway(), found, self._clock()))

    def _current(self, name: str, every: float, make: Callable[[], dict[str, Any]]) -> str:
        with self._locks[name]:  # who comes while one is being made waits for that one
            made = self._made.get(name)
            if made is None or self._clock() >= made.due:
                began = self._clock()
                text = self._off_loop(lambda: _json(make))
                took = self._clock() - began
                made = self._made[name] = _Made(text, began + max(every, took * IDLE_FACTOR))
            return made.text


def live(reports: Reports, setup: SetUpView) -> dict[str, Any]:
    """What goes on now. Raises LedgerAway."""
    under_way = reports.under_way()
    return {
        "holds": reports.holds(),
        "under_way": sum(row["calls"] for row in under_way),
        "held": sum(row["held"] for row in under_way),
        "latest": reports.latest(),
        "breakers": {row.pop("provider"): row for row in reports.breakers()},
        "routes": [asdict(route) for route in setup.routes],
        "source": setup.source,
        "loaded": setup.loaded,
        "refused": setup.refused,
        "refused_at": setup.refused_at,
    }


def report(reports: Reports, setup: SetUpView, period: Period, now: float) -> dict[str, Any]:
    """The figures of a period up to `now`. Raises LedgerAway."""
    parts = reports.parts(period)
    limits = [*setup.limits, *reports.client_limits(dict(setup.key_accounts))]
    return {
        "period": period.name,
        "totals": figures.totals(parts),
        "series": figures.series(parts, period, period.since(now)),
        "by": {
            **{name: figures.by(parts, name) for name in ("route", "provider", "model", "role")},
            **{name: reports.spenders(period, name) for name in ("run", "person", "client")},
        },
        "failures": reports.failures(period),
        "fallbacks": reports.fallbacks(period),
        "slowest": reports.slowest(period),
        "last_errors": reports.last_errors(period),
        "limits": [row for limit in limits for row in reports.spent(limit)][:SHOWN_LIMITS],
        "whole": reports.is_whole(period),
    }


def _json(make: Callable[[], dict[str, Any]]) -> str:
    try:
        return json.dumps(make(), separators=(",", ":"))
    except LedgerAway:
        return '{"away":true}'
