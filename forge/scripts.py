"""The scripts that code is written in, so that no letter passes for another: Unicode's TR 39, "highly restrictive"."""

from functools import cache
from unicodedata import normalize

import regex

# Those that Unicode recommends for identifiers (UAX 31, table 5).
SCRIPTS = (
    "Arabic", "Armenian", "Bengali", "Bopomofo", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati",
    "Gurmukhi", "Han", "Hangul", "Hebrew", "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam",
    "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thaana", "Thai", "Tibetan",
)  # fmt: skip
# What a word may mix: nothing, but for the ways in which Japanese, Chinese and Korean are written.
MIXED = (("Latin", "Han", "Hiragana", "Katakana"), ("Latin", "Han", "Bopomofo"), ("Latin", "Han", "Hangul"))
SHARED = ("Common", "Inherited")

# From Unicode's confusables.txt: what looks like one character of ASCII and is not made that by normalization.
_CODE_POINTS = """
00D7 0131 0184 018D 0196 01A6 01A7 01B7 01BC 01BD 01C0 01C3 021C 0222 0223 0241 0251 0261 0263 0269 026A 026F 028B
028F 0294 02B9 02BB 02BC 02BD 02BE 02C2 02C3 02C4 02C6 02C8 02CA 02CB 02D0 02D7 02F4 02F8 037F 0391 0392 0395 0396
0397 0399 039A 039C 039D 039F 03A1 03A4 03A5 03A7 03B1 03B3 03B9 03BD 03BF 03C1 03C3 03C5 03DC 03F2 03F3 03F9 03FA
0405 0406 0408 0410 0412 0415 0417 041A 041C 041D 041E 0420 0421 0422 0423 0425 042C 0430 0431 0433 0435 043E 0440
0441 0443 0445 0455 0456 0458 0461 0474 0475 04AE 04AF 04BB 04BD 04C0 04CF 04E0 0501 050C 051B 051C 051D 054D 054F
0555 055A 055D 0561 0563 0566 0570 0578 057C 057D 0581 0584 0585 0589 06F0 06F1 06F5 06F7 0903 0966 097D 09E6 09EA
09ED 0A66 0A67 0A6A 0A83 0AE6 0B03 0B20 0B66 0B68 0BE6 0C02 0C66 0C82 0CE6 0D02 0D20 0D66 0D6D 0D82 0E50 0ED0 101D
1040 10E7 10FF 1200 12D0 16EC 16ED 1735 1803 1D04 1D0F 1D11 1D1C 1D20 1D21 1D22 1D26 1D83 1D8C 1E9D 1EFF 2010 2012
2013 2018 2019 201A 201B 2032 2035 2039 203A 2041 2043 2044 204E 2053 205A 212E 2212 2215 2216 2217 2223 2228 222A
2236 223C 22A4 22C1 22C3 22FF 2373 2374 237A 23FD 2571 2573 2768 2769 276E 276F 2772 2773 2774 2775 2795 2796 27CB
27CD 27D9 292B 292C 29F5 29F8 29F9 2A2F 2E40 3007 3014 3015 3033 30A0 30CE 31D3 31D4 4E36 4E3F A644 A647 A731 A75A
A76A A76E A778 A789 A78C A798 A799 A79F A7AB A7B2 A7B3 A7B4 AB32 AB35 AB3D AB47 AB48 AB4E AB52 AB5A FD3E FD3F FE58
FFE8 102F5 1D114 1D16D 1D206 1D20D 1D20F 1D212 1D213 1D216 1D22A 1D236 1D237 1D23A 1D23B 1F74C 1F768
"""
LOOKALIKES = frozenset(chr(int(number, 16)) for number in _CODE_POINTS.split())

_WORD = regex.compile(r"[\w\p{M}]+")


def strange_in(text: str, file: str) -> str:
    """What in `text` could pass for something else beside the text of its file, in words; or an empty text."""
    signs = {sign for sign in text if not sign.isascii()}
    if not signs:
        return ""
    new = signs - set(file)
    if not all(_has_script(file, name) for name in {_script(sign) for sign in new}):
        return "the file has nothing beyond ASCII in one of its scripts"
    if any(_looks_like_ascii(sign) and not _WORD.match(sign) for sign in new):
        return "a sign looks like another one"
    words = {word for word in _WORD.findall(text) if not word.isascii()}
    if not all(map(_is_of_one_script, words)):
        return "a word mixes scripts"
    if any(all(map(_looks_like_ascii, word)) for word in words - set(_WORD.findall(file))):
        return "a word looks like another one"
    return ""


def _script(sign: str) -> str:
    """The script of a character; an empty text for one that is not recommended."""
    return next((name for name in (*SHARED, *SCRIPTS) if regex.match(rf"\p{{Script={name}}}", sign)), "")


def _has_script(file: str, name: str) -> bool:
    return name == "Common" or bool(name and regex.search(rf"(?V1)[\p{{Script={name}}}--\p{{ASCII}}]", file))


def _is_of_one_script(word: str) -> bool:
    return bool(_one_script().fullmatch(word))


@cache
def _one_script() -> "regex.Pattern[str]":
    mixtures = (*((name,) for name in SCRIPTS), *MIXED)
    classes = ("".join(rf"\p{{Script_Extensions={name}}}" for name in (*SHARED, *names)) for names in mixtures)
    return regex.compile("|".join(f"[{one}]*" for one in classes))


def _looks_like_ascii(sign: str) -> bool:
    return sign in LOOKALIKES or normalize("NFKC", sign).isascii()
