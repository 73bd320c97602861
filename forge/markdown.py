"""Texts of models and strangers as Markdown that is inert: read by a parser, and written anew with what is allowed.

Allowed are paragraphs, emphasis, lists, quotes and code. A heading becomes bold, a link its text and its address; each
word that GitHub would act upon (an address, a mention, a reference) becomes code. All else is shown as the text it is.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from operator import itemgetter

from markdown_it import MarkdownIt
from markdown_it.token import Token

from forge.characters import are_seen, exact, on_a_line, readable, with_plain_lines

MOST_READ = 32_768  # characters; a review's parts are shorter, and 100,000 stars would take seconds
MOST_LEVELS = 12  # of blocks in blocks: a list in a list in a list has six
MOST_GROWTH = 4  # times; `<` becomes `&lt;`
BLOCKS = ("blockquote", "code", "fence", "heading", "hr", "lheading", "list")
INLINES = ("autolink", "backticks", "emphasis", "entity", "escape", "link", "newline")
AFTERWARDS = ("balance_pairs", "fragments_join")  # what puts emphasis and texts together

# A word that GitHub would make something of. It makes nothing of code.
_ACTIVE = re.compile(
    r"@"  # a mention, a team, an e-mail address, a commit of somebody
    r"|#\w"  # an issue, alone or of a repository
    r"|://|(?i:www\.)"  # an address
    r"|(?i:gh)-\d|(?<![A-Z0-9])[A-Z][A-Z0-9]*-\d"  # an issue, here or in another tracker; an advisory
    r"|(?<![0-9A-Za-z])[0-9A-Fa-f]{7,}(?![0-9A-Za-z])"  # a commit
    r"|\$"  # a formula, which a backslash does not stop
    r"|\[(?: +|[xX])\]|\[!|\[\^"  # a box to tick, an alert, a footnote
    r"|:(?=[+-]*\w)[\w+-]+:"  # an emoji by its name
)
_BLANKS = re.compile(r"[ \n]+")
_WORDS = re.compile(r"\[ +\]|[^ \n]+|[ \n]+")
_SPECIAL = re.compile(r"[\\`*~|\[\]]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])")
# What a line may not begin with: all signs but those that are ours there (`*`, a backtick, a backslash, `&lt;`) and
# those that nobody begins a block or a command with. And a number as in a list.
_FIRST = re.compile(r"^(?=[!-/:-@\[-`{-~])[^*`\\&(.\"']")
_NUMBER = re.compile(r"^(\d+)([.)])")

# A piece of a line: whether it is code, and its text.
Piece = tuple[bool, str]


def prose(text: str) -> str:
    """`text` as it was meant, but inert. At most MOST_GROWTH times as long, and some 70 characters."""
    plain = with_plain_lines(text)
    if len(plain) > MOST_READ:
        return fenced(plain)
    tokens = _reader().parse(plain)
    if any(token.level >= MOST_LEVELS for token in tokens):
        return fenced(plain)  # nobody means that
    written = "\n\n".join(_blocks(iter(tokens)))
    return written if len(written) <= MOST_GROWTH * len(text) + 64 else fenced(plain)


def quoted(text: str) -> str:
    """`text` as a quote, so that nobody takes it for our own words."""
    return _behind("> ", prose(text))


def line(text: str) -> str:
    """`text` on one line, inert."""
    plain = " ".join(text.split())
    if len(plain) > MOST_READ:
        return code(plain)
    (token,) = _reader().parseInline(plain)
    return _inline(token).replace("\n", " ")


def code(text: str) -> str:
    """`text` as a code span."""
    plain = on_a_line(text) or " "
    ticks = "`" * (_longest_run(plain) + 1)
    padding = " " if plain.strip(" ") and (plain[0] in "` " or plain[-1] in "` ") else ""
    return f"{ticks}{padding}{plain}{padding}{ticks}"


def fenced(text: str, language: str = "") -> str:
    """`text` to the letter in a fence that nothing in it can close. An empty text has no line, not an empty one."""
    plain = exact(text.replace("\r\n", "\n"))
    fence = "`" * max(3, _longest_run(plain) + 1)
    lines = plain.removesuffix("\n") + "\n" if plain else ""
    return f"{fence}{language}\n{lines}{fence}"


def is_plain(text: str) -> bool:
    """Whether all of a text is seen: code that is to be taken over with one press must not hide anything."""
    return are_seen(text.replace("\r\n", "\n"))


class _Reader(MarkdownIt):
    """Leaves addresses as they were written: they are shown and lead nowhere."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it's name
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url


@cache
def _reader() -> MarkdownIt:
    """Knows the rules that are allowed and no others. What stands deeper than `maxNesting` it would leave out."""
    return _Reader("zero", {"maxNesting": MOST_LEVELS + 4}).enable([*BLOCKS, *INLINES, *AFTERWARDS])


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


# --- blocks -------------------------------------------------------------------------------------------


def _blocks(tokens: Iterator[Token]) -> list[str]:
    """The blocks up to the end of the one that they stand in, without empty ones."""
    return [block for token in _until_closed(tokens) if (block := _block(token, tokens))]


def _block(token: Token, tokens: Iterator[Token]) -> str:
    match token.type:
        case "inline":
            return _inline(token)
        case "paragraph_open":
            return "".join(_blocks(tokens))
        case "heading_open":
            text = "".join(_inline(inner, bold=False) for inner in _until_closed(tokens))
            return f"**{text}**" if text else ""
        case "blockquote_open":
            return _behind("> ", "\n\n".join(_blocks(tokens)))
        case "bullet_list_open":
            return "\n".join(_item("- ", blocks) for blocks in _items(tokens))
        case "ordered_list_open":
            first = int(token.attrs.get("start", 1))
            numbers = range(first if first < 1000 else 1, 1_000_000)
            return "\n".join(_item(f"{n}. ", blocks) for n, blocks in zip(numbers, _items(tokens), strict=False))
        case "code_block" | "fence":
            return fenced(token.content) if token.content.strip() else ""
    return ""  # a line across the page


def _until_closed(tokens: Iterator[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.nesting < 0:
            return
        yield token


def _items(tokens: Iterator[Token]) -> Iterator[list[str]]:
    for _opened in _until_closed(tokens):
        if blocks := _blocks(tokens):
            yield blocks


def _item(marker: str, blocks: list[str]) -> str:
    """Its blocks behind its marker. A list in it follows at once, or the whole list would be set wide."""
    first, *others = blocks
    text = first + "".join(("\n" if block.startswith("- ") else "\n\n") + block for block in others)
    return marker + _behind(" " * len(marker), text)[len(marker) :]


def _behind(margin: str, text: str) -> str:
    return "\n".join(margin + one if one else margin.rstrip() for one in text.split("\n")) if text else ""


# --- lines --------------------------------------------------------------------------------------------


def _inline(token: Token, *, bold: bool = True) -> str:
    """The text of a paragraph, with `bold` or without."""
    whole: list[Piece] = []
    opened = [("", whole)]  # what is open at this place: its marker or address, and its pieces so far
    markers = set() if bold else {"**"}  # that are open: what is bold already is not made bold
    for child in token.children or []:
        match child.type:
            case "text" | "text_special":
                opened[-1][1].extend(_words(readable(child.content)))
            case "softbreak" | "hardbreak":
                opened[-1][1].append((False, "\n"))
            case "code_inline":
                opened[-1][1].append((True, child.content))
            case "strong_open" | "strong_close" if child.markup == "__":
                opened[-1][1].append((False, r"\_\_"))  # a name of Python's, rather
            case "em_open" | "strong_open":
                marker = "*" * len(child.markup)
                opened.append(("", opened[-1][1]) if marker in markers else (marker, []))
                markers.add(marker)
            case "link_open":
                _drop_mark_of_image(opened[-1][1])
                opened.append((str(child.attrs["href"]), []))
            case "em_close" | "strong_close":
                marker, pieces = opened.pop()
                if marker:
                    markers.discard(marker)
                    opened[-1][1].extend(_emphasized(marker, pieces))
            case "link_close":
                address, pieces = opened.pop()
                opened[-1][1].extend(_with_address(address, pieces))
    return _with_inert_starts(_joined(whole))


def _words(text: str) -> Iterator[Piece]:
    """A text in words and blanks, each of them inert."""
    for word in _WORDS.findall(text):
        if not _ACTIVE.search(word):
            yield False, _escaped(word)
            continue
        inner = word.lstrip("(\"'")
        core = inner.rstrip(".,;:!?\"'" if "(" in inner else ".,;:!?\"')")
        before, after = word[: len(word) - len(inner)], inner[len(core) :]
        yield from ((False, before), (True, core), (False, after))


def _escaped(word: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", word).replace("<", "&lt;")


def _emphasized(marker: str, pieces: list[Piece]) -> list[Piece]:
    """Blanks at the edges stand outside, or the marker would be none."""
    full = [number for number, piece in enumerate(pieces) if piece[0] or piece[1].strip()]
    if not full:
        return pieces
    first, after = full[0], full[-1] + 1
    return [*pieces[:first], (False, marker), *pieces[first:after], (False, marker), *pieces[after:]]


def _drop_mark_of_image(pieces: list[Piece]) -> None:
    """An image is read as a link behind an exclamation mark."""
    if pieces and not pieces[-1][0]:
        pieces[-1] = (False, pieces[-1][1].removesuffix("!"))


def _with_address(address: str, pieces: list[Piece]) -> list[Piece]:
    """The text of a link and where it leads, once where these are the same."""
    said = [piece for piece in pieces if piece[1].strip()]
    if not address or said == [(True, address)]:
        return pieces
    return [*pieces, (False, " ("), (True, address), (False, ")")] if said else [(True, address)]


def _joined(pieces: list[Piece]) -> str:
    """Code beside code becomes one span, and blanks beside blanks one blank."""
    runs = groupby((piece for piece in pieces if piece[1]), key=itemgetter(0))
    texts = ((is_code, "".join(text for _, text in run)) for is_code, run in runs)
    return "".join(code(text) if is_code else _BLANKS.sub(_one_blank, text) for is_code, text in texts)


def _one_blank(blanks: re.Match[str]) -> str:
    return "\n" if "\n" in blanks[0] else " "


def _with_inert_starts(text: str) -> str:
    """`text` without empty lines, and with none that begins a block."""
    lines = filter(None, (one.strip(" ") for one in text.split("\n")))
    return "\n".join(_FIRST.sub(r"\\\g<0>", _NUMBER.sub(r"\1\\\2", one)) for one in lines)
