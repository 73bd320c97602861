"""The characters that may stand in what we post: an allow-list by Unicode category, without those that nobody sees."""

import regex

MOST_MARKS = 3  # combining marks on one character; more of them run over the lines above and below
MOST_BLANKS = 16  # in a row; more of them push what follows out of sight
UNKNOWN = "\ufffd"  # is seen in the place of what is not
# Symbols, letters and marks by their category, and yet empty: a braille cell without dots, a note without a head, two
# hieroglyphs that are blanks, two joiners, and the place of an object.
_EMPTY = r"\u2800\U0001D159\U00013441\U00013442\U00016FE4\U0001107F\uFFFC"
_SEEN = rf"[[\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}}]--\p{{Default_Ignorable_Code_Point}}--[{_EMPTY}]]"
_HIDDEN = regex.compile(rf"(?V1)[^{_SEEN} \n\t]")
_BLANK = regex.compile(r"[\p{Zs}\t]")
_LINE_END = regex.compile(r"\r\n|[\n\v\f\r\x85\u2028\u2029]")
_TOO_MANY_MARKS = regex.compile(rf"(\p{{M}}{{{MOST_MARKS}}})\p{{M}}+")
_TOO_MANY_BLANKS = regex.compile(rf" {{{MOST_BLANKS + 1},}}")


def are_seen(text: str) -> bool:
    """Whether each character of a code is seen: blanks are spaces and tabs alone, lines end with a line feed alone."""
    return not _HIDDEN.search(text) and not _TOO_MANY_MARKS.search(text)


def with_plain_lines(text: str) -> str:
    """Each line's end, of whatever kind, as a line feed."""
    return _LINE_END.sub("\n", text)


def readable(text: str) -> str:
    """Prose without what nobody sees; each blank is a space."""
    return _few_marks(_HIDDEN.sub("", _BLANK.sub(" ", with_plain_lines(text))))


def exact(text: str) -> str:
    """Code to the letter, with a sign in the place of each character that is not seen."""
    return _few_marks(_HIDDEN.sub(UNKNOWN, text))


def shortened(text: str, most: int) -> str:
    """At most `most` characters of a text; where some are left out, the last one says so."""
    return text if len(text) <= most else text[: most - 1] + "…"


def on_a_line(text: str) -> str:
    """Code that is shown within a line: tabs and line ends are signs too, and no row of blanks is long."""
    return _TOO_MANY_BLANKS.sub(" ", exact(regex.sub(r"[\n\t]", UNKNOWN, text)))


def _few_marks(text: str) -> str:
    return _TOO_MANY_MARKS.sub(r"\1", text)
