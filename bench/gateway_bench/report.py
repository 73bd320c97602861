"""The tables: as text for a terminal, as Markdown for a document."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.gateway_bench import paced, single, starts, throughput
from bench.gateway_bench.figures import Found
from bench.gateway_bench.limits import Limit
from bench.gateway_bench.load import CONNECTIONS

FAILED, NONE = "FAILED", "-"
Cells = list[str]
PSS_NOTE = "PSS: of all processes, as if nothing else ran here: what is shared with other contenders counts whole"


@dataclass(frozen=True)
class Table:
    """Rows of cells below a title and a header; the first column names, the others are figures."""

    title: str
    header: Cells
    rows: list[Cells]

    def text(self) -> str:
        """For a terminal."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        shown = [
            "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
            for line in lines
        ]
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in shown)])

    def markdown(self) -> str:
        """For a document."""
        lines = [self.header, ["---", *["--:"] * (len(self.header) - 1)], *self.rows]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(all_found: list[Found], limits: list[Limit]) -> Iterator[Table]:
    """All of them; who is absent or wrong has a row that says so."""
    for size in throughput.SIZES:
        yield _throughput(all_found, size)
    yield _single(all_found)
    for count in paced.COUNTS:
        yield _paced(all_found, count)
    yield _starts(all_found)
    yield _limits(limits)


def notes(all_found: list[Found]) -> list[str]:
    """How each was set up, who did not take part and why, and what was wrong."""
    lines = [PSS_NOTE, *(f"{one.name}: {one.note}" for one in all_found if not one.absent)]
    lines += [f"{one.name} did NOT take part: {one.absent}" for one in all_found if one.absent]
    lines += [f"{one.name} FAILED, {where}: {why}" for one in all_found for where, why in one.wrong.items()]
    return lines


def _throughput(all_found: list[Found], size: int) -> Table:
    place = throughput.place(size)
    nginx = next((one.throughput.get(size) for one in all_found if one.name == "nginx"), None)

    def cells(one: Found) -> Cells | None:
        if not (found := one.throughput.get(size)):
            return None
        share = f"{found.per_second / nginx.per_second:.2f}" if nginx and nginx.per_second else NONE
        return [
            f"{found.per_second:,.0f}", share, _ms(found.p50), _ms(found.p99), str(found.errors),
            f"{found.cpu * 1e6:,.0f}", f"{found.pss:,.0f}",
        ]  # fmt: skip

    header = ["", "req/s", "of nginx", "p50 ms", "p99 ms", "errors", "CPU µs/req", "PSS MB"]
    title = f"{place} body, answer streamed at once, {CONNECTIONS} connections"
    return Table(title, header, _rows(all_found, place, header, cells))


def _single(all_found: list[Found]) -> Table:
    def cells(one: Found) -> Cells | None:
        if not (found := one.single):
            return None
        times = (found.p50, found.added_p50, found.first, found.added_first)
        return [*(_ms(seconds, 3) for seconds in times), f"{found.calls:,}"]

    header = ["", "p50 ms", "added", "first byte ms", "added", "calls"]
    title = "One connection, one call after the other, 50 KB body, answer streamed at once"
    return Table(title, header, _rows(all_found, single.PLACE, header, cells))


def _paced(all_found: list[Found], count: int) -> Table:
    def cells(one: Found) -> Cells | None:
        if not (found := one.paced.get(count)):
            return None
        times = (found.gap, found.added_gap, found.first)
        return [*(_ms(seconds, 1) for seconds in times), f"{found.lost:,}", f"{found.pss:,.0f}"]

    header = ["", "gap p99 ms", "added", "first event p99 ms", "events lost", "PSS MB"]
    title = f"{count} streams at once, all begun in the same moment, 50 KB body, 50 events 20 ms apart"
    return Table(title, header, _rows(all_found, paced.place(count), header, cells))


def _starts(all_found: list[Found]) -> Table:
    def cells(one: Found) -> Cells | None:
        if one.cold is None and one.growth is None:
            return None
        cold = NONE if one.cold is None else f"{one.cold:.2f}"
        return [cold, NONE if one.growth is None else f"{one.growth:+.1f}"]

    header = ["", "cold start s", "growth MB"]
    return Table("Start and growth of memory", header, _rows(all_found, starts.PLACE, header, cells))


def _limits(limits: list[Limit]) -> Table:
    def shown(value: float | None) -> str:
        return NONE if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")

    rows = [
        [one.what, shown(one.figure), f"{one.relation} {shown(one.bound)} {one.unit}", one.verdict] for one in limits
    ]
    return Table("Limits of our proxy", ["", "figure", "limit", ""], rows)


def _rows(all_found: list[Found], place: str, header: Cells, cells: Callable[[Found], Cells | None]) -> list[Cells]:
    """A row for each: its figures, or why there are none."""
    width = len(header) - 1
    rows = []
    for one in all_found:
        if one.absent:
            row = ["not here", *[NONE] * (width - 1)]
        elif one.failed(place):
            row = [FAILED, *[NONE] * (width - 1)]
        else:
            row = cells(one) or [NONE] * width
        rows.append([one.name, *row])
    return rows


def _ms(seconds: float, digits: int = 2) -> str:
    return f"{seconds * 1e3:,.{digits}f}"
