"""What a model would put in the place of some lines: whether it may be taken over with one press, is shown, or is not.

One press changes the file, so it must be seen whole, be written as the file is, and leave the file sound. What is not
sure of that is shown as code, for a person to read.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from forge import parsing
from forge.characters import MOST_BLANKS, are_seen
from forge.markdown import fenced
from forge.scripts import strange_in

MOST_COLUMNS = 200  # of a line; beyond them nobody scrolls
MOST_BLANK_LINES = 3  # in a row; more of them push what follows out of sight
TAB_SIZE = 4

_WORD = re.compile(r"\w")
_FENCE = re.compile(r"\s*(```|~~~)")
_LEFT_OUT = re.compile(r"\s*(#|//|/\*|--|;|%|<!--)\s*(\.\.\.|\N{HORIZONTAL ELLIPSIS})")
_NUMBERED = re.compile(r"\s*\d+\s*(\N{RIGHTWARDS ARROW}|\|)")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How a suggestion is shown: to be taken over with one press, as code, or not at all, and then the reason.

    `body` is what stands in the fence; an empty one with a press deletes the lines.
    """

    shown: Literal["press", "code", "nothing"]
    body: str
    reason: str = ""

    @property
    def markdown(self) -> str:
        """The fence that it stands in; an empty text where it is not shown."""
        if self.shown == "press":
            return fenced(self.body, "suggestion")
        return fenced(self.body) if self.shown == "code" and self.body else ""


@dataclass(frozen=True)
class Change:
    """New lines in the place of the lines `start` to `end`, from 1, of a file. No line has its end."""

    path: str
    file: list[str]
    start: int
    end: int
    new: list[str]

    @property
    def old(self) -> list[str]:
        return self.file[self.start - 1 : self.end]

    @property
    def result(self) -> list[str]:
        """The file afterwards."""
        return [*self.file[: self.start - 1], *self.new, *self.file[self.end :]]


def lines_of(content: bytes) -> list[str] | None:
    """The lines of a file as `judge` takes them; None where it is no text in UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.removesuffix("\n").split("\n")


def judge(suggestion: str, *, path: str, lines: Sequence[str] | None, start: int, end: int) -> Suggestion:
    """How `suggestion` is shown for the lines `start` to `end`, both included, counted from 1, of a file at the head.

    `lines` are all of the file's, without their line feeds; a carriage return before it may stand. None: not known.
    """
    body = suggestion.replace("\r\n", "\n")
    new = body.removesuffix("\n").split("\n") if body else []
    if lines is None:
        return _as_code(new, "the file is not known")
    if not 1 <= start <= end <= len(lines):
        return _as_code(new, "the file does not have these lines")
    file = [line.removesuffix("\r") for line in lines]
    file[0] = file[0].removeprefix("\ufeff")
    change = Change(path, file, start, end, new)
    if not any(line.strip() for line in new):
        change = replace(change, new=[])  # a line without anything would stand where one was to go
        if suggestion and not any(line.strip() for line in change.old):
            return Suggestion("nothing", "", "it changes blanks alone")
    elif _adds_blanks_alone(change):
        return Suggestion("nothing", "", "it changes blanks alone")
    if change.new == change.old:
        return Suggestion("nothing", "", "it changes nothing")
    if len({line.endswith("\r") for line in lines[:-1]}) > 1:
        return _as_code(new, "the file's lines end in two ways")
    return _judged(change)


def _judged(change: Change) -> Suggestion:
    if reason := _first(check(change) for check in AS_WRITTEN):
        return _as_code(change.new, reason)
    above, below = _repeated(change)
    rest = change.new[above : len(change.new) - below]
    repeated = change.new[:above], change.new[len(change.new) - below :]
    brackets = any(part and not any(map(_WORD.search, part)) for part in repeated)
    if brackets or (any(repeated) and not any(map(str.strip, rest))):
        return _as_code(change.new, "it repeats lines around it")
    applied = replace(change, new=rest)
    if applied.new == applied.old:
        return Suggestion("nothing", "", "it changes nothing")
    if reason := _first(check(applied) for check in AS_APPLIED):
        return _as_code(change.new, reason)
    return Suggestion("press", _text(rest))


def _adds_blanks_alone(change: Change) -> bool:
    old, new = ([line.rstrip() for line in lines] for lines in (change.old, change.new))
    return old == new and change.new not in (change.old, new)


def _as_code(new: list[str], reason: str) -> Suggestion:
    return Suggestion("code" if any(map(str.strip, new)) else "nothing", _text(new), reason)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _first(reasons: Iterable[str]) -> str:
    return next(filter(None, reasons), "")


# --- as it is written: whether all of it is seen, and is code of this file ------------------------------


def _hidden(change: Change) -> str:
    if not are_seen(_text(change.new)):
        return "not all of its characters are seen"
    tabs = any("\t" in line for line in change.new) and not any("\t" in line for line in change.file)
    return "the file has no tabs" if tabs else ""


def _strange(change: Change) -> str:
    return strange_in(_text(change.new), _text(change.file))


def _out_of_sight(change: Change) -> str:
    if _most(map(len, change.new)) > max(MOST_COLUMNS, _most(map(len, change.old))):
        return "a line is too long to be seen"
    if _most(map(_indent_width, change.new)) > _most(map(_indent_width, change.old)) + MOST_BLANKS:
        return "a line begins too far to the right"
    if _most(map(_gap_width, change.new)) > max(MOST_BLANKS, _most(map(_gap_width, change.old))):
        return "blanks push code to the right"
    if _blank_lines(change.new) > max(MOST_BLANK_LINES, _blank_lines(change.old)):
        return "blank lines push code down"
    return ""


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _indent_width(line: str) -> int:
    return len(_indent(line).expandtabs(TAB_SIZE))


def _gap_width(line: str) -> int:
    gaps = re.findall(r"[ \t]+", line.lstrip(" \t"))
    return _most(len(gap.expandtabs(TAB_SIZE)) for gap in gaps)


def _blank_lines(lines: list[str]) -> int:
    return _most(len(list(run)) for blank, run in groupby(lines, lambda line: not line.strip()) if blank)


def _most(numbers: Iterable[int]) -> int:
    return max(numbers, default=0)


def _no_code(change: Change) -> str:
    """What models put around code, which would end up in the file."""
    new = [line for line in change.new if line.strip()]
    if len(new) > 1 and all(map(_FENCE.match, (new[0], new[-1]))) and not any(map(_FENCE.match, change.old)):
        return "it is wrapped in a fence"
    if any(map(_LEFT_OUT.match, new)) and not any(map(_LEFT_OUT.match, change.old)):
        return "it leaves out code"
    if new and all(map(_NUMBERED.match, new)) and not any(map(_NUMBERED.match, change.old)):
        return "it has the numbers of lines"
    added = any(line.startswith("+") for line in new) and not any(line.startswith("+") for line in change.old)
    return "it is a diff" if added and all(line[0] in "+- " for line in new) else ""


# --- as it is applied: whether it belongs there, and leaves the file sound ------------------------------


def _repeated(change: Change) -> tuple[int, int]:
    """How many lines of the file, above and below, it begins and ends with: they would then stand twice."""
    new, old = ([line.rstrip() for line in lines] for lines in (change.new, change.old))
    if not new:
        return 0, 0
    above = [line.rstrip() for line in change.file[: change.start - 1][-len(new) :]]
    below = [line.rstrip() for line in change.file[change.end :][: len(new)]]
    first = next((n for n in range(len(above), 0, -1) if new[:n] == above[-n:]), 0)
    last = next((n for n in range(len(below), 0, -1) if new[-n:] == below[:n]), 0)
    return (
        first if new[0] != old[0] and any(new[:first]) else 0,
        last if new[-1] != old[-1] and any(new[-last:]) else 0,
    )


def _blank_line(change: Change) -> str:
    """A line that goes is not to leave a blank one: where some go and nothing comes, no blank line comes either."""
    old, new = ([line for line in lines if line.strip()] for lines in (change.old, change.new))
    left = iter(old)
    only_goes = len(new) < len(old) and all(line in left for line in new)
    blank = len(change.new) - len(new) > len(change.old) - len(old)
    return "it leaves blank lines where it deletes" if only_goes and blank else ""


def _indented(change: Change) -> str:
    first_old, first_new = (next(filter(str.strip, lines), None) for lines in (change.old, change.new))
    if first_old is not None and first_new is not None and _indent(first_old) != _indent(first_new):
        return "its first line is indented otherwise"
    own, others = ({_indent_kind(line) for line in lines} - {""} for lines in (change.new, change.file))
    return "it is indented in another way than the file" if others and not own <= others else ""


def _indent_kind(line: str) -> str:
    """`t` for tabs, `s` for spaces, `ts` for tabs and then spaces."""
    return re.sub(r"(.)\1*", r"\1", _indent(line).replace("\t", "t").replace(" ", "s")) if line.strip() else ""


def _parses(change: Change) -> str:
    kind = parsing.kind_of(change.path)
    if not kind:
        return ""
    parsed = parsing.parse(kind, [_text(change.file), _text(change.result)])
    if parsed is None:
        return f"whether the file stays {kind} cannot be told"
    return f"the file would no longer be {kind}" if parsed == [True, False] else ""


Check = Callable[[Change], str]
AS_WRITTEN: tuple[Check, ...] = (_hidden, _strange, _out_of_sight, _no_code)
AS_APPLIED: tuple[Check, ...] = (_blank_line, _indented, _parses)
