"""Where findings lie in the diff, and which of them are said already: the gravest of what is new comes first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from forge.sameness import Place, alike, anchor, is_trivial, near, same
from stack.diff import FileDiff, at
from stack.work.remarks import Dismissed, Said, Severity, Side
from stack.work.review import Finding

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

_SETTLED = ("", "person", "us")

Fate = Literal["new", "said", "dismissed", "pre_existing"]


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, its place, and what becomes of it: `on_diff` where GitHub takes a comment on its lines."""

    finding: Finding
    place: Place
    on_diff: bool
    fate: Fate
    known: Said | None = None  # the remark that says the same

    @property
    def rank(self) -> tuple[int, float]:
        """The gravest first, of these the surest."""
        return SEVERITIES.index(self.finding.severity), -self.finding.confidence


# The lines of a file at the head of the change; None: there is no such file, or it is no text.
Lines = Callable[[str], Sequence[str] | None]


class Diff:
    """The diff of a change. `taken` are the paths for which GitHub shows a patch; None: that is not known."""

    def __init__(self, files: Sequence[FileDiff], lines: Lines, taken: frozenset[str] | None = None) -> None:
        self.files = files
        self._lines = lines
        self._taken = taken

    def place(self, finding: Finding) -> tuple[Place, bool]:
        """Where a finding lies, and whether GitHub takes a comment there. On the old side it may name the old path."""
        start, end = sorted((finding.start_line, finding.end_line))
        file = at(self.files, finding.path, finding.side)
        path = file.path if file else finding.path
        text, block = _line(file, finding.side, end)
        if not text and finding.side == "RIGHT":
            whole = self._lines(path) or ()
            text = whole[end - 1] if end <= len(whole) else ""
        place = Place(path, finding.side, start, end, finding.kind, anchor(text), block)
        # a name that is no UTF-8 cannot be told to GitHub
        shown = "\ufffd" not in path and (self._taken is None or path in self._taken)
        return place, file is not None and shown and file.holds(finding.side, start, end)

    def place_of(self, said: Said) -> Place:
        """Where a remark stands now."""
        _, block = _line(at(self.files, said.path, said.side), said.side, said.line)
        start = said.start_line or said.line
        return Place(said.path, said.side, start, said.line, said.kind, said.anchor, block)

    def still_has(self, said: Said) -> bool:
        """Whether the line that a remark of ours was made on stands where GitHub shows the remark now."""
        text, _ = _line(at(self.files, said.path, said.side), said.side, said.line)
        return bool(said.line) and anchor(text) == said.anchor


def located(
    findings: Sequence[Finding], diff: Diff, said: Sequence[Said], dismissed: Sequence[Dismissed]
) -> list[Located]:
    """Each finding once, with what becomes of it, in the order of their rank."""
    # what is open before what was settled: a fault that came back may stand there twice
    there = [(diff.place_of(one), one) for one in sorted(said, key=lambda one: _SETTLED.index(one.resolved_by))]
    found: list[Located] = []
    for finding in findings:
        place, on_diff = diff.place(finding)
        named = (one for p, one in there if one.number == finding.same_as and near(place, p))
        known = next(named, None) or next((one for p, one in there if one.ours and same(place, p)), None)
        fate = _fate(finding, place, known, dismissed)
        found.append(Located(finding, place, on_diff, fate, known))
    return _each_once(sorted(found, key=lambda one: (one.fate != "new", *one.rank)))


def _fate(finding: Finding, place: Place, known: Said | None, dismissed: Sequence[Dismissed]) -> Fate:
    if is_dismissed(place, dismissed) or (known and known.resolved_by == "person"):
        return "dismissed"
    if known and not known.resolved_by:
        return "said"
    # whatever is said of a line that the change has made, it was not there before
    return "pre_existing" if finding.pre_existing and not place.block else "new"


def is_dismissed(place: Place, dismissed: Sequence[Dismissed]) -> bool:
    """Whether a person wants to hear no more of this, wherever in the file it stands by now."""
    return any(
        place.anchor and (one.path, one.anchor) == (place.path, place.anchor) and alike(one.kind, place.kind)
        for one in dismissed
    )


def _each_once(found: list[Located]) -> list[Located]:
    kept: list[Located] = []
    for one in found:
        if not any(same(one.place, other.place) for other in kept):
            kept.append(one)
    return kept


def _line(file: FileDiff | None, side: Side, number: int) -> tuple[str, int]:
    """A line of the diff, and its block of changed lines; empty and 0 where there is no such line.

    A line that says little, such as `}`, comes with the one before it that says more.
    """
    block, inside, before = 0, False, ""
    for hunk in file.hunks if file else ():
        for line in hunk.lines:
            block += line.tag != " " and not inside
            inside = line.tag != " "
            on_side = line.old if side == "LEFT" else line.new
            text = f"{before}\n{line.text}" if is_trivial(line.text) else line.text
            if on_side == number:
                return text, block if inside else 0
            if on_side is not None and not is_trivial(line.text):
                before = line.text
        inside, before = False, ""
    return "", 0


def counts(severities: Mapping[Severity, int]) -> str:
    """`1 critical, 2 low`."""
    return ", ".join(f"{severities[s]} {s}" for s in SEVERITIES if severities.get(s))
