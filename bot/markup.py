"""Telegram's HTML: how a text that is not ours becomes safe to show, and how numbers read."""

import html
import re
import unicodedata
from collections.abc import Sequence
from uuid import UUID

# Telegram takes 4096 UTF-16 units after its entities are parsed. We count the source, which is never shorter, and
# leave room for the line that says who answered a question.
LIMIT = 3900
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")  # of terminals: CSI and OSC
# Where Telegram would begin a link, a mention, a tag or a command of its own accord: a path or a finding's title could
# otherwise lead somewhere. A word joiner is not seen, and ends that.
_LINKS = re.compile(r"(?<=\w)\.(?=\w)|(?<!\w)[@#/$](?=\w)|:(?=//)")
_JOINER = "\u2060"


def line(text: str, limit: int = 300) -> str:
    """A stranger's text as one line of safe HTML, of at most `limit` characters before escaping."""
    return html.escape(seen(text, limit))


def inert(text: str, limit: int = 300) -> str:
    """As `line`, and Telegram finds nothing in it to make a link of."""
    return html.escape(_LINKS.sub(lambda found: found[0] + _JOINER, seen(text, limit)))


def seen(text: str, limit: int) -> str:
    """What is seen of a text, on one line. Format characters (Cf) turn its direction, or carry what nobody sees."""
    spaced = " ".join(_ESCAPES.sub("", text).split())
    visible = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return visible if len(visible) <= limit else visible[: limit - 1] + "…"


def plain(markup: str) -> str:
    """Our HTML without its markup, for when Telegram cannot read it."""
    return html.unescape(re.sub(r"</?[a-z][^<>]*>", "", markup))


def code(text: str) -> str:
    """A text to be typed or copied as it stands."""
    return f"<code>{line(text)}</code>"


def short(run_id: UUID) -> str:
    """The six letters by which people name a run: of its random part, as the first ones are the time."""
    return run_id.hex[-6:]


def duration(seconds: float) -> str:
    """`45 s`, `2 min 5 s`, `1 h 3 min`, `6 days 4 h`; `2 min`, `1 h` or `6 days` where the second part is nothing."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    for size, name, smaller, rest in ((86400, "days", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= (2 * size if name == "days" else size):
            part = whole % size // smaller
            return f"{whole // size} {name}" + (f" {part} {rest}" if part else "")
    raise AssertionError(whole)


def money(dollars: float) -> str:
    """`$0.0123`, and cents alone from one dollar on."""
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def megabytes(size: int) -> str:
    """`73 MB`; under one, with a digit behind the point. An MB is 2**20 bytes, as Telegram counts."""
    return f"{size / (1 << 20):.0f} MB" if size >= 1 << 20 else f"{size / (1 << 20):.1f} MB"


def with_article(word: str) -> str:
    """`an admin`, `a viewer`."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def fit(head: str, details: Sequence[str], tail: Sequence[str]) -> str:
    """The parts as one message; details that do not fit are counted instead."""
    room = LIMIT - _size("\n".join([head, *tail])) - 40
    lines: list[str] = []
    for number, detail in enumerate(details):
        item = f"• {inert(detail)}"
        room -= _size(item) + 1
        if room < 0:
            lines.append(f"… and {len(details) - number} more")
            break
        lines.append(item)
    return "\n".join([head, *lines, *tail])


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
