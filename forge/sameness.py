"""Whether two remarks are about the same thing: by place and kind, never by their words, which a model varies."""

import hashlib
from dataclasses import dataclass

from stack.work.remarks import Kind, Side

# Kinds that reviewers take for one another: what is not cleaned up after an error is both.
_CONFUSED: frozenset[frozenset[Kind]] = frozenset(
    frozenset(pair)
    for pair in (
        ("correctness", "error_handling"),
        ("correctness", "contract"),
        ("error_handling", "contract"),
        ("error_handling", "resources"),
        ("concurrency", "resources"),
        ("performance", "resources"),
        ("security", "data_loss"),
    )
)
NEAR = 3  # lines by which the same remark may begin or end elsewhere
TRIVIAL = 5  # letters and digits


@dataclass(frozen=True, slots=True)
class Place:
    """What a remark is about. `start` to `end` are its lines in the present diff; 0: it is on none of them.

    `block` is the run of removed and added lines that its last line lies in, counted from 1 in the file; 0: in none.
    """

    path: str
    side: Side
    start: int
    end: int
    kind: Kind
    anchor: str
    block: int = 0


def same(one: Place, other: Place) -> bool:
    """Whether two remarks are of one kind, and on the same lines or, where one has lost its lines, on the same text."""
    if one.path != other.path or not alike(one.kind, other.kind):
        return False
    if one.side != other.side:  # the line that was removed, and the one that took its place
        return one.kind == other.kind != "other" and one.block == other.block != 0
    if not one.end or not other.end:
        return bool(one.anchor) and one.anchor == other.anchor
    overlap = one.start <= other.end and other.start <= one.end
    return overlap and (abs(one.start - other.start) <= NEAR or abs(one.end - other.end) <= NEAR)


def near(one: Place, other: Place) -> bool:
    """Whether a model may call two remarks the same: they are in one place, or one has lost its lines."""
    if one.path != other.path:
        return False
    if not one.end or not other.end or one.side != other.side:
        return True
    return one.start - NEAR <= other.end and other.start - NEAR <= one.end


def alike(one: Kind, other: Kind) -> bool:
    """Whether two kinds are one, or are taken for one another."""
    return one == other or frozenset((one, other)) in _CONFUSED


def anchor(text: str) -> str:
    """A digest of a line's text that stays while the line moves; empty where it says too little."""
    if is_trivial(text):
        return ""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def is_trivial(text: str) -> bool:
    """Whether many lines have the same text: `}`, `else:`."""
    return sum(map(str.isalnum, text)) < TRIVIAL
