"""Texts of models and strangers as Markdown that pings nobody, loads nothing and stays within its place."""

import re

_GAP = "\u200b"  # zero-width space: parts two characters, and nobody sees it
# What begins a mention, a tag or comment, an image, a character reference (`&#64;` would become a mention).
_ACTIVE = re.compile(r"@(?=[\w-])|<(?=[A-Za-z/!?])|!(?=\[)|&(?=#|\w+;)")
# Controls, directional overrides, invisible characters and the tag characters that hide whole texts.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)$")


def prose(text: str) -> str:
    """`text` as it was meant, but inert."""
    visible = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _with_fence_closed(_ACTIVE.sub(rf"\g<0>{_GAP}", visible)).strip()


def line(text: str) -> str:
    """`text` on one line, inert."""
    return re.sub(r"\s+", " ", prose(text))


def code(text: str) -> str:
    """`text` as a code span. To be put where no other's text stands before it in the paragraph."""
    plain = _INVISIBLE.sub("\ufffd", re.sub(r"[\n\r\t]", "\ufffd", text))
    ticks = "`" * (_longest_run(plain) + 1)
    padding = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{padding}{plain}{padding}{ticks}"


def is_plain(text: str) -> bool:
    """Whether all of a text is seen: code that is to be taken over with one press must not hide anything."""
    return not _INVISIBLE.search(text.replace("\r\n", "\n"))


def fenced(text: str, language: str = "") -> str:
    """`text` to the letter in a fence that nothing in it can close."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.removesuffix(chr(10))}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _with_fence_closed(text: str) -> str:
    """Ends a code block that `text` leaves open, or it would swallow what follows."""
    indent = fence = ""
    for found in filter(None, map(_FENCE.match, text.split("\n"))):
        if not fence:
            indent, fence = found[1], found[2]
        elif found[2].startswith(fence) and not found[3].strip():
            fence = ""
    return f"{text}\n{indent}{fence}" if fence else text
